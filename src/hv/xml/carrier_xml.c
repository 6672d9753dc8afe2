/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/xml/carrier_xml.h"

#include <string.h>

#include "base/err.h"
#include "hv/xml/xml.h"

/* Where the empty CD-ROM is, and which machine has a place for it there. */
struct board {
	const char *machine, *cdrom, *bus;
};

/* q35 and not pc: distributions have begun to leave that out. */
static struct board board_of(const struct carrier_params *p)
{
	const char *arch = p->arch ? p->arch : "x86_64";
	bool pc = g_str_equal(arch, "x86_64") || g_str_equal(arch, "i686");

	return (struct board){
		.machine = p->machine ? p->machine : pc ? "q35" : NULL,
		.cdrom = "sda",
		.bus = pc ? "sata" : "scsi",
	};
}

const char *carrier_xml_machine(const char *arch)
{
	return board_of(&(struct carrier_params){ .arch = arch }).machine;
}

/* ---- targets ---- */

char *carrier_xml_target(guint i)
{
	char first = i >= 26 ? (char)('a' + i / 26 - 1) : '\0', last = (char)('a' + i % 26);

	g_assert(i < 26 * 27);
	return first ? g_strdup_printf("vd%c%c", first, last) : g_strdup_printf("vd%c", last);
}

char **carrier_xml_targets(const GPtrArray *files)
{
	char **targets = g_new0(char *, files->len + 1);

	for (guint i = 0; i < files->len; i++)
		targets[i] = carrier_xml_target(i);
	return targets;
}

/* ---- writing ---- */

static bool refuse(GError **err, const char *what, const char *path)
{
	g_set_error(err, ERR, ERR_BAD_REQUEST, "a carrier %s%s%.200s", what, path ? ": " : "", path ? path : "");
	return false;
}

static bool is_path(const char *s)
{
	if (!s || *s != '/' || strlen(s) > DOMXML_TEXT_MAX || !g_utf8_validate(s, -1, NULL))
		return false;
	for (; *s; s++)
		if (g_ascii_iscntrl(*s))
			return false;
	return true;
}

static bool check_file(const GPtrArray *files, guint i, GError **err)
{
	static const char *const formats[] = { "qcow2", "raw", NULL };
	const struct carrier_file *f = g_ptr_array_index(files, i);

	if (!is_path(f->path))
		return refuse(err, "takes files by their absolute path, without control characters", NULL);
	if (!f->format || !g_strv_contains(formats, f->format))
		return refuse(err, "takes files as qcow2 or raw", f->path);
	for (guint k = 0; k < i; k++)
		if (g_str_equal(((const struct carrier_file *)g_ptr_array_index(files, k))->path, f->path))
			return refuse(err, "takes a file once", f->path);
	return true;
}

static bool check(const GPtrArray *files, GError **err)
{
	if (!files || files->len == 0)
		return refuse(err, "has files", NULL);
	if (files->len > CARRIER_FILES_MAX) {
		g_set_error(err, ERR, ERR_BAD_REQUEST, "a carrier takes at most %d files, not %u", CARRIER_FILES_MAX, files->len);
		return false;
	}
	for (guint i = 0; i < files->len; i++)
		if (!check_file(files, i, err))
			return false;
	return true;
}

static void add_file(GString *s, guint i, const struct carrier_file *f)
{
	g_autofree char *target = carrier_xml_target(i);
	/*
	 * No cache mode: "none" has nothing on the default in time, and a file system without O_DIRECT refuses it. What is zero stays a
	 * hole at the destination.
	 */
	g_autofree char *disk = g_markup_printf_escaped(
		"    <disk type='file' device='disk'>\n"
		"      <driver name='qemu' type='%s' discard='unmap' detect_zeroes='unmap'/>\n"
		"      <source file='%s'/>\n"
		"      <target dev='%s' bus='virtio'/>\n"
		"    </disk>\n", f->format, f->path, target);

	g_string_append(s, disk);
}

/*
 * At each start libvirt reads the properties of the CPU from QEMU, four hundred questions one after the other: three quarters of the time that a
 * start takes. A carrier's CPU never runs. Without this capability libvirt reads them as it does of QEMUs before 4.1, by two questions.
 */
#define QEMU_NAMESPACE "http://libvirt.org/schemas/domain/qemu/1.0"

static void add_no_cpu_check(GString *s)
{
	g_string_append(s, "  <q:capabilities xmlns:q='" QEMU_NAMESPACE "'>\n    <q:del capability='cpu-unavailable-features'/>\n  </q:capabilities>\n");
}

static void add_head(GString *s, const char *uuid, const char *from, const struct carrier_params *p)
{
	g_autofree char *name = hv_carrier_name(uuid);
	g_autofree char *head = g_markup_printf_escaped(
		"<domain type='qemu'>\n"
		"  <name>%s</name>\n"
		"  <uuid>%s</uuid>\n"
		"  <metadata>\n"
		"    <d:carrier xmlns:d='" DOMXML_NAMESPACE "' task='%s' guest='%s' from='%s'/>\n"
		"  </metadata>\n"
		"  <memory unit='KiB'>%d</memory>\n"
		"  <vcpu>1</vcpu>\n", name, uuid, p->task ? p->task : "", p->guest ? p->guest : "", from, CARRIER_MEM_KIB);

	g_string_append(s, head);
}

static char *attribute(const char *name, const char *value)
{
	return value ? g_markup_printf_escaped(" %s='%s'", name, value) : g_strdup("");
}

/* The boot order has the CD-ROM alone, or QEMU would go on to the disks. */
static void add_board(GString *s, const struct carrier_params *p, const struct board *b)
{
	g_autofree char *arch = attribute("arch", p->arch), *machine = attribute("machine", b->machine);

	g_string_append_printf(s, "  <os>\n    <type%s%s>hvm</type>\n    <boot dev='cdrom'/>\n  </os>\n", arch, machine);
}

char *carrier_xml_write(const char *uuid, const char *from, const struct carrier_params *p, GError **err)
{
	struct board b = board_of(p);
	GString *s;

	if (!check(p->files, err))
		return NULL;
	s = g_string_new(NULL);
	add_head(s, uuid, from, p);
	add_board(s, p, &b);
	g_string_append(s, "  <devices>\n");
	for (guint i = 0; i < p->files->len; i++)
		add_file(s, i, g_ptr_array_index(p->files, i));
	g_string_append_printf(s,
		"    <disk type='file' device='cdrom'>\n"
		"      <driver name='qemu' type='raw'/>\n"
		"      <target dev='%s' bus='%s'/>\n"
		"      <readonly/>\n"
		"    </disk>\n"
		"    <controller type='usb' model='none'/>\n"
		"    <memballoon model='none'/>\n"
		"  </devices>\n", b.cdrom, b.bus);
	if (!p->checks_cpu)
		add_no_cpu_check(s);
	g_string_append(s, "</domain>\n");
	return g_string_free(s, FALSE);
}

/* ---- reading ---- */

static bool read_file(const xmlNode *disk, struct carrier *c, GError **err)
{
	g_autofree char *path = NULL, *format = NULL;

	if (!xml_bounded(xml_attr(xml_child(disk, "source"), "file"), DOMXML_TEXT_MAX, &path, err) ||
	    !xml_name_attr(xml_child(disk, "driver"), "type", &format, err))
		return false;
	if (path)
		(void)carrier_files_add(c->files, path, format);
	return true;
}

static bool read_files(const xmlNode *devices, struct carrier *c, GError **err)
{
	int n = 0;

	for (const xmlNode *d = xml_child(devices, "disk"); d; d = xml_next(d, "disk")) {
		if (++n > DOMXML_DEVICES_MAX)
			return xml_refuse(err, "too many disks");
		if (xml_attr_is(d, "device", "disk") && !read_file(d, c, err))
			return false;
	}
	return true;
}

static bool read_note(const xmlNode *note, struct carrier *c, GError **err)
{
	return xml_name_attr(note, "task", &c->task, err) && xml_name_attr(note, "guest", &c->guest, err) &&
	       xml_name_attr(note, "from", &c->from, err);
}

struct carrier *carrier_xml_read(const char *uuid, const char *xml, GError **err)
{
	g_autoptr(xmlDoc) doc = xml_read(xml, "domain", err);
	const xmlNode *root = doc ? xmlDocGetRootElement(doc) : NULL;
	struct carrier *c;

	if (!root)
		return NULL;
	c = carrier_new(uuid);
	if (read_note(xml_child_in(xml_child(root, "metadata"), DOMXML_NAMESPACE, "carrier"), c, err) && read_files(xml_child(root, "devices"), c, err))
		return c;
	carrier_free(c);
	return NULL;
}

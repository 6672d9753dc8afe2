/* SPDX-License-Identifier: Apache-2.0
 *
 * Golden files: NAME.xml in; what is read of it in NAME.read, and the XML for
 * another host in NAME.moved. REGEN=1 writes them; review the difference.
 */
#include <glib.h>
#include <string.h>

#include "base/err.h"
#include "hv/domxml.h"
#include "hv/libvirt_caps.h"

static const char *const golden[] = {
	"lab", "nova-kvm", "networks", "disks", "chains", "spice", "listen-network", "no-graphics", "odd",
};

static char *golden_path(const char *name, const char *ext)
{
	g_autofree char *file = g_strconcat(name, ".", ext, NULL);

	return g_build_filename(g_getenv("GOLDEN_DIR"), file, NULL);
}

static char *read_file(const char *name, const char *ext)
{
	g_autofree char *path = golden_path(name, ext);
	g_autoptr(GError) err = NULL;
	char *text;

	g_file_get_contents(path, &text, NULL, &err);
	g_assert_no_error(err);
	return text;
}

static void assert_golden(const char *name, const char *ext, const char *got)
{
	g_autofree char *path = golden_path(name, ext);
	g_autofree char *want = NULL;

	if (g_getenv("REGEN")) {
		g_assert_true(g_file_set_contents(path, got, -1, NULL));
		return;
	}
	want = read_file(name, ext);
	g_test_message("%s.%s", name, ext);
	g_assert_cmpstr(got, ==, want);
}

static const char *text(const char *s)
{
	return s ? s : "-";
}

static void write_disk(GString *out, const struct hv_disk *k)
{
	g_string_append_printf(out, "disk %s %s %s%s%s%s%s%s\n", text(k->target), text(k->source), text(k->format),
	                       k->network ? " network" : "", k->block ? " block" : "", k->readonly ? " readonly" : "",
	                       k->cdrom ? " cdrom" : "", k->shareable ? " shareable" : "");
	for (guint i = 0; k->backing && i < k->backing->len; i++) {
		const struct hv_backing *b = g_ptr_array_index(k->backing, i);

		g_string_append_printf(out, "\tover %s %s\n", text(b->path), text(b->format));
	}
}

static void write_dom(GString *out, const struct hv_dom *d)
{
	g_string_append_printf(out, "uuid %s\nname %s\ntitle %s\nvcpus %d\nmemory %" G_GINT64_FORMAT " MiB\n", d->uuid, d->name,
	                       text(d->title), d->vcpus, d->mem_mib);
	g_string_append_printf(out, "type %s %s %s\nvnc %s %d\n", text(d->virt_type), text(d->arch), text(d->machine),
	                       text(d->vnc_listen), d->vnc_port);
	for (guint i = 0; i < d->disks->len; i++)
		write_disk(out, g_ptr_array_index(d->disks, i));
	for (guint i = 0; i < d->nics->len; i++) {
		const struct hv_nic *n = g_ptr_array_index(d->nics, i);

		g_string_append_printf(out, "nic %s %s %s\n", text(n->type), text(n->bridge), text(n->mac));
	}
}

static void test_golden(const void *data)
{
	const char *name = data;
	const struct domxml_changes ch = { .vnc_listen = "192.0.2.12", .spice_listen = "192.0.2.13" };
	g_autofree char *xml = read_file(name, "xml");
	g_autofree char *moved = NULL;
	g_autoptr(GString) out = g_string_new(NULL);
	g_autoptr(GError) err = NULL;
	struct hv_dom *d = domxml_parse(xml, &err);
	struct domxml_cpu cpu;

	g_assert_no_error(err);
	write_dom(out, d);
	domxml_cpu(xml, &cpu, &err);
	g_assert_no_error(err);
	g_string_append_printf(out, "emulator %s\ncpu %s %s\n", text(cpu.emulator), text(cpu.mode), text(cpu.xml));
	assert_golden(name, "read", out->str);
	moved = domxml_rewrite(xml, &ch, &err);
	g_assert_no_error(err);
	assert_golden(name, "moved", moved);
	domxml_cpu_clear(&cpu);
	hv_dom_free(d);
}

#define UUID "<uuid>4dea22b3-1d52-d8f3-2516-782e98ab3fa0</uuid>"
#define HEAD "<domain type='kvm'><name>a</name>" UUID

static const struct {
	const char *name, *xml, *want; /* the error; NULL for none */
} bad[] = {
	{ "empty", "", "XML of the host: not well-formed" },
	{ "blank", " \n", "XML of the host: not well-formed" },
	{ "cut off", HEAD, "XML of the host: not well-formed" },
	{ "two roots", "<domain/><domain/>", "XML of the host: not well-formed" },
	{ "another root", "<network/>", "XML of the host: not the expected element" },
	{ "no uuid", "<domain><name>a</name></domain>", "XML of the host: no valid <uuid>" },
	{ "bad uuid", "<domain><name>a</name><uuid>1</uuid></domain>", "XML of the host: no valid <uuid>" },
	{ "no name", "<domain>" UUID "<memory>1</memory></domain>", "XML of the host: no <name>" },
	{ "no memory", HEAD "</domain>", "XML of the host: no valid <vcpu> or <memory>" },
	{ "least", HEAD "<memory>1</memory></domain>", NULL },
	{ "memory is text", HEAD "<memory>much</memory></domain>", "XML of the host: no valid <vcpu> or <memory>" },
	{ "memory overflows", HEAD "<memory unit='TiB'>9223372036854775807</memory></domain>", "XML of the host: no valid <vcpu> or <memory>" },
	{ "unknown unit", HEAD "<memory unit='pages'>1</memory></domain>", "XML of the host: no valid <vcpu> or <memory>" },
	{ "vcpus", HEAD "<memory>1</memory><vcpu>0</vcpu></domain>", "XML of the host: no valid <vcpu> or <memory>" },
	{ "entities", "<!DOCTYPE domain [<!ENTITY a 'b'>]>" HEAD "<memory>1</memory><title>&a;</title></domain>", "XML of the host: not well-formed" },
	{ "external", "<!DOCTYPE domain SYSTEM 'file:///etc/passwd'>" HEAD "<memory>1</memory></domain>", "XML of the host: not well-formed" },
	{ "doctype behind", HEAD "<memory>1</memory></domain><!DOCTYPE domain>", "XML of the host: not well-formed" },
	{ "unknown entity", HEAD "<memory>1</memory><title>&a;</title></domain>", "XML of the host: not well-formed" },
	{ "not UTF-8", HEAD "<memory>1</memory><title>\xff</title></domain>", "XML of the host: not well-formed" },
};

static void test_bad(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(GError) err = NULL;
		struct hv_dom *d = domxml_parse(bad[i].xml, &err);

		g_test_message("%s: %s", bad[i].name, err ? err->message : "ok");
		g_assert_true(!d == !!err);
		g_assert_cmpstr(err ? err->message : NULL, ==, bad[i].want);
		if (err)
			g_assert_error(err, ERR, ERR_HV);
		hv_dom_free(d);
	}
}

/* A domain whose @what is @n long or many. */
static char *grown(const char *what, size_t n)
{
	GString *s = g_string_new("<domain type='kvm'>" UUID "<memory>1</memory>");
	g_autofree char *name = g_strnfill(!strcmp(what, "name") ? n : 1, 'n');
	g_autofree char *title = g_strnfill(!strcmp(what, "title") ? n : 1, 't');

	g_string_append_printf(s, "<name>%s</name><title>%s</title><devices>", name, title);
	for (size_t i = 0; i < (!strcmp(what, "disks") ? n - 1 : 0); i++)
		g_string_append(s, "<disk/>");
	g_string_append(s, "<disk>");
	for (size_t i = 0; i < (!strcmp(what, "backing files") ? n : 0); i++)
		g_string_append(s, "<backingStore><source/>");
	for (size_t i = 0; i < (!strcmp(what, "backing files") ? n : 0); i++)
		g_string_append(s, "</backingStore>");
	g_string_append(s, "</disk>");
	for (size_t i = 0; i < (!strcmp(what, "nics") ? n : 0); i++)
		g_string_append(s, "<interface/>");
	g_string_append(s, "</devices>");
	for (size_t i = 0; i < (!strcmp(what, "bytes") ? n : 0); i++)
		g_string_append_c(s, ' ');
	g_string_append(s, "</domain>");
	return g_string_free(s, FALSE);
}

static const struct {
	const char *what;
	size_t n;
	bool ok;
} sizes[] = {
	{ "name", DOMXML_NAME_MAX, true },     { "name", DOMXML_NAME_MAX + 1, false },
	{ "title", DOMXML_TEXT_MAX, true },    { "title", DOMXML_TEXT_MAX + 1, false },
	{ "disks", DOMXML_DEVICES_MAX, true }, { "disks", DOMXML_DEVICES_MAX + 1, false },
	{ "nics", DOMXML_DEVICES_MAX, true },  { "nics", DOMXML_DEVICES_MAX + 1, false },
	{ "backing files", DOMXML_BACKING_MAX, true }, { "backing files", DOMXML_BACKING_MAX + 1, false },
	{ "bytes", DOMXML_MAX - 1024, true },  { "bytes", DOMXML_MAX, false },
};

static void test_sizes(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
		g_autofree char *xml = grown(sizes[i].what, sizes[i].n);
		g_autoptr(GError) err = NULL;
		struct hv_dom *d = domxml_parse(xml, &err);

		g_test_message("%zu %s: %s", sizes[i].n, sizes[i].what, err ? err->message : "ok");
		g_assert_cmpint(d != NULL, ==, sizes[i].ok);
		hv_dom_free(d);
	}
}

static const struct {
	const char *text;
	int64_t mib;
} memories[] = {
	{ "<memory>1048576</memory>", 1024 },      { "<memory unit='KiB'>1</memory>", 1 },
	{ "<memory unit='KiB'>1025</memory>", 2 }, { "<memory unit='bytes'>1048576</memory>", 1 },
	{ "<memory unit='b'>1048577</memory>", 2 }, { "<memory unit='MB'>1048576</memory>", 1000000 },
	{ "<memory unit='GiB'>2</memory>", 2048 }, { "<memory unit='T'>1</memory>", 1048576 },
	{ "<memory unit='MiB'> 64 </memory>", 64 }, { "<memory unit='KiB'>0</memory>", 0 },
};

static void test_memory(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(memories); i++) {
		g_autofree char *xml = g_strconcat(HEAD, memories[i].text, "</domain>", NULL);
		g_autoptr(GError) err = NULL;
		struct hv_dom *d = domxml_parse(xml, &err);

		g_test_message("%s", memories[i].text);
		g_assert_no_error(err);
		g_assert_cmpint(d->mem_mib, ==, memories[i].mib);
		hv_dom_free(d);
	}
}

static void test_caps(void)
{
	g_autofree char *xml = read_file("capabilities", "xml");
	g_autoptr(GError) err = NULL;
	g_autoptr(GString) out = g_string_new(NULL);
	g_autofree char *features = NULL;
	struct hv_host_info *i = g_new0(struct hv_host_info, 1);

	lv_caps_parse(xml, i, &err);
	g_assert_no_error(err);
	features = g_strjoinv(" ", i->cpu_features);
	g_string_append_printf(out, "uuid %s\narch %s\ncpu %s %s\nfeatures %s\nkvm %d\n%s\n", i->uuid, i->arch, i->cpu_vendor,
	                       i->cpu_model, features, i->kvm, i->cpu_xml);
	assert_golden("capabilities", "read", out->str);
	hv_host_info_free(i);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(golden); i++) {
		g_autofree char *path = g_strconcat("/domxml/golden/", golden[i], NULL);

		g_test_add_data_func(path, golden[i], test_golden);
	}
	g_test_add_func("/domxml/bad", test_bad);
	g_test_add_func("/domxml/sizes", test_sizes);
	g_test_add_func("/domxml/memory", test_memory);
	g_test_add_func("/domxml/capabilities", test_caps);
	return g_test_run();
}

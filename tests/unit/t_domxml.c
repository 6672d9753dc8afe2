/* SPDX-License-Identifier: Apache-2.0
 *
 * Golden files: NAME.xml in; what is read of it in NAME.read, and the XML for
 * another host in NAME.moved. REGEN=1 writes them; review the difference.
 */
#include <glib.h>
#include <string.h>

#include "base/err.h"
#include "hv/libvirt/caps.h"
#include "hv/libvirt/vol.h"
#include "hv/xml/domxml_cpu.h"
#include "hv/xml/domxml_log.h"
#include "hv/xml/domxml_needs.h"
#include "hv/xml/domxml_parse.h"
#include "hv/xml/domxml_rewrite.h"
#include "hv/xml/xml.h"

static const char *const golden[] = {
	"lab", "nova-kvm", "networks", "disks", "chains", "spice", "listen-network", "no-graphics", "odd", "pinned-numa", "tied",
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

static const char *const source_kinds[HV_SOURCE_N] = {
	[HV_SOURCE_FILE] = "", [HV_SOURCE_NETWORK] = " network", [HV_SOURCE_LOOPBACK] = " loopback", [HV_SOURCE_DEVICE] = " device", [HV_SOURCE_OTHER] = " other",
};

static void write_disk(GString *out, const struct hv_disk *k)
{
	g_string_append_printf(out, "disk %s %s %s%s%s%s%s%s%s\n", text(k->target), text(k->source), text(k->format), source_kinds[k->kind],
	                       k->pool ? " of pool " : "", k->pool ? k->pool : "", k->readonly ? " readonly" : "",
	                       k->cdrom ? " cdrom" : "", k->shareable ? " shareable" : "");
	for (guint i = 0; k->backing && i < k->backing->len; i++) {
		const struct hv_backing *b = g_ptr_array_index(k->backing, i);

		g_string_append_printf(out, "\tover %s %s%s%s%s\n", text(b->path), text(b->format), source_kinds[b->kind], b->pool ? " of pool " : "",
		                       b->pool ? b->pool : "");
	}
}

static void write_set(GString *out, const char *what, const struct cpuset *set)
{
	g_autofree char *s = cpuset_text(set);

	if (*s)
		g_string_append_printf(out, "%s %s\n", what, s);
}

static void write_pins(GString *out, const char *what, const GArray *pins)
{
	for (guint i = 0; i < pins->len; i++) {
		const struct hv_pin *p = &g_array_index(pins, struct hv_pin, i);
		g_autofree char *name = g_strdup_printf("%s %d on", what, p->id);

		write_set(out, name, &p->cpus);
	}
}

static void write_place(GString *out, const struct hv_numa_fit *p)
{
	write_set(out, "cpuset", &p->cpuset);
	write_set(out, "emulator on", &p->emulator);
	write_set(out, p->strict ? "memory strictly of" : "memory of", &p->nodes);
	write_pins(out, "vcpu", p->pins);
	write_pins(out, "iothread", p->iothreads);
	for (guint i = 0; i < p->cells->len; i++) {
		const struct hv_cell *c = &g_array_index(p->cells, struct hv_cell, i);
		g_autofree char *vcpus = cpuset_text(&c->vcpus), *nodes = cpuset_text(&c->nodes);

		g_string_append_printf(out, "cell %u vcpus %s memory %" G_GINT64_FORMAT " MiB pages %" G_GINT64_FORMAT " KiB of %s\n", i, vcpus,
				       c->mem_mib, c->page_kib, nodes);
	}
	if (p->page_kib)
		g_string_append_printf(out, "pages %" G_GINT64_FORMAT " KiB\n", p->page_kib);
	if (p->threads)
		g_string_append(out, "threads\n");
}

static void write_ties(GString *out, const struct hv_ties *t)
{
	static const char *const tpms[] = { [HV_TPM_EMULATOR] = "emulator", [HV_TPM_SECRET] = "secret", [HV_TPM_HOST] = "host" };

	for (guint i = 0; i < t->devices->len; i++)
		g_string_append_printf(out, "device %s\n", (char *)g_ptr_array_index(t->devices, i));
	for (guint i = 0; i < t->mdevs->len; i++)
		g_string_append_printf(out, "mdev %s\n", (char *)g_ptr_array_index(t->mdevs, i));
	if (t->vpmem || t->shares)
		g_string_append_printf(out, "vpmem %d shares %d\n", t->vpmem, t->shares);
	if (t->sealed)
		g_string_append_printf(out, "sealed %s\n", t->sealed);
	if (t->tpm)
		g_string_append_printf(out, "tpm %s\n", tpms[t->tpm]);
	write_place(out, t->numa_fit);
}

static void write_dom(GString *out, const struct hv_dom *d)
{
	g_string_append_printf(out, "uuid %s\nname %s\ntitle %s\nvcpus %d\nmemory %" G_GINT64_FORMAT " MiB\n", d->uuid, d->name,
	                       text(d->title), d->vcpus, d->mem_mib);
	if (d->priority)
		g_string_append_printf(out, "priority %d\n", d->priority);
	if (d->shutdown_timeout)
		g_string_append_printf(out, "shutdown_timeout %s\n", d->shutdown_timeout);
	g_string_append_printf(out, "type %s %s %s\nvnc %s %d\n", text(d->virt_type), text(d->arch), text(d->machine),
	                       text(d->vnc_listen), d->vnc_port);
	if (d->spice_listen)
		g_string_append_printf(out, "spice %s\n", d->spice_listen);
	for (guint i = 0; i < d->disks->len; i++)
		write_disk(out, g_ptr_array_index(d->disks, i));
	for (guint i = 0; i < d->nics->len; i++) {
		const struct hv_nic *n = g_ptr_array_index(d->nics, i);

		g_string_append_printf(out, "nic %s %s %s%s%s", text(n->type), text(n->bridge), text(n->mac), n->passthrough ? " passthrough" : "",
				       n->failover ? " failover" : "");
		if (n->floor_kibs)
			g_string_append_printf(out, " floor %" G_GINT64_FORMAT, n->floor_kibs);
		g_string_append_c(out, '\n');
	}
	write_ties(out, d->ties);
}

static void shift(struct cpuset *s, int by)
{
	struct cpuset old = *s;

	*s = (struct cpuset){ { 0 } };
	CPUSET_EACH(n, &old)
		cpuset_add(s, n + by);
}

/* As if each CPU were four further there, and each node one. */
static struct hv_numa_fit *elsewhere(const struct hv_numa_fit *here)
{
	struct hv_numa_fit *p = hv_numa_fit_copy(here);

	shift(&p->cpuset, 4);
	shift(&p->emulator, 4);
	shift(&p->nodes, 1);
	for (guint i = 0; i < p->pins->len; i++)
		shift(&g_array_index(p->pins, struct hv_pin, i).cpus, 4);
	for (guint i = 0; i < p->iothreads->len; i++)
		shift(&g_array_index(p->iothreads, struct hv_pin, i).cpus, 4);
	for (guint i = 0; i < p->cells->len; i++)
		shift(&g_array_index(p->cells, struct hv_cell, i).nodes, 1);
	return p;
}

static void test_golden(const void *data)
{
	const char *name = data;
	/* vde is a volume, vda is none */
	static const char *const files[] = { "vde", "/srv/v&1.qcow2", "vda", "/srv/other", NULL };
	struct domxml_changes ch = { .vnc_listen = "192.0.2.12", .spice_listen = "192.0.2.13", .files = files };
	g_autofree char *xml = read_file(name, "xml");
	struct hv_numa_fit *place;
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
	ch.numa_fit = place = elsewhere(d->ties->numa_fit);
	moved = domxml_rewrite(xml, &ch, &err);
	g_assert_no_error(err);
	assert_golden(name, "moved", moved);
	hv_numa_fit_free(place);
	domxml_cpu_clear(&cpu);
	hv_dom_free(d);
}

static const struct {
	const char *graphics;
	bool elsewhere; /* than VNC at .12 and SPICE at .13 */
} listens[] = {
	{ "", false },
	{ "<graphics type='vnc' listen='192.0.2.12'/>", false },
	{ "<graphics type='vnc' listen='192.0.2.11'/>", true },
	{ "<graphics type='vnc'/>", true },
	{ "<graphics type='vnc' listen='192.0.2.12'><listen type='address' address='192.0.2.12'/></graphics>", false },
	{ "<graphics type='vnc'><listen type='address' address='192.0.2.11'/></graphics>", true },
	{ "<graphics type='vnc'><listen type='network' network='n' address='192.0.2.11'/></graphics>", false },
	{ "<graphics type='vnc'><listen type='none'/></graphics>", false },
	{ "<graphics type='spice' listen='192.0.2.13'/>", false },
	{ "<graphics type='spice' listen='192.0.2.12'/>", true },
	{ "<graphics type='vnc' listen='192.0.2.12'/><graphics type='spice' listen='192.0.2.11'/>", true },
	{ "<graphics type='vnc' listen='192.0.2.12'/><graphics type='vnc' listen='192.0.2.11'/>", true },
	{ "<graphics type='sdl'/><graphics type='egl-headless'/>", false },
};

/* A precheck has read them already: no second look into the XML. */
static void assert_needs_have(const char *xml, const GPtrArray *found)
{
	struct domxml_needs n = { .source = NULL };

	g_assert_true(domxml_needs(xml, &n, NULL));
	g_assert_cmpuint(n.listeners->len, ==, found->len);
	for (guint i = 0; i < found->len; i++) {
		const struct domxml_listener *a = g_ptr_array_index(found, i), *b = g_ptr_array_index(n.listeners, i);

		g_assert_cmpstr(a->type, ==, b->type);
		g_assert_cmpstr(a->address, ==, b->address);
	}
	domxml_needs_clear(&n);
}

/* F11: each server of each kind counts, not the first VNC alone. */
static void test_listens(void)
{
	const struct domxml_changes ch = { .vnc_listen = "192.0.2.12", .spice_listen = "192.0.2.13" }, none = { .vnc_listen = NULL };

	for (size_t i = 0; i < G_N_ELEMENTS(listens); i++) {
		g_autofree char *xml = g_strdup_printf("<domain><devices>%s</devices></domain>", listens[i].graphics);

		g_autoptr(GPtrArray) found = domxml_listeners(xml);

		g_test_message("%s", listens[i].graphics);
		g_assert_cmpint(domxml_listens_elsewhere(found, &ch), ==, listens[i].elsewhere);
		g_assert_false(domxml_listens_elsewhere(found, &none));
		assert_needs_have(xml, found);
	}
	g_assert_null(domxml_listeners("<domain>"));
	g_assert_false(domxml_listens_elsewhere(NULL, &ch));
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
	{ "no set of CPUs", HEAD "<memory>1</memory><vcpu cpuset='a'>1</vcpu></domain>", "XML of the host: no valid set of CPUs" },
	{ "CPU too high", HEAD "<memory>1</memory><vcpu cpuset='2048'>1</vcpu></domain>", "XML of the host: no valid set of CPUs" },
	{ "pin of none", HEAD "<memory>1</memory><cputune><vcpupin cpuset='1'/></cputune></domain>", "XML of the host: no valid pin of a CPU" },
	{ "pin too high", HEAD "<memory>1</memory><cputune><vcpupin vcpu='4097' cpuset='1'/></cputune></domain>", "XML of the host: no valid pin of a CPU" },
	{ "cell too high", HEAD "<memory>1</memory><cpu><numa><cell id='128' memory='1'/></numa></cpu></domain>", "XML of the host: no valid NUMA cell" },
	{ "cell of no size", HEAD "<memory>1</memory><cpu><numa><cell id='0'/></numa></cpu></domain>", "XML of the host: no valid NUMA cell" },
	{ "node of no cell", HEAD "<memory>1</memory><numatune><memnode cellid='0' nodeset='0'/></numatune></domain>", "XML of the host: a <memnode> without a NUMA cell" },
	{ "pages of no size", HEAD "<memory>1</memory><memoryBacking><hugepages><page/></hugepages></memoryBacking></domain>", "XML of the host: no valid size of pages" },
	{ "mdev of none", HEAD "<memory>1</memory><devices><hostdev type='mdev'/></devices></domain>", "XML of the host: a mediated device without a UUID" },
	{ "floor is text", HEAD "<memory>1</memory><devices><interface><bandwidth><inbound floor='x'/></bandwidth></interface></devices></domain>", "XML of the host: no valid <inbound floor>" },
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

	g_autofree char *limit = g_strnfill(!strcmp(what, "shutdown_timeout") ? n : 1, '1');

	g_string_append_printf(s, "<metadata><d:guest xmlns:d='urn:drover' os_shutdown_timeout='%s'/></metadata>", limit);
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
	for (size_t i = 0; i < (!strcmp(what, "hostdevs") ? n : 0); i++)
		g_string_append(s, "<hostdev/>");
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
	{ "title", DOMXML_TEXT_MAX, true },    { "title", DOMXML_TEXT_MAX + 1, true },
	{ "shutdown_timeout", DOMXML_NAME_MAX + 1, true },
	{ "disks", DOMXML_DEVICES_MAX, true }, { "disks", DOMXML_DEVICES_MAX + 1, false },
	{ "nics", DOMXML_DEVICES_MAX, true },  { "nics", DOMXML_DEVICES_MAX + 1, false },
	{ "backing files", DOMXML_BACKING_MAX, true }, { "backing files", DOMXML_BACKING_MAX + 1, false },
	{ "hostdevs", DOMXML_DEVICES_MAX, true },  { "hostdevs", DOMXML_DEVICES_MAX + 1, false },
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

/* A value is what libxml2 says it is, whether it is in one piece or not. */
static void test_values(void)
{
	static const struct {
		const char *xml, *attr, *text; /* NULL: there is none */
	} cases[] = {
		{ "<domain a='plain'>plain</domain>", "plain", "plain" },
		{ "<domain a=''></domain>", "", "" },
		{ "<domain/>", NULL, "" },
		{ "<domain a='a &amp; b'>a &amp; b</domain>", "a & b", "a & b" },
		{ "<domain a='&#97;&quot;'>&#97;&#x62;c</domain>", "a\"", "abc" },
		{ "<domain a='&lt;'> one<!-- two -->three\n</domain>", "<", "onethree" },
		{ "<domain a='x y'><![CDATA[<raw>]]></domain>", "x y", "<raw>" },
		{ "<domain a='1'>one<b>two</b></domain>", "1", "onetwo" },
		{ "<domain xmlns:n='urn:n' n:a='theirs' a='ours'>t</domain>", "ours", "t" },
		{ "<domain xmlns:n='urn:n' n:a='theirs'>t</domain>", NULL, "t" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		for (int glance = 0; glance < 2; glance++) {
			g_autoptr(GError) err = NULL;
			g_autoptr(xmlDoc) doc = (glance ? xml_glance : xml_read)(cases[i].xml, "domain", &err);
			const xmlNode *root = doc ? xmlDocGetRootElement(doc) : NULL;
			g_autofree char *attr = xml_attr(root, "a"), *text = xml_text(root);

			g_test_message("%s", cases[i].xml);
			g_assert_no_error(err);
			g_assert_cmpstr(attr, ==, cases[i].attr);
			g_assert_cmpstr(text, ==, cases[i].text);
			g_assert_true(xml_attr_is(root, "a", cases[i].attr));
			g_assert_false(xml_attr_is(root, "a", "another"));
		}
	}
	g_assert_null(xml_attr(NULL, "a"));
	g_assert_null(xml_text(NULL));
	g_assert_false(xml_attr_is(NULL, "a", ""));
	g_assert_true(xml_attr_is(NULL, "a", NULL));
}

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

static void write_node(GString *out, const struct hv_numa *numa, const struct hv_node *n)
{
	g_autofree char *cpus = cpuset_text(&n->cpus);

	g_string_append_printf(out, "node %d memory %" G_GINT64_FORMAT " MiB cpus %s cores", n->id, n->mem_mib, cpus);
	CPUSET_EACH(c, &n->cpus)
		g_string_append_printf(out, " %d", numa->core[c]);
	for (int k = 0; k < HV_PAGE_SIZES && n->pages[k].size_kib; k++)
		g_string_append_printf(out, " pages %" G_GINT64_FORMAT " of %" G_GINT64_FORMAT " KiB", n->pages[k].total, n->pages[k].size_kib);
	g_string_append_c(out, '\n');
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
	for (guint k = 0; k < i->numa->nodes->len; k++)
		write_node(out, i->numa, &g_array_index(i->numa->nodes, struct hv_node, k));
	assert_golden("capabilities", "read", out->str);
	hv_host_info_free(i);
}

#define CAPS(cells) "<capabilities><host><topology><cells>" cells "</cells></topology></host></capabilities>"

#define HOST(uuid) "<capabilities><host><uuid>" uuid "</uuid></host></capabilities>"

/* F4: what makes no sense of a host is left out; the rest of it counts. */
static const struct {
	const char *name, *xml;
	int nodes, cpus;  /* -1: not told */
	const char *uuid;
} caps[] = {
	{ "no cells", "<capabilities/>", -1, 0, "" },
	{ "empty", CAPS(""), 0, 0, "" },
	{ "no id", CAPS("<cell/><cell id='0'/>"), 1, 0, "" },
	{ "id too high", CAPS("<cell id='1'/><cell id='2048'/>"), 1, 0, "" },
	{ "CPU without id", CAPS("<cell id='0'><cpus><cpu/><cpu id='1'/></cpus></cell>"), 1, 1, "" },
	{ "CPU too high", CAPS("<cell id='0'><cpus><cpu id='3'/><cpu id='2048'/></cpus></cell>"), 1, 1, "" },
	{ "least", CAPS("<cell id='0'><cpus><cpu id='2047'/></cpus></cell>"), 1, 1, "" },
	{ "no UUID", HOST("4dea22b3"), -1, 0, "" },
	{ "UUID", HOST("4DEA22B3-1d52-d8f3-2516-782e98ab3fa0"), -1, 0, "4dea22b3-1d52-d8f3-2516-782e98ab3fa0" },
};

static void test_tsc_caps(void)
{
	static const struct {
		const char *counters;
		int64_t hz;
		enum hv_tristate scaling;
	} hosts[] = {
		{ "", 0, HV_NOT_TOLD },
		{ "<counter name='tsc' frequency='2200000000' scaling='no'/>", 2200000000, HV_NO },
		{ "<counter name='pit' frequency='1' scaling='no'/><counter name='tsc' frequency='2200000000' scaling='yes'/>", 2200000000, HV_YES },
		{ "<counter name='tsc' frequency='2200000000'/>", 2200000000, HV_NOT_TOLD },
		{ "<counter name='tsc' frequency='-1' scaling='no'/><counter name='tsc'/><counter/>", 0, HV_NOT_TOLD },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(hosts); i++) {
		g_autofree char *xml = g_strdup_printf("<capabilities><host><cpu>%s</cpu></host></capabilities>", hosts[i].counters);
		struct hv_host_info *info = g_new0(struct hv_host_info, 1);

		g_test_message("%s", hosts[i].counters);
		lv_caps_parse(xml, info, NULL);
		g_assert_cmpint(info->tsc_hz, ==, hosts[i].hz);
		g_assert_cmpint(info->tsc_scaling, ==, hosts[i].scaling);
		hv_host_info_free(info);
	}
}

/* 2,048 CPUs in 128 cells, each with its distances and pages: 1.5 MiB, as large hosts tell them; and what is over libvirt's own limit. */
static void test_large_caps(void)
{
	g_autoptr(GString) xml = g_string_new("<capabilities><host><topology><cells>");
	g_autofree char *larger = NULL;
	struct hv_host_info *info = g_new0(struct hv_host_info, 1);
	g_autoptr(GError) err = NULL;

	for (int cell = 0; cell < DOMXML_CELLS_MAX; cell++) {
		g_string_append_printf(xml, "<cell id='%d'><memory unit='KiB'>528280977</memory><distances>", cell);
		for (int k = 0; k < DOMXML_CELLS_MAX; k++)
			g_string_append_printf(xml, "<sibling id='%d' value='%d'/>\n                ", k, k == cell ? 10 : 32);
		g_string_append(xml, "</distances><cpus>");
		for (int k = 0; k < 16; k++)
			g_string_append_printf(xml, "<cpu id='%d' socket_id='%d' die_id='0' cluster_id='0' core_id='%d' siblings='%d,%d'/>\n%*s", cell * 16 + k,
					       cell, k, cell * 16 + k, cell * 16 + (k ^ 1), 160, "");
		g_string_append(xml, "</cpus></cell>");
	}
	g_string_append(xml, "</cells></topology></host></capabilities>");
	g_assert_cmpuint(xml->len, >, DOMXML_MAX);
	g_assert_true(lv_caps_parse(xml->str, info, &err));
	g_assert_no_error(err);
	g_assert_cmpuint(info->numa->nodes->len, ==, DOMXML_CELLS_MAX);
	larger = g_strdup_printf("<capabilities>%*s</capabilities>", XML_HOST_MAX, "");
	g_assert_false(lv_caps_parse(larger, info, &err));
	g_assert_error(err, ERR, ERR_HV);
	hv_host_info_free(info);
}

static void test_bad_caps(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(caps); i++) {
		struct hv_host_info *info = g_new0(struct hv_host_info, 1);
		g_autoptr(GError) err = NULL;
		int cpus = 0;

		g_test_message("%s", caps[i].name);
		g_assert_true(lv_caps_parse(caps[i].xml, info, &err));
		g_assert_no_error(err);
		g_assert_cmpint(info->numa ? (int)info->numa->nodes->len : -1, ==, caps[i].nodes);
		for (int k = 0; k < caps[i].nodes; k++)
			cpus += cpuset_count(&g_array_index(info->numa->nodes, struct hv_node, k).cpus);
		g_assert_cmpint(cpus, ==, caps[i].cpus);
		g_assert_cmpstr(info->uuid, ==, caps[i].uuid);
		hv_host_info_free(info);
	}
}

/* More nodes and features than are taken. */
static void test_big_caps(void)
{
	g_autoptr(GString) s = g_string_new("<capabilities><host><cpu><arch>x86_64</arch>");
	struct hv_host_info *info = g_new0(struct hv_host_info, 1);
	g_autoptr(GError) err = NULL;

	for (int i = 0; i < 2000; i++)
		g_string_append_printf(s, "<feature name='f%d'/>", i);
	g_string_append(s, "</cpu><topology><cells>");
	for (int i = 0; i < DOMXML_CELLS_MAX + 2; i++)
		g_string_append_printf(s, "<cell id='%d'/>", i);
	g_string_append(s, "</cells></topology></host></capabilities>");
	g_assert_true(lv_caps_parse(s->str, info, &err));
	g_assert_no_error(err);
	g_assert_cmpuint(g_strv_length(info->cpu_features), ==, 1024);
	g_assert_cmpuint(info->numa->nodes->len, ==, DOMXML_CELLS_MAX);
	g_assert_cmpstr(info->arch, ==, "x86_64");
	hv_host_info_free(info);
}

#define DOMCAPS(tpm) "<domainCapabilities><devices>" tpm "</devices></domainCapabilities>"
#define BACKENDS(model) "<tpm supported='yes'><enum name='model'><value>tpm-tis</value></enum><enum name='backendModel'>" model "</enum></tpm>"

static const struct {
	const char *xml;
	bool emulator;
} domcaps[] = {
	{ DOMCAPS(""), false },
	{ DOMCAPS("<tpm supported='no'/>"), false },
	{ DOMCAPS(BACKENDS("<value>passthrough</value>")), false },
	{ DOMCAPS(BACKENDS("<value>passthrough</value><value>emulator</value>")), true },
	{ DOMCAPS("<tpm supported='yes'><enum name='model'><value>emulator</value></enum></tpm>"), false },
};

static void test_domcaps(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(domcaps); i++) {
		struct hv_host_info *info = g_new0(struct hv_host_info, 1);
		g_autoptr(GError) err = NULL;

		g_test_message("%s", domcaps[i].xml);
		g_assert_true(lv_domcaps_parse(domcaps[i].xml, info, &err));
		g_assert_cmpint(info->tpm_emulator, ==, domcaps[i].emulator);
		hv_host_info_free(info);
	}
}

/* Of a disk's <source>, or of what it is laid over. */
static const struct {
	const char *source;
	enum hv_source kind;
} servers[] = {
	{ "protocol='rbd' name='p/i'", HV_SOURCE_NETWORK },
	{ "protocol='nbd' name='x'><host name='192.0.2.1' port='10809'/", HV_SOURCE_NETWORK },
	{ "protocol='nbd' name='x'><host name='localhost' port='10809'/", HV_SOURCE_LOOPBACK },
	{ "protocol='nbd' name='x'><host name='LOCALHOST.localdomain'/", HV_SOURCE_LOOPBACK },
	{ "protocol='nbd' name='x'><host name='localhosts.example.com'/", HV_SOURCE_NETWORK },
	{ "protocol='iscsi' name='iqn.x/1'><host name='127.0.0.1'/", HV_SOURCE_LOOPBACK },
	{ "protocol='iscsi' name='iqn.x/1'><host name='127.1'/", HV_SOURCE_LOOPBACK },
	{ "protocol='iscsi' name='iqn.x/1'><host name='128.0.0.1'/", HV_SOURCE_NETWORK },
	{ "protocol='iscsi' name='iqn.x/1'><host name='0.0.0.0'/", HV_SOURCE_LOOPBACK },
	{ "protocol='iscsi' name='iqn.x/1'><host name='::1'/", HV_SOURCE_LOOPBACK },
	{ "protocol='iscsi' name='iqn.x/1'><host name='::ffff:127.0.0.1'/", HV_SOURCE_LOOPBACK },
	{ "protocol='iscsi' name='iqn.x/1'><host name='2001:db8::1'/", HV_SOURCE_NETWORK },
	{ "protocol='nbd'><host transport='unix' socket='/run/nbd'/", HV_SOURCE_LOOPBACK },
	{ "protocol='gluster' name='v/i'><host name='localhost'/><host name='192.0.2.2'/", HV_SOURCE_NETWORK },
	{ "protocol='gluster' name='v/i'><host name='localhost'/><host transport='unix' socket='/run/g'/", HV_SOURCE_LOOPBACK },
};

static void test_servers(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(servers); i++) {
		g_autofree char *disk = g_strdup_printf("<source %s></source>", servers[i].source);
		g_autofree char *xml = g_strdup_printf("<domain type='kvm'><name>a</name><uuid>0f4d5c62-7c6d-4f0e-8d2a-5b1a8a5a0001</uuid><memory>1024</memory>"
						       "<devices><disk type='network'>%s</disk><disk type='file'><source file='/a'/><backingStore type='network'>"
						       "<format type='raw'/>%s</backingStore></disk></devices></domain>", disk, disk);
		g_autoptr(GError) err = NULL;
		struct hv_dom *d;
		const struct hv_disk *over;

		g_test_message("%s", servers[i].source);
		d = domxml_parse(xml, &err);
		g_assert_no_error(err);
		over = g_ptr_array_index(d->disks, 1);
		g_assert_cmpint(((const struct hv_disk *)g_ptr_array_index(d->disks, 0))->kind, ==, servers[i].kind);
		g_assert_cmpint(((const struct hv_backing *)g_ptr_array_index(over->backing, 0))->kind, ==, servers[i].kind);
		hv_dom_free(d);
	}
}

/* A console is reached by TCP alone. */
static void test_no_address(void)
{
	static const struct {
		const char *graphics, *want;
	} rows[] = {
		{ "<graphics type='vnc'><listen type='socket' socket='/run/vnc.sock'/></graphics>", HV_NO_ADDRESS },
		{ "<graphics type='vnc' socket='/run/vnc.sock'><listen type='socket' socket='/run/vnc.sock'/></graphics>", HV_NO_ADDRESS },
		{ "<graphics type='vnc' port='-1'><listen type='none'/></graphics>", HV_NO_ADDRESS },
		{ "<graphics type='vnc'><listen type='network' network='n'/></graphics>", "" },
		{ "<graphics type='vnc' listen='::1'><listen type='address' address='::1'/></graphics>", "::1" },
		{ "<graphics type='spice'><listen type='none'/></graphics>", NULL },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *xml = g_strdup_printf("<domain type='qemu'><name>n</name><uuid>4dea22b3-1d52-d8f3-2516-782e98ab3fa4</uuid><memory>65536</memory>"
						       "<vcpu>1</vcpu><devices>%s</devices></domain>", rows[i].graphics);
		g_autoptr(GError) err = NULL;
		struct hv_dom *d = domxml_parse(xml, &err);

		g_assert_no_error(err);
		g_test_message("%s", rows[i].graphics);
		g_assert_cmpstr(d->vnc_listen, ==, rows[i].want);
		hv_dom_free(d);
	}
}

static void test_devices(void)
{
	static const char xml[] = "<domainCapabilities><devices><graphics supported='yes'><enum name='type'><value>vnc</value></enum></graphics>"
				  "<video supported='yes'><enum name='modelType'><value>vga</value><value>qxl</value></enum></video>"
				  "<rng supported='no'/><tpm supported='yes'><enum name='model'/></tpm></devices></domainCapabilities>";
	static const struct {
		const char *device;
		enum hv_found found;
	} kinds[] = {
		{ "graphics type vnc", HV_FOUND }, { "graphics type spice", HV_FOUND_NOT }, { "video model qxl", HV_FOUND },
		{ "video model virtio", HV_FOUND_NOT }, { "rng model virtio", HV_FOUND_UNKNOWN }, { "tpm model tpm-crb", HV_FOUND_NOT },
		{ "sound model ich9", HV_FOUND_UNKNOWN },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
		g_test_message("%s", kinds[i].device);
		g_assert_cmpint(lv_domcaps_device(xml, kinds[i].device), ==, kinds[i].found);
		g_assert_cmpint(lv_domcaps_device("<no", kinds[i].device), ==, HV_FOUND_UNKNOWN);
	}
}

#define POOL(type, source) "<pool type='" type "'><source>" source "</source></pool>"

/* Volumes of pools, by the pool's type. */
static const struct {
	const char *pool;
	int type;
	const char *path;
	enum hv_source kind;
} volumes[] = {
	{ POOL("dir", ""), VIR_STORAGE_VOL_FILE, "/srv/a.qcow2", HV_SOURCE_FILE },
	{ POOL("netfs", "<host name='localhost'/>"), VIR_STORAGE_VOL_FILE, "/srv/a.qcow2", HV_SOURCE_FILE }, /* a marker tells */
	{ POOL("logical", "<name>vg0</name>"), VIR_STORAGE_VOL_BLOCK, "/dev/vg0/a", HV_SOURCE_DEVICE },
	{ POOL("iscsi", "<host name='192.0.2.9'/>"), VIR_STORAGE_VOL_BLOCK, "/dev/disk/by-path/ip-192.0.2.9:3260-lun-1", HV_SOURCE_DEVICE },
	{ POOL("scsi", "<adapter name='host3'/>"), VIR_STORAGE_VOL_BLOCK, "/dev/disk/by-path/pci-0000:03:00.0-scsi-0:0:0:1", HV_SOURCE_DEVICE },
	{ POOL("mpath", ""), VIR_STORAGE_VOL_BLOCK, "/dev/mapper/mpatha", HV_SOURCE_DEVICE },
	{ POOL("disk", "<device path='/dev/sdb'/>"), VIR_STORAGE_VOL_BLOCK, "/dev/sdb1", HV_SOURCE_DEVICE },
	{ POOL("zfs", "<name>tank</name>"), VIR_STORAGE_VOL_BLOCK, "/dev/zvol/tank/a", HV_SOURCE_DEVICE },
	{ POOL("iscsi-direct", "<host name='192.0.2.9'/>"), VIR_STORAGE_VOL_NETWORK, "ip-192.0.2.9:3260-iscsi-iqn.x-lun-1", HV_SOURCE_NETWORK },
	{ POOL("iscsi-direct", "<host name='127.0.0.1'/>"), VIR_STORAGE_VOL_NETWORK, "ip-127.0.0.1:3260-iscsi-iqn.x-lun-1", HV_SOURCE_LOOPBACK },
	{ POOL("gluster", "<host name='localhost'/><name>vol</name>"), VIR_STORAGE_VOL_NETWORK, "gluster://localhost/vol/a", HV_SOURCE_LOOPBACK },
	{ POOL("rbd", "<name>volumes</name><host name='192.0.2.5'/>"), VIR_STORAGE_VOL_NETWORK, "volumes/a", HV_SOURCE_NETWORK },
	{ POOL("dir", ""), VIR_STORAGE_VOL_DIR, "/srv/a", HV_SOURCE_OTHER },
	{ POOL("dir", ""), VIR_STORAGE_VOL_PLOOP, "/srv/a", HV_SOURCE_OTHER },
	{ POOL("dir", ""), 99, "/srv/a", HV_SOURCE_OTHER },
};

/* When a volume was changed. */
static void test_times(void)
{
	static const struct {
		const char *text;
		int64_t want;
	} cases[] = {
		{ "<t>1341933637.273190990</t>", INT64_C(1341933637273190990) }, { "<t>\n 7.000000001 </t>", INT64_C(7000000001) },
		{ "<t>1341933637</t>", INT64_C(1341933637000000000) }, { "<t/>", 0 }, { "<t>-1</t>", 0 }, { "<t>1.5</t>", 0 }, { "<t>1.</t>", 0 },
		{ "<t>1.1234567890</t>", 0 }, { "<t>1.-12345678</t>", 0 }, { "<t>9223372037</t>", 0 }, { "<t>x</t>", 0 }, { "<t>.000000001</t>", 0 },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(xmlDoc) doc = xml_read(cases[i].text, "t", NULL);

		g_test_message("%s", cases[i].text);
		g_assert_cmpint(xml_time_ns(xmlDocGetRootElement(doc)), ==, cases[i].want);
	}
	g_assert_cmpint(xml_time_ns(NULL), ==, 0);
}

static void test_volumes(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(volumes); i++) {
		g_autoptr(xmlDoc) doc = xml_read(volumes[i].pool, "pool", NULL);

		g_test_message("%s %s", volumes[i].pool, volumes[i].path);
		g_assert_cmpint(lv_vol_kind(volumes[i].type, volumes[i].path, xmlDocGetRootElement(doc)), ==, volumes[i].kind);
	}
}

/* Where the console is written down, if it is. */
static void test_log(void)
{
	static const struct {
		const char *devices, *want; /* "!": it cannot be read */
	} rows[] = {
		{ "<serial type='pty'><log file='/var/log/a' append='on'/></serial>", "/var/log/a" },
		{ "<serial type='file'><source path='/var/log/b'/></serial>", "/var/log/b" },
		{ "<serial type='file'><source path='/var/log/b'/><log file='/var/log/c'/></serial>", "/var/log/c" },
		{ "<serial type='pty'/><serial type='file'><source path='/d'/></serial><console type='pty'><log file='/e'/></console>", "/d" },
		{ "<console type='pty'><log file='/e'/></console>", "/e" },
		{ "<serial type='pty'><source path='/dev/pts/3'/></serial><channel type='file'><source path='/f'/></channel>", NULL },
		{ "<serial type='file'/>", NULL },
		{ "", NULL },
		{ "<serial", "!" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *xml = g_strdup_printf("<domain><devices>%s</devices></domain>", rows[i].devices);
		g_autoptr(GError) err = NULL;
		g_autofree char *got = domxml_log(xml, &err);

		g_assert_cmpstr(err ? "!" : got, ==, rows[i].want);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(golden); i++) {
		g_autofree char *path = g_strconcat("/domxml/golden/", golden[i], NULL);

		g_test_add_data_func(path, golden[i], test_golden);
	}
	g_test_add_func("/domxml/F11-listens", test_listens);
	g_test_add_func("/domxml/bad", test_bad);
	g_test_add_func("/domxml/sizes", test_sizes);
	g_test_add_func("/domxml/values", test_values);
	g_test_add_func("/domxml/memory", test_memory);
	g_test_add_func("/domxml/capabilities", test_caps);
	g_test_add_func("/domxml/bad-capabilities", test_bad_caps);
	g_test_add_func("/domxml/large_caps", test_large_caps);
	g_test_add_func("/domxml/big-capabilities", test_big_caps);
	g_test_add_func("/domxml/domain-capabilities", test_domcaps);
	g_test_add_func("/domxml/F2-servers", test_servers);
	g_test_add_func("/domxml/F2-volumes", test_volumes);
	g_test_add_func("/domxml/times", test_times);
	g_test_add_func("/domxml/F10-tsc", test_tsc_caps);
	g_test_add_func("/domxml/F10-device-kinds", test_devices);
	g_test_add_func("/domxml/no-address", test_no_address);
	g_test_add_func("/domxml/log", test_log);
	return g_test_run();
}

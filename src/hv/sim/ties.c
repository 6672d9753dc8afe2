/* SPDX-License-Identifier: Apache-2.0
 *
 * What ties guests of the simulator to their hosts: devices, and where their
 * vCPUs and memory are. They live in the domain's XML, and what a migration's
 * XML says of that is what the guest has at the destination.
 */
#include "hv/sim/ties.h"

#include <string.h>

#include "hv/sim/world.h"
#include "hv/xml/domxml_parse.h"

#define PCI(bus) "<source><address domain='0x0000' bus='" bus "' slot='0x00' function='0x0'/></source>"

/* The words of sim_dom_spec.ties. */
static const struct {
	const char *word, *device, *domain; /* XML among the devices, and beside them */
} words[] = {
	{ "pci",      "<hostdev mode='subsystem' type='pci' managed='yes'>" PCI("0x81") "</hostdev>", "" },
	{ "usb",      "<hostdev mode='subsystem' type='usb'><source><address bus='1' device='4'/></source></hostdev>", "" },
	{ "mdev",     "<hostdev mode='subsystem' type='mdev' model='vfio-pci'><source><address "
		      "uuid='c2177883-f1bb-47f0-914d-32a22e3a8804'/></source></hostdev>", "" },
	{ "sriov",    "<interface type='hostdev' managed='yes'><mac address='52:54:00:00:00:01'/>" PCI("0x03") "</interface>", "" },
	{ "failover", "<interface type='hostdev' managed='yes'><mac address='52:54:00:00:00:02'/>" PCI("0x04")
		      "<teaming type='transient' persistent='ua-backup'/></interface>", "" },
	{ "macvtap",  "<interface type='direct'><mac address='52:54:00:00:00:03'/><source dev='ens1f0v3' mode='passthrough'/></interface>", "" },
	{ "floor",    "<interface type='network'><mac address='52:54:00:00:00:04'/><source network='qos'/><bandwidth><inbound average='1000' "
		      "floor='200'/></bandwidth></interface>", "" },
	{ "tpm",      "<tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>", "" },
	{ "tpm-secret", "<tpm model='tpm-crb'><backend type='emulator' version='2.0'><encryption "
			"secret='6dd3e4a5-1d76-44ce-961f-f119f5aad935'/></backend></tpm>", "" },
	{ "tpm-host", "<tpm model='tpm-tis'><backend type='passthrough'><device path='/dev/tpm0'/></backend></tpm>", "" },
	{ "vpmem",    "<memory model='nvdimm'><source><path>/dev/dax0.0</path></source><target><size unit='KiB'>1024</size></target></memory>", "" },
	{ "share",    "<filesystem type='mount'><driver type='virtiofs'/><source dir='/srv'/><target dir='srv'/></filesystem>", "" },
	{ "vsock",    "<vsock model='virtio'><cid auto='no' address='7'/></vsock>", "" },
	{ "log",      "<serial type='file'><source path='/logs/serial.log'/></serial>", "" },
	{ "tsc",      "", "<clock offset='utc'><timer name='tsc' frequency='2000000000'/></clock>" },
	{ "label",    "", "<seclabel type='dynamic' model='apparmor' relabel='yes'/>" },
	{ "all-features", "", "" }, /* of its host's CPU: xml.c */
	{ "sev",      "", "<launchSecurity type='sev'><policy>0x0003</policy></launchSecurity>" },
};

/* ---- making ---- */

static void must_parse(const char *text, struct cpuset *ret)
{
	if (!cpuset_parse(text, ret))
		g_error("sim: no set of CPUs: %s", text);
}

/* One set a vCPU, '/' between. */
static void set_pins(struct hv_numa_fit *p, const char *text)
{
	g_auto(GStrv) sets = g_strsplit(text, "/", -1);

	for (int i = 0; sets[i]; i++) {
		struct hv_pin pin = { .id = i };

		must_parse(sets[i], &pin.cpus);
		g_array_append_val(p->pins, pin);
	}
}

/* One node of the host a cell, '/' between; vCPUs and memory are shared out evenly. */
static void set_cells(struct hv_numa_fit *p, const char *text, int vcpus, int64_t mem_mib, int64_t page_kib)
{
	g_auto(GStrv) nodes = g_strsplit(text, "/", -1);
	int n = (int)g_strv_length(nodes);

	p->strict = true;
	for (int i = 0; i < n; i++) {
		struct hv_cell c = { .mem_mib = mem_mib / n, .page_kib = page_kib };

		must_parse(nodes[i], &c.nodes);
		cpuset_join(&p->nodes, &c.nodes);
		for (int v = i * vcpus / n; v < (i + 1) * vcpus / n; v++)
			cpuset_add(&c.vcpus, v);
		g_array_append_val(p->cells, c);
	}
}

static bool has_fit(const struct hv_numa_fit *p)
{
	return p->pins->len || p->cells->len || !cpuset_is_empty(&p->emulator);
}

static const struct hv_numa_fit *fit_of(const struct sim_dom *d)
{
	static GArray none;
	static const struct hv_numa_fit anywhere = { .pins = &none, .iothreads = &none, .cells = &none };

	return d->numa_fit ? d->numa_fit : &anywhere;
}

static bool is_tied(const struct sim_dom *d)
{
	const struct hv_numa_fit *p = fit_of(d);

	return d->ties || has_fit(p) || p->page_kib || !cpuset_is_empty(&p->cpuset);
}

/* Return: owned; NULL: most guests, for which nothing is said. */
static struct hv_numa_fit *fit_of_spec(const struct sim_dom *d, const struct sim_dom_spec *spec)
{
	struct hv_numa_fit *p;

	if (!spec->page_kib && !spec->cpuset && !spec->emulator && !spec->pins && !spec->cells)
		return NULL;
	p = hv_numa_fit_new();
	p->page_kib = spec->page_kib;
	if (spec->cpuset)
		must_parse(spec->cpuset, &p->cpuset);
	if (spec->emulator)
		must_parse(spec->emulator, &p->emulator);
	if (spec->pins)
		set_pins(p, spec->pins);
	if (spec->cells)
		set_cells(p, spec->cells, d->vcpus, d->mem_mib, spec->page_kib);
	return p;
}

void sim_ties_new(struct sim_dom *d, const struct sim_dom_spec *spec)
{
	d->ties = g_strdup(spec->ties);
	d->numa_fit = fit_of_spec(d, spec);
	d->tied = is_tied(d);
}

/* ---- as XML ---- */

static void write_set(GString *s, const char *before, const struct cpuset *set, const char *after)
{
	g_autofree char *text = cpuset_text(set);

	if (*text)
		g_string_append_printf(s, "%s'%s'%s", before, text, after);
}

static void write_tune(GString *s, const struct hv_numa_fit *p)
{
	g_string_append(s, "  <cputune>\n");
	for (guint i = 0; i < p->pins->len; i++) {
		const struct hv_pin *pin = &g_array_index(p->pins, struct hv_pin, i);
		g_autofree char *before = g_strdup_printf("    <vcpupin vcpu='%d' cpuset=", pin->id);

		write_set(s, before, &pin->cpus, "/>\n");
	}
	write_set(s, "    <emulatorpin cpuset=", &p->emulator, "/>\n");
	g_string_append(s, "  </cputune>\n  <numatune>\n");
	write_set(s, "    <memory mode='strict' nodeset=", &p->nodes, "/>\n");
	for (guint i = 0; i < p->cells->len; i++) {
		g_autofree char *before = g_strdup_printf("    <memnode cellid='%u' mode='strict' nodeset=", i);

		write_set(s, before, &g_array_index(p->cells, struct hv_cell, i).nodes, "/>\n");
	}
	g_string_append(s, "  </numatune>\n");
}

void sim_ties_write_domain(GString *s, const struct sim_dom *d)
{
	const struct hv_numa_fit *p = fit_of(d);

	g_string_append(s, "  <vcpu placement='static'");
	write_set(s, " cpuset=", &p->cpuset, "");
	g_string_append_printf(s, ">%d</vcpu>\n", d->vcpus);
	if (has_fit(p))
		write_tune(s, p);
	if (p->page_kib)
		g_string_append_printf(s, "  <memoryBacking><hugepages><page size='%" G_GINT64_FORMAT "' unit='KiB'/></hugepages></memoryBacking>\n", p->page_kib);
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
		if (sim_ties_has(d, words[i].word) && *words[i].domain)
			g_string_append_printf(s, "  %s\n", words[i].domain);
}

void sim_ties_write_cells(GString *s, const struct sim_dom *d)
{
	const GArray *cells = fit_of(d)->cells;

	if (cells->len == 0)
		return;
	g_string_append(s, "    <numa>\n");
	for (guint i = 0; i < cells->len; i++) {
		const struct hv_cell *c = &g_array_index(cells, struct hv_cell, i);
		g_autofree char *before = g_strdup_printf("      <cell id='%u' memory='%" G_GINT64_FORMAT "' unit='MiB' cpus=", i, c->mem_mib);

		write_set(s, before, &c->vcpus, "/>\n");
	}
	g_string_append(s, "    </numa>\n");
}

void sim_ties_write_devices(GString *s, const struct sim_dom *d)
{
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
		if (sim_ties_has(d, words[i].word) && *words[i].device)
			g_string_append_printf(s, "    %s\n", words[i].device);
}

bool sim_ties_has(const struct sim_dom *d, const char *word)
{
	g_auto(GStrv) all = d->ties ? g_strsplit(d->ties, ",", -1) : NULL;

	return all && g_strv_contains((const char *const *)all, word);
}

/* ---- hosts ---- */

static struct hv_numa *numa_of(const struct sim_host *h)
{
	struct hv_numa *numa = hv_numa_new();

	for (int n = 0; n < h->nodes; n++) {
		struct hv_node node = { .id = n, .mem_mib = h->mem_mib / h->nodes };

		for (int c = n * h->vcpus / h->nodes; c < (n + 1) * h->vcpus / h->nodes && c < CPUSET_MAX; c++) {
			cpuset_add(&node.cpus, c);
			numa->core[c] = (int16_t)(c - c % h->threads);
		}
		if (h->huge_pages) {
			node.pages[0].size_kib = 2048;
			node.pages[0].total = h->huge_pages;
		}
		g_array_append_val(numa->nodes, node);
	}
	return numa;
}

void sim_ties_host(struct sim_host *h, struct hv_host_info *i)
{
	if (!h->numa)
		h->numa = numa_of(h);
	i->tpm_emulator = h->tpm;
	i->numa = hv_numa_ref(h->numa);
}

/* ---- going to another host ---- */

static struct hv_numa_fit *fit_of_xml(const char *xml)
{
	struct hv_dom *d = domxml_parse(xml, NULL);
	struct hv_numa_fit *p = d ? hv_numa_fit_copy(d->ties->numa_fit) : NULL;

	hv_dom_free(d);
	return p;
}

/* Every CPU that it names. */
static struct cpuset cpus_of(const struct hv_numa_fit *p)
{
	struct cpuset all = p->cpuset;

	cpuset_join(&all, &p->emulator);
	for (guint i = 0; i < p->pins->len; i++)
		cpuset_join(&all, &g_array_index(p->pins, struct hv_pin, i).cpus);
	return all;
}

char *sim_ties_refuse(const struct sim_dom *d, const struct sim_host *to, const char *xml)
{
	struct hv_numa_fit *given = xml ? fit_of_xml(xml) : NULL;
	const struct hv_numa_fit *p = given ? given : fit_of(d);
	struct cpuset cpus = cpus_of(p);
	char *no = NULL;

	if (cpuset_next(&cpus, to->vcpus) >= 0)
		no = g_strdup("cannot set CPU affinity on process 4711: Invalid argument");
	else if (cpuset_next(&p->nodes, to->nodes) >= 0)
		no = g_strdup_printf("unsupported configuration: NUMA node %d is unavailable", cpuset_next(&p->nodes, to->nodes));
	else if (sim_ties_has(d, "tpm") && !to->tpm)
		no = g_strdup("unsupported configuration: TPM version '2.0' is not supported");
	hv_numa_fit_free(given);
	return no;
}

/* CPUs that a vCPU has for itself. */
static struct cpuset pinned(const struct sim_dom *d)
{
	struct cpuset all = { { 0 } };
	const GArray *pins = fit_of(d)->pins;

	for (guint i = 0; i < pins->len; i++) {
		const struct hv_pin *pin = &g_array_index(pins, struct hv_pin, i);

		if (cpuset_count(&pin->cpus) == 1)
			cpuset_join(&all, &pin->cpus);
	}
	return all;
}

void sim_ties_arrive(struct sim_dom *d, const char *xml)
{
	struct hv_numa_fit *given = xml ? fit_of_xml(xml) : NULL;
	struct cpuset ours;
	GHashTableIter it;
	void *value;

	if (given) {
		hv_numa_fit_free(d->numa_fit);
		d->numa_fit = given;
		d->tied = is_tied(d);
	}
	ours = pinned(d);
	if (cpuset_is_empty(&ours))
		return;
	g_hash_table_iter_init(&it, d->host->doms);
	while (g_hash_table_iter_next(&it, NULL, &value)) {
		const struct sim_dom *o = value;
		struct cpuset theirs = pinned(o);

		cpuset_meet(&theirs, &ours);
		if (o != d && sim_dom_active(o) && !cpuset_is_empty(&theirs))
			sim_violate(d->host->w, "%s is pinned to a CPU of %s on %s", d->name, o->name, d->host->name);
	}
}

char *sim_dom_pins(struct sim *w, const char *host, const char *uuid)
{
	const struct sim_host *h = sim_host_find(w, host);
	const struct sim_dom *d = h ? sim_dom_get((struct sim_host *)h, uuid) : NULL;
	GString *s = g_string_new(NULL);
	const struct hv_numa_fit *p;

	if (!d)
		return g_string_free(s, FALSE);
	p = fit_of(d);
	for (guint i = 0; i < p->pins->len; i++) {
		g_autofree char *text = cpuset_text(&g_array_index(p->pins, struct hv_pin, i).cpus);

		g_string_append_printf(s, "%s%s", i ? "/" : "", text);
	}
	if (!cpuset_is_empty(&p->cpuset)) {
		g_autofree char *text = cpuset_text(&p->cpuset);

		g_string_append_printf(s, "%scpuset=%s", s->len ? " " : "", text);
	}
	if (!cpuset_is_empty(&p->emulator)) {
		g_autofree char *text = cpuset_text(&p->emulator);

		g_string_append_printf(s, "%semulator=%s", s->len ? " " : "", text);
	}
	for (guint i = 0; i < p->cells->len; i++) {
		g_autofree char *text = cpuset_text(&g_array_index(p->cells, struct hv_cell, i).nodes);

		g_string_append_printf(s, "%s%s", i ? "/" : s->len ? " nodes=" : "nodes=", text);
	}
	return g_string_free(s, FALSE);
}

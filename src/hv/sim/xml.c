/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/sim/xml.h"

#include <string.h>

#include "base/util.h"
#include "hv/sim/ties.h"

static void write_cpu(GString *s, const struct sim_dom *d)
{
	if (g_str_equal(d->cpu_model, SIM_PASSTHROUGH)) {
		g_string_append_printf(s, "  <cpu mode='" SIM_PASSTHROUGH "' check='none' migratable='%s'/>\n",
				       sim_ties_has(d, "all-features") ? "off" : "on");
		return;
	}
	g_string_append_printf(s, "  <cpu mode='custom' match='exact' check='full'>\n    <model fallback='forbid'>%s</model>\n", d->cpu_model);
	for (char **f = d->cpu_features; f && *f; f++)
		g_string_append_printf(s, "    <feature policy='require' name='%s'/>\n", *f);
	sim_ties_write_cells(s, d);
	g_string_append(s, "  </cpu>\n");
}

static void write_disks(GString *s, const struct sim_dom *d)
{
	for (guint i = 0; i < d->disks->len; i++) {
		const struct sim_disk *k = g_ptr_array_index(d->disks, i);

		if (k->nvram)
			continue;
		g_string_append_printf(s, "    <disk type='%s' device='%s'>\n      <driver name='qemu' type='%s'%s/>\n",
				       k->network ? "network" : k->device ? "block" : k->pool ? "volume" : "file", k->cdrom ? "cdrom" : "disk", k->format,
				       k->network || k->cdrom ? "" : " cache='none'");
		if (k->network)
			g_string_append_printf(s, "      <source protocol='rbd' name='%s'>%s</source>\n", k->path + strlen("rbd:"),
					       k->loopback ? "<host name='localhost'/>" : "");
		else if (k->pool)
			g_string_append_printf(s, "      <source pool='%s' volume='%s'/>\n", k->pool, strrchr(k->path, '/') + 1);
		else
			g_string_append_printf(s, "      <source %s='%s'/>\n", k->device ? "dev" : "file", k->path);
		g_string_append_printf(s, "      <target dev='%s' bus='%s'/>\n%s    </disk>\n", k->target, k->cdrom ? "sata" : "virtio",
				       k->cdrom ? "      <readonly/>\n" : "");
	}
}

static void write_os(GString *s, const struct sim_dom *d)
{
	g_string_append(s, "  <os>\n    <type arch='x86_64' machine='pc-q35-7.2'>hvm</type>\n");
	for (guint i = 0; i < d->disks->len; i++) {
		const struct sim_disk *k = g_ptr_array_index(d->disks, i);

		if (k->nvram)
			g_string_append_printf(s, "    <nvram>%s</nvram>\n", k->path);
	}
	g_string_append(s, "  </os>\n");
}

char *sim_xml_write_cpu(const struct sim_host *h)
{
	GString *s = g_string_new(NULL);

	g_string_append_printf(s, "<cpu><arch>x86_64</arch><model>%s</model>", h->cpu_model);
	for (char **f = h->cpu_features; *f; f++)
		g_string_append_printf(s, "<feature name='%s'/>", *f);
	g_string_append(s, "</cpu>");
	return g_string_free(s, FALSE);
}

static void write_metadata(GString *s, const struct sim_dom *d)
{
	g_autofree char *limit = d->shutdown_timeout ? g_markup_escape_text(d->shutdown_timeout, -1) : NULL;

	if (!limit && !d->priority)
		return;
	g_string_append(s, "  <metadata>\n    <d:guest xmlns:d='urn:drover'");
	if (limit)
		g_string_append_printf(s, " os_shutdown_timeout='%s'", limit);
	if (d->priority)
		g_string_append_printf(s, " priority='%d'", d->priority);
	g_string_append(s, "/>\n  </metadata>\n");
}

char *sim_xml_write(const struct sim_dom *d)
{
	GString *s = g_string_new(NULL);
	g_autofree char *name = g_markup_escape_text(d->name, -1);

	g_string_append_printf(s, "<domain type='kvm'>\n  <name>%s</name>\n  <uuid>%s</uuid>\n", name, d->uuid);
	if (d->title) {
		g_autofree char *title = g_markup_escape_text(d->title, -1);

		g_string_append_printf(s, "  <title>%s</title>\n", title);
	}
	if (d->description) {
		g_autofree char *description = g_markup_escape_text(d->description, -1);

		g_string_append_printf(s, "  <description>%s</description>\n", description);
	}
	write_metadata(s, d);
	g_string_append_printf(s,
		"  <memory unit='KiB'>%" G_GINT64_FORMAT "</memory>\n  <currentMemory unit='KiB'>%" G_GINT64_FORMAT "</currentMemory>\n",
		d->mem_mib << 10, d->mem_mib << 10);
	write_os(s, d);
	sim_ties_write_domain(s, d);
	write_cpu(s, d);
	g_string_append(s, "  <devices>\n");
	write_disks(s, d);
	g_string_append_printf(s,
		"    <interface type='bridge'>\n      <mac address='52:54:00:%.2s:%.2s:%.2s'/>\n      <source bridge='" SIM_BRIDGE "'/>\n"
		"      <model type='virtio'/>\n    </interface>\n", d->uuid, d->uuid + 2, d->uuid + 4);
	sim_ties_write_devices(s, d);
	g_string_append_printf(s,
		"    <graphics type='vnc' port='-1' autoport='yes' listen='%s'>\n      <listen type='address' address='%s'/>\n"
		"    </graphics>\n  </devices>\n</domain>\n", d->vnc_listen, d->vnc_listen);
	return g_string_free(s, FALSE);
}

/* ---- reading ---- */

static const char *attribute(const char *wanted, const char **names, const char **values)
{
	for (int i = 0; names[i]; i++)
		if (g_str_equal(names[i], wanted))
			return values[i];
	return NULL;
}

static void on_start(GMarkupParseContext *ctx, const char *element, const char **names, const char **values, void *user, GError **err)
{
	struct sim_xml *x = user;
	const char *type = attribute("type", names, values);

	(void)ctx;
	(void)err;
	if (g_str_equal(element, "feature"))
		g_ptr_array_add(x->cpu_features, g_strdup(attribute("name", names, values)));
	if (g_str_equal(element, "d:guest")) {
		const char *priority = attribute("priority", names, values);

		util_replace(&x->shutdown_timeout, attribute("os_shutdown_timeout", names, values));
		x->priority = priority ? atoi(priority) : 0;
	}
	if (g_str_equal(element, "cpu"))
		util_replace(&x->cpu_mode, attribute("mode", names, values));
	if (g_str_equal(element, "graphics") && type && g_str_equal(type, "vnc"))
		util_replace(&x->vnc_listen, attribute("listen", names, values));
}

/* Elements whose text counts, by their parent. */
static const struct {
	const char *parent, *element;
	size_t offset;
} texts[] = {
	{ "domain", "uuid",  offsetof(struct sim_xml, uuid) },
	{ "domain", "name",  offsetof(struct sim_xml, name) },
	{ "domain", "description", offsetof(struct sim_xml, description) },
	{ "cpu",    "model", offsetof(struct sim_xml, cpu_model) },
};

static void on_text(GMarkupParseContext *ctx, const char *text, gsize len, void *user, GError **err)
{
	struct sim_xml *x = user;
	const GSList *stack = g_markup_parse_context_get_element_stack(ctx);
	const char *element = stack->data, *parent = stack->next ? stack->next->data : "";

	(void)len;
	(void)err;
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
		if (g_str_equal(parent, texts[i].parent) && g_str_equal(element, texts[i].element))
			util_replace((char **)((char *)x + texts[i].offset), text);
	if (g_str_equal(parent, "domain") && g_str_equal(element, "memory"))
		(void)util_parse_int(text, 0, INT64_MAX, &x->mem_kib); /* else it stays 0: not said */
}

static struct sim_xml *read_part(const char *text, gssize len)
{
	static const GMarkupParser parser = { .start_element = on_start, .text = on_text };
	struct sim_xml *x = g_new0(struct sim_xml, 1);
	GMarkupParseContext *ctx = g_markup_parse_context_new(&parser, 0, x, NULL);
	bool good;

	x->cpu_features = g_ptr_array_new_with_free_func(g_free);
	good = g_markup_parse_context_parse(ctx, text, len, NULL) && g_markup_parse_context_end_parse(ctx, NULL);
	g_markup_parse_context_free(ctx);
	g_ptr_array_add(x->cpu_features, NULL);
	if (good)
		return x;
	sim_xml_free(x);
	return NULL;
}

struct sim_xml *sim_xml_read(const char *text)
{
	return read_part(text, -1);
}

/* Not <cputune>. Return: NULL: there is none. */
static const char *find_cpu(const char *text)
{
	const char *at = strstr(text, "<cpu");

	while (at && !strchr(" >/", at[strlen("<cpu")]))
		at = strstr(at + 1, "<cpu");
	return at;
}

struct sim_xml *sim_xml_read_cpu(const char *text)
{
	static const char end[] = "</cpu>";
	const char *from = find_cpu(text), *to = from ? strchr(from, '>') : NULL;

	if (!to)
		return sim_xml_read(text);
	if (to[-1] != '/')
		to = strstr(from, end) ? strstr(from, end) + strlen(end) - 1 : to;
	return read_part(from, to + 1 - from);
}

void sim_xml_free(struct sim_xml *x)
{
	if (!x)
		return;
	g_free(x->uuid);
	g_free(x->name);
	g_free(x->description);
	g_free(x->shutdown_timeout);
	g_free(x->cpu_mode);
	g_free(x->cpu_model);
	g_free(x->vnc_listen);
	g_ptr_array_unref(x->cpu_features);
	g_free(x);
}

/* ---- CPUs ---- */

/* Each model can do what the ones above it of the same vendor can; both vendors can do qemu64. */
static const struct {
	const char *model;
	char vendor;
} cpus[] = {
	{ "qemu64", 0 },
	{ "Nehalem", 'I' }, { "Westmere", 'I' }, { "SandyBridge", 'I' }, { "IvyBridge", 'I' }, { "Haswell-noTSX", 'I' }, { "Haswell", 'I' },
	{ "Broadwell", 'I' }, { "Skylake-Server", 'I' }, { "Cascadelake-Server", 'I' }, { "Icelake-Server", 'I' },
	{ "Opteron_G5", 'A' }, { "EPYC", 'A' }, { "EPYC-Rome", 'A' }, { "EPYC-Milan", 'A' },
};

static int cpu_index(const char *model)
{
	for (size_t i = 0; i < G_N_ELEMENTS(cpus); i++)
		if (g_str_equal(cpus[i].model, model))
			return (int)i;
	return -1;
}

static bool model_fits(const char *host, const char *guest)
{
	int h = cpu_index(host), g = cpu_index(guest);

	if (g_str_equal(host, guest) || g == 0)
		return true;
	return h >= g && g > 0 && cpus[h].vendor == cpus[g].vendor;
}

char *sim_cpu_missing(const struct sim_host *h, const char *model, const char *const *features)
{
	g_autoptr(GString) missing = g_string_new(NULL);

	if (model && !model_fits(h->cpu_model, model))
		return g_strdup_printf("model %s", model);
	for (; features && *features; features++)
		if (!g_strv_contains((const char *const *)h->cpu_features, *features))
			g_string_append_printf(missing, "%s%s", missing->len > 0 ? "," : "", *features);
	return missing->len > 0 ? g_strdup(missing->str) : NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/sim/facts.h"

#include <string.h>

#include "base/util.h"
#include "hv/sim/act_vol.h"
#include "hv/sim/call.h"
#include "hv/sim/dom.h"
#include "hv/sim/host.h"
#include "hv/sim/world.h"
#include "hv/sim/xml.h"
#include "hv/xml/xml.h"

#define QEMU_UID 64055
#define QEMU_GID 108
#define NOBODY 65534

void sim_host_flaw(struct sim *w, const char *host, const char *what, const char *value)
{
	g_hash_table_replace(sim_host_must_find(w, host)->flaws, g_strdup(what), g_strdup(value));
}

const char *sim_flaw(const struct sim_host *h, const char *what)
{
	return g_hash_table_lookup(h->flaws, what);
}

static int64_t number(const struct sim_host *h, const char *what, int base, int64_t otherwise)
{
	const char *value = sim_flaw(h, what);

	return value ? g_ascii_strtoll(value, NULL, base) : otherwise;
}

/* ---- HV_FACTS_GET ---- */

static char *write_cpu(const struct sim_host *h)
{
	GString *s = g_string_new(NULL);

	g_string_append_printf(s, "<cpu mode='custom' match='exact'><model>%s</model>", h->cpu_model);
	for (char **f = h->cpu_features; *f; f++)
		g_string_append_printf(s, "<feature policy='require' name='%s'/>", *f);
	g_string_append(s, "</cpu>");
	return g_string_free(s, FALSE);
}

static void add_autostarted(const struct sim_host *h, GPtrArray *to)
{
	GHashTableIter it;
	void *value;

	g_hash_table_iter_init(&it, h->doms);
	while (g_hash_table_iter_next(&it, NULL, &value)) {
		const struct sim_dom *d = value;

		if (!sim_dom_active(d) && d->kept.autostart)
			g_ptr_array_add(to, g_strdup(d->uuid));
	}
}

void sim_act_facts(struct sim_call *sc)
{
	const struct sim_host *h = sc->host;
	struct hv_facts *f = sc->call->reply.facts = hv_facts_new();

	f->qemu_uid = number(h, "uid", 10, QEMU_UID);
	f->qemu_gid = number(h, "gid", 10, QEMU_GID);
	if (!sim_flaw(h, "old")) {
		f->cpu = write_cpu(h);
		f->virt_type = g_strdup("kvm");
	}
	hv_facts_mtu(f, SIM_BRIDGE, number(h, "mtu", 10, 1500));
	add_autostarted(h, f->autostarted);
	sim_call_finish(sc);
}

/* ---- HV_FOLDER_GET ---- */

static int64_t written_us(const struct sim_file *f)
{
	int64_t ahead_ms = f->maker ? number(f->maker, "clock", 10, 0) : 0;

	return clock_wall_us() + (ahead_ms - (clock_now_ms() - f->made_ms)) * 1000;
}

static void add_markers(const struct sim_host *h, const char *prefix, struct hv_folder *to)
{
	GHashTableIter it;
	void *value;

	g_hash_table_iter_init(&it, h->storage->files);
	while (g_hash_table_iter_next(&it, NULL, &value)) {
		const struct sim_file *f = value;
		struct hv_marker *m = g_str_has_prefix(f->path, prefix) ? hv_folder_add(to, strrchr(f->path, '/') + 1) : NULL;

		if (!m)
			continue;
		m->perms.uid = f->maker && sim_flaw(f->maker, "squash") ? NOBODY : 0;
		m->modified_us = written_us(f);
	}
}

void sim_act_folder(struct sim_call *sc)
{
	const struct sim_host *h = sc->host;
	const char *prefix = sc->call->req.vol.path;
	g_autofree char *folder = g_path_get_dirname(prefix);
	struct hv_folder *f = sc->call->reply.folder = hv_folder_new();

	if (sim_pool_is_busy(sc))
		return;
	f->exists = !g_hash_table_contains(h->lacks, folder);
	if (f->exists) {
		f->perms = (struct hv_perms){ 0, 0, number(h, "mode", 8, 0755) };
		f->size_bytes = h->disk_gib << 30;
		f->free_bytes = number(h, "free", 10, MAX(h->disk_gib - h->used_gib, 0) << 10) << 20;
		add_markers(h, prefix, f);
	}
	sim_call_finish(sc);
}

/* ---- HV_PEER_TRY ---- */

void sim_act_peer(struct sim_call *sc)
{
	const char *name = sc->call->req.migrate.dest_host;
	const struct sim_host *to = name ? sim_host_find(sc->w, name) : NULL;

	if (!to || !sim_hosts_connected(sc->host, to) || !to->on)
		sim_call_refuse(sc, ERR_HV, "reach the destination: unable to connect to server at '%s:16509': No route to host", name ? name : "");
	else if (!to->libvirtd || g_strcmp0(sim_flaw(sc->host, "no-peer"), to->name) == 0)
		sim_call_refuse(sc, ERR_HV, "reach the destination: unable to connect to server at '%s:16509': Connection refused", name);
	else
		sim_call_finish(sc);
}

/* ---- HV_CPU_BASELINE ---- */

static bool has_feature(const xmlNode *cpu, const char *name)
{
	for (const xmlNode *n = xml_child(cpu, "feature"); n; n = xml_next(n, "feature"))
		if (xml_attr_is(n, "name", name))
			return true;
	return false;
}

static bool all_have(const xmlNode *cpus, const char *name)
{
	for (const xmlNode *n = xml_child(cpus, "cpu"); n; n = xml_next(n, "cpu"))
		if (!has_feature(n, name))
			return false;
	return true;
}

/* The model that all have, or one that every host has. */
static char *common_model(const xmlNode *cpus)
{
	char *model = xml_text(xml_child(xml_child(cpus, "cpu"), "model"));

	for (const xmlNode *n = xml_child(cpus, "cpu"); n; n = xml_next(n, "cpu")) {
		g_autofree char *other = xml_text(xml_child(n, "model"));

		if (g_strcmp0(model, other) != 0)
			util_replace(&model, "qemu64");
	}
	return model;
}

void sim_act_baseline(struct sim_call *sc)
{
	g_autoptr(xmlDoc) doc = xml_read(sc->call->req.xml, "cpus", NULL);
	const xmlNode *root = doc ? xmlDocGetRootElement(doc) : NULL, *best = xml_child(root, "best");
	const xmlNode *cpus = xml_child(best, "cpu") ? best : xml_child(root, "hosts");
	g_autofree char *model = common_model(cpus);
	g_autoptr(GString) s = g_string_new(NULL);

	if (!model) {
		sim_call_refuse(sc, ERR_HV, "find a CPU that all hosts have: XML error: no CPUs given");
		return;
	}
	g_string_append_printf(s, "<cpu mode='custom' match='exact'>\n  <model fallback='forbid'>%s</model>\n", model);
	for (const xmlNode *n = xml_child(xml_child(cpus, "cpu"), "feature"); n; n = xml_next(n, "feature")) {
		g_autofree char *name = xml_attr(n, "name");

		if (all_have(cpus, name))
			g_string_append_printf(s, "  <feature policy='require' name='%s'/>\n", name);
	}
	g_string_append(s, "</cpu>");
	sc->call->reply.definition = g_strdup(s->str);
	sim_call_finish(sc);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "manage/audit_rules.h"

#include <assert.h>

#include "manage/told.h"

static const char *const cures[] = { [AUDIT_BY_DAEMON] = "droverd", [AUDIT_BY_FIX] = "--fix", [AUDIT_BY_HAND] = "by hand" };
static_assert(G_N_ELEMENTS(cures) == AUDIT_CURE_N, "cures[] is missing one");

const char *audit_cure_name(enum audit_cure c)
{
	return cures[c];
}

void audit_finding_free(struct audit_finding *f)
{
	g_free(f->text);
	g_free(f);
}

static void add(GPtrArray *found, enum audit_cure cure, const char *format, ...) G_GNUC_PRINTF(3, 4);
static void add(GPtrArray *found, enum audit_cure cure, const char *format, ...)
{
	struct audit_finding *f = g_new0(struct audit_finding, 1);
	va_list list;

	va_start(list, format);
	f->text = g_strdup_vprintf(format, list);
	va_end(list);
	f->cure = cure;
	g_ptr_array_add(found, f);
}

/* ---- where a guest is ---- */

struct sight {
	const struct told *host;
	const struct hv_dom *dom;
};

/* All that is judged by, by UUID and by name. */
struct view {
	const struct audit_world *world;
	GHashTable *servers;  /* struct server * */
	GHashTable *sights;   /* GArray of struct sight */
	GHashTable *tasks;    /* struct audit_task *: the last one of a server */
	GHashTable *hosts;    /* struct told * */
	bool all_told;
	GPtrArray *found;
};

static bool is_live(const struct hv_dom *d)
{
	return d->state == HV_RUNNING || d->state == HV_PAUSED || d->state == HV_SUSPENDED;
}

/* The half that waits for a migration is no guest yet. */
static bool is_incoming(const struct hv_dom *d)
{
	return d->job_incoming || (d->state == HV_PAUSED && (d->reason == HV_R_MIGRATION || d->reason == HV_R_STARTING));
}

static void see(struct view *v, const struct told *t, const struct hv_dom *d)
{
	GArray *all = g_hash_table_lookup(v->sights, d->uuid);
	struct sight s = { t, d };

	if (is_incoming(d))
		return;
	if (!all) {
		all = g_array_new(FALSE, FALSE, sizeof(struct sight));
		g_hash_table_insert(v->sights, (char *)d->uuid, all);
	}
	g_array_append_val(all, s);
}

static void look(struct view *v)
{
	const struct audit_world *w = v->world;

	v->all_told = true;
	for (guint i = 0; i < w->hosts->len; i++) {
		struct told *t = g_ptr_array_index(w->hosts, i);

		g_hash_table_insert(v->hosts, t->name, t);
		v->all_told = v->all_told && !t->why;
		for (guint k = 0; !t->why && k < t->doms->len; k++)
			see(v, t, g_ptr_array_index(t->doms, k));
	}
	for (guint i = 0; i < w->servers->len; i++) {
		struct server *s = g_ptr_array_index(w->servers, i);

		g_hash_table_insert(v->servers, s->uuid, s);
	}
	for (guint i = 0; i < w->tasks->len; i++) {
		struct audit_task *t = g_ptr_array_index(w->tasks, i);

		g_hash_table_insert(v->tasks, t->server, t);
	}
}

static const struct sight *sight_at(const GArray *all, const char *host)
{
	for (guint i = 0; all && i < all->len; i++)
		if (g_strcmp0(g_array_index(all, struct sight, i).host->name, host) == 0)
			return &g_array_index(all, struct sight, i);
	return NULL;
}

/* Another than @host, the one that runs first. NULL: none */
static const struct sight *sight_elsewhere(const GArray *all, const char *host)
{
	const struct sight *found = NULL;

	for (guint i = 0; all && i < all->len; i++) {
		const struct sight *s = &g_array_index(all, struct sight, i);

		if (g_strcmp0(s->host->name, host) != 0 && (!found || (is_live(s->dom) && !is_live(found->dom))))
			found = s;
	}
	return found;
}

/* ---- servers ---- */

#define SERVER "server %s (%s): "
#define OF(s) (s)->name, (s)->uuid

static void judge_here(struct view *v, const struct server *s, const struct hv_dom *d)
{
	if (server_power_of(d->state) != s->power)
		add(v->found, AUDIT_BY_DAEMON, SERVER "its state has changed at %s", OF(s), s->host);
	if (!d->unreadable && (d->vcpus != s->vcpus || d->mem_mib != s->memory_mb))
		add(v->found, AUDIT_BY_DAEMON, SERVER "it counts as %d vCPUs and %" G_GINT64_FORMAT " MiB, and at %s it has %d and %" G_GINT64_FORMAT, OF(s),
		    s->vcpus, s->memory_mb, s->host, d->vcpus, d->mem_mib);
}

static void judge_absent(struct view *v, const struct server *s, const struct sight *elsewhere)
{
	const struct told *home = s->host ? g_hash_table_lookup(v->hosts, s->host) : NULL;
	bool silent = home && home->why;

	if (elsewhere && (is_live(elsewhere->dom) || !silent))
		add(v->found, AUDIT_BY_DAEMON, SERVER "the record says %s, and it is at %s", OF(s), s->host ? s->host : "no host", elsewhere->host->name);
	else if (s->host && !home)
		add(v->found, AUDIT_BY_HAND, SERVER "the record says %s, and there is no such host", OF(s), s->host);
	else if (!silent && server_is_lost(s))
		add(v->found, AUDIT_BY_HAND, SERVER "a task has lost it: %s", OF(s), s->fault ? s->fault : "");
	else if (!silent && v->all_told)
		add(v->found, AUDIT_BY_DAEMON, SERVER "no host has it: its record becomes that of a deleted one", OF(s));
	else if (!silent)
		add(v->found, AUDIT_BY_DAEMON, SERVER "%s does not have it, and not all hosts have answered", OF(s), s->host ? s->host : "no host");
}

static void judge_server(struct view *v, const struct server *s)
{
	const GArray *all = g_hash_table_lookup(v->sights, s->uuid);
	const struct sight *home = sight_at(all, s->host), *elsewhere = sight_elsewhere(all, s->host);

	if (s->unknown)
		add(v->found, AUDIT_BY_HAND, SERVER "its row has what this version does not know: %s", OF(s), s->unknown);
	if (s->unknown || g_hash_table_contains(v->tasks, s->uuid))
		return;
	if (s->task != SERVER_TASK_NONE)
		add(v->found, AUDIT_BY_HAND, SERVER "task_state is %s, and no task of it goes on: reset its state", OF(s), server_task_name(s->task));
	else if (home && elsewhere && is_live(home->dom) && is_live(elsewhere->dom))
		add(v->found, AUDIT_BY_HAND, SERVER "it runs at %s and at %s", OF(s), s->host, elsewhere->host->name);
	else if (home && elsewhere && is_live(elsewhere->dom))
		add(v->found, AUDIT_BY_DAEMON, SERVER "the record says %s, and it runs at %s", OF(s), s->host, elsewhere->host->name);
	else if (home)
		judge_here(v, s, home->dom);
	else
		judge_absent(v, s, elsewhere);
}

/* ---- what has no record ---- */

static void judge_unknown(struct view *v)
{
	g_autoptr(GList) uuids = g_list_sort(g_hash_table_get_keys(v->sights), (GCompareFunc)g_strcmp0);

	for (GList *at = uuids; at; at = at->next) {
		const char *uuid = at->data;
		const struct sight *s = &g_array_index((GArray *)g_hash_table_lookup(v->sights, uuid), struct sight, 0);

		if (!g_hash_table_contains(v->servers, uuid))
			add(v->found, AUDIT_BY_DAEMON, "guest %s (%s) at %s has no record: it is adopted", s->dom->name ? s->dom->name : "without a name", uuid,
			    s->host->name);
	}
}

/* ---- tasks, and what they leave ---- */

static void judge_task(struct view *v, const struct audit_task *t)
{
	const char *const hosts[] = { t->source, t->dest };

	if (!g_hash_table_contains(v->servers, t->server))
		add(v->found, AUDIT_BY_HAND, "task %" G_GINT64_FORMAT " goes on, and its server %s has no record", t->id, t->server);
	for (size_t i = 0; i < G_N_ELEMENTS(hosts); i++)
		if (hosts[i] && *hosts[i] && !g_hash_table_contains(v->hosts, hosts[i]))
			add(v->found, AUDIT_BY_HAND, "task %" G_GINT64_FORMAT " goes on, and there is no host %s", t->id, hosts[i]);
}

static void judge_left(struct view *v, const struct audit_left *l)
{
	const struct told *host = g_hash_table_lookup(v->hosts, l->host);

	if (!host)
		add(v->found, AUDIT_BY_HAND, "%s of server %s is to be removed at %s, and there is no such host", l->what, l->server, l->host);
	else
		add(v->found, AUDIT_BY_DAEMON, "%s of server %s is to be removed at %s%s", l->what, l->server, l->host, host->why ? ", which has not answered" : "");
}

static void judge_carriers(struct view *v, const struct told *t)
{
	for (guint i = 0; !t->why && i < t->carriers->len; i++) {
		const struct carrier *c = g_ptr_array_index(t->carriers, i);

		if (!c->guest || !g_hash_table_contains(v->tasks, c->guest))
			add(v->found, AUDIT_BY_DAEMON, "carrier %s at %s, of guest %s, is of no task that goes on", c->uuid, t->name, c->guest ? c->guest : "unknown");
	}
}

GPtrArray *audit_judge(const struct audit_world *w)
{
	struct view v = {
		.world = w,
		.servers = g_hash_table_new(g_str_hash, g_str_equal),
		.sights = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)g_array_unref),
		.tasks = g_hash_table_new(g_str_hash, g_str_equal),
		.hosts = g_hash_table_new(g_str_hash, g_str_equal),
		.found = g_ptr_array_new_with_free_func((GDestroyNotify)audit_finding_free),
	};

	look(&v);
	for (guint i = 0; i < w->hosts->len; i++) {
		const struct told *t = g_ptr_array_index(w->hosts, i);

		if (t->why)
			add(v.found, AUDIT_BY_HAND, "host %s has not answered: %s", t->name, t->why);
	}
	for (guint i = 0; i < w->servers->len; i++)
		judge_server(&v, g_ptr_array_index(w->servers, i));
	judge_unknown(&v);
	for (guint i = 0; i < w->tasks->len; i++)
		judge_task(&v, g_ptr_array_index(w->tasks, i));
	for (guint i = 0; i < w->left->len; i++)
		judge_left(&v, g_ptr_array_index(w->left, i));
	for (guint i = 0; i < w->hosts->len; i++)
		judge_carriers(&v, g_ptr_array_index(w->hosts, i));
	g_hash_table_unref(v.servers);
	g_hash_table_unref(v.sights);
	g_hash_table_unref(v.tasks);
	g_hash_table_unref(v.hosts);
	return v.found;
}

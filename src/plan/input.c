/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/input.h"

#include <string.h>

#include "base/err.h"
#include "plan/rest.h"
#include "task/request.h"

#define NAME_MAX_LEN 255
#define MISTAKES_TOLD 5

/* ---- the body ---- */

static void place_free(void *data)
{
	struct plan_place *p = data;

	g_free(p->host);
	g_ptr_array_unref(p->servers);
	g_free(p);
}

void plan_wanted_init(struct plan_wanted *w)
{
	*w = (struct plan_wanted){ .kind = -1, .parallel = PLAN_PARALLEL, .memory_spread = 20, .vcpus_spread = 20, .hysteresis = 5 };
}

void plan_wanted_clear(struct plan_wanted *w)
{
	g_clear_pointer(&w->map, g_ptr_array_unref);
	g_clear_pointer(&w->hosts, g_ptr_array_unref);
	g_clear_pointer(&w->servers, g_ptr_array_unref);
	g_clear_pointer(&w->to, g_free);
	g_clear_pointer(&w->fleet_version, g_free);
}

static bool bad(GError **err, const char *where, const char *what)
{
	g_set_error(err, ERR, ERR_BAD_REQUEST, "Invalid input for field/attribute %s. %s", where, what);
	return false;
}

static bool take_kind(const json_t *v, void *obj, const char *where, GError **err)
{
	enum plan_kind k;

	if (!json_is_string(v) || !plan_kind_parse(json_string_value(v), &k))
		return bad(err, where, "It is one of map, drain, undrain, bulk, rebalance.");
	((struct plan_wanted *)obj)->kind = (int)k;
	return true;
}

/* Names into @to; NULL: it could not be. */
static GPtrArray *take_names(const json_t *v, const char *where, size_t most, GError **err)
{
	g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(g_free);

	if (!json_is_array(v) || json_array_size(v) > most) {
		(void)bad(err, where, "It is a list of names, of 50000 at most.");
		return NULL;
	}
	for (size_t i = 0; i < json_array_size(v); i++) {
		const json_t *one = json_array_get(v, i);

		if (!json_is_string(one) || json_string_length(one) < 1 || json_string_length(one) > NAME_MAX_LEN ||
		    strlen(json_string_value(one)) != json_string_length(one)) {
			g_autofree char *at = g_strdup_printf("%s[%zu]", where, i);

			(void)bad(err, at, "It is a name of 1 to 255 characters.");
			return NULL;
		}
		g_ptr_array_add(list, g_strdup(json_string_value(one)));
	}
	return g_steal_pointer(&list);
}

static bool take_hosts(const json_t *v, void *obj, const char *where, GError **err)
{
	struct plan_wanted *w = obj;

	g_clear_pointer(&w->hosts, g_ptr_array_unref);
	w->hosts = take_names(v, where, PLAN_STEPS_MAX, err);
	return w->hosts != NULL;
}

static bool take_servers(const json_t *v, void *obj, const char *where, GError **err)
{
	struct plan_wanted *w = obj;

	g_clear_pointer(&w->servers, g_ptr_array_unref);
	w->servers = take_names(v, where, PLAN_STEPS_MAX, err);
	return w->servers != NULL;
}

static bool take_map(const json_t *v, void *obj, const char *where, GError **err)
{
	struct plan_wanted *w = obj;
	size_t left = PLAN_STEPS_MAX;
	const char *host;
	json_t *servers;

	if (!json_is_object(v) || json_object_size(v) > PLAN_STEPS_MAX)
		return bad(err, where, "It is an object that has a list of servers for each host.");
	g_clear_pointer(&w->map, g_ptr_array_unref);
	w->map = g_ptr_array_new_with_free_func(place_free);
	json_object_foreach((json_t *)v, host, servers) {
		g_autofree char *at = g_strdup_printf("%s.%.*s", where, NAME_MAX_LEN, host);
		GPtrArray *names = take_names(servers, at, left, err);
		struct plan_place *p;

		if (!names)
			return false;
		left -= names->len;
		p = g_new0(struct plan_place, 1);
		p->host = g_strndup(host, NAME_MAX_LEN + 1);
		p->servers = names;
		g_ptr_array_add(w->map, p);
	}
	return true;
}

static bool take_rest(const json_t *v, void *obj, const char *where, GError **err)
{
	static const char *const words[] = { "leave", "anywhere" };

	for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
		if (g_strcmp0(json_string_value(v), words[i]) != 0)
			continue;
		((struct plan_wanted *)obj)->rest = words[i];
		return true;
	}
	return bad(err, where, "It is leave or anywhere.");
}

#define WANTED(member) offsetof(struct plan_wanted, member)
#define PERCENT .min = 0, .max = 100

const struct json_field plan_wanted_fields[PLAN_WANTED_N] = {
	{ "kind",          JSON_EMIT,  .take = take_kind, .form = "\"map\", \"drain\", \"undrain\", \"bulk\", \"rebalance\"", .required = true },
	{ "map",           JSON_EMIT,  .take = take_map, .form = "{\"host\": [\"server\", ...], ...}" },
	{ "rest",          JSON_EMIT,  .take = take_rest, .form = "\"leave\", \"anywhere\"" },
	{ "hosts",         JSON_EMIT,  .take = take_hosts, .form = "[\"host\", ...]" },
	{ "servers",       JSON_EMIT,  .take = take_servers, .form = "[\"name or UUID\", ...]" },
	{ "to",            JSON_STR,   WANTED(to), .nullable = true, .min = 1, .max = NAME_MAX_LEN },
	{ "parallel",      JSON_INT,   WANTED(parallel), .min = 1, .max = PLAN_PARALLEL_MAX },
	{ "deadline",      JSON_INT64, WANTED(deadline_s), .min = 0, .max = PLAN_DEADLINE_MAX_S },
	{ "cold",          JSON_BOOL,  WANTED(cold) },
	{ "bring_back",    JSON_BOOL,  WANTED(bring_back) },
	{ "waves",         JSON_INT,   WANTED(waves), .min = 0, .max = PLAN_STEPS_MAX },
	{ "priority",      JSON_INT,   WANTED(priority), .min = MIG_PRIORITY_MIN, .max = MIG_PRIORITY_MAX },
	{ "memory_spread", JSON_INT,   WANTED(memory_spread), PERCENT },
	{ "vcpus_spread",  JSON_INT,   WANTED(vcpus_spread), PERCENT },
	{ "load_spread",   JSON_INT,   WANTED(load_spread), PERCENT },
	{ "hysteresis",    JSON_INT,   WANTED(hysteresis), PERCENT },
	{ "fleet_version", JSON_STR,   WANTED(fleet_version), .nullable = true, .min = 1, .max = 64 },
	{ "start",         JSON_BOOL,  WANTED(start) },
};

/* What each kind needs, and what it takes besides. */
static const struct {
	bool map, hosts, servers;     /* it must be given */
	bool some_hosts, to, rest;    /* it may be */
} needs[] = {
	[PLAN_MAP] = { .map = true, .rest = true },
	[PLAN_DRAIN] = { .hosts = true },
	[PLAN_UNDRAIN] = { .hosts = true },
	[PLAN_BULK] = { .servers = true, .to = true },
	[PLAN_REBALANCE] = { .some_hosts = true },
};
G_STATIC_ASSERT(G_N_ELEMENTS(needs) == PLAN_KIND_N);

static bool check_part(const char *name, const char *kind, bool given, bool must, bool may, GError **err)
{
	if (given == must || (given && may))
		return true;
	g_set_error(err, ERR, ERR_BAD_REQUEST, given ? "A plan of kind %s takes no '%s'." : "A plan of kind %s needs '%s'.", kind, name);
	return false;
}

bool plan_wanted_check(const struct plan_wanted *w, GError **err)
{
	const char *kind = plan_kind_name((enum plan_kind)w->kind);

	return check_part("map", kind, w->map, needs[w->kind].map, false, err) &&
	       check_part("hosts", kind, w->hosts, needs[w->kind].hosts, needs[w->kind].some_hosts, err) &&
	       check_part("servers", kind, w->servers, needs[w->kind].servers, false, err) &&
	       check_part("to", kind, w->to, false, needs[w->kind].to, err) && check_part("rest", kind, w->rest, false, needs[w->kind].rest, err);
}

/* ---- mistakes ---- */

void plan_mistake_free(void *data)
{
	struct plan_mistake *m = data;

	g_free(m->where);
	g_free(m->what);
	g_free(m);
}

void plan_mistake_add(GPtrArray *list, char *where, const char *code, char *what)
{
	struct plan_mistake *m = g_new0(struct plan_mistake, 1);

	m->where = where;
	m->code = code;
	m->what = what;
	if (list->len < PLAN_MISTAKES_MAX)
		g_ptr_array_add(list, m);
	else
		plan_mistake_free(m);
}

char *plan_mistakes_text(const GPtrArray *list)
{
	GString *s = g_string_new(NULL);

	g_string_printf(s, "The plan has %u mistake%s:", list->len, list->len == 1 ? "" : "s");
	for (guint i = 0; i < MIN(list->len, MISTAKES_TOLD); i++)
		g_string_append_printf(s, "%s %s", i ? ";" : "", ((const struct plan_mistake *)g_ptr_array_index(list, i))->what);
	if (list->len > MISTAKES_TOLD)
		g_string_append_printf(s, "; and %u more", list->len - MISTAKES_TOLD);
	return g_string_free(s, FALSE);
}

/* ---- names ---- */

struct reading {
	const struct plan_wanted *wanted;
	struct snapshot *snap;
	GHashTable *names;    /* name -> guest + 1, or one of these */
	GHashTable *named;    /* guest + 1 -> where, owned: those that the input has named */
	GPtrArray *mistakes;
};

#define NAME_OF_SEVERAL (-1)
#define NAME_ON_NO_HOST (-2)

static void add_name(GHashTable *names, const char *name, int what)
{
	g_hash_table_insert(names, (void *)name, GINT_TO_POINTER(g_hash_table_contains(names, name) ? NAME_OF_SEVERAL : what));
}

static GHashTable *names_of(const struct snapshot *s)
{
	GHashTable *names = g_hash_table_new(g_str_hash, g_str_equal);

	for (guint g = 0; g < s->fleet.n_guests; g++)
		add_name(names, s->guests[g].name, (int)g + 1);
	for (guint i = 0; i < s->lost->len; i++) {
		const struct snapshot_lost *l = &g_array_index(s->lost, struct snapshot_lost, i);

		if (l->name)
			add_name(names, l->name, NAME_ON_NO_HOST);
		g_hash_table_insert(names, (void *)l->uuid, GINT_TO_POINTER(NAME_ON_NO_HOST));
	}
	return names;
}

/* By its UUID, or its name. Return: -1 after a mistake was noted */
static int guest_called(struct reading *r, const char *name, const char *where)
{
	int g = snapshot_guest(r->snap, name), found = g >= 0 ? g + 1 : GPOINTER_TO_INT(g_hash_table_lookup(r->names, name));

	if (found > 0)
		return found - 1;
	if (found == NAME_OF_SEVERAL)
		plan_mistake_add(r->mistakes, g_strdup(where), "server_ambiguous", g_strdup_printf("several servers have the name %s; use a UUID", name));
	else if (found == NAME_ON_NO_HOST)
		plan_mistake_add(r->mistakes, g_strdup(where), "server_on_no_host", g_strdup_printf("server %s is on no host", name));
	else
		plan_mistake_add(r->mistakes, g_strdup(where), "server_unknown", g_strdup_printf("there is no server %s", name));
	return -1;
}

/* Return: the guest; -1 after a mistake was noted. @where: taken */
static int find_server(struct reading *r, const char *name, char *where)
{
	int g = guest_called(r, name, where);
	const char *other = g >= 0 ? g_hash_table_lookup(r->named, GINT_TO_POINTER(g + 1)) : NULL;

	if (g >= 0 && !other) {
		g_hash_table_insert(r->named, GINT_TO_POINTER(g + 1), where);
		return g;
	}
	if (other)
		plan_mistake_add(r->mistakes, g_strdup(where), "server_twice", g_strdup_printf("server %s is named twice, first at %s", name, other));
	g_free(where);
	return -1;
}

/* Return: -1 after a mistake was noted. @where: taken */
static int find_host(struct reading *r, const char *name, char *where)
{
	int h = snapshot_host(r->snap, name);

	if (h < 0)
		plan_mistake_add(r->mistakes, where, "host_unknown", g_strdup_printf("there is no host %s", name));
	else
		g_free(where);
	return h;
}

/* A host that something is to go to. */
static void check_dest(struct reading *r, guint h, const char *where)
{
	const char *name = r->snap->hosts[h].name;

	if (r->snap->states[h].disabled)
		plan_mistake_add(r->mistakes, g_strdup(where), "host_disabled", g_strdup_printf("host %s is disabled", name));
	else if (!r->snap->states[h].up)
		plan_mistake_add(r->mistakes, g_strdup(where), "host_down", g_strdup_printf("host %s is down", name));
}

/* ---- by kind ---- */

/* What each host has when all are where they were to go. Only what comes can be too much. */
static void check_room(struct reading *r)
{
	const struct planner_fleet *f = &r->snap->fleet;
	g_autofree struct usage *then = rest_then(f);
	g_autofree bool *comes = g_new0(bool, f->n_hosts + 1);

	for (guint g = 0; g < f->n_guests; g++)
		if (f->guests[g].to < f->n_hosts && f->guests[g].to != f->guests[g].host)
			comes[f->guests[g].to] = true;
	for (guint h = 0; h < f->n_hosts; h++) {
		const struct usage *all = &f->hosts[h].capacity;
		const char *name = f->hosts[h].name;
		g_autofree char *what = NULL;

		if (!comes[h] || f->hosts[h].no)
			continue;
		if (then[h].memory_mb > all->memory_mb)
			what = g_strdup_printf("host %s would have to give %" G_GINT64_FORMAT " MB of memory, and has %" G_GINT64_FORMAT " MB", name,
					       then[h].memory_mb, all->memory_mb);
		else if (then[h].vcpus > all->vcpus)
			what = g_strdup_printf("host %s would have to give %d vCPUs, and has %d", name, then[h].vcpus, all->vcpus);
		else if (then[h].disk_gb > all->disk_gb)
			what = g_strdup_printf("host %s would have to give %" G_GINT64_FORMAT " GB of disk, and has %" G_GINT64_FORMAT " GB", name,
					       then[h].disk_gb, all->disk_gb);
		else if (then[h].servers > all->servers)
			what = g_strdup_printf("host %s would have %d servers, and may have %d", name, then[h].servers, all->servers);
		if (what)
			plan_mistake_add(r->mistakes, r->wanted->map ? g_strdup_printf("map.%s", name) : g_strdup("to"), "host_full", g_steal_pointer(&what));
	}
}

static void take_place(struct reading *r, const struct plan_place *p)
{
	int h = find_host(r, p->host, g_strdup_printf("map.%s", p->host));
	bool comes = false;

	for (guint i = 0; i < p->servers->len; i++) {
		int g = find_server(r, g_ptr_array_index(p->servers, i), g_strdup_printf("map.%s[%u]", p->host, i));

		if (g < 0 || h < 0)
			continue;
		r->snap->guests[g].to = (guint)h;
		comes |= r->snap->guests[g].host != (guint)h;
	}
	if (comes) {
		g_autofree char *where = g_strdup_printf("map.%s", p->host);

		check_dest(r, (guint)h, where);
	}
}

static void take_map_wishes(struct reading *r)
{
	for (guint i = 0; i < r->wanted->map->len; i++)
		take_place(r, g_ptr_array_index(r->wanted->map, i));
	if (g_strcmp0(r->wanted->rest, "anywhere") == 0)
		rest_make_room(&r->snap->fleet, r->snap->guests);
	check_room(r);
}

static void take_bulk(struct reading *r)
{
	const struct plan_wanted *w = r->wanted;
	int h = w->to ? find_host(r, w->to, g_strdup("to")) : -1;

	if (h >= 0)
		check_dest(r, (guint)h, "to");
	for (guint i = 0; i < w->servers->len; i++) {
		int g = find_server(r, g_ptr_array_index(w->servers, i), g_strdup_printf("servers[%u]", i));

		if (g >= 0)
			r->snap->guests[g].to = h >= 0 ? (guint)h : PLANNER_ANY;
	}
	if (h >= 0)
		check_room(r);
}

/* The hosts of the list. @fn: called for each that is there */
static void each_host(struct reading *r, void (*fn)(struct reading *r, guint h, guint i))
{
	g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);

	for (guint i = 0; i < r->wanted->hosts->len; i++) {
		const char *name = g_ptr_array_index(r->wanted->hosts, i);
		int h = find_host(r, name, g_strdup_printf("hosts[%u]", i));

		if (h < 0)
			continue;
		if (g_hash_table_add(seen, GINT_TO_POINTER(h)))
			fn(r, (guint)h, i);
		else
			plan_mistake_add(r->mistakes, g_strdup_printf("hosts[%u]", i), "host_twice", g_strdup_printf("host %s is named twice", name));
	}
}

static void leave_host(struct reading *r, guint h, guint i)
{
	int waves = r->wanted->waves;

	if (!r->snap->states[h].up)
		plan_mistake_add(r->mistakes, g_strdup_printf("hosts[%u]", i), "host_down",
				 g_strdup_printf("host %s is down: its servers can be evacuated, not migrated", r->snap->hosts[h].name));
	snapshot_leave(r->snap, h, waves > 0 ? i / (guint)waves + 1 : 1, "the host is to be drained");
}

static void take_drain(struct reading *r)
{
	each_host(r, leave_host);
	for (guint g = 0; g < r->snap->fleet.n_guests; g++)
		if (r->snap->hosts[r->snap->guests[g].host].wave)
			r->snap->guests[g].to = PLANNER_ANY;
}

/* It is enabled before anything goes there. */
static void enable_host(struct reading *r, guint h, guint i)
{
	(void)i;
	if (r->snap->states[h].disabled && r->snap->states[h].up)
		r->snap->hosts[h].no = NULL;
}

static void take_undrain(struct reading *r, GHashTable *brought)
{
	GHashTableIter i;
	void *uuid, *host;

	each_host(r, enable_host);
	if (!brought)
		return;
	g_hash_table_iter_init(&i, brought);
	while (g_hash_table_iter_next(&i, &uuid, &host)) {
		int g = snapshot_guest(r->snap, uuid), h = snapshot_host(r->snap, host);

		if (g >= 0 && h >= 0 && r->snap->guests[g].host != (guint)h)
			r->snap->guests[g].to = (guint)h;
	}
}

static void keep_host(struct reading *r, guint h, guint i)
{
	(void)i;
	r->snap->hosts[h].wave = 1;
}

/* planner_balance() makes the wishes. */
static void take_rebalance(struct reading *r)
{
	if (!r->wanted->hosts)
		return;
	each_host(r, keep_host);
	for (guint h = 0; h < r->snap->fleet.n_hosts; h++) {
		if (!r->snap->hosts[h].wave && !r->snap->hosts[h].no)
			r->snap->hosts[h].no = "the host is none of the plan's";
		r->snap->hosts[h].wave = 0;
	}
}

void plan_input_take(const struct plan_wanted *w, struct snapshot *s, GHashTable *brought, GPtrArray *mistakes)
{
	g_autoptr(GHashTable) names = names_of(s), named = g_hash_table_new_full(NULL, NULL, NULL, g_free);
	struct reading r = { .wanted = w, .snap = s, .names = names, .named = named, .mistakes = mistakes };

	snapshot_index(s);
	switch ((enum plan_kind)w->kind) {
	case PLAN_MAP:
		take_map_wishes(&r);
		break;
	case PLAN_DRAIN:
		take_drain(&r);
		break;
	case PLAN_UNDRAIN:
		take_undrain(&r, brought);
		break;
	case PLAN_BULK:
		take_bulk(&r);
		break;
	case PLAN_REBALANCE:
		take_rebalance(&r);
		break;
	case PLAN_KIND_N:
		break;
	}
}

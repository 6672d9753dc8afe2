/* SPDX-License-Identifier: Apache-2.0 */
#include "map_nova.h"

#include <string.h>

#include "base/json.h"
#include "client.h"
#include "find.h"
#include "follow.h"
#include "near.h"
#include "plan.h"
#include "plan_view.h"
#include "prompt.h"
#include "wait.h"

#define SERVICE_MV 69
#define AUTO_BLOCK_MV 25
#define OVERCOMMIT 1.5 /* Nova's ram_allocation_ratio, which the API does not tell */
#define NEAR_MAX 50    /* mistakes for which a near name is looked for */

/* What Compute tells, by name. */
struct cloud_view {
	json_t *servers, *services, *hypervisors;
	GHashTable *by_id, *by_name;      /* -> a server's row; -> GPtrArray of rows */
	GHashTable *hosts, *memory;       /* -> a service's row; -> a hypervisor's row */
	GHashTable *seen;                 /* id -> the entry that has named it */
	GHashTable *incoming_mb;          /* host -> int64_t */
	int nears;
};

/* ---- what Compute tells ---- */

static json_t *rows_of(struct cli *c, const char *path, const char *query, const char *name, const char *marker, int mv_max, GError **err)
{
	struct client_list l = { .path = path, .query = query, .name = name, .marker = marker, .mv_min = 1, .mv_max = mv_max };

	return client_rows(c->client, &l, err);
}

static void index_servers(struct cloud_view *v)
{
	json_t *row;
	size_t i;

	json_array_foreach(v->servers, i, row) {
		const char *id = render_str(row, "id"), *name = render_str(row, "name");
		GPtrArray *same = name ? g_hash_table_lookup(v->by_name, name) : NULL;

		if (!id)
			continue;
		g_hash_table_insert(v->by_id, (void *)id, row);
		if (name && !same) {
			same = g_ptr_array_new();
			g_hash_table_insert(v->by_name, (void *)name, same);
		}
		if (same)
			g_ptr_array_add(same, row);
	}
}

static void index_hosts(struct cloud_view *v)
{
	json_t *row;
	size_t i;

	json_array_foreach(v->services, i, row)
		if (render_str(row, "host"))
			g_hash_table_insert(v->hosts, (void *)render_str(row, "host"), row);
	json_array_foreach(v->hypervisors, i, row)
		if (render_str(row, "service.host"))
			g_hash_table_insert(v->memory, (void *)render_str(row, "service.host"), row);
}

static bool read_cloud(struct cli *c, struct cloud_view *v, GError **err)
{
	v->by_id = g_hash_table_new(g_str_hash, g_str_equal);
	v->by_name = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)g_ptr_array_unref);
	v->hosts = g_hash_table_new(g_str_hash, g_str_equal);
	v->memory = g_hash_table_new(g_str_hash, g_str_equal);
	v->seen = g_hash_table_new(g_str_hash, g_str_equal);
	v->incoming_mb = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
	v->servers = find_servers(c, err);
	v->services = v->servers ? rows_of(c, "/os-services", "binary=nova-compute", "services", NULL, SERVICE_MV, err) : NULL;
	if (!v->services)
		return false;
	/* without it the room is not judged */
	v->hypervisors = rows_of(c, "/os-hypervisors/detail", NULL, "hypervisors", "id", FIND_HYPERVISOR_MV, NULL);
	index_servers(v);
	index_hosts(v);
	return true;
}

static void clear_cloud(struct cloud_view *v)
{
	GHashTable *tables[] = { v->by_id, v->by_name, v->hosts, v->memory, v->seen, v->incoming_mb };

	for (size_t i = 0; i < G_N_ELEMENTS(tables); i++)
		g_hash_table_unref(tables[i]);
	json_decref(v->servers);
	json_decref(v->services);
	json_decref(v->hypervisors);
}

/* ---- what is wrong with the map ---- */

/* The nearest of a table's names, as "; did you mean "x"?". Return: owned. */
static char *near_of(struct cloud_view *v, GHashTable *names, const char *text)
{
	g_autofree const char **known = NULL;
	const char *near;

	if (v->nears++ >= NEAR_MAX)
		return g_strdup("");
	known = (const char **)g_hash_table_get_keys_as_array(names, NULL);
	near = near_word(text, known);
	return near ? g_strdup_printf("; did you mean \"%s\"?", near) : g_strdup("");
}

/* "id (status, on host), ..." of the servers of one name. Return: owned */
static char *choices(const GPtrArray *same)
{
	GString *s = g_string_new(NULL);

	for (guint i = 0; i < same->len && i < 5; i++)
		g_string_append_printf(s, "%s%s on %s", i ? ", " : "", plan_str(same->pdata[i], "id"), plan_str(same->pdata[i], "OS-EXT-SRV-ATTR:host"));
	return g_string_free(s, FALSE);
}

/* Return: the server's row, borrowed; NULL: it is a mistake. */
static json_t *find_one(struct cloud_view *v, struct map *m, const struct map_entry *e)
{
	json_t *row = g_hash_table_lookup(v->by_id, e->server);
	GPtrArray *same = row ? NULL : g_hash_table_lookup(v->by_name, e->server);
	g_autofree char *more = NULL;

	if (row || (same && same->len == 1))
		return row ? row : same->pdata[0];
	if (same) {
		more = choices(same);
		map_add_mistake(m, e->at, "%u servers are called \"%s\"; give the id of one: %s", same->len, e->server, more);
	} else {
		more = near_of(v, v->by_name, e->server);
		map_add_mistake(m, e->at, "there is no server \"%s\"%s", e->server, more);
	}
	return NULL;
}

/* Whether it may be moved at all. @name: of the server */
static bool may_move(struct map *m, const struct map_entry *e, const json_t *row, const char *name)
{
	const char *status = plan_str(row, "status");

	if (!render_str(row, "OS-EXT-SRV-ATTR:host"))
		map_add_mistake(m, e->at, "server \"%s\" is on no host, or you may not see on which", name);
	else if (strcmp(status, "ACTIVE") != 0 && strcmp(status, "PAUSED") != 0)
		map_add_mistake(m, e->at, "server \"%s\" is %s: only servers that are ACTIVE or PAUSED can be migrated live", name, status);
	else
		return true;
	return false;
}

/* The host takes servers. Its mistakes are told once, where it is named first. */
static bool host_takes(struct cloud_view *v, struct map *m, const struct map_entry *e)
{
	const json_t *service = g_hash_table_lookup(v->hosts, e->host);
	const char *status = plan_str(service, "status"), *state = plan_str(service, "state"), *reason = render_str(service, "disabled_reason");
	bool first = !g_hash_table_contains(v->incoming_mb, e->host);

	if (first)
		g_hash_table_insert(v->incoming_mb, e->host, g_new0(int64_t, 1));
	if (service && strcmp(status, "disabled") != 0 && strcmp(state, "down") != 0)
		return true;
	if (first && service && strcmp(state, "down") == 0)
		map_add_mistake(m, e->host_at, "host \"%s\" is down", e->host);
	else if (first && service)
		map_add_mistake(m, e->host_at, "host \"%s\" is disabled%s%s", e->host, reason ? ": " : "", reason ? reason : "");
	return false;
}

static void check_known_hosts(struct cloud_view *v, struct map *m)
{
	for (guint i = 0; i < m->hosts->len; i++) {
		const struct map_entry *h = m->hosts->pdata[i];
		g_autofree char *near = NULL;

		if (g_hash_table_contains(v->hosts, h->host) || !*h->host)
			continue;
		near = near_of(v, v->hosts, h->host);
		map_add_mistake(m, h->at, "there is no compute host \"%s\"%s", h->host, near);
	}
}

/* One entry. Return: its step, owned; NULL if there is nothing to do, or a mistake. */
static json_t *step_of(struct cloud_view *v, struct map *m, struct map_entry *e)
{
	json_t *row = find_one(v, m, e);
	const char *name = plan_str(row, "name"), *from = render_str(row, "OS-EXT-SRV-ATTR:host");
	const struct map_entry *before = row ? g_hash_table_lookup(v->seen, render_str(row, "id")) : NULL;
	int64_t *incoming;

	if (before)
		map_add_mistake(m, e->at, "server \"%s\" stands here a second time; the first is in line %u, on host \"%s\"", name, before->at.line, before->host);
	if (!row || before)
		return NULL;
	g_hash_table_insert(v->seen, (void *)render_str(row, "id"), e);
	if (g_strcmp0(from, e->host) == 0 || !may_move(m, e, row, name) || !host_takes(v, m, e))
		return NULL;
	incoming = g_hash_table_lookup(v->incoming_mb, e->host);
	*incoming += json_integer_value(render_get(row, "flavor.ram"));
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "server_uuid", render_str(row, "id"), "server_name", name, "from", from, "to", e->host, "how",
			 "live", "why", "the map says so", "state", "waiting");
}

/* Of a host that takes servers: what will be on it, by memory. */
static void check_room(struct cloud_view *v, struct map *m, const json_t *steps)
{
	for (guint i = 0; i < m->hosts->len; i++) {
		const struct map_entry *h = m->hosts->pdata[i];
		const json_t *hypervisor = g_hash_table_lookup(v->memory, h->host), *step;
		const int64_t *incoming = g_hash_table_lookup(v->incoming_mb, h->host);
		int64_t has = json_integer_value(json_object_get(hypervisor, "memory_mb")), need = json_integer_value(json_object_get(hypervisor, "memory_mb_used"));
		size_t k;

		need += incoming ? *incoming : 0;
		json_array_foreach(steps, k, step)
			if (strcmp(plan_str(step, "from"), h->host) == 0)
				need -= json_integer_value(render_get(g_hash_table_lookup(v->by_id, plan_str(step, "server_uuid")), "flavor.ram"));
		if (has > 0 && incoming && *incoming > 0 && (double)need > (double)has * OVERCOMMIT)
			map_add_mistake(m, h->at, "host \"%s\" would be full: its servers would need %" G_GINT64_FORMAT " MiB of memory, it has %" G_GINT64_FORMAT,
					h->host, need, has);
	}
}

json_t *map_nova_steps(struct cli *c, struct map *m, GError **err)
{
	struct cloud_view v = { 0 };
	json_t *steps = NULL;

	if (cli_client(c, err) && read_cloud(c, &v, err)) {
		steps = json_array();
		check_known_hosts(&v, m);
		for (guint i = 0; i < m->entries->len; i++) {
			json_t *step = step_of(&v, m, m->entries->pdata[i]);

			if (step) {
				json_object_set_new(step, "n", json_integer((json_int_t)json_array_size(steps) + 1));
				json_array_append_new(steps, step);
			}
		}
		check_room(&v, m, steps);
	}
	if (v.by_id)
		clear_cloud(&v);
	return steps;
}

/* ---- doing it ---- */

static void set_state(json_t *step, const char *state, const char *reason)
{
	json_object_set_new(step, "state", json_string(state));
	if (reason)
		json_object_set_new(step, "reason", json_string(reason));
}

static bool ask_to_migrate(struct cli *c, const json_t *step, GError **err)
{
	g_autofree char *path = client_path("servers", plan_str(step, "server_uuid"), "action", NULL);
	struct client_call call = { .method = "POST", .path = path, .mv_min = 1, .mv_max = FIND_SERVER_MV };
	int mv = client_version(c->client, call.mv_min, call.mv_max, err);
	g_autoptr(json_t) args = json_pack("{s:s}", "host", plan_str(step, "to")), body = NULL;

	if (mv < 0)
		return false;
	if (mv >= AUTO_BLOCK_MV) {
		json_object_set_new(args, "block_migration", json_string("auto"));
	} else {
		json_object_set_new(args, "block_migration", json_false());
		json_object_set_new(args, "disk_over_commit", json_false());
	}
	body = json_pack("{s:O}", "os-migrateLive", args);
	call.body = body;
	return client_call(c->client, &call, NULL, err);
}

/* Where it is now. Return: owned; NULL: unknown. */
static char *host_of(struct cli *c, const char *id)
{
	g_autofree char *path = client_path("servers", id, NULL);
	struct client_call call = { .method = "GET", .path = path, .mv_min = 1, .mv_max = FIND_SERVER_MV };
	g_autoptr(json_t) body = NULL;

	(void)client_call(c->client, &call, &body, NULL);
	return g_strdup(render_str(body, "server.OS-EXT-SRV-ATTR:host"));
}

static bool verify(struct cli *c, const json_t *step, GError **err)
{
	g_autofree char *host = host_of(c, plan_str(step, "server_uuid"));

	if (g_strcmp0(host, plan_str(step, "to")) == 0)
		return true;
	g_set_error(err, CLI_ERR, CLI_FAILED, "%s is %s%s after its migration, not on %s", plan_str(step, "server_name"), host ? "on " : "on no host that is told",
		    host ? host : "", plan_str(step, "to"));
	return false;
}

/* One migration from its request to its end. */
static bool migrate(struct cli *c, const json_t *step, int64_t limit_ms, GError **err)
{
	struct follow f = { .cli = c, .server_id = plan_str(step, "server_uuid"), .server_name = plan_str(step, "server_name"), .type = FOLLOW_LIVE,
			    .limit_ms = limit_ms };
	g_autofree char *request_id = NULL;
	bool ok;

	f.above_id = follow_last_id(c, f.server_id, f.type);
	if (!ask_to_migrate(c, step, err))
		return false;
	f.request_id = request_id = g_strdup(client_request_id(c->client));
	ok = follow_wait(&f, err) && verify(c, step, err);
	follow_clear(&f);
	return ok;
}

static void say_where(const json_t *step)
{
	g_autofree char *from = render_safe(plan_str(step, "from"), false), *id = render_safe(plan_str(step, "server_uuid"), false);

	fprintf(stderr, "  look at nova-scheduler and nova-conductor on the controller, and on %s:\n  grep %s /var/log/nova/nova-compute.log\n", from, id);
}

/* Return: false with @err if nothing more is to be done. */
static bool run_step(struct cli *c, json_t *step, int64_t limit_ms, GError **err)
{
	g_autofree char *safe = NULL;
	GError *why = NULL;

	if (migrate(c, step, limit_ms, &why)) {
		set_state(step, "done", NULL);
		return true;
	}
	if (g_error_matches(why, CLI_ERR, CLI_INTERRUPTED)) {
		set_state(step, "left", "no longer watched; its migration goes on");
		g_propagate_error(err, why);
		return false;
	}
	set_state(step, g_error_matches(why, CLI_ERR, CLI_TIMEOUT) ? "left" : "failed", why->message);
	safe = render_safe(why->message, true);
	fprintf(stderr, "drover: %s\n", safe);
	say_where(step);
	g_error_free(why);
	return true;
}

enum answer { ANSWER_YES, ANSWER_NO, ANSWER_ALL, ANSWER_QUIT };

static enum answer ask(const json_t *step, bool yes)
{
	static const char *const answers[] = { "yes", "no", "all", "quit", NULL };
	g_autofree char *question = NULL, *safe = NULL;
	int got;

	if (yes)
		return ANSWER_YES;
	question = g_strdup_printf("migrate %s from %s to %s?", plan_str(step, "server_name"), plan_str(step, "from"), plan_str(step, "to"));
	safe = render_safe(question, false);
	got = prompt_ask(safe, answers);
	return got < 0 ? ANSWER_QUIT : (enum answer)got;
}

static int count(const json_t *steps, const char *state)
{
	const json_t *step;
	int n = 0;
	size_t i;

	json_array_foreach(steps, i, step)
		n += strcmp(plan_str(step, "state"), state) == 0;
	return n;
}

/* What came out. */
static bool conclude(struct cli *c, const json_t *steps, GError **err)
{
	int done = count(steps, "done"), failed = count(steps, "failed"), left = count(steps, "left"), pending = count(steps, "skipped") + count(steps, "waiting");

	if (c->format == RENDER_TABLE && !args_all(c->args, "column"))
		plan_put_steps(c, steps);
	else if (!cli_print_list(c, steps, err))
		return false;
	if (c->format == RENDER_TABLE)
		plan_say(c, "%d migrated, %d failed, %d not ended in time, %d not begun\n", done, failed, left, pending);
	if (failed + left == 0) {
		c->done_status = pending ? PLAN_PENDING : PLAN_DONE;
		return true;
	}
	c->failed_status = done ? PLAN_PARTLY : PLAN_FAILED;
	g_set_error(err, CLI_ERR, left && !failed && !done ? CLI_TIMEOUT : CLI_FAILED, "%d of %zu servers were not migrated", failed + left, json_array_size(steps));
	return false;
}

bool map_nova_run(struct cli *c, json_t *steps, const struct map_nova_how *how, GError **err)
{
	bool yes = how->yes;
	json_t *step;
	size_t i;

	wait_signals(c->client);
	json_array_foreach(steps, i, step) {
		enum answer answer = ask(step, yes);

		yes |= answer == ANSWER_ALL;
		if (answer == ANSWER_QUIT)
			break;
		if (answer == ANSWER_NO)
			set_state(step, "skipped", "you said no");
		else if (!run_step(c, step, how->limit_ms, err))
			return false;
	}
	if (!wait_interrupted())
		return conclude(c, steps, err);
	g_set_error(err, CLI_ERR, CLI_INTERRUPTED, "interrupted");
	return false;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "find.h"

#include <string.h>

#include "base/json.h"
#include "base/util.h"
#include "near.h"

#define CANDIDATES_MAX 20
#define NEAR_LEN_MAX 64
#define SERVICE_MV 69
#define UUID_MV 59 /* from it on a migration has one */

void find_all_tenants(struct cli *c, GString *query)
{
	if (client_is_admin(c->client))
		client_query(query, "all_tenants", "1");
}

void find_unknown(const char *what, const char *text, const json_t *rows, const char *name, GError **err)
{
	g_autoptr(GPtrArray) known = g_ptr_array_new();
	g_autofree char *near = NULL;
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row) {
		const char *one = render_str(row, name);

		if (one && strlen(one) <= NEAR_LEN_MAX)
			g_ptr_array_add(known, (void *)one);
	}
	g_ptr_array_add(known, NULL);
	if (near_word(text, (const char *const *)known->pdata))
		near = render_safe(near_word(text, (const char *const *)known->pdata), false);
	g_set_error(err, CLI_ERR, CLI_FAILED, "there is no %s \"%s\"%s%s%s", what, text, near ? "; did you mean \"" : "", near ? near : "",
		    near ? "\"?" : "");
}

/* ---- servers ---- */

/* Compute's name filter is a regular expression. */
static char *exact_pattern(const char *name)
{
	GString *s = g_string_new("^");

	for (; *name; name++) {
		if (strchr("\\^$.[]|()?*+{}", *name))
			g_string_append_c(s, '\\');
		g_string_append_c(s, *name);
	}
	g_string_append_c(s, '$');
	return g_string_free(s, FALSE);
}

static json_t *list_servers(struct cli *c, const char *name, GError **err)
{
	g_autoptr(GString) query = g_string_new(NULL);
	g_autofree char *pattern = name ? exact_pattern(name) : NULL;
	struct client_list l = { .path = "/servers/detail", .name = "servers", .marker = "id", .mv_min = 1, .mv_max = FIND_SERVER_MV };

	client_query(query, "name", pattern);
	find_all_tenants(c, query);
	l.query = query->str;
	return client_rows(c->client, &l, err);
}

json_t *find_servers(struct cli *c, GError **err)
{
	return cli_client(c, err) ? list_servers(c, NULL, err) : NULL;
}

static json_t *get_server(struct cli *c, const char *id, GError **err)
{
	g_autofree char *path = client_path("servers", id, NULL);
	struct client_call call = { .method = "GET", .path = path, .mv_min = 1, .mv_max = FIND_SERVER_MV };
	g_autoptr(json_t) body = NULL;
	json_t *server;

	if (!client_call(c->client, &call, &body, err))
		return NULL;
	server = json_object_get(body, "server");
	if (!render_str(server, "id")) {
		g_set_error(err, CLI_ERR, CLI_FAILED, "the answer about server %s has no \"server\" with an id", id);
		return NULL;
	}
	return json_incref(server);
}

/* Keeps the rows whose name is exactly @name, whatever the filter let through. */
static json_t *named(const json_t *rows, const char *name)
{
	json_t *same = json_array(), *row;
	size_t i;

	json_array_foreach(rows, i, row)
		if (g_strcmp0(render_str(row, "name"), name) == 0 && render_str(row, "id"))
			json_array_append(same, row);
	return same;
}

static bool begins(const json_t *row, const char *member, const char *text)
{
	const char *value = render_str(row, member);

	return value && g_str_has_prefix(value, text);
}

/* Keeps the rows of which one of two members begins with @text. */
static json_t *beginning(const json_t *rows, const char *member, const char *other, const char *text)
{
	json_t *some = json_array(), *row;
	size_t i;

	json_array_foreach(rows, i, row)
		if (*text && render_str(row, member) && (begins(row, member, text) || begins(row, other, text)))
			json_array_append(some, row);
	return some;
}

/* @how: "are called", "begin with" */
static void several(const char *name, const char *how, const json_t *rows, GError **err)
{
	g_autoptr(GString) list = g_string_new(NULL);
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row) {
		static const char *const parts[] = { "id", "name", "status", "OS-EXT-SRV-ATTR:host" };

		if (i == CANDIDATES_MAX) {
			g_string_append(list, "\n  ...");
			break;
		}
		for (size_t p = 0; p < G_N_ELEMENTS(parts); p++) {
			g_autofree char *safe = render_safe(render_str(row, parts[p]) ? render_str(row, parts[p]) : "-", false);

			if (g_strcmp0(parts[p], "name") != 0 || strcmp(name, safe) != 0)
				g_string_append_printf(list, "%s  %s", p ? "" : "\n", safe);
		}
	}
	g_set_error(err, CLI_ERR, CLI_FAILED, "%zu servers %s \"%s\"; use the id of one:%s", json_array_size(rows), how, name, list->str);
}

/* Neither an id nor a name. */
static json_t *server_by_beginning(struct cli *c, const char *text, GError **err)
{
	g_autoptr(json_t) all = list_servers(c, NULL, NULL), some = beginning(all, "id", "name", text);

	if (json_array_size(some) == 1)
		return get_server(c, render_str(json_array_get(some, 0), "id"), err);
	if (json_array_size(some) > 1)
		several(text, "begin with", some, err);
	else
		find_unknown("server", text, all, "name", err);
	return NULL;
}

static json_t *server_by_name(struct cli *c, const char *name, GError **err)
{
	g_autoptr(json_t) some = list_servers(c, name, err);
	g_autoptr(json_t) same = NULL;

	if (!some)
		return NULL;
	same = named(some, name);
	if (json_array_size(same) == 1)
		return get_server(c, render_str(json_array_get(same, 0), "id"), err);
	if (json_array_size(same) == 0)
		return server_by_beginning(c, name, err);
	several(name, "are called", same, err);
	return NULL;
}

json_t *find_server(struct cli *c, const char *text, GError **err)
{
	g_autoptr(GError) why = NULL;
	json_t *server;

	if (!cli_client(c, err))
		return NULL;
	if (!util_uuid_valid(text))
		return server_by_name(c, text, err);
	server = get_server(c, text, &why);
	if (server)
		return server;
	if (g_error_matches(why, CLI_HTTP, 404))
		return server_by_name(c, text, err); /* a name may look like an id */
	g_propagate_error(err, g_steal_pointer(&why));
	return NULL;
}

/* ---- hosts ---- */

/* The names of compute hosts, each a row {"name"}; of the services, which tell them alone. Owned; NULL with @err. */
static json_t *list_hosts(struct cli *c, GError **err)
{
	struct client_list l = { .path = "/os-services", .query = "binary=nova-compute", .name = "services", .mv_min = 1, .mv_max = SERVICE_MV };
	g_autoptr(json_t) services = client_rows(c->client, &l, err);
	json_t *names, *row;
	size_t i;

	if (!services)
		return NULL;
	names = json_array();
	json_array_foreach(services, i, row)
		if (render_str(row, "host"))
			json_array_append_new(names, json_pack("{s:O}", "name", json_object_get(row, "host")));
	return names;
}

/* Several hosts begin so. */
static void several_hosts(const char *text, const json_t *rows, GError **err)
{
	g_autoptr(GString) list = g_string_new(NULL);
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row) {
		g_autofree char *safe = render_safe(render_str(row, "name"), false);

		if (i < CANDIDATES_MAX)
			g_string_append_printf(list, "%s%s", i ? ", " : "", safe);
	}
	g_set_error(err, CLI_ERR, CLI_FAILED, "%zu hosts begin with \"%s\": %s%s", json_array_size(rows), text, list->str,
		    json_array_size(rows) > CANDIDATES_MAX ? ", ..." : "");
}

char *find_host(struct cli *c, const char *text, GError **err)
{
	g_autoptr(json_t) all = cli_client(c, err) ? list_hosts(c, err) : NULL, some = NULL;
	const json_t *row;
	size_t i;

	if (!all)
		return NULL;
	json_array_foreach(all, i, row)
		if (strcmp(render_str(row, "name"), text) == 0)
			return g_strdup(text);
	some = beginning(all, "name", "name", text);
	if (json_array_size(some) == 1)
		return g_strdup(render_str(json_array_get(some, 0), "name"));
	if (json_array_size(some) > 1)
		several_hosts(text, some, err);
	else
		find_unknown("compute host", text, all, "name", err);
	return NULL;
}

/* ---- migrations ---- */

struct client_list find_migrations_list(const char *query)
{
	return (struct client_list){
		.path = "/os-migrations", .query = query, .name = "migrations", .marker = "uuid", .mv_min = 1, .mv_max = FIND_MIGRATION_MV,
	};
}

struct wanted {
	const char *uuid;  /* or its beginning; NULL: look for the number */
	int64_t id;
	json_t *found;
	bool several;
};

static bool take_wanted(json_t *row, void *user)
{
	struct wanted *w = user;
	const json_t *id = json_object_get(row, "id");

	if (w->uuid ? !begins(row, "uuid", w->uuid) : !json_is_integer(id) || json_integer_value(id) != w->id)
		return true;
	w->several = w->found != NULL;
	if (!w->found)
		w->found = json_incref(row);
	return w->uuid && !w->several && !util_uuid_valid(w->uuid);
}

/* What names a migration: a number, a UUID or a part of one. */
static bool read_wanted(const char *text, struct wanted *w, GError **err)
{
	if (util_parse_int(text, 0, G_MAXINT64, &w->id))
		return true;
	w->uuid = text;
	if (*text && strspn(text, "0123456789abcdefABCDEF-") == strlen(text))
		return true;
	g_set_error(err, CLI_ERR, CLI_USAGE, "\"%s\" is not a migration: give its number or UUID", text);
	return false;
}

json_t *find_migration(struct cli *c, const char *server_id, const char *text, GError **err)
{
	g_autoptr(GString) query = g_string_new(NULL);
	struct client_list l = find_migrations_list(NULL);
	g_autoptr(json_t) found = NULL;
	struct wanted w = { 0 };
	bool ok;

	if (!read_wanted(text, &w, err) || !cli_client(c, err))
		return NULL;
	client_query(query, "instance_uuid", server_id);
	l.query = query->str;
	l.mv_min = w.uuid ? UUID_MV : 1;
	ok = client_each(c->client, &l, take_wanted, &w, err);
	found = w.found;
	if (!ok)
		return NULL;
	if (found && !w.several)
		return g_steal_pointer(&found);
	if (found)
		g_set_error(err, CLI_ERR, CLI_FAILED, "several migrations begin with %s; see: drover migration list --long", text);
	else
		g_set_error(err, CLI_ERR, CLI_FAILED, "there is no migration %s%s%s; see: drover migration list", text,
			    server_id ? " of server " : "", server_id ? server_id : "");
	return NULL;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * consoles: addresses of servers' consoles, and what a token is for.
 *
 *	POST /servers/{id}/remote-consoles {"remote_console": {"protocol": "serial", "type": "serial"}}
 *	POST /servers/{id}/remote-consoles {"remote_console": {"protocol": "vnc", "type": "novnc"}}
 */
#include <assert.h>
#include <string.h>

#include "api/compute/compute.h"
#include "api/compute/consoles.h"
#include "api/http/view.h"
#include "console/console.h"

struct wanted {
	char *protocol, *type;
};

static const struct json_field wanted_fields[] = {
	{ "protocol", JSON_STR, offsetof(struct wanted, protocol), .min = 1, .max = 16, .required = true },
	{ "type", JSON_STR, offsetof(struct wanted, type), .min = 1, .max = 16, .required = true },
};
static const struct api_body wanted_body = { "remote_console", wanted_fields, G_N_ELEMENTS(wanted_fields) };

static const struct json_field type_fields[] = {
	{ "type", JSON_STR, offsetof(struct wanted, type), .min = 1, .max = 16, .required = true },
};
const struct api_body console_type_body = { .fields = type_fields, .n = G_N_ELEMENTS(type_fields) };

/* By what clients call them. */
static const struct {
	const char *protocol, *type;
} kinds[] = {
	[CONSOLE_SERIAL] = { "serial", "serial" },
	[CONSOLE_NOVNC]  = { "vnc", "novnc" },
};
static_assert(G_N_ELEMENTS(kinds) == CONSOLE_KIND_N, "kinds is missing one");

static enum console_kind kind_of(const char *protocol, const char *type)
{
	enum console_kind k = 0;

	while (k < CONSOLE_KIND_N && (strcmp(kinds[k].protocol, protocol) != 0 || strcmp(kinds[k].type, type) != 0))
		k++;
	return k;
}

/* Nova's order: the type, then the server's state. Return: the address, owned; NULL after the request was answered. */
static char *url_of(struct api_req *r, const struct server *s, const char *protocol, const char *type)
{
	struct console_token of = { .kind = kind_of(protocol, type), .user_id = r->auth->user_id, .project_id = r->auth->project_id, .app_id = r->auth->app_id };
	GError *err = NULL;
	char *url;

	if (of.kind == CONSOLE_KIND_N || !consoles_has(api_consoles(r), of.kind)) {
		api_fail_new(r, ERR_BAD_REQUEST, "Unavailable console type %s.", type);
		return NULL;
	}
	if (s->vm != SERVER_ACTIVE && s->vm != SERVER_PAUSED) {
		api_fail_new(r, ERR_CONFLICT, "Instance not yet ready");
		return NULL;
	}
	g_strlcpy(of.server_uuid, s->uuid, sizeof of.server_uuid);
	url = consoles_url(api_consoles(r), &of, &err);
	if (!url)
		api_fail(r, err);
	return url;
}

static void reply(struct api_req *r, const char *member, const struct wanted *w, const char *url)
{
	struct jout o;

	view_open(&o, r, 256);
	jout_key(&o, member);
	jout_open(&o, '{');
	if (w->protocol)
		jout_kv(&o, "protocol", str, w->protocol);
	jout_kv(&o, "type", str, w->type);
	jout_kv(&o, "url", str, url);
	jout_close(&o, '}');
	view_close(&o, r, 200);
}

static void create(struct api_req *r)
{
	struct wanted w = { .type = NULL };
	const struct server *s = NULL;
	g_autofree char *url = NULL;
	GError *err = NULL;

	if (!api_decode(r, &w, &err))
		api_fail(r, err);
	else
		s = view_server(r, r->param[0]);
	if (s)
		url = url_of(r, s, w.protocol, w.type);
	if (url)
		reply(r, "remote_console", &w, url);
	json_free(wanted_fields, G_N_ELEMENTS(wanted_fields), &w);
}

static void get_of(struct api_req *r, const json_t *value, const char *protocol)
{
	struct wanted w = { .type = NULL };
	const struct server *s = view_action_server(r, value, &w);
	g_autofree char *url = NULL;

	if (s)
		url = url_of(r, s, protocol, w.type);
	if (url)
		reply(r, "console", &w, url);
	json_free(type_fields, G_N_ELEMENTS(type_fields), &w);
}

void console_get_serial(struct api_req *r, const json_t *value)
{
	get_of(r, value, "serial");
}

void console_get_vnc(struct api_req *r, const json_t *value)
{
	get_of(r, value, "vnc");
}

/* Only an address in the path tells of a token: it is the secret itself. */
static void show_token(struct api_req *r)
{
	const struct console_token *t = api_consoles(r) ? consoles_token(api_consoles(r), r->param[0]) : NULL;
	const struct server *s = t ? fleet_server(api_fleet(r), t->server_uuid) : NULL;
	const struct host *h = s ? fleet_host(api_fleet(r), s->host) : NULL;
	g_autofree char *ip = h ? view_host_ip(h) : NULL;
	struct jout o;

	if (!s) {
		api_fail_new(r, ERR_NOT_FOUND, "Token not found");
		return;
	}
	view_open(&o, r, 256);
	jout_key(&o, "console");
	jout_open(&o, '{');
	jout_kv(&o, "instance_uuid", str, s->uuid);
	jout_kv(&o, "host", str, ip);
	jout_kv(&o, "port", raw, "null"); /* where a guest is reached is found out for each session */
	jout_kv(&o, "internal_access_path", raw, "null");
	jout_close(&o, '}');
	view_close(&o, r, 200);
}

static const struct route routes[] = {
	{ "POST", "/v2.1/servers/{id}/remote-consoles",    "os_compute_api:os-remote-consoles",     create, .since = 6, .body = &wanted_body },
	{ "GET",  "/v2.1/os-console-auth-tokens/{id}",     "os_compute_api:os-console-auth-tokens", show_token, .since = 31 },
};
const struct route_table consoles_routes = { routes, G_N_ELEMENTS(routes) };

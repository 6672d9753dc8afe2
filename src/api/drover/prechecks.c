/* SPDX-License-Identifier: Apache-2.0
 *
 * POST /drover/v1/servers/{id}/precheck: where could this server go live, and
 * why not elsewhere? Every check of every host; nothing is moved.
 *
 *	{"precheck": {"host": "h2", "block_migration": "auto", "force": false}}
 *
 * All members may be left out: then every host, "auto", false.
 */
#include <string.h>

#include "api/drover/drover.h"
#include "api/http/view.h"
#include "base/body.h"
#include "move/check_all.h"
#include "task/engine.h"

struct question {
	char *host;
	bool force;
	enum mig_block block;
};

static bool take_block(const json_t *v, void *obj, const char *where, GError **err)
{
	bool block;

	if (json_is_string(v) && strcmp(json_string_value(v), "auto") == 0)
		return true;
	if (!body_take_bool(v, where, &block, err))
		return false;
	((struct question *)obj)->block = block ? MIG_BLOCK_YES : MIG_BLOCK_NO;
	return true;
}

static const struct json_field fields[] = {
	{ "host",            JSON_STR,  offsetof(struct question, host), .nullable = true, .min = 1, .max = 255 },
	{ "block_migration", JSON_EMIT, .take = take_block, .form = BODY_BOOL ", \"auto\"" },
	{ "force",           JSON_BOOL, offsetof(struct question, force) },
};

static const struct api_body precheck_body = { "precheck", fields, G_N_ELEMENTS(fields), .nullable = true };

static void put_result(struct jout *o, const void *obj)
{
	jout_str(o, check_result_name(((const struct check_finding *)obj)->result));
}

#define CHECK(member) offsetof(struct check_finding, member)

static const struct json_field check_fields[] = {
	{ "name",   JSON_STR,  CHECK(name) },
	{ "result", JSON_EMIT, .emit = put_result },
	{ "reason", JSON_STR,  CHECK(reason) },
};

static void put_checks(struct jout *o, const void *obj)
{
	const GPtrArray *checks = ((const struct check_host *)obj)->checks;

	jout_open(o, '[');
	for (guint i = 0; i < checks->len; i++)
		jout_object(o, check_fields, G_N_ELEMENTS(check_fields), g_ptr_array_index(checks, i));
	jout_close(o, ']');
}

#define HOST(member) offsetof(struct check_host, member)

static const struct json_field host_fields[] = {
	{ "host",   JSON_STR,  HOST(host) },
	{ "fits",   JSON_BOOL, HOST(fits) },
	{ "checks", JSON_EMIT, .emit = put_checks },
};

static void answer(GPtrArray *hosts, void *user)
{
	struct api_req *r = user;
	const struct server *s = fleet_server(api_fleet(r), r->param[0]);
	struct jout o;

	view_open(&o, r, 256 + hosts->len * 1024);
	jout_key(&o, "precheck");
	jout_open(&o, '{');
	jout_kv(&o, "server_uuid", str, r->param[0]);
	jout_kv(&o, "source", str, s ? s->host : NULL);
	jout_key(&o, "hosts");
	jout_open(&o, '[');
	for (guint i = 0; i < hosts->len; i++)
		jout_object(&o, host_fields, G_N_ELEMENTS(host_fields), g_ptr_array_index(hosts, i));
	jout_close(&o, ']');
	jout_close(&o, '}');
	view_close(&o, r, 200);
}

static bool host_known(struct api_req *r, const char *host)
{
	if (!host || fleet_host(api_fleet(r), host))
		return true;
	api_fail_new(r, ERR_BAD_REQUEST, "Compute host %s could not be found.", host);
	return false;
}

/* The first kind that moves a guest. */
static const struct task_kind *kind_asked(struct api_req *r)
{
	const struct task_kind *const *kinds = engine_kinds(api_engine(r));

	while (!(*kinds)->checks)
		kinds++;
	return *kinds;
}

static void ask(struct api_req *r, struct server *s, const struct question *q)
{
	struct check_request req = { .kind = kind_asked(r), .server_uuid = s->uuid, .dest = q->host, .block = q->block, .force = q->force };

	if (!host_known(r, q->host))
		return;
	if (q->force && !q->host)
		api_fail_new(r, ERR_BAD_REQUEST, "Can't force to a non-provided destination");
	else if (!s->host)
		api_fail_new(r, ERR_CONFLICT, "Instance %s is on no host", s->uuid);
	else
		check_all(api_engine(r), &req, answer, r);
}

static void precheck(struct api_req *r)
{
	GError *err = NULL;
	struct question q = { .block = MIG_BLOCK_AUTO };
	struct server *s = NULL;

	if (!api_decode(r, &q, &err))
		api_fail(r, err);
	else
		s = view_server(r, r->param[0]);
	if (s)
		ask(r, s, &q);
	json_free(fields, G_N_ELEMENTS(fields), &q);
}

static const struct route routes[] = {
	{ "POST", "/drover/v1/servers/{id}/precheck", "drover:servers:precheck", precheck, .body = &precheck_body },
};
const struct route_table prechecks_routes = { routes, G_N_ELEMENTS(routes) };

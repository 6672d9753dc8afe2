/* SPDX-License-Identifier: Apache-2.0
 *
 * POST /drover/v1/servers/{id}/precheck: where could this server go live, where
 * only cold, and why? Every check of every host; nothing is moved.
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
#include "plan/expect.h"

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

/* Members of an object: what a kind's checks have said. */
static void put_way(struct jout *o, const struct check_way *w)
{
	const struct check_finding *no = check_first_failed(w->checks);
	const GPtrArray *checks = w->checks;

	jout_kv(o, "fits", bool, w->fits);
	jout_kv(o, "check", str, no ? no->name : NULL);
	jout_kv(o, "reason", str, no ? no->reason : NULL);
	jout_key(o, "checks");
	jout_open(o, '[');
	for (guint i = 0; i < checks->len; i++)
		jout_object(o, check_fields, G_N_ELEMENTS(check_fields), g_ptr_array_index(checks, i));
	jout_close(o, ']');
}

static const char *name_of(const struct check_way *w)
{
	return w->kind->checks->words.way;
}

static const char *goes(const struct check_host *h)
{
	for (guint i = 0; i < h->n; i++)
		if (h->ways[i].fits)
			return name_of(&h->ways[i]);
	return NULL;
}

/* The first way is that of the host itself; the others have their names. */
static void put_host(struct jout *o, const struct check_host *h)
{
	jout_open(o, '{');
	jout_kv(o, "host", str, h->host);
	jout_kv(o, "goes", str, goes(h));
	for (guint i = 0; i < h->n; i++) {
		if (i > 0) {
			jout_key(o, name_of(&h->ways[i]));
			jout_open(o, '{');
		}
		put_way(o, &h->ways[i]);
		if (i > 0)
			jout_close(o, '}');
	}
	jout_close(o, '}');
}

static void put_expected(struct jout *o, struct engine *e, const struct server *s)
{
	struct expect x;

	jout_key(o, "expected");
	if (!s || !expect_live(e, s, &x)) {
		jout_null(o);
		return;
	}
	jout_open(o, '{');
	jout_kv(o, "bytes", int, x.bytes);
	jout_kv(o, "ms", int, x.ms);
	jout_kv(o, "low_ms", int, x.low_ms);
	jout_key(o, "high_ms");
	jout_int_if(o, x.high_ms >= 0, x.high_ms);
	jout_kv(o, "measured", bool, x.measured);
	jout_close(o, '}');
}

static void answer(GPtrArray *hosts, void *user)
{
	struct api_req *r = user;
	const struct server *s = fleet_server(api_fleet(r), r->param[0]);
	struct jout o;

	view_open(&o, r, 256 + hosts->len * 4096);
	jout_key(&o, "precheck");
	jout_open(&o, '{');
	jout_kv(&o, "server_uuid", str, r->param[0]);
	jout_kv(&o, "source", str, s ? s->host : NULL);
	put_expected(&o, api_engine(r), s);
	jout_key(&o, "hosts");
	jout_open(&o, '[');
	for (guint i = 0; i < hosts->len; i++)
		put_host(&o, g_ptr_array_index(hosts, i));
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

static void ask(struct api_req *r, struct server *s, const struct question *q)
{
	struct check_request req = { .server_uuid = s->uuid, .dest = q->host, .block = q->block, .force = q->force };

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

/* SPDX-License-Identifier: Apache-2.0
 *
 * POST /drover/v1/hosts/{h}/evacuate: ask for the evacuation of each server of a host, those of the highest priority first.
 *
 *	{"evacuate": {"host": "h2", "force": false}}
 *
 * All members may be left out: then the scheduler chooses for each. The answer has a verdict for each server, when all were asked for; what becomes of
 * them is in their migrations. What was refused is as it was, and can be asked for again.
 */
#include "api/drover/drover.h"
#include "api/http/slice.h"
#include "api/http/view.h"
#include "fleet/host_fence.h"
#include "ha/order.h"
#include "task/kind.h"

#define ASKS 8 /* in a turn of the loop: each is a transaction */

struct wanted {
	char *host;
	bool force;
};

static const struct json_field wanted_fields[] = {
	{ "host",  JSON_STR,  offsetof(struct wanted, host), .nullable = true, .min = 1, .max = 255 },
	{ "force", JSON_BOOL, offsetof(struct wanted, force) },
};
static const struct api_body evacuate_body = { "evacuate", wanted_fields, G_N_ELEMENTS(wanted_fields), .nullable = true };

struct verdict {
	char *uuid, *name;
	int priority;
	int64_t migration;   /* 0: refused */
	char *error;
};

struct evacuation {
	char *source;
	struct wanted to;
	struct order order;
	GPtrArray *verdicts;  /* struct verdict *: those of servers that were asked for have one or the other of the last two */
	guint asked;
};

static void verdict_free(void *data)
{
	struct verdict *v = data;

	g_free(v->uuid);
	g_free(v->name);
	g_free(v->error);
	g_free(v);
}

static void evacuation_free(void *data)
{
	struct evacuation *x = data;

	json_free(wanted_fields, G_N_ELEMENTS(wanted_fields), &x->to);
	g_ptr_array_unref(x->verdicts);
	g_free(x->source);
	g_free(x);
}

#define VERDICT(member) offsetof(struct verdict, member)

static void put_migration(struct jout *o, const void *obj)
{
	const struct verdict *v = obj;

	jout_int_if(o, v->migration != 0, v->migration);
}

static const struct json_field verdict_fields[] = {
	{ "server_uuid", JSON_STR,  VERDICT(uuid) },
	{ "name",        JSON_STR,  VERDICT(name) },
	{ "priority",    JSON_INT,  VERDICT(priority) },
	{ "migration",   JSON_EMIT, .emit = put_migration },
	{ "error",       JSON_STR,  VERDICT(error) },
};

static void answer(struct api_req *r, const struct evacuation *x)
{
	struct jout o;

	view_open(&o, r, 256 + x->verdicts->len * 256);
	jout_key(&o, "evacuate");
	jout_open(&o, '{');
	jout_kv(&o, "host", str, x->source);
	jout_key(&o, "servers");
	jout_open(&o, '[');
	for (guint i = 0; i < x->verdicts->len; i++)
		jout_object(&o, verdict_fields, G_N_ELEMENTS(verdict_fields), g_ptr_array_index(x->verdicts, i));
	jout_close(&o, ']');
	jout_close(&o, '}');
	view_close(&o, r, 202);
}

static void ask(struct api_req *r, const struct evacuation *x, struct verdict *v)
{
	struct server *s = fleet_server(api_fleet(r), v->uuid);
	g_autoptr(GError) err = NULL;

	if (!s || g_strcmp0(s->host, x->source) != 0)
		v->error = g_strdup_printf("Instance %s is not on host %s any more", v->uuid, x->source);
	else
		v->migration = order_begin(api_engine(r), &x->order, s, &err);
	if (err)
		v->error = g_strdup(err->message);
}

static bool piece(struct api_req *r, void *user)
{
	struct evacuation *x = user;

	for (int n = 0; n < ASKS && x->asked < x->verdicts->len; n++)
		ask(r, x, g_ptr_array_index(x->verdicts, x->asked++));
	if (x->asked < x->verdicts->len)
		return false;
	answer(r, x);
	return true;
}

/* @x: taken */
static void begin(struct api_req *r, const struct host *h, struct evacuation *x)
{
	g_autoptr(GPtrArray) servers = order_of(h);

	x->source = g_strdup(h->name);
	x->order = (struct order){ kind_find(engine_kinds(api_engine(r)), "evacuation"), x->to.host, x->to.force, api_requester(r) };
	for (guint i = 0; i < servers->len; i++) {
		const struct server *s = g_ptr_array_index(servers, i);
		struct verdict *v = g_new0(struct verdict, 1);

		v->uuid = g_strdup(s->uuid);
		v->name = g_strdup(s->name);
		v->priority = s->priority;
		g_ptr_array_add(x->verdicts, v);
	}
	slice_run(r, piece, x, evacuation_free);
}

static bool is_good(struct api_req *r, const struct host *h, const struct wanted *to)
{
	if (to->host && !fleet_host(api_fleet(r), to->host))
		api_fail_new(r, ERR_BAD_REQUEST, "Compute host %s could not be found.", to->host);
	else if (to->force && !to->host)
		api_fail_new(r, ERR_BAD_REQUEST, "Can't force to a non-provided destination");
	else if (to->host && g_str_equal(to->host, h->name))
		api_fail_new(r, ERR_BAD_REQUEST, "The target host can't be the same one.");
	else if (host_is_up(api_fleet(r), h))
		api_fail_new(r, ERR_CONFLICT, "Host %s is up. Only the servers of a host that is down can be evacuated; those of one that is up are migrated.", h->name);
	else if (!host_is_fenced(h) && !h->forced_down)
		api_fail_new(r, ERR_CONFLICT, "Host %s is down, and may still run its servers: fence it (drover host fence %s), or make sure that it is off and say so "
			     "(openstack compute service set --down %s nova-compute).", h->name, h->name, h->name);
	else
		return true;
	return false;
}

static void evacuate_host(struct api_req *r)
{
	struct evacuation *x = g_new0(struct evacuation, 1);
	struct host *h = NULL;
	GError *err = NULL;

	x->verdicts = g_ptr_array_new_with_free_func(verdict_free);
	if (!api_decode(r, &x->to, &err))
		api_fail(r, err);
	else
		h = drover_find_host(r);
	if (h && is_good(r, h, &x->to))
		begin(r, h, x);
	else
		evacuation_free(x);
}

static const struct route routes[] = {
	{ "POST", "/drover/v1/hosts/{id}/evacuate", "drover:hosts:evacuate", evacuate_host, .body = &evacuate_body },
};
const struct route_table evacuating_routes = { routes, G_N_ELEMENTS(routes) };

/* SPDX-License-Identifier: Apache-2.0
 *
 * fencing: /drover/v1/hosts/{h}/fence, unfence and power: switch a host off and on by its fence agent, and ask whether it is on.
 *
 *	POST fence     {"fence": {"reason": "its fan is broken", "force": true}}
 *	POST unfence   no body
 *	GET  power
 *
 * An agent takes seconds, so the first two are answered when it begins: what came of it is in the host's record (fencing, fenced_at,
 * fence_reason). A host that is up is fenced only with force: its guests lose their power with it.
 */
#include "api/drover/drover.h"
#include "api/http/view.h"
#include "fence/fence.h"

#define REASON_MAX 255

struct wanted {
	char *reason;
	bool force;
};

static const struct json_field wanted_fields[] = {
	{ "reason", JSON_STR,  offsetof(struct wanted, reason), .nullable = true, .min = 1, .max = REASON_MAX },
	{ "force",  JSON_BOOL, offsetof(struct wanted, force) },
};
static const struct api_body fence_body = { "fence", wanted_fields, G_N_ELEMENTS(wanted_fields), .nullable = true };

static bool check_up(struct api_req *r, const struct host *h, const struct wanted *w, GError **err)
{
	if (w->force || !host_is_up(api_fleet(r), h))
		return true;
	g_set_error(err, ERR, ERR_CONFLICT, "Host %s is up and has %u servers. Fencing switches it off; force does it nevertheless.", h->name,
		    g_hash_table_size(h->servers));
	return false;
}

static void fence_host(struct api_req *r)
{
	struct wanted w = { 0 };
	struct host *h = NULL;
	GError *err = NULL;

	if (!api_decode(r, &w, &err))
		api_fail(r, err);
	else
		h = drover_find_host(r);
	if (h && check_up(r, h, &w, &err) && fence_off(api_fences(r), h, w.reason, &err))
		drover_reply_host(r, 202, h);
	else if (h)
		api_fail(r, err);
	json_free(wanted_fields, G_N_ELEMENTS(wanted_fields), &w);
}

static void unfence_host(struct api_req *r)
{
	struct host *h = drover_find_host(r);
	GError *err = NULL;

	if (!h)
		return;
	if (fence_on(api_fences(r), h, &err))
		drover_reply_host(r, 202, h);
	else
		api_fail(r, err);
}

static void put_power(const struct agent_answer *a, void *user)
{
	static const char *const words[] = { [AGENT_POWER_UNKNOWN] = NULL, [AGENT_POWER_ON] = "on", [AGENT_POWER_OFF] = "off" };
	struct api_req *r = user;
	struct jout o;

	view_open(&o, r, 256);
	jout_key(&o, "power");
	jout_open(&o, '{');
	jout_kv(&o, "state", str, words[a->power]);
	jout_kv(&o, "reason", str, a->why);
	jout_close(&o, '}');
	view_close(&o, r, 200);
}

static void show_power(struct api_req *r)
{
	struct host *h = drover_find_host(r);
	GError *err = NULL;

	if (h && !fence_status(api_fences(r), h, put_power, r, &err))
		api_fail(r, err);
}

static const struct route routes[] = {
	{ "POST", "/drover/v1/hosts/{id}/fence",   "drover:hosts:fence",   fence_host, .body = &fence_body },
	{ "POST", "/drover/v1/hosts/{id}/unfence", "drover:hosts:unfence", unfence_host },
	{ "GET",  "/drover/v1/hosts/{id}/power",   "drover:hosts:power",   show_power },
};
const struct route_table fencing_routes = { routes, G_N_ELEMENTS(routes) };

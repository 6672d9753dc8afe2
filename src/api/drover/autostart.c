/* SPDX-License-Identifier: Apache-2.0
 *
 * autostart: /drover/v1/servers/{id}/autostart: whether a server starts with its host, and by whose hand. Changed by it where that is Drover's.
 *
 *	POST {"autostart": {"enabled": true}}
 */
#include "api/drover/drover.h"
#include "api/http/view.h"
#include "fleet/autostart.h"

struct wanted {
	bool enabled;
};

static const struct json_field wanted_fields[] = {
	{ "enabled", JSON_BOOL, offsetof(struct wanted, enabled), .required = true },
};
static const struct api_body autostart_body = { "autostart", wanted_fields, G_N_ELEMENTS(wanted_fields) };

static void reply(struct api_req *r, const struct server *s)
{
	struct jout o;

	view_open(&o, r, 256);
	jout_key(&o, "autostart");
	jout_open(&o, '{');
	jout_kv(&o, "enabled", bool, s->autostart);
	jout_kv(&o, "by", str, s->autostart_ours || autostart_is_kept(fleet_host(api_fleet(r), s->host)) ? "drover" : "libvirt");
	/* libvirt's flag is on, for all that is known: a host that boots starts the guest before it can be stopped */
	jout_kv(&o, "flag", bool, autostart_may_be_hosts(s));
	jout_close(&o, '}');
	view_close(&o, r, 200);
}

static void show(struct api_req *r)
{
	const struct server *s = view_server(r, r->param[0]);

	if (s)
		reply(r, s);
}

static void set(struct api_req *r)
{
	struct wanted w = { .enabled = false };
	struct server *s = NULL;
	GError *err = NULL;

	if (!api_decode(r, &w, &err))
		api_fail(r, err);
	else
		s = view_server(r, r->param[0]);
	if (s && autostart_set(api_fleet(r), s, w.enabled, &err))
		reply(r, s);
	else if (s)
		api_fail(r, err);
}

static const struct route routes[] = {
	{ "GET",  "/drover/v1/servers/{id}/autostart", "drover:servers:autostart:show", show },
	{ "POST", "/drover/v1/servers/{id}/autostart", "drover:servers:autostart", set, .body = &autostart_body },
};
const struct route_table autostart_routes = { routes, G_N_ELEMENTS(routes) };

/* SPDX-License-Identifier: Apache-2.0
 *
 * interfaces: what a server has of the network: its addresses (/ips) and its
 * interfaces (/os-interface).
 */
#include <string.h>

#include "api/compute/compute.h"
#include "api/network/port.h"

static void ips(struct api_req *r)
{
	struct server *s = view_server(r, r->param[0]);
	struct jout o;

	if (!s)
		return;
	view_open(&o, r, 256);
	jout_key(&o, "addresses");
	port_put_addresses(&o, s, false);
	view_close(&o, r, 200);
}

static void ips_of_network(struct api_req *r)
{
	struct server *s = view_server(r, r->param[0]);
	struct jout o;

	if (!s)
		return;
	for (guint i = 0; s->nics && i < s->nics->len; i++) {
		if (strcmp(((const struct server_nic *)g_ptr_array_index(s->nics, i))->network, r->param[1]) != 0)
			continue;
		view_open(&o, r, 256);
		port_put_network(&o, s, r->param[1], false);
		view_close(&o, r, 200);
		return;
	}
	api_fail_new(r, ERR_NOT_FOUND, "Instance is not a member of specified network");
}

/* ---- /os-interface ---- */

static void put_interface(struct jout *o, const struct server *s, const struct server_nic *n)
{
	char id[UTIL_UUID_LEN + 1];

	jout_open(o, '{');
	port_network_id(id, n->network);
	jout_kv(o, "net_id", str, id);
	port_id(id, s, n);
	jout_kv(o, "port_id", str, id);
	jout_kv(o, "mac_addr", str, n->mac);
	jout_kv(o, "port_state", str, port_status(s));
	jout_key(o, "fixed_ips");
	port_put_fixed_ips(o, s, n);
	if (o->mv >= 70)
		jout_kv(o, "tag", raw, "null");
	jout_close(o, '}');
}

static void list(struct api_req *r)
{
	struct server *s = view_server(r, r->param[0]);
	struct jout o;

	if (!s)
		return;
	view_open(&o, r, 512);
	jout_key(&o, "interfaceAttachments");
	jout_open(&o, '[');
	for (guint i = 0; s->nics && i < s->nics->len; i++)
		put_interface(&o, s, g_ptr_array_index(s->nics, i));
	jout_close(&o, ']');
	view_close(&o, r, 200);
}

static void show(struct api_req *r)
{
	struct server *s = view_server(r, r->param[0]);
	struct jout o;

	if (!s)
		return;
	for (guint i = 0; s->nics && i < s->nics->len; i++) {
		const struct server_nic *n = g_ptr_array_index(s->nics, i);
		char id[UTIL_UUID_LEN + 1];

		port_id(id, s, n);
		if (strcmp(id, r->param[1]) != 0)
			continue;
		view_open(&o, r, 512);
		jout_key(&o, "interfaceAttachment");
		put_interface(&o, s, n);
		view_close(&o, r, 200);
		return;
	}
	api_fail_new(r, ERR_NOT_FOUND, "Port id %s could not be found.", r->param[1]);
}

static const struct route routes[] = {
	{ "GET", "/v2.1/servers/{id}/ips",                 "os_compute_api:ips:index",                 ips },
	{ "GET", "/v2.1/servers/{id}/ips/{network}",       "os_compute_api:ips:show",                  ips_of_network },
	{ "GET", "/v2.1/servers/{id}/os-interface",        "os_compute_api:os-attach-interfaces:list", list },
	{ "GET", "/v2.1/servers/{id}/os-interface/{port}", "os_compute_api:os-attach-interfaces:show", show },
};
const struct route_table interfaces_routes = { routes, G_N_ELEMENTS(routes) };

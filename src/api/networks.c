/* SPDX-License-Identifier: Apache-2.0
 *
 * networks: Network v2. Networks are the hosts' own; none is managed here, so
 * every collection that clients look into is empty.
 */
#include <string.h>

#include "api/api.h"
#include "api/view.h"

/* @path: the collection's; @member: its name in the answer; @one: what the absence of one is told by */
static const struct {
	const char *path, *member, *one;
} collections[] = {
	{ "networks",             "networks",             "Network" },
	{ "subnets",              "subnets",              "Subnet" },
	{ "ports",                "ports",                "Port" },
	{ "routers",              "routers",              "Router" },
	{ "floatingips",          "floatingips",          "Floating IP" },
	{ "security-groups",      "security_groups",      "Security group" },
	{ "security-group-rules", "security_group_rules", "Security group rule" },
	{ "extensions",           "extensions",           "Extension" },
	{ "agents",               "agents",               "Agent" },
	{ "availability_zones",   "availability_zones",   "Availability zone" },
};

static void list(struct api_req *r)
{
	struct jout o;

	for (size_t i = 0; i < G_N_ELEMENTS(collections); i++) {
		if (strcmp(collections[i].path, r->param[0]) != 0)
			continue;
		view_open(&o, r, 64);
		jout_kv(&o, collections[i].member, raw, "[]");
		view_close(&o, r, 200);
		return;
	}
	api_fail_new(r, ERR_NOT_FOUND, "The resource could not be found.");
}

static void show(struct api_req *r)
{
	for (size_t i = 0; i < G_N_ELEMENTS(collections); i++) {
		if (strcmp(collections[i].path, r->param[0]) != 0)
			continue;
		api_fail_new(r, ERR_NOT_FOUND, "%s %s could not be found.", collections[i].one, r->param[1]);
		return;
	}
	api_fail_new(r, ERR_NOT_FOUND, "The resource could not be found.");
}

static const struct route routes[] = {
	{ "GET", "/network/v2.0/{collection}",      API_TOKEN, list },
	{ "GET", "/network/v2.0/{collection}/{id}", API_TOKEN, show },
};
const struct route_table networks_routes = { routes, G_N_ELEMENTS(routes) };

/* SPDX-License-Identifier: Apache-2.0 */
#include "api/network/network.h"

#include <string.h>

#include "api/http/slice.h"
#include "api/network/networks.h"
#include "api/network/ports.h"
#include "api/network/subnets.h"

#define PORT_BYTES 700 /* of a port as JSON, about */

/*
 * What makes a list: @of_server for each server that the caller may see, then @end. A kind without functions has none.
 */
struct kind {
	const char *path;                   /* the collection's */
	const char *member, *single, *one;  /* its names in answers; what the absence of one is told by */
	void (*of_server)(struct network_list *l, struct api_req *r, const struct server *s);
	void (*end)(struct network_list *l, struct api_req *r);
	const char *server_param;           /* a parameter of the query that names the servers; NULL: none */
};

/* The servers are gone through for a list. */
struct walk {
	const struct kind *kind;
	struct network_list list;
	int64_t seen;            /* server.nth of the last one that was looked at */
};

static const struct kind kinds[] = {
	{ "networks",             "networks",             "network", "Network", network_list_add, networks_put_all },
	{ "subnets",              "subnets",              "subnet",  "Subnet",  network_list_add, subnets_put_all },
	{ "ports",                "ports",                "port",    "Port",    ports_put_of, NULL, "device_id" },
	{ "routers",              "routers",              NULL,      "Router" },
	{ "floatingips",          "floatingips",          NULL,      "Floating IP" },
	{ "security-groups",      "security_groups",      NULL,      "Security group" },
	{ "security-group-rules", "security_group_rules", NULL,      "Security group rule" },
	{ "subnetpools",          "subnetpools",          NULL,      "Subnet pool" },
	{ "network-ip-availabilities", "network_ip_availabilities", NULL, "Network" }, /* no pools of addresses are kept here */
	{ "extensions",           "extensions",           NULL,      "Extension" },
	{ "agents",               "agents",               NULL,      "Agent" },
	{ "availability_zones",   "availability_zones",   NULL,      "Availability zone" },
};

/* Return: NULL after the request was answered with 404. */
static const struct kind *kind_of(struct api_req *r)
{
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
		if (strcmp(kinds[i].path, r->param[0]) == 0)
			return &kinds[i];
	api_fail_new(r, ERR_NOT_FOUND, "The resource could not be found: this API has no such path.");
	return NULL;
}

/* To make a text of megabytes longer again and again copies it, for longer than others should wait. What is not written takes no memory. */
static size_t estimate(struct api_req *r, const struct kind *k, const char *id)
{
	bool all = !id && k->server_param && !api_query(r, k->server_param);

	return 512 + (all ? fleet_servers(api_fleet(r))->len * PORT_BYTES : 0);
}

static struct walk *walk_new(struct api_req *r, const struct kind *k, const char *id)
{
	struct walk *w = g_new0(struct walk, 1);
	struct jout *o = &w->list.o;

	w->kind = k;
	network_list_init(&w->list, id);
	view_open(o, r, estimate(r, k, id));
	jout_key(o, id && k->single ? k->single : k->member);
	if (!id)
		jout_open(o, '[');
	return w;
}

static void walk_free(void *data)
{
	struct walk *w = data;

	network_list_clear(&w->list);
	g_free(w);
}

static void visit(struct api_req *r, const struct server *s, void *user)
{
	struct walk *w = user;

	if (!w->list.found && view_sees(r, s))
		w->kind->of_server(&w->list, r, s);
}

/* Clients that list servers ask for the ports of each: then no other one is looked at. */
static void visit_named(struct api_req *r, struct walk *w)
{
	g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);

	for (guint i = 0; i < r->query->len; i++) {
		const struct api_pair *q = g_ptr_array_index(r->query, i);
		struct server *s = strcmp(q->name, w->kind->server_param) == 0 ? fleet_server(api_fleet(r), q->value) : NULL;

		if (s && g_hash_table_add(seen, s))
			visit(r, s, w);
	}
}

static void answer(struct api_req *r, struct walk *w)
{
	struct network_list *l = &w->list;

	if (w->kind->end)
		w->kind->end(l, r);
	if (!l->id)
		jout_close(&l->o, ']');
	if (!l->id || l->found) {
		view_close(&l->o, r, 200);
		return;
	}
	g_string_free(l->o.s, TRUE);
	api_fail_new(r, ERR_NOT_FOUND, "%s %s could not be found.", w->kind->one, l->id);
}

static bool piece(struct api_req *r, void *user)
{
	struct walk *w = user;

	if (w->kind->server_param && api_query(r, w->kind->server_param))
		visit_named(r, w);
	else if (w->kind->of_server && !slice_servers(r, &w->seen, visit, w) && !w->list.found)
		return false;
	answer(r, w);
	return true;
}

static void list(struct api_req *r)
{
	const struct kind *k = kind_of(r);

	if (k)
		slice_run(r, piece, walk_new(r, k, NULL), walk_free);
}

static void show(struct api_req *r)
{
	const struct kind *k = kind_of(r);

	if (k)
		slice_run(r, piece, walk_new(r, k, r->param[1]), walk_free);
}

static const struct route routes[] = {
	{ "GET", "/network/v2.0/{collection}",      "get_network", list },
	{ "GET", "/network/v2.0/{collection}/{id}", "get_network", show },
};
const struct route_table network_routes = { routes, G_N_ELEMENTS(routes) };

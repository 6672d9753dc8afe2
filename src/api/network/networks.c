/* SPDX-License-Identifier: Apache-2.0
 *
 * networks: Network v2. Networks are the hosts' own and none is managed here:
 * ports, networks and subnets are what servers have (port.h), for users that may
 * see those servers; every other collection that clients look into is empty.
 */
#include <string.h>

#include "api/network/network.h"

/* ---- networks ---- */

static void network_free(void *data)
{
	struct network *n = data;

	g_free(n->name);
	g_ptr_array_unref(n->cidrs);
	g_hash_table_unref(n->seen);
	g_free(n);
}

static void add_cidr(struct network *n, const struct hv_addr *a)
{
	char *cidr = port_cidr(a);

	if (cidr && g_hash_table_add(n->seen, cidr))
		g_ptr_array_add(n->cidrs, g_strdup(cidr));
}

static void add_of(GHashTable *all, const struct server *s, const struct server_nic *nic)
{
	struct network *n = g_hash_table_lookup(all, nic->network);
	const struct hv_addr *a;

	if (!n) {
		n = g_new0(struct network, 1);
		n->name = g_strdup(nic->network);
		n->cidrs = g_ptr_array_new_with_free_func(g_free);
		n->seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
		port_network_id(n->id, n->name);
		g_hash_table_insert(all, n->name, n);
	}
	for (guint i = 0; (a = addr_of(s, nic->mac, i)); i++)
		add_cidr(n, a);
}

void network_add(struct network_list *l, struct api_req *r, const struct server *s)
{
	(void)r;
	for (guint i = 0; s->nics && i < s->nics->len; i++)
		add_of(l->networks, s, g_ptr_array_index(s->nics, i));
}

static int by_text(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

GPtrArray *network_names(struct network_list *l)
{
	GHashTableIter it;
	void *value;

	g_hash_table_iter_init(&it, l->networks);
	while (g_hash_table_iter_next(&it, NULL, &value))
		g_ptr_array_sort(((struct network *)value)->cidrs, by_text);
	return view_keys(l->networks, by_text);
}

#define NETWORK_FITS(name, expr) \
	static bool network_##name(const struct api_req *r, const void *obj, const char *want) \
	{ \
		const struct network *n = obj; \
		(void)r; \
		return strcmp(expr, want) == 0; \
	}

NETWORK_FITS(has_id, n->id)
NETWORK_FITS(has_name, n->name)

static const struct network_filter network_filters[] = {
	{ "id", network_has_id }, { "name", network_has_name }, { "status", network_is_active }, { "admin_state_up", network_is_true }, { "shared", network_is_true },
	{ "router:external", network_is_false },
};

static void put_network(struct jout *o, const struct api_req *r, const struct network *n)
{
	jout_open(o, '{');
	jout_kv(o, "id", str, n->id);
	jout_kv(o, "name", str, n->name);
	jout_kv(o, "status", raw, "\"ACTIVE\"");
	jout_kv(o, "admin_state_up", bool, true);
	jout_kv(o, "shared", bool, true);
	jout_kv(o, "router:external", bool, false);
	jout_key(o, "subnets");
	jout_open(o, '[');
	for (guint i = 0; i < n->cidrs->len; i++) {
		char id[UTIL_UUID_LEN + 1];

		port_subnet_id(id, n->name, g_ptr_array_index(n->cidrs, i));
		jout_str(o, id);
	}
	jout_close(o, ']');
	jout_kv(o, "port_security_enabled", bool, false);
	jout_kv(o, "project_id", raw, "\"\"");
	jout_kv(o, "tenant_id", raw, "\"\"");
	jout_key(o, "availability_zones");
	jout_open(o, '[');
	jout_str(o, view_zone(r));
	jout_close(o, ']');
	jout_kv(o, "availability_zone_hints", raw, "[]");
	jout_kv(o, "description", raw, "\"\"");
	jout_kv(o, "tags", raw, "[]");
	jout_close(o, '}');
}

void network_put_all(struct network_list *l, struct api_req *r)
{
	g_autoptr(GPtrArray) names = network_names(l);

	for (guint i = 0; i < names->len && !l->found; i++) {
		const struct network *n = g_hash_table_lookup(l->networks, g_ptr_array_index(names, i));

		if (!(l->id ? strcmp(n->id, l->id) == 0 : network_fits(r, network_filters, G_N_ELEMENTS(network_filters), n)))
			continue;
		l->found = l->id != NULL;
		put_network(&l->o, r, n);
	}
}

/* ---- collections ---- */

static const struct network_kind kinds[] = {
	{ "networks",             "networks",             "network", "Network", network_add, network_put_all },
	{ "subnets",              "subnets",              "subnet",  "Subnet",  network_add, subnet_put_all },
	{ "ports",                "ports",                "port",    "Port",    port_put_of, NULL, "device_id" },
	{ "routers",              "routers",              NULL,      "Router" },
	{ "floatingips",          "floatingips",          NULL,      "Floating IP" },
	{ "security-groups",      "security_groups",      NULL,      "Security group" },
	{ "security-group-rules", "security_group_rules", NULL,      "Security group rule" },
	{ "subnetpools",          "subnetpools",          NULL,      "Subnet pool" },
	{ "extensions",           "extensions",           NULL,      "Extension" },
	{ "agents",               "agents",               NULL,      "Agent" },
	{ "availability_zones",   "availability_zones",   NULL,      "Availability zone" },
};

/* Return: NULL after the request was answered with 404. */
static const struct network_kind *kind_of(struct api_req *r)
{
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
		if (strcmp(kinds[i].path, r->param[0]) == 0)
			return &kinds[i];
	api_fail_new(r, ERR_NOT_FOUND, "The resource could not be found.");
	return NULL;
}

static struct network_list *list_new(struct api_req *r, const struct network_kind *k, const char *id)
{
	struct network_list *l = g_new0(struct network_list, 1);

	l->kind = k;
	l->id = id;
	l->networks = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, network_free);
	view_open(&l->o, r, 512);
	jout_key(&l->o, id && k->single ? k->single : k->member);
	if (!id)
		jout_open(&l->o, '[');
	return l;
}

static void list_free(void *data)
{
	struct network_list *l = data;

	g_hash_table_unref(l->networks);
	g_free(l);
}

static void visit(struct api_req *r, const struct server *s, void *user)
{
	struct network_list *l = user;

	if (!l->found && view_sees(r, s))
		l->kind->of_server(l, r, s);
}

/* Clients that list servers ask for the ports of each: then no other one is looked at. */
static void visit_named(struct api_req *r, struct network_list *l)
{
	g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);

	for (guint i = 0; i < r->query->len; i++) {
		const struct api_pair *q = g_ptr_array_index(r->query, i);
		struct server *s = strcmp(q->name, l->kind->server_param) == 0 ? fleet_server(api_fleet(r), q->value) : NULL;

		if (s && g_hash_table_add(seen, s))
			visit(r, s, l);
	}
}

static void answer(struct api_req *r, struct network_list *l)
{
	if (l->kind->end)
		l->kind->end(l, r);
	if (!l->id)
		jout_close(&l->o, ']');
	if (!l->id || l->found) {
		view_close(&l->o, r, 200);
		return;
	}
	g_string_free(l->o.s, TRUE);
	api_fail_new(r, ERR_NOT_FOUND, "%s %s could not be found.", l->kind->one, l->id);
}

static bool piece(struct api_req *r, void *user)
{
	struct network_list *l = user;

	if (l->kind->server_param && api_query(r, l->kind->server_param))
		visit_named(r, l);
	else if (l->kind->of_server && !slice_servers(r, &l->seen_id, visit, l) && !l->found)
		return false;
	answer(r, l);
	return true;
}

static void list(struct api_req *r)
{
	const struct network_kind *k = kind_of(r);

	if (k)
		slice_run(r, piece, list_new(r, k, NULL), list_free);
}

static void show(struct api_req *r)
{
	const struct network_kind *k = kind_of(r);

	if (k)
		slice_run(r, piece, list_new(r, k, r->param[1]), list_free);
}

static const struct route routes[] = {
	{ "GET", "/network/v2.0/{collection}",      "get_network", list },
	{ "GET", "/network/v2.0/{collection}/{id}", "get_network", show },
};
const struct route_table networks_routes = { routes, G_N_ELEMENTS(routes) };

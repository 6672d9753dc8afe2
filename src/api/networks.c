/* SPDX-License-Identifier: Apache-2.0
 *
 * networks: Network v2. Networks are the hosts' own and none is managed here:
 * ports, networks and subnets are what servers have (port.h), for users that may
 * see those servers; every other collection that clients look into is empty.
 */
#include <string.h>

#include "api/port.h"

/* ---- what there is ---- */

struct port {
	const struct server *server;
	const struct server_nic *nic;
	guint index;               /* among the server's */
	char id[UTIL_UUID_LEN + 1], network_id[UTIL_UUID_LEN + 1];
};

struct network {
	const char *name;
	char id[UTIL_UUID_LEN + 1];
	GPtrArray *cidrs;          /* char *, of its subnets */
};

struct subnet {
	const struct network *network;
	const char *cidr;
	char id[UTIL_UUID_LEN + 1];
};

typedef void port_f(const struct port *p, void *user);

static bool sees(const struct api_req *r, const struct server *s)
{
	return r->auth->admin || (s->project_id && g_strcmp0(s->project_id, r->auth->project_id) == 0);
}

static void ports_of(const struct api_req *r, const struct server *s, port_f *fn, void *user)
{
	for (guint i = 0; s && sees(r, s) && s->nics && i < s->nics->len; i++) {
		struct port p = { .server = s, .nic = g_ptr_array_index(s->nics, i), .index = i };

		port_id(p.id, s, p.nic);
		port_network_id(p.network_id, p.nic->network);
		fn(&p, user);
	}
}

/* Clients that list servers ask for the ports of each: then no other one is looked at. */
static void each_port(const struct api_req *r, port_f *fn, void *user)
{
	GPtrArray *servers = fleet_servers(api_fleet(r));
	g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);

	for (guint i = 0; r->query && i < r->query->len; i++) {
		const struct api_pair *q = g_ptr_array_index(r->query, i);
		struct server *s = strcmp(q->name, "device_id") == 0 ? fleet_server(api_fleet(r), q->value) : NULL;

		if (s && g_hash_table_add(seen, s))
			ports_of(r, s, fn, user);
	}
	for (guint i = 0; !api_query(r, "device_id") && i < servers->len; i++)
		ports_of(r, g_ptr_array_index(servers, i), fn, user);
}

static void network_free(void *data)
{
	struct network *n = data;

	g_ptr_array_unref(n->cidrs);
	g_free(n);
}

static void add_cidr(struct network *n, const struct hv_addr *a)
{
	char *cidr = port_cidr(a);

	if (cidr && !g_ptr_array_find_with_equal_func(n->cidrs, cidr, g_str_equal, NULL))
		g_ptr_array_add(n->cidrs, cidr);
	else
		g_free(cidr);
}

static void add_network(GHashTable *all, const struct server *s, const struct server_nic *nic)
{
	struct network *n = g_hash_table_lookup(all, nic->network);
	const struct hv_addr *a;

	if (!n) {
		n = g_new0(struct network, 1);
		n->name = nic->network;
		n->cidrs = g_ptr_array_new_with_free_func(g_free);
		port_network_id(n->id, n->name);
		g_hash_table_insert(all, (char *)n->name, n);
	}
	for (guint i = 0; (a = addr_of(s, nic->mac, i)); i++)
		add_cidr(n, a);
}

static int by_text(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Return: name -> struct network *, owned; those of the servers that the caller sees. */
static GHashTable *networks_of(const struct api_req *r)
{
	GPtrArray *servers = fleet_servers(api_fleet(r));
	GHashTable *all = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, network_free);
	GHashTableIter it;
	void *value;

	for (guint i = 0; i < servers->len; i++) {
		const struct server *s = g_ptr_array_index(servers, i);

		for (guint k = 0; sees(r, s) && s->nics && k < s->nics->len; k++)
			add_network(all, s, g_ptr_array_index(s->nics, k));
	}
	g_hash_table_iter_init(&it, all);
	while (g_hash_table_iter_next(&it, NULL, &value))
		g_ptr_array_sort(((struct network *)value)->cidrs, by_text);
	return all;
}

/* ---- filters: the values of one name are alternatives, all names must fit ---- */

typedef bool fits_f(const struct api_req *r, const void *obj, const char *want);

struct filter {
	const char *name;
	fits_f *fits;
	bool admin;      /* an attribute that only administrators see; for others it is no filter */
};

static bool fits_one(const struct api_req *r, const struct filter *f, const void *obj)
{
	bool asked = false;

	if (f->admin && !r->auth->admin)
		return true;
	for (guint i = 0; r->query && i < r->query->len; i++) {
		const struct api_pair *q = g_ptr_array_index(r->query, i);

		if (strcmp(q->name, f->name) != 0)
			continue;
		if (f->fits(r, obj, q->value))
			return true;
		asked = true;
	}
	return !asked;
}

static bool fits(const struct api_req *r, const struct filter *f, size_t n, const void *obj)
{
	for (size_t i = 0; i < n; i++)
		if (!fits_one(r, &f[i], obj))
			return false;
	return true;
}

/* The one value of an attribute that all objects share. */
static bool is_true(const struct api_req *r, const void *obj, const char *want)
{
	(void)r, (void)obj;
	return g_ascii_strcasecmp(want, "true") == 0 || strcmp(want, "1") == 0;
}

static bool is_false(const struct api_req *r, const void *obj, const char *want)
{
	return !is_true(r, obj, want);
}

static bool is_empty(const struct api_req *r, const void *obj, const char *want)
{
	(void)r, (void)obj;
	return !*want;
}

static bool is_active(const struct api_req *r, const void *obj, const char *want)
{
	(void)r, (void)obj;
	return strcmp(want, "ACTIVE") == 0;
}

/* ---- ports ---- */

static const char owner[] = "compute:nova";

#define PORT_FITS(name, expr) \
	static bool port_##name(const struct api_req *r, const void *obj, const char *want) \
	{ \
		const struct port *p = obj; \
		(void)r, (void)p; \
		return g_strcmp0(expr, want) == 0; \
	}

PORT_FITS(has_id, p->id)
PORT_FITS(has_network, p->network_id)
PORT_FITS(has_device, p->server->uuid)
PORT_FITS(has_owner, owner)
PORT_FITS(has_status, port_status(p->server))
PORT_FITS(has_project, p->server->project_id)
PORT_FITS(has_host, p->server->host)

static bool port_has_mac(const struct api_req *r, const void *obj, const char *want)
{
	(void)r;
	return g_ascii_strcasecmp(((const struct port *)obj)->nic->mac, want) == 0;
}

/* "ip_address=10.0.0.5", "ip_address_substr=10.0", "subnet_id=UUID" */
static bool addr_fits(const struct port *p, const struct hv_addr *a, const char *want)
{
	g_autofree char *cidr = NULL;
	char id[UTIL_UUID_LEN + 1];

	if (g_str_has_prefix(want, "ip_address="))
		return strcmp(a->text, strchr(want, '=') + 1) == 0;
	if (g_str_has_prefix(want, "ip_address_substr="))
		return strstr(a->text, strchr(want, '=') + 1) != NULL;
	if (!g_str_has_prefix(want, "subnet_id=") || !(cidr = port_cidr(a)))
		return false;
	port_subnet_id(id, p->nic->network, cidr);
	return strcmp(id, strchr(want, '=') + 1) == 0;
}

static bool port_has_ip(const struct api_req *r, const void *obj, const char *want)
{
	const struct port *p = obj;
	const struct hv_addr *a;

	(void)r;
	for (guint i = 0; (a = addr_of(p->server, p->nic->mac, i)); i++)
		if (addr_fits(p, a, want))
			return true;
	return false;
}

static const struct filter port_filters[] = {
	{ "id", port_has_id }, { "network_id", port_has_network }, { "device_id", port_has_device }, { "device_owner", port_has_owner },
	{ "mac_address", port_has_mac }, { "fixed_ips", port_has_ip }, { "status", port_has_status }, { "project_id", port_has_project },
	{ "tenant_id", port_has_project }, { "name", is_empty }, { "admin_state_up", is_true }, { "binding:host_id", port_has_host, true },
};

/* What its domain says of the interface; NULL where that is not known. */
static const struct hv_nic *hv_nic_of(const struct port *p)
{
	const GPtrArray *nics = p->server->dom ? p->server->dom->nics : NULL;

	return nics && p->index < nics->len ? g_ptr_array_index(nics, p->index) : NULL;
}

/* Neutron's names for libvirt's types; any other one is a device on a bridge. */
static const char *vif_type(const struct hv_nic *n)
{
	static const struct { const char *type, *vif; } table[] = {
		{ "hostdev", "hw_veb" }, { "direct", "macvtap" }, { "vhostuser", "vhostuser" }, { "ethernet", "tap" }, { "vdpa", "vdpa" },
	};

	for (size_t i = 0; n && n->type && i < G_N_ELEMENTS(table); i++)
		if (strcmp(table[i].type, n->type) == 0)
			return table[i].vif;
	return "bridge";
}

/* Guaranteed bandwidth, in the form of Neutron's port-resource-request-groups. */
static void put_resource_request(struct jout *o, const struct port *p, const struct hv_nic *n)
{
	char id[UTIL_UUID_LEN + 1];

	if (!n || n->floor_kibs <= 0) {
		jout_null(o);
		return;
	}
	view_uuid(id, "resource-request", p->id);
	jout_raw(o, "{\"request_groups\":[{\"id\":\"");
	g_string_append_printf(o->s, "%s\",\"required\":[\"%s\"],\"resources\":{\"NET_BW_IGR_KILOBIT_PER_SEC\":%" G_GINT64_FORMAT
			       "}}],\"same_subtree\":[\"%s\"]}", id, n->passthrough ? "CUSTOM_VNIC_TYPE_DIRECT" : "CUSTOM_VNIC_TYPE_NORMAL",
			       n->floor_kibs * 8192 / 1000, id);
}

static void put_binding(struct jout *o, const struct port *p)
{
	const struct hv_nic *n = hv_nic_of(p);

	jout_kv(o, "binding:host_id", str, p->server->host ? p->server->host : "");
	jout_kv(o, "binding:vif_type", str, vif_type(n));
	jout_kv(o, "binding:vnic_type", str, n && n->passthrough ? "direct" : "normal");
	jout_kv(o, "binding:profile", raw, "{}");
	jout_kv(o, "binding:vif_details", raw, "{}");
	jout_key(o, "resource_request");
	put_resource_request(o, p, n);
}

static void put_port(struct jout *o, const struct api_req *r, const struct port *p)
{
	jout_open(o, '{');
	jout_kv(o, "id", str, p->id);
	jout_kv(o, "name", raw, "\"\"");
	jout_kv(o, "network_id", str, p->network_id);
	jout_kv(o, "device_id", str, p->server->uuid);
	jout_kv(o, "device_owner", str, owner);
	jout_kv(o, "mac_address", str, p->nic->mac);
	jout_key(o, "fixed_ips");
	port_put_fixed_ips(o, p->server, p->nic);
	jout_kv(o, "status", str, port_status(p->server));
	jout_kv(o, "admin_state_up", bool, true);
	jout_kv(o, "project_id", str, p->server->project_id);
	jout_kv(o, "tenant_id", str, p->server->project_id);
	if (r->auth->admin)
		put_binding(o, p);
	jout_kv(o, "security_groups", raw, "[]");
	jout_kv(o, "allowed_address_pairs", raw, "[]");
	jout_kv(o, "port_security_enabled", bool, false);
	jout_kv(o, "description", raw, "\"\"");
	jout_kv(o, "tags", raw, "[]");
	jout_kv(o, "created_at", time_z, p->server->created_us);
	jout_kv(o, "updated_at", time_z, p->server->updated_us);
	jout_close(o, '}');
}

struct answer {
	struct api_req *r;
	struct jout *o;
	const char *id;  /* the only one that is wanted; NULL: all that fit */
	bool found;
};

static void offer_port(const struct port *p, void *user)
{
	struct answer *a = user;

	if (a->found || !(a->id ? strcmp(p->id, a->id) == 0 : fits(a->r, port_filters, G_N_ELEMENTS(port_filters), p)))
		return;
	a->found = a->id != NULL;
	put_port(a->o, a->r, p);
}

static bool put_ports(struct jout *o, struct api_req *r, const char *id)
{
	struct answer a = { r, o, id, false };

	each_port(r, offer_port, &a);
	return a.found;
}

/* ---- networks ---- */

#define NETWORK_FITS(name, expr) \
	static bool network_##name(const struct api_req *r, const void *obj, const char *want) \
	{ \
		const struct network *n = obj; \
		(void)r; \
		return strcmp(expr, want) == 0; \
	}

NETWORK_FITS(has_id, n->id)
NETWORK_FITS(has_name, n->name)

static const struct filter network_filters[] = {
	{ "id", network_has_id }, { "name", network_has_name }, { "status", is_active }, { "admin_state_up", is_true }, { "shared", is_true },
	{ "router:external", is_false },
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

static bool put_networks(struct jout *o, struct api_req *r, const char *id)
{
	g_autoptr(GHashTable) all = networks_of(r);
	g_autoptr(GPtrArray) names = view_keys(all, by_text);
	bool found = false;

	for (guint i = 0; i < names->len && !found; i++) {
		const struct network *n = g_hash_table_lookup(all, g_ptr_array_index(names, i));

		if (!(id ? strcmp(n->id, id) == 0 : fits(r, network_filters, G_N_ELEMENTS(network_filters), n)))
			continue;
		found = id != NULL;
		put_network(o, r, n);
	}
	return found;
}

/* ---- subnets ---- */

#define SUBNET_FITS(name, expr) \
	static bool subnet_##name(const struct api_req *r, const void *obj, const char *want) \
	{ \
		const struct subnet *s = obj; \
		(void)r; \
		return strcmp(expr, want) == 0; \
	}

#define SUBNET_VERSION(s) (strchr((s)->cidr, ':') ? 6 : 4)

SUBNET_FITS(has_id, s->id)
SUBNET_FITS(has_network, s->network->id)
SUBNET_FITS(has_cidr, s->cidr)
SUBNET_FITS(has_version, SUBNET_VERSION(s) == 4 ? "4" : "6")

static const struct filter subnet_filters[] = {
	{ "id", subnet_has_id }, { "network_id", subnet_has_network }, { "cidr", subnet_has_cidr }, { "ip_version", subnet_has_version },
	{ "name", is_empty },
};

/* What hosts do not tell (the gateway, whether there is DHCP) is null. */
static void put_subnet(struct jout *o, const struct subnet *s)
{
	jout_open(o, '{');
	jout_kv(o, "id", str, s->id);
	jout_kv(o, "name", raw, "\"\"");
	jout_kv(o, "network_id", str, s->network->id);
	jout_kv(o, "cidr", str, s->cidr);
	jout_kv(o, "ip_version", int, SUBNET_VERSION(s));
	jout_kv(o, "gateway_ip", raw, "null");
	jout_kv(o, "enable_dhcp", raw, "null");
	jout_kv(o, "allocation_pools", raw, "[]");
	jout_kv(o, "dns_nameservers", raw, "[]");
	jout_kv(o, "host_routes", raw, "[]");
	jout_kv(o, "project_id", raw, "\"\"");
	jout_kv(o, "tenant_id", raw, "\"\"");
	jout_kv(o, "description", raw, "\"\"");
	jout_kv(o, "tags", raw, "[]");
	jout_close(o, '}');
}

static bool put_subnets_of(struct jout *o, struct api_req *r, const struct network *n, const char *id)
{
	for (guint i = 0; i < n->cidrs->len; i++) {
		struct subnet s = { .network = n, .cidr = g_ptr_array_index(n->cidrs, i) };

		port_subnet_id(s.id, n->name, s.cidr);
		if (!(id ? strcmp(s.id, id) == 0 : fits(r, subnet_filters, G_N_ELEMENTS(subnet_filters), &s)))
			continue;
		put_subnet(o, &s);
		if (id)
			return true;
	}
	return false;
}

static bool put_subnets(struct jout *o, struct api_req *r, const char *id)
{
	g_autoptr(GHashTable) all = networks_of(r);
	g_autoptr(GPtrArray) names = view_keys(all, by_text);
	bool found = false;

	for (guint i = 0; i < names->len && !found; i++)
		found = put_subnets_of(o, r, g_hash_table_lookup(all, g_ptr_array_index(names, i)), id);
	return found;
}

/* ---- collections ---- */

/*
 * @path: the collection's; @member, @single: its names in answers; @one: what the absence of one is told by
 * @put: write those that fit, or the one of that id and say whether there is one; NULL: there is none
 */
static const struct collection {
	const char *path, *member, *single, *one;
	bool (*put)(struct jout *o, struct api_req *r, const char *id);
} collections[] = {
	{ "networks",             "networks",             "network", "Network", put_networks },
	{ "subnets",              "subnets",              "subnet",  "Subnet",  put_subnets },
	{ "ports",                "ports",                "port",    "Port",    put_ports },
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
static const struct collection *collection_of(struct api_req *r)
{
	for (size_t i = 0; i < G_N_ELEMENTS(collections); i++)
		if (strcmp(collections[i].path, r->param[0]) == 0)
			return &collections[i];
	api_fail_new(r, ERR_NOT_FOUND, "The resource could not be found.");
	return NULL;
}

static void list(struct api_req *r)
{
	const struct collection *c = collection_of(r);
	struct jout o;

	if (!c)
		return;
	view_open(&o, r, 512);
	jout_key(&o, c->member);
	jout_open(&o, '[');
	if (c->put)
		(void)c->put(&o, r, NULL);
	jout_close(&o, ']');
	view_close(&o, r, 200);
}

static void show(struct api_req *r)
{
	const struct collection *c = collection_of(r);
	struct jout o;
	bool found;

	if (!c)
		return;
	view_open(&o, r, 512);
	jout_key(&o, c->single ? c->single : c->member);
	found = c->put && c->put(&o, r, r->param[1]);
	if (found) {
		view_close(&o, r, 200);
		return;
	}
	g_string_free(o.s, TRUE);
	api_fail_new(r, ERR_NOT_FOUND, "%s %s could not be found.", c->one, r->param[1]);
}

static const struct route routes[] = {
	{ "GET", "/network/v2.0/{collection}",      API_TOKEN, list },
	{ "GET", "/network/v2.0/{collection}/{id}", API_TOKEN, show },
};
const struct route_table networks_routes = { routes, G_N_ELEMENTS(routes) };

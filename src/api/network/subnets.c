/* SPDX-License-Identifier: Apache-2.0 */
#include "api/network/subnets.h"

#include <string.h>

struct subnet {
	const struct network *network;
	const char *cidr;
	char id[UTIL_UUID_LEN + 1];
};

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

static const struct network_filter subnet_filters[] = {
	{ "id", subnet_has_id }, { "network_id", subnet_has_network }, { "cidr", subnet_has_cidr }, { "ip_version", subnet_has_version },
	{ "name", network_is_empty },
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

static void put_of(struct network_list *l, struct api_req *r, const struct network *n)
{
	for (guint i = 0; i < n->cidrs->len && !l->found; i++) {
		struct subnet s = { .network = n, .cidr = g_ptr_array_index(n->cidrs, i) };

		port_subnet_id(s.id, n->name, s.cidr);
		if (network_list_takes(l, r, subnet_filters, G_N_ELEMENTS(subnet_filters), s.id, &s))
			put_subnet(&l->o, &s);
	}
}

void subnets_put_all(struct network_list *l, struct api_req *r)
{
	g_autoptr(GPtrArray) names = network_list_names(l);

	for (guint i = 0; i < names->len; i++)
		put_of(l, r, g_hash_table_lookup(l->networks, g_ptr_array_index(names, i)));
}

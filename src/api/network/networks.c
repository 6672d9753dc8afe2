/* SPDX-License-Identifier: Apache-2.0 */
#include "api/network/networks.h"

#include <string.h>

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

void networks_put_all(struct network_list *l, struct api_req *r)
{
	g_autoptr(GPtrArray) names = network_list_names(l);

	for (guint i = 0; i < names->len && !l->found; i++) {
		const struct network *n = g_hash_table_lookup(l->networks, g_ptr_array_index(names, i));

		if (network_list_takes(l, r, network_filters, G_N_ELEMENTS(network_filters), n->id, n))
			put_network(&l->o, r, n);
	}
}

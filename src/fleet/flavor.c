/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/flavor.h"

#include <string.h>

#include "fleet/registry.h"

void flavor_of(struct flavor *f, const struct server *s)
{
	f->vcpus = s->vcpus;
	f->memory_mb = s->memory_mb;
	f->disk_gb = s->disk_gb;
	g_snprintf(f->id, sizeof f->id, "d1.%dc%" G_GINT64_FORMAT "m%" G_GINT64_FORMAT "g", f->vcpus, f->memory_mb, f->disk_gb);
}

int flavor_number(const struct flavor *f)
{
	return (int)(g_str_hash(f->id) & G_MAXINT) | 1;
}

GPtrArray *flavor_all(const struct fleet *f)
{
	GPtrArray *servers = fleet_servers(f), *flavors = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

	for (guint i = 0; i < servers->len; i++) {
		struct flavor one;

		flavor_of(&one, g_ptr_array_index(servers, i));
		if (g_hash_table_contains(seen, one.id))
			continue;
		g_ptr_array_add(flavors, g_memdup2(&one, sizeof one));
		g_hash_table_add(seen, ((struct flavor *)g_ptr_array_index(flavors, flavors->len - 1))->id);
	}
	return flavors;
}

bool flavor_find(const struct fleet *f, const char *id, struct flavor *ret)
{
	GPtrArray *servers = fleet_servers(f);

	for (guint i = 0; i < servers->len; i++) {
		flavor_of(ret, g_ptr_array_index(servers, i));
		if (strcmp(ret->id, id) == 0)
			return true;
	}
	return false;
}

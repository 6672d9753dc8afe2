/* SPDX-License-Identifier: Apache-2.0
 *
 * What a host has for guests that are placed: its CPUs and nodes, and what servers and claims take of them.
 */
#include "fleet/fleet.h"

static void free_claim(void *data)
{
	struct claim *c = data;

	place_use_free(c->place);
	g_free(c);
}

GHashTable *host_claims_new(void)
{
	return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_claim);
}

void host_claim_place(struct host *h, const char *server_uuid, struct place_use *use)
{
	struct claim *c = g_hash_table_lookup(h->claims, server_uuid);

	if (!c) {
		place_use_free(use);
		return;
	}
	place_use_free(c->place);
	c->place = use;
}

void host_room(struct fleet *f, const struct host *h, const char *except, struct place_host *ret)
{
	GHashTableIter it;
	void *key, *value;

	*ret = (struct place_host){
		.numa = h->info ? h->info->numa : NULL, .free_pages = h->info ? h->info->free_pages : NULL,
		.ram_ratio = fleet_conf(f)->ram_allocation_ratio, .shared = h->shared_cpus, .dedicated = h->dedicated_cpus,
		.use = place_use_new(), .claimed = place_use_new(),
	};
	g_hash_table_iter_init(&it, h->servers);
	while (g_hash_table_iter_next(&it, &key, NULL)) {
		const struct server *s = key;

		if (s->ties && g_strcmp0(s->uuid, except) != 0)
			place_use_add(ret->use, s->ties->place, &h->shared_cpus);
	}
	g_hash_table_iter_init(&it, h->claims);
	while (g_hash_table_iter_next(&it, &key, &value)) {
		const struct claim *c = value;

		if (c->place && g_strcmp0(key, except) != 0)
			place_use_join(ret->claimed, c->place);
	}
}

void host_room_clear(struct place_host *room)
{
	g_clear_pointer(&room->use, place_use_free);
	g_clear_pointer(&room->claimed, place_use_free);
}

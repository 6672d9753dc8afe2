/* SPDX-License-Identifier: Apache-2.0
 *
 * What is taken of a host, and what is free. The scheduler asks it of every host
 * for every migration, so the sums are kept, not made: whatever joins or leaves a
 * host's lists, or changes its size there, goes through here.
 */
#include "fleet/facts.h"
#include "fleet/fleet_priv.h"

static void add(struct usage *u, const struct usage *by, int sign)
{
	u->vcpus += sign * by->vcpus;
	u->memory_mb += sign * by->memory_mb;
	u->disk_gb += sign * by->disk_gb;
	u->servers += sign * by->servers;
}

static struct usage of_server(const struct server *s)
{
	return (struct usage){ .vcpus = s->vcpus, .memory_mb = s->memory_mb, .disk_gb = s->disk_gb, .servers = 1 };
}

struct usage host_used(const struct host *h)
{
	return h->used;
}

struct usage host_claimed(const struct host *h)
{
	return h->claimed;
}

struct usage host_total(const struct host *h)
{
	struct usage u = { 0 };

	if (!h->info)
		return u;
	u.vcpus = h->info->vcpus;
	u.memory_mb = h->info->mem_mib;
	u.disk_gb = h->info->disk_bytes / FLEET_UNIT_GIB;
	return u;
}

struct usage host_capacity(const struct host *h)
{
	return h->capacity;
}

static struct usage capacity_of(const struct conf *c, const struct host *h)
{
	struct usage u = host_total(h);

	u.vcpus = (int)((u.vcpus - c->reserved_host_cpus) * c->cpu_allocation_ratio);
	u.memory_mb = (int64_t)((double)(u.memory_mb - c->reserved_host_memory_mb) * c->ram_allocation_ratio);
	u.disk_gb = (int64_t)((double)(u.disk_gb - c->reserved_host_disk_mb / 1024) * c->disk_allocation_ratio);
	return u;
}

void fleet_host_info(struct fleet *f, struct host *h, struct hv_host_info *info)
{
	hv_host_info_free(h->info);
	h->info = info;
	h->capacity = capacity_of(f->conf, h);
	h->arch = info && info->arch ? g_quark_from_string(info->arch) : 0;
	facts_note(h);
}

/* ---- claims ---- */

void fleet_claim(struct fleet *f, struct host *h, const struct server *s, int64_t migration_id)
{
	struct claim *c = g_new0(struct claim, 1);

	fleet_unclaim(f, h, s->uuid);
	c->migration_id = migration_id;
	c->usage = of_server(s);
	add(&h->claimed, &c->usage, 1);
	g_hash_table_insert(h->claims, g_strdup(s->uuid), c);
	facts_note(h);
}

void fleet_unclaim(struct fleet *f, struct host *h, const char *server_uuid)
{
	const struct claim *c = g_hash_table_lookup(h->claims, server_uuid);

	(void)f;
	if (!c)
		return;
	add(&h->claimed, &c->usage, -1);
	g_hash_table_remove(h->claims, server_uuid);
	facts_note(h);
}

/* ---- servers ---- */

void usage_join(struct host *h, struct server *s)
{
	struct usage u = of_server(s);

	if (!g_hash_table_add(h->servers, s))
		return;
	add(&h->used, &u, 1);
	facts_note(h);
}

static void tell(struct fleet *f, struct host *h)
{
	if (f->listener.room)
		f->listener.room(h, f->listener.user);
}

void usage_leave(struct fleet *f, struct host *h, struct server *s)
{
	struct usage u = of_server(s);

	if (!g_hash_table_remove(h->servers, s))
		return;
	add(&h->used, &u, -1);
	facts_note(h);
	tell(f, h);
}

void usage_resize(struct fleet *f, struct server *s, const struct usage *size)
{
	struct host *h = fleet_host(f, s->host);
	struct usage was = of_server(s);

	s->vcpus = size->vcpus;
	s->memory_mb = size->memory_mb;
	s->disk_gb = size->disk_gb;
	if (!h || !g_hash_table_contains(h->servers, s))
		return;
	add(&h->used, &was, -1);
	add(&h->used, size, 1);
	facts_note(h);
	tell(f, h);
}

/* ---- for tests ---- */

static bool differ(const struct usage *a, const struct usage *b)
{
	return a->vcpus != b->vcpus || a->memory_mb != b->memory_mb || a->disk_gb != b->disk_gb || a->servers != b->servers;
}

const struct host *fleet_check_usage(const struct fleet *f)
{
	for (guint i = 0; i < f->hosts->len; i++) {
		struct host *h = g_ptr_array_index(f->hosts, i);
		struct usage used = { 0 }, claimed = { 0 };
		GHashTableIter it;
		void *s, *claim;

		g_hash_table_iter_init(&it, h->servers);
		while (g_hash_table_iter_next(&it, &s, NULL)) {
			struct usage u = of_server(s);

			add(&used, &u, 1);
		}
		g_hash_table_iter_init(&it, h->claims);
		while (g_hash_table_iter_next(&it, NULL, &claim))
			add(&claimed, &((const struct claim *)claim)->usage, 1);
		if (differ(&used, &h->used) || differ(&claimed, &h->claimed) || h->place != i || !facts_hold(h))
			return h;
	}
	return NULL;
}

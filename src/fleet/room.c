/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/room.h"

#include <string.h>

#include "base/clock.h"
#include "base/err.h"

struct room {
	const struct conf *conf;
	GArray *facts;      /* struct host_facts, of all hosts in their order */
	GHashTable *claims; /* struct claim * -> itself, by task and role */
};

static void add(struct usage *u, const struct usage *by, int sign)
{
	u->vcpus += sign * by->vcpus;
	u->memory_mb += sign * by->memory_mb;
	u->disk_gb += sign * by->disk_gb;
	u->servers += sign * by->servers;
}

/* ---- the table ---- */

static struct host_facts facts_now(struct host *h)
{
	struct usage total = host_capacity(h), used = host_used(h), claimed = host_claimed(h);
	struct host_facts facts = {
		.host = h, .waits_since_us = h->waits_since_us,
		.memory_mb = total.memory_mb - used.memory_mb - claimed.memory_mb,
		.disk_gb = total.disk_gb - used.disk_gb - claimed.disk_gb,
		.vcpus = total.vcpus - used.vcpus - claimed.vcpus,
		.servers = used.servers + claimed.servers,
		.arch = h->arch, .cell = g_quark_from_string(host_cell(h)),
		.usable = host_states[h->conn].used && !h->forced_down && !h->disabled,
		.without_kvm = h->info && !h->info->kvm,
		.has_pool = host_total(h).disk_gb > 0,
	};

	for (size_t i = 0; i < TASK_CLASSES_MAX; i++)
		facts.inbound[i] = (uint16_t)MIN(h->inbound[i], UINT16_MAX);
	return facts;
}

const struct host_facts *room_facts(const struct room *r, guint index)
{
	return &g_array_index(r->facts, struct host_facts, index);
}

int64_t room_since_us(const struct room *r)
{
	return clock_now_us() - r->conf->service_down_time * 1000000;
}

void room_note(struct host *h)
{
	if (h->index < h->room->facts->len)
		g_array_index(h->room->facts, struct host_facts, h->index) = facts_now(h);
}

void room_add(struct room *r, struct host *h)
{
	struct host_facts row;

	h->room = r;
	room_info(h, NULL);
	row = facts_now(h);
	h->index = r->facts->len;
	g_array_append_val(r->facts, row);
}

void room_remove(struct room *r, struct host *h)
{
	g_array_remove_index(r->facts, h->index);
	for (guint i = h->index; i < r->facts->len; i++)
		g_array_index(r->facts, struct host_facts, i).host->index = i;
	h->index = HOST_NOWHERE;
}

/* ---- hosts ---- */

static struct usage capacity_of(const struct conf *c, const struct host *h)
{
	struct usage u = host_total(h);

	u.vcpus = (int)((u.vcpus - c->reserved_host_cpus) * c->cpu_allocation_ratio);
	u.memory_mb = (int64_t)((double)(u.memory_mb - c->reserved_host_memory_mb) * c->ram_allocation_ratio);
	u.disk_gb = (int64_t)((double)(u.disk_gb - c->reserved_host_disk_mb / 1024) * c->disk_allocation_ratio);
	return u;
}

void room_info(struct host *h, struct hv_host_info *info)
{
	hv_host_info_free(h->info);
	h->info = info;
	h->capacity = capacity_of(h->room->conf, h);
	h->arch = info && info->arch ? g_quark_from_string(info->arch) : 0;
	room_note(h);
}

void room_inbound(struct host *h, const struct task_class *class, int n)
{
	h->inbound[class->index] = n;
	room_note(h);
}

/* ---- claims ---- */

static guint claim_hash(const void *a)
{
	const struct claim *c = a;

	return g_int64_hash(&c->task_id) * CLAIM_ROLE_N + c->role;
}

static gboolean claim_equal(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;

	return x->task_id == y->task_id && x->role == y->role;
}

static void claim_free(void *data)
{
	struct claim *c = data;

	place_use_free(c->place);
	g_free(c);
}

const struct claim *room_claim_of(const struct room *r, int64_t task_id, enum claim_role role)
{
	return g_hash_table_lookup(r->claims, &(struct claim){ .task_id = task_id, .role = role });
}

struct host *room_unclaim(struct room *r, int64_t task_id, enum claim_role role)
{
	const struct claim *c = room_claim_of(r, task_id, role);
	struct host *h;

	if (!c)
		return NULL;
	h = c->host;
	add(&h->claimed, &c->usage, -1);
	g_hash_table_remove(h->claims, c);
	g_hash_table_remove(r->claims, c);
	room_note(h);
	return h;
}

struct host *room_claim(struct host *h, const struct claim *c)
{
	struct host *old = room_unclaim(h->room, c->task_id, c->role);
	struct claim *new = g_memdup2(c, sizeof *c);

	new->host = h;
	add(&h->claimed, &new->usage, 1);
	g_hash_table_add(h->room->claims, new);
	g_hash_table_add(h->claims, new);
	room_note(h);
	return old == h ? NULL : old;
}

/* ---- servers ---- */

void room_join(struct host *h, struct server *s)
{
	struct usage u = server_usage(s);

	if (!g_hash_table_add(h->servers, s))
		return;
	add(&h->used, &u, 1);
	room_note(h);
}

bool room_leave(struct host *h, struct server *s)
{
	struct usage u = server_usage(s);

	if (!g_hash_table_remove(h->servers, s))
		return false;
	add(&h->used, &u, -1);
	room_note(h);
	return true;
}

bool room_resize(struct host *h, struct server *s, const struct usage *size)
{
	struct usage was = server_usage(s);

	s->vcpus = size->vcpus;
	s->memory_mb = size->memory_mb;
	s->disk_gb = size->disk_gb;
	if (!h || !g_hash_table_contains(h->servers, s))
		return false;
	add(&h->used, &was, -1);
	add(&h->used, size, 1);
	room_note(h);
	return true;
}

/* ---- placed guests ---- */

/* What place_find() asks of a host. @except: the server that is placed. Lives no longer than the turn. */
static struct place_host place_host_of(const struct host *h, const char *except)
{
	struct place_host to = {
		.numa = h->info ? h->info->numa : NULL, .free_pages = h->info ? h->info->free_pages : NULL,
		.ram_ratio = h->room->conf->ram_allocation_ratio, .shared = h->shared_cpus, .dedicated = h->dedicated_cpus,
		.use = place_use_new(), .claimed = place_use_new(),
	};
	GHashTableIter it;
	void *key;

	g_hash_table_iter_init(&it, h->servers);
	while (g_hash_table_iter_next(&it, &key, NULL)) {
		const struct server *s = key;

		if (s->ties && g_strcmp0(s->uuid, except) != 0)
			place_use_add(to.use, s->ties->numa_fit, &h->shared_cpus);
	}
	g_hash_table_iter_init(&it, h->claims);
	while (g_hash_table_iter_next(&it, &key, NULL)) {
		const struct claim *c = key;

		if (c->place && g_strcmp0(c->server_uuid, except) != 0)
			place_use_join(to.claimed, c->place);
	}
	return to;
}

static void place_host_clear(struct place_host *h)
{
	g_clear_pointer(&h->use, place_use_free);
	g_clear_pointer(&h->claimed, place_use_free);
}

struct hv_numa_fit *room_find_numa_fit(const struct host *source, const struct host *dest, const char *server_uuid,
				   const struct hv_ties *ties, GError **err)
{
	struct place_host from = { .numa = NULL }, to;
	g_autofree char *why = NULL;
	struct hv_numa_fit *p;

	/* Most guests, and counting what a host's servers take is to look at each of them. */
	if (!dest->shares_cpus && place_is_anywhere(ties->numa_fit))
		return hv_numa_fit_copy(ties->numa_fit);
	if (source)
		from = place_host_of(source, server_uuid);
	to = place_host_of(dest, server_uuid);
	p = place_find(ties->numa_fit, &from, &to, &why);
	place_host_clear(&from);
	place_host_clear(&to);
	if (!p)
		g_set_error(err, ERR, ERR_PRECHECK, "Migration pre-check error: Insufficient compute resources: Requested instance NUMA topology "
			    "cannot fit the given host NUMA topology: %s", why);
	return p;
}

/* ---- life ---- */

struct room *room_new(const struct conf *conf)
{
	struct room *r = g_new0(struct room, 1);

	r->conf = conf;
	r->facts = g_array_new(FALSE, FALSE, sizeof(struct host_facts));
	r->claims = g_hash_table_new_full(claim_hash, claim_equal, claim_free, NULL);
	return r;
}

void room_free(struct room *r)
{
	if (!r)
		return;
	g_array_unref(r->facts);
	g_hash_table_unref(r->claims);
	g_free(r);
}

/* ---- for tests ---- */

static bool usage_differs(const struct usage *a, const struct usage *b)
{
	return a->vcpus != b->vcpus || a->memory_mb != b->memory_mb || a->disk_gb != b->disk_gb || a->servers != b->servers;
}

/* Its row is as it would be made now. */
static bool is_noted(struct host *h)
{
	struct host_facts now = facts_now(h);
	const struct host_facts *x = room_facts(h->room, h->index);

	return x->host == h && x->waits_since_us == now.waits_since_us && x->memory_mb == now.memory_mb && x->disk_gb == now.disk_gb &&
	       x->vcpus == now.vcpus && x->servers == now.servers && x->arch == now.arch && x->cell == now.cell && x->usable == now.usable &&
	       x->without_kvm == now.without_kvm && x->has_pool == now.has_pool && memcmp(x->inbound, now.inbound, sizeof now.inbound) == 0;
}

static bool is_right(struct host *h)
{
	struct usage used = { 0 }, claimed = { 0 };
	GHashTableIter it;
	void *key;

	g_hash_table_iter_init(&it, h->servers);
	while (g_hash_table_iter_next(&it, &key, NULL)) {
		struct usage u = server_usage(key);

		add(&used, &u, 1);
	}
	g_hash_table_iter_init(&it, h->room->claims);
	while (g_hash_table_iter_next(&it, &key, NULL)) {
		const struct claim *c = key;

		if ((c->host == h) != g_hash_table_contains(h->claims, c))
			return false;
		if (c->host == h)
			add(&claimed, &c->usage, 1);
	}
	return !usage_differs(&used, &h->used) && !usage_differs(&claimed, &h->claimed) && is_noted(h);
}

const struct host *room_check(const struct room *r)
{
	for (guint i = 0; i < r->facts->len; i++) {
		struct host *h = room_facts(r, i)->host;

		if (h->index != i || !is_right(h))
			return h;
	}
	return NULL;
}

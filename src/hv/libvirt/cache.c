/* SPDX-License-Identifier: Apache-2.0
 *
 * Descriptions of domains, so that the poll of a host asks for their states only.
 *
 * An entry is dropped by any event about its domain, and when it is
 * CACHE_MAX_AGE_MS old, for the changes that have no event. A description that
 * was fetched while its domain changed is not kept: events_seen tells. Sizes of
 * disks stay until their domain is gone: what they cost to ask can be too much.
 */
#include "hv/libvirt/cache.h"

#include "base/clock.h"

#define CACHE_MAX_AGE_MS 60000

struct entry {
	struct hv_dom *dom;
	bool active;
	int64_t made_ms;
};

struct size {
	int64_t capacity_bytes, allocation_bytes;
};

struct lv_cache {
	GMutex lock;
	GHashTable *entries;   /* UUID -> struct entry * */
	GHashTable *changed;   /* UUID -> events_seen at its last event */
	GHashTable *sizes;     /* UUID and target -> struct size * */
	uint64_t events_seen;
};

static void entry_free(void *data)
{
	struct entry *e = data;

	hv_dom_free(e->dom);
	g_free(e);
}

struct lv_cache *lv_cache_new(void)
{
	struct lv_cache *k = g_new0(struct lv_cache, 1);

	g_mutex_init(&k->lock);
	k->entries = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, entry_free);
	k->changed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	k->sizes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	return k;
}

void lv_cache_free(struct lv_cache *k)
{
	if (!k)
		return;
	g_hash_table_unref(k->entries);
	g_hash_table_unref(k->changed);
	g_hash_table_unref(k->sizes);
	g_mutex_clear(&k->lock);
	g_free(k);
}

void lv_cache_forget(struct lv_cache *k, const char *uuid)
{
	uint64_t *n = g_new(uint64_t, 1);

	g_mutex_lock(&k->lock);
	*n = ++k->events_seen;
	g_hash_table_insert(k->changed, g_strdup(uuid), n);
	g_hash_table_remove(k->entries, uuid);
	g_mutex_unlock(&k->lock);
}

uint64_t lv_cache_stamp(struct lv_cache *k)
{
	uint64_t n;

	g_mutex_lock(&k->lock);
	n = k->events_seen;
	g_mutex_unlock(&k->lock);
	return n;
}

struct hv_dom *lv_cache_get(struct lv_cache *k, const char *uuid, bool active)
{
	struct hv_dom *d = NULL;
	struct entry *e;

	g_mutex_lock(&k->lock);
	e = g_hash_table_lookup(k->entries, uuid);
	/* The answer of a call can overtake the event of what it tells. */
	if (e && e->active == active && clock_now_ms() - e->made_ms < CACHE_MAX_AGE_MS)
		d = hv_dom_copy(e->dom);
	g_mutex_unlock(&k->lock);
	return d;
}

void lv_cache_put(struct lv_cache *k, const struct hv_dom *d, uint64_t stamp)
{
	struct entry *e;
	uint64_t *changed;

	g_mutex_lock(&k->lock);
	changed = g_hash_table_lookup(k->changed, d->uuid);
	if (!changed || *changed <= stamp) {
		e = g_new0(struct entry, 1);
		e->dom = hv_dom_copy(d);
		e->active = d->state != HV_SHUTOFF && d->state != HV_CRASHED;
		e->made_ms = clock_now_ms();
		g_hash_table_replace(k->entries, g_strdup(d->uuid), e);
	}
	g_mutex_unlock(&k->lock);
}

static char *size_key(const char *uuid, const char *target)
{
	return g_strconcat(uuid, target, NULL);
}

void lv_cache_set_size(struct lv_cache *k, const char *uuid, const char *target, int64_t capacity, int64_t allocation)
{
	struct size *z = g_new(struct size, 1);

	z->capacity_bytes = capacity;
	z->allocation_bytes = allocation;
	g_mutex_lock(&k->lock);
	g_hash_table_replace(k->sizes, size_key(uuid, target), z);
	g_mutex_unlock(&k->lock);
}

void lv_cache_fill_sizes(struct lv_cache *k, struct hv_dom *d)
{
	g_mutex_lock(&k->lock);
	for (guint i = 0; i < d->disks->len; i++) {
		struct hv_disk *disk = g_ptr_array_index(d->disks, i);
		g_autofree char *key = size_key(d->uuid, disk->target ? disk->target : "");
		const struct size *z = g_hash_table_lookup(k->sizes, key);

		if (!z)
			continue;
		disk->capacity_bytes = z->capacity_bytes;
		disk->allocation_bytes = z->allocation_bytes;
	}
	g_mutex_unlock(&k->lock);
}

static gboolean is_gone(void *key, void *value, void *user)
{
	char uuid[UTIL_UUID_LEN + 1];

	(void)value;
	g_strlcpy(uuid, key, sizeof(uuid));
	return !g_hash_table_contains(user, uuid);
}

void lv_cache_keep(struct lv_cache *k, GHashTable *uuids)
{
	g_mutex_lock(&k->lock);
	g_hash_table_foreach_remove(k->entries, is_gone, uuids);
	g_hash_table_foreach_remove(k->changed, is_gone, uuids);
	g_hash_table_foreach_remove(k->sizes, is_gone, uuids);
	g_mutex_unlock(&k->lock);
}

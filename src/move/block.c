/* SPDX-License-Identifier: Apache-2.0 */
#include "move/block.h"

#include <string.h>

static void item_free(void *data)
{
	struct block_item *i = data;

	g_free(i->target);
	g_free(i->path);
	g_free(i->format);
	g_free(i->backing);
	g_free(i->backing_format);
	g_free(i);
}

bool block_is_local(const struct hv_disk *k)
{
	return k->source && *k->source == '/' && k->kind == HV_SOURCE_FILE;
}

static struct block_item *add(GPtrArray *items, enum volume_kind kind, const char *path, const char *format)
{
	struct block_item *i = g_new0(struct block_item, 1);

	i->kind = kind;
	i->path = g_strdup(path);
	i->format = g_strdup(format);
	g_ptr_array_add(items, i);
	return i;
}

static bool has(const GPtrArray *items, const char *path)
{
	for (guint i = 0; i < items->len; i++)
		if (strcmp(((const struct block_item *)g_ptr_array_index(items, i))->path, path) == 0)
			return true;
	return false;
}

/* The farthest first: each is laid over the one before. What lies on shared storage is there already. */
static void add_bases(GPtrArray *items, const struct hv_disk *k, block_shared_f *shared, void *user)
{
	for (guint i = k->backing ? k->backing->len : 0; i-- > 0;) {
		const struct hv_backing *b = g_ptr_array_index(k->backing, i);

		if (b->path && *b->path == '/' && b->kind == HV_SOURCE_FILE && !shared(b->path, user) && !has(items, b->path))
			add(items, VOLUME_BASE, b->path, b->format)->filled = true;
	}
}

bool block_add_base(GPtrArray *items, const struct block_item *over, const char *path, const char *format)
{
	guint at = 0;
	struct block_item *i;

	if (has(items, path))
		return false;
	i = add(items, VOLUME_BASE, path, format);
	i->filled = true;
	while (g_ptr_array_index(items, at) != over)
		at++;
	g_ptr_array_insert(items, (int)at, g_ptr_array_steal_index(items, items->len - 1));
	return true;
}

void block_add_nvram(GPtrArray *items, const char *path, bool live)
{
	struct block_item *i;

	if (has(items, path))
		return;
	i = add(items, VOLUME_DISK, path, "raw");
	i->filled = i->changes = true;
	i->noted = live;
}

GPtrArray *block_items_new(void)
{
	return g_ptr_array_new_with_free_func(item_free);
}

void block_add_rebuilt(GPtrArray *items, const char *target, const char *path, const char *base, const char *base_format, int64_t capacity_bytes)
{
	struct block_item *i = add(items, VOLUME_DISK, path, "qcow2");

	i->rebuilt = true;
	i->target = g_strdup(target);
	i->backing = g_strdup(base);
	i->backing_format = g_strdup(base_format);
	i->capacity_bytes = capacity_bytes;
}

/* A file in a folder of the guest's own, as Nova lays them out: not shared with another guest. */
static bool is_own(const struct hv_dom *d, const char *path)
{
	g_autofree char *dir = g_path_get_dirname(path), *name = g_path_get_basename(dir);

	return strcmp(name, d->uuid) == 0 || g_strcmp0(name, d->name) == 0;
}

static void add_disk(GPtrArray *items, const struct hv_dom *d, const struct hv_disk *k)
{
	bool media = k->readonly || k->cdrom;
	struct block_item *i = add(items, media && !is_own(d, k->source) ? VOLUME_MEDIA : VOLUME_DISK, k->source, k->format);

	i->filled = media;
	i->volume = k->pool != NULL;
	i->target = g_strdup(k->target);
	i->capacity_bytes = k->capacity_bytes;
	i->allocation_bytes = k->allocation_bytes;
	if (!media && k->backing && k->backing->len) {
		const struct hv_backing *b = g_ptr_array_index(k->backing, 0);

		i->backing = g_strdup(b->path);
		i->backing_format = g_strdup(b->format);
	}
}

GPtrArray *block_items(const struct hv_dom *d, block_shared_f *shared, void *user)
{
	GPtrArray *items = block_items_new();

	for (guint i = 0; i < d->disks->len; i++) {
		const struct hv_disk *k = g_ptr_array_index(d->disks, i);

		if (block_is_local(k) && !shared(k->source, user))
			add_bases(items, k, shared, user);
	}
	for (int media = 1; media >= 0; media--) {
		for (guint i = 0; i < d->disks->len; i++) {
			const struct hv_disk *k = g_ptr_array_index(d->disks, i);

			if (block_is_local(k) && (k->readonly || k->cdrom) == media && !shared(k->source, user) && !has(items, k->source))
				add_disk(items, d, k);
		}
	}
	return items;
}

const char **block_targets(const GPtrArray *items)
{
	g_autoptr(GPtrArray) list = g_ptr_array_new();

	for (guint i = 0; items && i < items->len; i++) {
		const struct block_item *k = g_ptr_array_index(items, i);

		if (!k->filled)
			g_ptr_array_add(list, k->target);
	}
	if (list->len == 0)
		return NULL;
	g_ptr_array_add(list, NULL);
	return (const char **)g_ptr_array_free(g_steal_pointer(&list), FALSE);
}

const char **block_files(const GPtrArray *items)
{
	g_autoptr(GPtrArray) list = g_ptr_array_new();

	for (guint i = 0; items && i < items->len; i++) {
		const struct block_item *k = g_ptr_array_index(items, i);

		if (k->filled || !k->volume)
			continue;
		g_ptr_array_add(list, k->target);
		g_ptr_array_add(list, k->path);
	}
	if (list->len == 0)
		return NULL;
	g_ptr_array_add(list, NULL);
	return (const char **)g_ptr_array_free(g_steal_pointer(&list), FALSE);
}

int block_bytes(const GPtrArray *items, int64_t *ret, int max)
{
	int n = 0;

	for (guint i = 0; items && i < items->len && n < max; i++) {
		const struct block_item *k = g_ptr_array_index(items, i);

		if (!k->filled)
			ret[n++] = k->capacity_bytes;
	}
	return n;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/sim/file.h"

#include <string.h>

#include "hv/sim/world.h"

#define SHARED "shared"

static void file_free(void *data)
{
	struct sim_file *f = data;

	g_free(f->path);
	g_free(f->format);
	g_free(f->backing);
	g_free(f);
}

struct sim_storage *sim_storage_get(struct sim *w, const char *name, const char *host)
{
	bool local = g_strcmp0(name, SIM_LOCAL) == 0;
	g_autofree char *key = local ? g_strconcat(SIM_LOCAL ":", host, NULL) : g_strdup(name ? name : SHARED);
	struct sim_storage *s = g_hash_table_lookup(w->storages, key);

	if (s)
		return s;
	s = g_new0(struct sim_storage, 1);
	s->name = g_steal_pointer(&key);
	s->files = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, file_free);
	g_hash_table_replace(w->storages, s->name, s);
	return s;
}

void sim_storage_free(struct sim_storage *s)
{
	if (!s)
		return;
	g_hash_table_unref(s->files);
	g_free(s->name);
	g_free(s);
}

struct sim_file *sim_file_find(const struct sim_storage *s, const char *path)
{
	return path ? g_hash_table_lookup(s->files, path) : NULL;
}

struct sim_file *sim_file_make(struct sim_storage *s, const char *path, const char *format, const char *backing, int64_t capacity)
{
	struct sim_file *f = g_new0(struct sim_file, 1);

	f->path = g_strdup(path);
	f->format = g_strdup(format);
	f->backing = g_strdup(backing);
	f->capacity = capacity;
	f->changed_ns = clock_wall_us() * 1000;
	g_hash_table_replace(s->files, f->path, f);
	return f;
}

void sim_file_drop(struct sim_storage *s, const char *path)
{
	g_hash_table_remove(s->files, path);
}

#define SECTOR 512
#define QCOW2_BYTES (INT64_C(192) << 10) /* of an empty one */

int64_t sim_file_physical(const struct sim_file *f)
{
	return g_strcmp0(f->format, "raw") == 0 ? f->capacity : f->allocation + QCOW2_BYTES;
}

int64_t sim_file_sectors(const struct sim_file *f)
{
	return (sim_file_physical(f) + SECTOR - 1) / SECTOR * SECTOR;
}

/* ---- what a test does behind the controller's back ---- */

void sim_file_head(struct sim *w, const char *host, const char *path, const struct qcow2_head *head)
{
	struct sim_file *f = sim_file_find(sim_host_must_find(w, host)->storage, path);

	if (!f)
		g_error("sim: no file %s on host %s", path, host);
	f->head = *head;
}

void sim_storage_full(struct sim *w, const char *host, bool full)
{
	sim_host_must_find(w, host)->storage->full = full;
}

void sim_file_add(struct sim *w, const char *host, const struct sim_file_spec *spec)
{
	struct sim_file *f = sim_file_make(sim_host_must_find(w, host)->storage, spec->path, spec->format ? spec->format : "qcow2", NULL,
					   (spec->capacity_mib ? spec->capacity_mib : 1024) << 20);

	f->allocation = f->capacity;
	f->content = spec->content ? spec->content : 1;
	f->stranger = true;
}

void sim_file_remove(struct sim *w, const char *host, const char *path)
{
	sim_file_drop(sim_host_must_find(w, host)->storage, path);
}

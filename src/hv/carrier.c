/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/carrier.h"

#include <assert.h>
#include <string.h>

#define PREFIX "drover-carrier-"

static const char *const state_names[] = {
	[CARRIER_NOT_TOLD] = "not told", [CARRIER_ABSENT] = "absent", [CARRIER_IDLE] = "idle",
	[CARRIER_COPYING] = "copying",   [CARRIER_COMING] = "coming", [CARRIER_ARRIVED] = "arrived",
};
static_assert(G_N_ELEMENTS(state_names) == CARRIER_STATE_N, "state_names is missing one");

const char *carrier_state_name(enum carrier_state s)
{
	return state_names[s];
}

/* ---- files ---- */

static void file_free(void *data)
{
	struct carrier_file *f = data;

	g_free(f->path);
	g_free(f->format);
	g_free(f);
}

GPtrArray *carrier_files_new(void)
{
	return g_ptr_array_new_with_free_func(file_free);
}

struct carrier_file *carrier_files_add(GPtrArray *files, const char *path, const char *format)
{
	struct carrier_file *f = g_new0(struct carrier_file, 1);

	f->path = g_strdup(path);
	f->format = g_strdup(format);
	g_ptr_array_add(files, f);
	return f;
}

GPtrArray *carrier_files_copy(GPtrArray *files)
{
	GPtrArray *c = files ? carrier_files_new() : NULL;

	for (guint i = 0; c && i < files->len; i++) {
		const struct carrier_file *f = g_ptr_array_index(files, i);

		(void)carrier_files_add(c, f->path, f->format);
	}
	return c;
}

static bool has(const GPtrArray *files, const struct carrier_file *wanted)
{
	for (guint i = 0; i < files->len; i++) {
		const struct carrier_file *f = g_ptr_array_index(files, i);

		if (!g_strcmp0(f->path, wanted->path) && !g_strcmp0(f->format, wanted->format))
			return true;
	}
	return false;
}

bool carrier_files_same(const GPtrArray *a, const GPtrArray *b)
{
	for (guint i = 0; i < a->len; i++)
		if (!has(b, g_ptr_array_index(a, i)))
			return false;
	for (guint i = 0; i < b->len; i++)
		if (!has(a, g_ptr_array_index(b, i)))
			return false;
	return true;
}

/* ---- carriers ---- */

struct carrier *carrier_new(const char *uuid)
{
	struct carrier *c = g_new0(struct carrier, 1);

	g_strlcpy(c->uuid, uuid, sizeof(c->uuid));
	c->files = carrier_files_new();
	return c;
}

struct carrier *carrier_copy(const struct carrier *o)
{
	struct carrier *c = g_memdup2(o, sizeof(*o));

	c->task = g_strdup(o->task);
	c->guest = g_strdup(o->guest);
	c->from = g_strdup(o->from);
	c->files = carrier_files_copy(o->files);
	return c;
}

void carrier_free(struct carrier *c)
{
	if (!c)
		return;
	g_free(c->task);
	g_free(c->guest);
	g_free(c->from);
	g_ptr_array_unref(c->files);
	g_free(c);
}

char *hv_carrier_name(const char *uuid)
{
	return g_strconcat(PREFIX, uuid, NULL);
}

bool hv_is_carrier(const char *name, const char *uuid)
{
	return name && g_str_has_prefix(name, PREFIX) && strcmp(name + strlen(PREFIX), uuid) == 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/snapshot.h"

static void snapshot_free(void *data)
{
	struct hv_snapshot *s = data;

	g_free(s->name);
	g_free(s->xml);
	g_free(s);
}

GPtrArray *hv_snapshots_new(void)
{
	return g_ptr_array_new_with_free_func(snapshot_free);
}

struct hv_snapshot *hv_snapshots_add(GPtrArray *all, const char *name, const char *xml)
{
	struct hv_snapshot *s = g_new0(struct hv_snapshot, 1);

	s->name = g_strdup(name);
	s->xml = g_strdup(xml);
	g_ptr_array_add(all, s);
	return s;
}

const struct hv_snapshot *hv_snapshots_external(const GPtrArray *all)
{
	for (guint i = 0; i < all->len; i++) {
		const struct hv_snapshot *s = g_ptr_array_index(all, i);

		if (s->external)
			return s;
	}
	return NULL;
}

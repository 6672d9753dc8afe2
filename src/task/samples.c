/* SPDX-License-Identifier: Apache-2.0 */
#include "task/samples.h"

struct one {
	int64_t id;
	GArray *rows;             /* struct sample */
	guint stride, skipped;    /* each how manieth is kept; how many were not since the last one */
	int64_t last_us;
	GList *link;              /* in by_age */
};

struct samples {
	GHashTable *by_id;        /* id -> struct one *, owned */
	GQueue by_age;            /* struct one *, borrowed; the one that was silent longest is first */
};

static void one_free(void *data)
{
	struct one *x = data;

	g_array_unref(x->rows);
	g_free(x);
}

struct samples *samples_new(void)
{
	struct samples *all = g_new0(struct samples, 1);

	all->by_id = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, one_free);
	g_queue_init(&all->by_age);
	return all;
}

void samples_free(struct samples *all)
{
	if (!all)
		return;
	g_queue_clear(&all->by_age);
	g_hash_table_unref(all->by_id);
	g_free(all);
}

static bool make_room(struct samples *all, int64_t now_us)
{
	struct one *oldest = g_queue_peek_head(&all->by_age);

	if (g_queue_get_length(&all->by_age) < SAMPLES_MIGRATIONS)
		return true;
	if (now_us - oldest->last_us < SAMPLES_SILENT_US)
		return false;
	g_queue_delete_link(&all->by_age, oldest->link);
	g_hash_table_remove(all->by_id, &oldest->id);
	return true;
}

static struct one *find_or_add(struct samples *all, int64_t id, int64_t now_us)
{
	struct one *x = g_hash_table_lookup(all->by_id, &id);

	if (x || !make_room(all, now_us))
		return x;
	x = g_new0(struct one, 1);
	x->id = id;
	x->stride = 1;
	x->rows = g_array_new(FALSE, FALSE, sizeof(struct sample));
	g_hash_table_insert(all->by_id, &x->id, x);
	g_queue_push_tail(&all->by_age, x);
	x->link = g_queue_peek_tail_link(&all->by_age);
	return x;
}

/* Every second one, the first among them. */
static void thin(struct one *x)
{
	for (guint i = 0; i < x->rows->len / 2; i++)
		g_array_index(x->rows, struct sample, i) = g_array_index(x->rows, struct sample, 2 * i);
	g_array_set_size(x->rows, x->rows->len / 2);
	x->stride *= 2;
}

void samples_add(struct samples *all, int64_t id, const struct sample *s)
{
	struct one *x = find_or_add(all, id, s->at_us);

	if (!x)
		return;
	x->last_us = s->at_us;
	g_queue_unlink(&all->by_age, x->link);
	g_queue_push_tail_link(&all->by_age, x->link);
	if (x->rows->len > 0 && ++x->skipped < x->stride)
		return;
	x->skipped = 0;
	if (x->rows->len == SAMPLES_MAX)
		thin(x);
	g_array_append_val(x->rows, *s);
}

const GArray *samples_of(const struct samples *all, int64_t id)
{
	const struct one *x = g_hash_table_lookup(all->by_id, &id);

	return x ? x->rows : NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "net/holder.h"

struct holders {
	GHashTable *all; /* by name */
	unsigned n, max, each_max;
	GQueue *sizes;   /* struct holder, by how many each has */
	unsigned largest; /* what the one with most has */
};

struct holders *holders_new(unsigned max, unsigned each_max)
{
	struct holders *all = g_new0(struct holders, 1);

	all->all = g_hash_table_new(g_str_hash, g_str_equal);
	all->max = max;
	all->each_max = each_max;
	all->sizes = g_new0(GQueue, each_max + 1);
	return all;
}

void holders_free(struct holders *all)
{
	if (!all)
		return;
	g_assert(!all->n);
	g_hash_table_unref(all->all);
	g_free(all->sizes);
	g_free(all);
}

static void resize(struct holders *all, struct holder *h, unsigned n)
{
	if (h->n)
		g_queue_unlink(&all->sizes[h->n], &h->in_size);
	all->n += n - h->n;
	h->n = n;
	if (n)
		g_queue_push_tail_link(&all->sizes[n], &h->in_size);
	all->largest = MAX(all->largest, n);
	while (all->largest && !all->sizes[all->largest].length)
		all->largest--;
}

GQueue *holders_full(const struct holders *all, const char *name)
{
	struct holder *h = g_hash_table_lookup(all->all, name);

	if (h && h->n >= all->each_max)
		return &h->waiting;
	if (all->n < all->max)
		return NULL;
	h = g_queue_peek_head(&all->sizes[all->largest]);
	return &h->waiting;
}

struct holder *holders_join(struct holders *all, const char *name)
{
	struct holder *h = g_hash_table_lookup(all->all, name);

	if (!h) {
		h = g_new0(struct holder, 1);
		h->name = g_strdup(name);
		h->in_size.data = h;
		g_queue_init(&h->waiting);
		g_hash_table_insert(all->all, h->name, h);
	}
	resize(all, h, h->n + 1);
	return h;
}

void holders_leave(struct holders *all, struct holder *h)
{
	resize(all, h, h->n - 1);
	if (h->n)
		return;
	g_hash_table_remove(all->all, h->name);
	g_free(h->name);
	g_free(h);
}

unsigned holders_count(const struct holders *all)
{
	return all->n;
}

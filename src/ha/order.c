/* SPDX-License-Identifier: Apache-2.0 */
#include "ha/order.h"

#include "task/request_now.h"

#include "fleet/fleet.h"

static int by_priority(const void *a, const void *b)
{
	const struct server *x = *(struct server *const *)a, *y = *(struct server *const *)b;

	if (x->priority != y->priority)
		return x->priority > y->priority ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

GPtrArray *order_of(const struct host *h)
{
	GPtrArray *list = g_ptr_array_sized_new(g_hash_table_size(h->servers));
	GHashTableIter i;
	void *s;

	g_hash_table_iter_init(&i, h->servers);
	while (g_hash_table_iter_next(&i, &s, NULL))
		g_ptr_array_add(list, s);
	g_ptr_array_sort(list, by_priority);
	return list;
}

int64_t order_begin(struct engine *e, const struct order *o, struct server *s, GError **err)
{
	const struct task_request r = {
		.kind = o->kind, .server = s, .host = o->dest, .force = o->force, .priority = CLAMP(s->priority, MIG_PRIORITY_MIN, MIG_PRIORITY_MAX), .who = o->who,
	};

	return request_now(e, &r, err);
}

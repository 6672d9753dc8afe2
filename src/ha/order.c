/* SPDX-License-Identifier: Apache-2.0 */
#include "ha/order.h"

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

struct begun {
	int64_t id;
	GError **err;
};

static void accepted(int64_t id, const GError *err, void *user)
{
	struct begun *b = user;

	b->id = id;
	if (err)
		*b->err = g_error_copy(err);
}

int64_t order_begin(struct engine *e, const struct order *o, struct server *s, GError **err)
{
	g_autoptr(GError) why = NULL;
	struct begun b = { .err = &why };
	const struct task_request r = {
		.kind = o->kind, .server = s, .host = o->dest, .force = o->force, .priority = CLAMP(s->priority, MIG_PRIORITY_MIN, MIG_PRIORITY_MAX), .who = o->who,
	};

	request_begin(e, &r, accepted, &b); /* without prechecks it is answered at once */
	if (!b.id)
		g_propagate_error(err, g_steal_pointer(&why));
	return b.id;
}

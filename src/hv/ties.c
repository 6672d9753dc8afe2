/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/ties.h"

/* ---- a domain ---- */

struct hv_place *hv_place_new(void)
{
	struct hv_place *p = g_new0(struct hv_place, 1);

	p->pins = g_array_new(FALSE, TRUE, sizeof(struct hv_pin));
	p->iothreads = g_array_new(FALSE, TRUE, sizeof(struct hv_pin));
	p->cells = g_array_new(FALSE, TRUE, sizeof(struct hv_cell));
	return p;
}

struct hv_place *hv_place_copy(const struct hv_place *p)
{
	struct hv_place *c;

	if (!p)
		return NULL;
	c = g_memdup2(p, sizeof *p);
	c->pins = g_array_copy(p->pins);
	c->iothreads = g_array_copy(p->iothreads);
	c->cells = g_array_copy(p->cells);
	return c;
}

void hv_place_free(struct hv_place *p)
{
	if (!p)
		return;
	g_array_unref(p->pins);
	g_array_unref(p->iothreads);
	g_array_unref(p->cells);
	g_free(p);
}

struct hv_ties *hv_ties_new(void)
{
	struct hv_ties *t = g_atomic_rc_box_new0(struct hv_ties);

	t->devices = g_ptr_array_new_with_free_func(g_free);
	t->mdevs = g_ptr_array_new_with_free_func(g_free);
	t->place = hv_place_new();
	return t;
}

struct hv_ties *hv_ties_ref(struct hv_ties *t)
{
	return t ? g_atomic_rc_box_acquire(t) : NULL;
}

static void ties_clear(void *data)
{
	struct hv_ties *t = data;

	g_ptr_array_unref(t->devices);
	g_ptr_array_unref(t->mdevs);
	g_free(t->sealed);
	hv_place_free(t->place);
}

void hv_ties_unref(struct hv_ties *t)
{
	if (t)
		g_atomic_rc_box_release_full(t, ties_clear);
}

/* ---- a host ---- */

struct hv_numa *hv_numa_new(void)
{
	struct hv_numa *n = g_atomic_rc_box_new0(struct hv_numa);

	n->nodes = g_array_new(FALSE, TRUE, sizeof(struct hv_node));
	for (int i = 0; i < CPUSET_MAX; i++)
		n->core[i] = (int16_t)i;
	return n;
}

struct hv_numa *hv_numa_ref(struct hv_numa *n)
{
	return n ? g_atomic_rc_box_acquire(n) : NULL;
}

static void numa_clear(void *data)
{
	g_array_unref(((struct hv_numa *)data)->nodes);
}

void hv_numa_unref(struct hv_numa *n)
{
	if (n)
		g_atomic_rc_box_release_full(n, numa_clear);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/fair.h"

#include <string.h>

/* One address, or one name within an address. */
struct lane {
	char *key;
	GQueue lanes; /* of names, in the order of their turns; of an address */
	GQueue items; /* of a name */
	unsigned n;   /* items in it or below it */
};

struct fair {
	struct lane top;
};

struct fair *fair_new(void)
{
	return g_new0(struct fair, 1);
}

void fair_free(struct fair *f)
{
	g_assert(!f || !f->top.n);
	g_free(f);
}

static void lane_free(struct lane *l)
{
	g_free(l->key);
	g_free(l);
}

static struct lane *find(struct lane *in, const char *key)
{
	struct lane *l;

	for (GList *at = in->lanes.head; at; at = at->next) {
		l = at->data;
		if (strcmp(l->key, key) == 0)
			return l;
	}
	l = g_new0(struct lane, 1);
	l->key = g_strdup(key);
	g_queue_push_tail(&in->lanes, l);
	return l;
}

void fair_push(struct fair *f, const char *address, const char *name, void *item)
{
	struct lane *of_address = find(&f->top, address), *of_name = find(of_address, name);

	g_queue_push_tail(&of_name->items, item);
	of_name->n++;
	of_address->n++;
	f->top.n++;
}

/* The first lane, which goes to the end if it has more; in it the same. */
static void *pop(struct lane *in)
{
	struct lane *l;
	void *item;

	if (!in->n)
		return NULL;
	in->n--;
	if (g_queue_is_empty(&in->lanes))
		return g_queue_pop_head(&in->items);
	l = g_queue_pop_head(&in->lanes);
	item = pop(l);
	if (l->n)
		g_queue_push_tail(&in->lanes, l);
	else
		lane_free(l);
	return item;
}

void *fair_pop(struct fair *f)
{
	return pop(&f->top);
}

static GList *longest(struct lane *in)
{
	GList *found = in->lanes.head;

	for (GList *at = found; at; at = at->next)
		if (((struct lane *)at->data)->n > ((struct lane *)found->data)->n)
			found = at;
	return found;
}

static void *shed(struct lane *in)
{
	GList *at = longest(in);
	struct lane *l;
	void *item;

	if (!in->n)
		return NULL;
	in->n--;
	if (!at)
		return g_queue_pop_tail(&in->items);
	l = at->data;
	item = shed(l);
	if (!l->n) {
		g_queue_delete_link(&in->lanes, at);
		lane_free(l);
	}
	return item;
}

void *fair_shed(struct fair *f)
{
	return shed(&f->top);
}

unsigned fair_length(const struct fair *f)
{
	return f->top.n;
}

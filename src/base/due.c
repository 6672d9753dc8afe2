/* SPDX-License-Identifier: Apache-2.0 */
#include "base/due.h"

#define SIZE_MIN 16

static guint *number_of(const struct due *h, void *item)
{
	return (guint *)((char *)item + h->field);
}

static bool is_before(const struct due_slot *a, const struct due_slot *b)
{
	return a->due != b->due ? a->due < b->due : a->seq < b->seq;
}

static void put(struct due *h, guint at, struct due_slot s)
{
	h->slots[at] = s;
	h->places[s.id] = at;
}

static void sift_up(struct due *h, guint at, struct due_slot s)
{
	for (; at > 0 && is_before(&s, &h->slots[(at - 1) / 2]); at = (at - 1) / 2)
		put(h, at, h->slots[(at - 1) / 2]);
	put(h, at, s);
}

static void sift_down(struct due *h, guint at, struct due_slot s)
{
	guint child;

	while ((child = 2 * at + 1) < h->len) {
		if (child + 1 < h->len && is_before(&h->slots[child + 1], &h->slots[child]))
			child++;
		if (!is_before(&h->slots[child], &s))
			break;
		put(h, at, h->slots[child]);
		at = child;
	}
	put(h, at, s);
}

static void grow(struct due *h)
{
	guint old = h->size;

	h->size = MAX(SIZE_MIN, 2 * old);
	h->slots = g_renew(struct due_slot, h->slots, h->size);
	h->places = g_renew(guint, h->places, h->size);
	for (guint i = old; i < h->size; i++)
		h->slots[i].id = i;
}

void due_add(struct due *h, void *item, int64_t due, uint64_t seq)
{
	guint id;

	g_assert(*number_of(h, item) == 0);
	if (h->len == h->size)
		grow(h);
	id = h->slots[h->len].id;
	*number_of(h, item) = id + 1;
	h->len++;
	sift_up(h, h->len - 1, (struct due_slot){ due, seq, item, id });
}

void due_remove(struct due *h, void *item)
{
	guint *number = number_of(h, item), id = *number - 1, at;
	struct due_slot last;

	g_assert(id < h->size);
	at = h->places[id];
	g_assert(at < h->len && h->slots[at].item == item);
	*number = 0;
	last = h->slots[--h->len];
	h->slots[h->len].id = id;
	if (at == h->len)
		return;
	if (at > 0 && is_before(&last, &h->slots[(at - 1) / 2]))
		sift_up(h, at, last);
	else
		sift_down(h, at, last);
}

void *due_first(const struct due *h)
{
	return h->len > 0 ? h->slots[0].item : NULL;
}

void due_clear(struct due *h)
{
	while (h->len > 0)
		*number_of(h, h->slots[--h->len].item) = 0;
	g_clear_pointer(&h->slots, g_free);
	g_clear_pointer(&h->places, g_free);
	h->size = 0;
}

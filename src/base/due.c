/* SPDX-License-Identifier: Apache-2.0 */
#include "base/due.h"

#define SIZE_MIN 64

static guint *place_of(const struct due *h, void *item)
{
	return (guint *)((char *)item + h->place);
}

static bool is_before(const struct due_slot *a, const struct due_slot *b)
{
	return a->due != b->due ? a->due < b->due : a->seq < b->seq;
}

static void put(struct due *h, guint at, struct due_slot s)
{
	h->slots[at] = s;
	*place_of(h, s.item) = at + 1;
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

void due_add(struct due *h, void *item, int64_t due, uint64_t seq)
{
	g_assert(*place_of(h, item) == 0);
	if (h->len == h->size) {
		h->size = MAX(SIZE_MIN, 2 * h->size);
		h->slots = g_renew(struct due_slot, h->slots, h->size);
	}
	h->len++;
	sift_up(h, h->len - 1, (struct due_slot){ due, seq, item });
}

void due_remove(struct due *h, void *item)
{
	guint *place = place_of(h, item), at = *place - 1;
	struct due_slot last;

	g_assert(at < h->len && h->slots[at].item == item);
	*place = 0;
	last = h->slots[--h->len];
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
		*place_of(h, h->slots[--h->len].item) = 0;
	g_clear_pointer(&h->slots, g_free);
	h->size = 0;
}

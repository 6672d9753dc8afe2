/* SPDX-License-Identifier: Apache-2.0
 *
 * due: a heap of items by when they are due. The first one is at hand; adding one
 * and removing any cost the logarithm of how many there are.
 *
 * The order stands in the heap itself, and so does the place of each item, which
 * has but a number there: to compare two items or to move them is to touch neither.
 * They lie all over the memory, and most of the timers or the servers of a fleet are
 * in no cache.
 */
#ifndef DUE_H
#define DUE_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

struct due_slot {
	int64_t due;
	uint64_t seq;  /* of two that are due at once the lower one is first */
	void *item;
	guint id;      /* its number, of .places; from .len on: one that is free */
};

/* Read .slots and .len, the first at [0]; nothing else is in order. */
struct due {
	struct due_slot *slots;
	guint *places;  /* by an item's number: where in .slots it is */
	guint len, size;
	size_t field;   /* where in an item its number is, plus one */
};

/** DUE_OF() - an empty heap of such structs. @member: a guint of it, which is the heap's: 0 while it is in none. */
#define DUE_OF(type, member) { .field = offsetof(type, member) }

/** due_add() - @item: borrowed, in no heap. */
void due_add(struct due *h, void *item, int64_t due, uint64_t seq);
/** due_remove() - @item is in this heap, anywhere. */
void due_remove(struct due *h, void *item);
/** due_first() - Return: borrowed; NULL: it is empty. */
void *due_first(const struct due *h);
/** due_clear() - every item is in no heap, and what the heap took is freed. */
void due_clear(struct due *h);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * holder: whose connections are not closed to make room: those that have shown a token, as far as that leaves room for the others.
 *
 * A holder is what tokens belong to (a project). It may have so many, and all holders together so many; what is over takes the protection, not
 * the connection, from the one that has kept the server waiting longest: of that holder, or of the one that has most.
 */
#ifndef HOLDER_H
#define HOLDER_H

#include <glib.h>

struct holder {
	char *name;
	unsigned n;      /* its connections */
	GQueue waiting;  /* of these, those that wait for their clients, the longest first; kept by the user of the module */
	GList in_size;
};

struct holders;

/** holders_new() - @max: connections of all, at least 1; @each_max: of one holder, the same */
struct holders *holders_new(unsigned max, unsigned each_max);
/** holders_free() - when all have left. NULL is fine. */
void holders_free(struct holders *all);

/** holders_full() - Return: the queue of which one must leave before another of @name may join, borrowed; NULL: there is room. */
GQueue *holders_full(const struct holders *all, const char *name);
/** holders_join() - one more connection of @name. Return: the holder, until holders_leave(). */
struct holder *holders_join(struct holders *all, const char *name);
void holders_leave(struct holders *all, struct holder *h);
/** holders_count() - connections of all. */
unsigned holders_count(const struct holders *all);

#endif

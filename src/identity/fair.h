/* SPDX-License-Identifier: Apache-2.0
 *
 * fair: a queue in which each client gets its turn; private to identity/.
 *
 * Addresses take turns, and within an address the names that are asked for. So
 * a client that sends a thousand requests waits for its own, and another one
 * waits for one of each address at most. When the queue is full, it is the
 * newest of the longest that goes.
 *
 * Names are taken as they were asked for, whether there is such a user or not:
 * how long an answer takes must not tell.
 */
#ifndef FAIR_H
#define FAIR_H

#include <glib.h>

struct fair;

struct fair *fair_new(void);
/** fair_free() - it must be empty. NULL is fine. */
void fair_free(struct fair *f);

/** fair_push() - @address, @name: copied */
void fair_push(struct fair *f, const char *address, const char *name, void *item);

/** fair_pop() - whose turn it is. Return: NULL if it is empty. */
void *fair_pop(struct fair *f);

/** fair_shed() - take out the newest of the name that has most, of the address that has most. Return: NULL if it is empty. */
void *fair_shed(struct fair *f);

unsigned fair_length(const struct fair *f);

#endif

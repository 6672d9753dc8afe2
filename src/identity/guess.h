/* SPDX-License-Identifier: Apache-2.0
 *
 * guess: how long the refusal of a login waits, by how many were refused before; private to identity/.
 *
 * Each address and each name has a count of refused logins, which goes down with time.
 * Beyond a few, each refusal takes twice as long as the one before. What is right is
 * never delayed: a client that tries to lock a user out does not succeed.
 */
#ifndef GUESS_H
#define GUESS_H

#include <glib.h>

#define GUESS_DELAY_MS 300      /* of the first ones */
#define GUESS_FREE 5            /* how many have that */
#define GUESS_DELAY_MAX_MS 30000
#define GUESS_FORGET_MS 20000   /* one refusal less */
#define GUESS_KEYS_MAX 4096

struct guess;

struct guess *guess_new(void);
/** guess_free() - NULL is fine. */
void guess_free(struct guess *g);

/**
 * guess_refused() - a login was wrong.
 * @name: as it was asked for, whether there is such a user or not
 *
 * Return: ms to wait before that is said.
 */
unsigned guess_refused(struct guess *g, const char *address, const char *name);

/** guess_accepted() - it was right: its name begins again, its address does not. */
void guess_accepted(struct guess *g, const char *name);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * password: yescrypt hashes, made and checked on workers; private to identity/ and manage/.
 *
 * A hash takes some 20 ms and 16 MiB, by intent. So there are few at once and a
 * queue behind them, in which clients take turns (fair.h); when it is full, the
 * client that asks most is refused, which also bounds the speed of guessing.
 *
 * A password that was right is remembered for a while, as a MAC under a key of this
 * process: the next time it is right at once. So what guesses cost never keeps
 * out a client that knows its password.
 */
#ifndef PASSWORD_H
#define PASSWORD_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

/* From where a password came, for its place in the queue. Lent. */
struct password_from {
	const char *address, *name;
};

/**
 * @hash: of the password; NULL if there is none
 * @ok: it is the right one, for password_check()
 * @err: ERR_UNAVAILABLE, and nothing is known: there are too many, or not enough memory; NULL
 *
 * All lent. On the loop thread, perhaps before the call that wanted it returns.
 */
typedef void password_done_f(const char *hash, bool ok, const GError *err, void *user);

/* true as long as the result is wanted. */
typedef bool password_wanted_f(const void *user);

/** password_hash_now() - blocking, for the start. Return: owned by the caller; NULL with ERR_UNAVAILABLE if there is not enough memory. */
char *password_hash_now(const char *password, GError **err);

/** password_hash() - make a hash with a new salt. */
void password_hash(const char *password, const struct password_from *from, password_wanted_f *wanted, password_done_f *done, void *user);

/**
 * password_check() - compare a password with a hash.
 * @hash: NULL takes the same time and is never right
 */
void password_check(const char *password, const char *hash, const struct password_from *from, password_wanted_f *wanted,
		    password_done_f *done, void *user);

/** password_waiting() - how many are in the queue. */
unsigned password_waiting(void);

/** password_random() - @len letters and digits. Return: owned by the caller. */
char *password_random(unsigned len);

#endif

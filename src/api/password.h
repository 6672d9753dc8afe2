/* SPDX-License-Identifier: Apache-2.0
 *
 * password: yescrypt hashes, made and checked on workers; private to api/.
 *
 * A hash takes some 20 ms and 16 MiB, by intent. So there are few at once and a
 * short queue behind them; a request that finds it full is refused, which also
 * bounds the speed of guessing.
 */
#ifndef PASSWORD_H
#define PASSWORD_H

#include <stdbool.h>

#include <glib.h>

/* @hash: of the password; @ok: it is the right one, for password_check(). Lent. On the loop thread. */
typedef void password_done_f(const char *hash, bool ok, void *user);

/** password_hash_now() - blocking, for the start. Return: owned by the caller. */
char *password_hash_now(const char *password);

/** password_hash() - make a hash with a new salt. Return: false with ERR_UNAVAILABLE if the queue is full. */
bool password_hash(const char *password, password_done_f *done, void *user, GError **err);

/**
 * password_check() - compare a password with a hash.
 * @hash: NULL takes the same time and is never right
 */
bool password_check(const char *password, const char *hash, password_done_f *done, void *user, GError **err);

/** password_random() - @len letters and digits. Return: owned by the caller. */
char *password_random(unsigned len);

#endif

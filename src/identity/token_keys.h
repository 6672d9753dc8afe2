/* SPDX-License-Identifier: Apache-2.0
 *
 * token_keys: the keys that tokens are sealed with, and their file.
 *
 *	KEY                 base64url, the one that seals
 *	KEY SECONDS         an older one: opens what it sealed until then (the clock's, since 1970); without a time until the line is removed
 *
 * Rotating puts a new key in front. What the one before it has sealed stays good for as long as a token lives, so no client sees the change.
 */
#ifndef TOKEN_KEYS_H
#define TOKEN_KEYS_H

#include "identity/token.h"

#define TOKEN_KEYS_FILE "token.key" /* in state_path */
#define TOKEN_KEYS_MAX 32

struct token_keys {
	unsigned n;
	struct token_key {
		uint8_t key[TOKEN_KEY_LEN];
		int64_t until_us; /* INT64_MAX: for good */
	} all[TOKEN_KEYS_MAX]; /* [0] seals */
};

/** token_keys_load() - read the file, or make it (mode 0600) with a first key. A file that others can read is narrowed. */
bool token_keys_load(const char *path, struct token_keys *ret, GError **err);

/** token_keys_reload() - read it again; it must be there. Return: false with ERR_CONF, @ret is as before. */
bool token_keys_reload(const char *path, struct token_keys *ret, GError **err);

/**
 * token_keys_rotate() - write a new key in front of those that still open something: at once or not at all, durable.
 * @lifetime_us: of the tokens that were sealed until now
 *
 * A daemon takes the new key with token_keys_reload(); until then, an hour at most, it seals with the old one.
 */
bool token_keys_rotate(const char *path, int64_t lifetime_us, GError **err);

/** token_keys_seal() - token_seal() by the first one. */
char *token_keys_seal(const struct token_keys *keys, const struct token_claims *c);

/** token_keys_open() - token_open() by any that is still good. A token ends with its key at the latest: ret->expires_us says so. */
bool token_keys_open(const struct token_keys *keys, const char *text, struct token_claims *ret);

#endif

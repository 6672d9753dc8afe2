/* SPDX-License-Identifier: Apache-2.0
 *
 * cache: small files of the user's own, in $XDG_CACHE_HOME/drover.
 *
 * Tokens until they expire, and names for completion for a few seconds. A file is
 * 0600 in a folder of 0700, and one that is not, or another user's, is not read.
 * Whatever fails is as if there were no cache.
 */
#ifndef CACHE_H
#define CACHE_H

#include <stdbool.h>
#include <stdint.h>

/**
 * cache_read() - what was kept.
 * @kind: "token", "names"
 * @key: what it depends on; only its SHA-256 is part of the file's name
 * @max_age_s: not older than this
 *
 * Return: owned by the caller; NULL: nothing.
 */
char *cache_read(const char *kind, const char *key, int64_t max_age_s);

/** cache_write() - keep a text. */
void cache_write(const char *kind, const char *key, const char *text);

/** cache_remove() - forget it. */
void cache_remove(const char *kind, const char *key);

/** cache_prune() - remove what is kept of a kind and of no use any more. @of_use: is asked of each text; NULL: it is too old, or cannot be read */
void cache_prune(const char *kind, int64_t max_age_s, bool (*of_use)(const char *text));

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * pattern: what clients look for in many texts, a literal or a regular expression.
 *
 * Most clients send a name or a part of one: a literal, which costs as little as a comparison, and is tried on the
 * loop. Regular expressions are tried by a worker, one client's at a time, and are bounded by work, not by time: the
 * same question has the same answer on a busy machine.
 */
#ifndef PATTERN_H
#define PATTERN_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#define PATTERN_MAX 255 /* bytes */

struct pattern;

/**
 * pattern_new() - read a pattern; upper and lower case are the same.
 * @anchored: it begins where the text begins
 * @texts: how many there may be; the more, the fewer steps it may take for each
 *
 * Return: owned by the caller; NULL where it is no regular expression.
 */
struct pattern *pattern_new(const char *text, bool anchored, size_t texts);
void pattern_free(struct pattern *p);

/** pattern_is_regex() - pattern_fits() is for those that are not. */
bool pattern_is_regex(const struct pattern *p);

/** pattern_fits() - a literal stands in the text. */
bool pattern_fits(const struct pattern *p, const char *text);

/** pattern_add() - a text for a regular expression. @id: of what has it, perhaps one of several. */
void pattern_add(struct pattern *p, int64_t id, const char *text);

/** pattern_found() - after pattern_match(): one of @id's texts fits. */
bool pattern_found(const struct pattern *p, int64_t id);

/* On the loop, once. @failed: the pattern that took too much work; NULL: none. */
typedef void pattern_done_f(const struct pattern *failed, const char *why, void *user);

/**
 * pattern_match() - try regular expressions on the texts that were added to them.
 * @patterns: @n, at most PATTERNS_MAX; NULL and literals among them are left out; they stay as they are until @done
 * @owner: whose question it is: each waits for a few of its own
 *
 * Return: false with ERR_UNAVAILABLE when too many wait.
 */
#define PATTERNS_MAX 3
bool pattern_match(struct pattern *const *patterns, size_t n, const char *owner, pattern_done_f *done, void *user, GError **err);

#endif

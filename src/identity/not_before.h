/* SPDX-License-Identifier: Apache-2.0
 *
 * not_before: tokens that stay ended when what ended them is undone; private to identity/.
 *
 * A disabled user's tokens end, and do not come back when the user is enabled
 * again: a stolen one must not survive "disable, clean up, enable". The same holds
 * for a project, and for a user's roles in a project. So for each of these three
 * there may be a time, and a token that was issued by then is not good there.
 *
 * Times come from not_before_stamp(), which gives none twice. So "issued after it" is
 * true of a token made in the same microsecond, and where the clock was set back.
 */
#ifndef NOT_BEFORE_H
#define NOT_BEFORE_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

struct identity;
struct token_claims;

/** not_before_stamp() - the wall time, later than any that was given before. */
int64_t not_before_stamp(struct identity *id);

/**
 * not_before_note() - in memory, what Q_NOT_BEFORE_PUT has written.
 * @user_id, @project_id: "" for all of the other one
 */
void not_before_note(struct identity *id, const char *user_id, const char *project_id, int64_t at_us);

/** not_before_drop() - in memory, what went with a user or a project; the other one is NULL. */
void not_before_drop(struct identity *id, const char *user_id, const char *project_id);

/** not_before_ok() - false if a token of these claims was ended for good. */
bool not_before_ok(const struct identity *id, const struct token_claims *c);

/** not_before_load() - all rows. */
bool not_before_load(struct identity *id, GError **err);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * plan_step: what becomes of a step: its migration is followed, and its end is the step's, or another attempt. Of the runner's turn (runner.h).
 */
#ifndef PLAN_STEP_H
#define PLAN_STEP_H

#include "plan/plans_state.h"

/** plan_step_end() - it is over; its row follows. @reason: copied; NULL: none */
void plan_step_end(struct plans *ps, struct plan_record *p, struct plan_step *st, enum plan_step_state state, const char *reason);
/** plan_step_waits() - what it waits for, which is shown and not stored. @what: taken; NULL: nothing */
void plan_step_waits(struct plan_step *st, char *what);
/** plan_step_say() - note what one waits for whose migration is under way. */
void plan_step_say(const struct plans *ps, struct plan_step *st);
/** plan_step_failed() - its migration has ended, or was refused, and the server is where it was: it is tried again, or over. */
void plan_step_failed(struct plans *ps, struct plan_record *p, struct plan_step *st, bool cancelled, const char *why);
/** plan_step_task() - its task, if that owns its server now. Return: borrowed; NULL. */
const struct mig *plan_step_task(const struct plans *ps, const struct plan_step *st);
/** plan_step_is_long() - to look at it takes as long as some statements of the database. */
bool plan_step_is_long(const struct plans *ps, const struct plan_record *p, const struct plan_step *st);
/** plan_step_look() - take what has become of it, if it has been asked for. Return: the database could say that. */
bool plan_step_look(struct plans *ps, struct plan_record *p, struct plan_step *st);

#endif

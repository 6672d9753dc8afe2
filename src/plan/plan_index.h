/* SPDX-License-Identifier: Apache-2.0
 *
 * plan_index: what is known of a plan's steps without looking at all of them, of which there may be 50,000.
 *
 * It is made once, on a worker or before the loop runs. From then on the steps change through these functions alone, so that each turn of the
 * runner costs what goes on, not what there is.
 */
#ifndef PLAN_INDEX_H
#define PLAN_INDEX_H

#include "plan/plan_record.h"

/** plan_index_make() - of a plan whose steps have been read, or made. */
void plan_index_make(struct plan_record *p);
/** plan_index_add() - one more step, the last one. @st: taken */
void plan_index_add(struct plan_record *p, struct plan_step *st);

/** plan_step_go() - a step is in another state, which is to be written. */
void plan_step_go(struct plan_record *p, struct plan_step *st, enum plan_step_state state);
/** plan_step_is_at() - its server is on another host, from which it is to leave. */
void plan_step_is_at(struct plan_record *p, struct plan_step *st, const char *host);
/** plan_step_changed() - its row is to be written. */
void plan_step_changed(struct plan_record *p, struct plan_step *st);
/** plan_saved() - the first @n of .unsaved have been written. */
void plan_saved(struct plan_record *p, guint n);

/** plan_knows() - a step of it is of that server. */
bool plan_knows(const struct plan_record *p, const char *uuid);
/** plan_leaves() - a step of it that is not over leaves that host. */
bool plan_leaves(const struct plan_record *p, const char *host);
/** plan_all_over() - no step of it goes on, and all are written. */
bool plan_all_over(const struct plan_record *p);
/** plan_first_wave() - the first wave of which a step is not over; INT_MAX: none. */
int plan_first_wave(struct plan_record *p);

#endif

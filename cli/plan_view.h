/* SPDX-License-Identifier: Apache-2.0
 *
 * plan_view: plans for people.
 */
#ifndef PLAN_VIEW_H
#define PLAN_VIEW_H

#include "cli.h"

extern const struct col plan_cols[9], plan_step_cols[10];

/** plan_put() - a plan: what it does, to which hosts, what cannot be done and why. */
void plan_put(struct cli *c, const json_t *plan);

/** plan_put_steps() - a table of steps alone. */
void plan_put_steps(struct cli *c, const json_t *steps);

/** plan_put_cannot() - a plan's servers that cannot move, each with every reason. */
void plan_put_cannot(struct cli *c, const json_t *plan);

/** plan_counts_text() - {"done": 3, "failed": 0} as "3 done". Return: owned; NULL for nothing. */
char *plan_counts_text(const json_t *v);

/** plan_say() - show text, as printf() does, made safe. */
void plan_say(struct cli *c, const char *fmt, ...) G_GNUC_PRINTF(2, 3);

/** plan_str() - a member that is a text; "-" without. Borrowed. */
const char *plan_str(const json_t *row, const char *path);

#endif

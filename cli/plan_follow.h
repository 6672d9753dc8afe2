/* SPDX-License-Identifier: Apache-2.0
 *
 * plan_follow: wait for a plan's end and show how it goes.
 *
 * On a terminal one line is drawn again and again, and what has ended is written
 * above it; elsewhere a line is written for each step that begins or ends. All on
 * stderr. Ctrl-C ends the wait; on a terminal it asks first.
 */
#ifndef PLAN_FOLLOW_H
#define PLAN_FOLLOW_H

#include <stdint.h>

#include "cli.h"

/**
 * plan_follow() - wait until a plan has ended, and show how it goes.
 * @limit_ms: of one step; 0: none
 *
 * Return: the plan then, owned by the caller; NULL with CLI_INTERRUPTED, CLI_TIMEOUT or what the API said.
 */
json_t *plan_follow(struct cli *c, int64_t id, int64_t limit_ms, GError **err);

#endif

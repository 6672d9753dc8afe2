/* SPDX-License-Identifier: Apache-2.0
 *
 * live_action: what users ask of live migrations, and how: os-migrateLive in all its versions.
 */
#ifndef LIVE_ACTION_H
#define LIVE_ACTION_H

#include "task/kind.h"

enum { LIVE_ACTIONS_N = 1 };
extern const struct task_action live_actions[LIVE_ACTIONS_N];

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * power_action: what users ask of power, and how: os-start, os-stop, reboot, pause, unpause, suspend, resume.
 */
#ifndef POWER_ACTION_H
#define POWER_ACTION_H

#include "power/decide.h"
#include "task/kind.h"

/* Each at its .what. */
extern const struct task_action power_actions[POWER_WHAT_N];

#endif

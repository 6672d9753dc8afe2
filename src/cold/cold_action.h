/* SPDX-License-Identifier: Apache-2.0
 *
 * cold_action: what users ask of cold migrations, and how: migrate, confirmResize, revertResize.
 */
#ifndef COLD_ACTION_H
#define COLD_ACTION_H

#include "cold/phase.h"
#include "task/kind.h"

extern const struct task_action cold_actions[COLD_ACTION_N];

#endif

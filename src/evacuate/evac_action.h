/* SPDX-License-Identifier: Apache-2.0
 *
 * evac_action: what users ask of evacuations, and how: evacuate.
 */
#ifndef EVAC_ACTION_H
#define EVAC_ACTION_H

#include "evacuate/phase.h"
#include "task/kind.h"

extern const struct task_action evac_actions[EVAC_ACTION_N];

#endif

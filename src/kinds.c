/* SPDX-License-Identifier: Apache-2.0 */
#include "kinds.h"

#include "cold/cold.h"
#include "evacuate/evacuate.h"
#include "live/live.h"
#include "power/power.h"

const struct task_kind *const kinds[] = { &live_kind, &cold_kind, &evac_kind, &power_kind, NULL };

/* SPDX-License-Identifier: Apache-2.0
 *
 * evacuate: evacuation, a kind of task: the guest of a dead host is started at another one.
 *
 *	CHECK -> QUEUED -> SCHEDULE -> PREPARE -> SPAWN -> MOVED -> CLEAN -> COMPLETED
 *	   \________\__________\__________/          \       ^
 *	   ERROR | CANCELLED (FAILED)              UNDO -> FAILED, or SCHEDULE: the next destination
 *
 * From SPAWN on it is defined and started at its destination; MOVED rests: the server is the destination's, and its old host, which may have a
 * copy of it, is waited for. When that is back it forgets the guest (CLEAN) before it counts as up.
 */
#ifndef EVACUATE_H
#define EVACUATE_H

#include "evacuate/evac_action.h"
#include "task/kind.h"

extern const struct task_kind evac_kind;

#endif

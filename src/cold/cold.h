/* SPDX-License-Identifier: Apache-2.0
 *
 * cold: cold migration, a kind of task: a guest is shut off, and goes on at another host when a user has said so.
 *
 *	CHECK -> QUEUED -> SCHEDULE -> STOP -> CARRY -> LAND -> START -> VERIFY -> CONFIRM -> CONFIRMED
 *	   \________\________/           \_______\______/         |        \-> REVERT -> REVERTED | ERROR
 *	   ERROR | CANCELLED                   UNDO -> FAILED | CANCELLED
 *
 * Before START the source's disks are the guest, from START on the destination's. VERIFY rests: the server is VERIFY_RESIZE, no task owns
 * it, and it can be used; its source keeps definition and room for it until CONFIRM. A start that the destination refuses goes back by REVERT.
 */
#ifndef COLD_H
#define COLD_H

#include "cold/cold_action.h"
#include "task/kind.h"

extern const struct task_kind cold_kind;

#endif

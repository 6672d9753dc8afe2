/* SPDX-License-Identifier: Apache-2.0
 *
 * phase: the stages of a cold migration: the indices of cold_kind.stages; and what users ask for: those of cold_actions.
 */
#ifndef COLD_PHASE_H
#define COLD_PHASE_H

enum cold_phase {
	COLD_P_CHECK,    /* prechecks */
	COLD_P_QUEUED,   /* waits for a slot */
	COLD_P_SCHEDULE, /* a slot is held; the destination is chosen and claimed */
	COLD_P_STOP,     /* the guest is shut off */
	COLD_P_CARRY,    /* its local disks go over */
	COLD_P_LAND,     /* it gets its definition at the destination */
	COLD_P_START,    /* the destination has the authority; it is started there */
	COLD_P_VERIFY,   /* waits for a user's decision */
	COLD_P_CONFIRM,  /* the source forgets it */
	COLD_P_REVERT,   /* the destination forgets it, and it goes on at the source */
	COLD_P_UNDO,     /* the same, before START */
	COLD_P_CONFIRMED, COLD_P_REVERTED, COLD_P_ERROR, COLD_P_FAILED, COLD_P_CANCELLED,
	COLD_P_RETURNED, /* it could not be started at the destination, and is at its source again */
	COLD_P_N
};

enum { COLD_MIGRATE, COLD_CONFIRM_RESIZE, COLD_REVERT_RESIZE, COLD_ACTION_N };

#endif

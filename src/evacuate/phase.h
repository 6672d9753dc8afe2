/* SPDX-License-Identifier: Apache-2.0
 *
 * phase: the stages of an evacuation: the indices of evac_kind.stages; and what users ask for: those of evac_actions.
 */
#ifndef EVAC_PHASE_H
#define EVAC_PHASE_H

enum evac_phase {
	EVAC_P_CHECK,     /* the host is dead, and it may be left */
	EVAC_P_QUEUED,    /* waits for a slot */
	EVAC_P_SCHEDULE,  /* a slot is held; the destination is chosen and claimed */
	EVAC_P_PREPARE,   /* what is needed at the destination is looked at, and its definition is written into a row */
	EVAC_P_SPAWN,     /* it is defined and started there */
	EVAC_P_MOVED,     /* it is the destination's; waits for its old host to come back */
	EVAC_P_CLEAN,     /* that is back, and forgets it */
	EVAC_P_UNDO,      /* of SPAWN: the destination forgets it; it has not run there */
	EVAC_P_COMPLETED, EVAC_P_ERROR, EVAC_P_FAILED, EVAC_P_CANCELLED,
	EVAC_P_N
};

enum { EVAC_EVACUATE, EVAC_ACTION_N };

#endif

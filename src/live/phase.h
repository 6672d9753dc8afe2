/* SPDX-License-Identifier: Apache-2.0
 *
 * phase: the stages of a live migration: the indices of live_kind.stages.
 */
#ifndef PHASE_H
#define PHASE_H

enum mig_phase {
	MIG_CHECK,     /* prechecks; hosts are asked */
	MIG_QUEUED,    /* waits for a slot */
	MIG_SCHEDULE,  /* a slot is held; the destination is chosen and claimed */
	MIG_PREPARE,   /* both hosts are asked, the destination's XML is made */
	MIG_COPY,      /* libvirt may have been called */
	MIG_FINISH,    /* it runs at the destination; the source is cleaned */
	MIG_UNDO,      /* it stays at the source; the destination is cleaned */
	MIG_DONE, MIG_ERROR, MIG_FAILED, MIG_CANCELLED,
	MIG_PHASE_N
};

#endif

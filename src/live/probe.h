/* SPDX-License-Identifier: Apache-2.0
 *
 * probe: what the states of both hosts mean for a migration. Pure.
 *
 * After every doubt (a restart, a lost reply, the end of libvirt's call) both
 * hosts are asked for the domain; probe_decide() reads the answers. The rows of
 * its table are those of docs/ARCHITECTURE.md, "What a restart does".
 */
#ifndef PROBE_H
#define PROBE_H

#include "hv/half.h"

enum probe_verdict {
	PROBE_WAIT,          /* nothing can be said or done now; ask again */
	PROBE_COPYING,       /* the job runs: watch it */
	PROBE_NOT_MOVED,     /* it lives at the source alone, nothing is left at the destination */
	PROBE_NOT_MOVED_BLIND, /* the same, but the destination cannot be asked what is left there */
	PROBE_LEFTOVER,      /* it lives at the source; destroy the waiting half at the destination */
	PROBE_RESUME_SOURCE, /* it was stopped for a switch-over that did not come; nothing at the destination */
	PROBE_MOVED,         /* it lives at the destination */
	PROBE_STALE_SOURCE,  /* it runs at the destination; the source's stopped half must go */
	PROBE_UNDECIDED,     /* stopped at the source, and may have run at the destination since: only a person can tell */
	PROBE_STOPPED,       /* the guest was shut off at the source meanwhile */
	PROBE_POSTCOPY_RUN,  /* past the point of no return: wait */
	PROBE_POSTCOPY_BROKEN, /* both halves are needed: wait, recover, never destroy */
	PROBE_POSTCOPY_RESUME, /* the same, and both wait to be resumed */
	PROBE_MEMORY_LOST,   /* one of the halves died in post-copy */
	PROBE_ORPHANED,      /* the source is gone, and what it sent waits at the destination: no host can tell whether that is whole */
	PROBE_SPLIT,         /* it runs on both: alarm, touch nothing */
	PROBE_LOST,          /* it is nowhere */
	PROBE_VERDICT_N
};

/**
 * probe_decide() - read the table.
 * @job: the source has an outgoing migration job
 */
enum probe_verdict probe_decide(enum hv_half source, enum hv_half dest, bool job);

const char *probe_verdict_name(enum probe_verdict v);

#endif

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

#include "hv/hv.h"

/* One host's half of the migration, in classes that matter here. */
enum probe_half {
	PROBE_H_UNKNOWN,  /* the host did not answer */
	PROBE_H_ABSENT,
	PROBE_H_NO_TRACE, /* destination: the same, of a guest without a definition: had it run and ended here, nothing would be left */
	PROBE_H_OFF,      /* defined and shut off, for other reasons than the migration */
	PROBE_H_MIGRATED, /* shut off because it went to another host, still defined */
	PROBE_H_FAILED,   /* destination: shut off because the start failed: it never ran here */
	PROBE_H_CRASHED,
	PROBE_H_RUN,
	PROBE_H_PAUSED,   /* by an operator, an I/O error, ...: it lives here */
	PROBE_H_SWITCH,   /* source: stopped for the switch-over */
	PROBE_H_INCOMING, /* destination: waits for its memory */
	PROBE_H_POSTCOPY,
	PROBE_H_BROKEN,   /* post-copy failed */
	PROBE_H_N
};

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
	PROBE_SPLIT,         /* it runs on both: alarm, touch nothing */
	PROBE_LOST,          /* it is nowhere */
	PROBE_VERDICT_N
};

/* The last answers of both hosts, of PREPARE or of a doubt. */
struct probe {
	struct hv_dom *source, *dest; /* owned; NULL: no answer yet, or none was to be had */
	bool job;                     /* the source has a migration job */
	enum probe_verdict verdict;   /* the last one; it outlives the answers */
};

/** probe_clear() - drop the answers. */
void probe_clear(struct probe *p);

/** probe_source_half(), probe_dest_half() - class of an answer; NULL is PROBE_H_UNKNOWN. */
enum probe_half probe_source_half(const struct hv_dom *d);
enum probe_half probe_dest_half(const struct hv_dom *d);

/**
 * probe_decide() - read the table.
 * @job: the source has an outgoing migration job
 */
enum probe_verdict probe_decide(enum probe_half source, enum probe_half dest, bool job);

const char *probe_half_name(enum probe_half h);
const char *probe_verdict_name(enum probe_verdict v);

#endif

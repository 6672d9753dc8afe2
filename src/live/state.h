/* SPDX-License-Identifier: Apache-2.0
 *
 * state: what is known of a live migration by this process alone. The row has what must outlive it.
 *
 * Each part is named by its module, which alone writes it, but for what a comment says; the others read it.
 */
#ifndef STATE_H
#define STATE_H

#include "hv/hv.h"
#include "live/converge.h"
#include "live/phase.h"
#include "live/probe.h"
#include "move/move.h"

/* All zero: no call was made by this process. */
struct copy {
	bool running;       /* the call is under way; postcopy.c's too: it makes the same call to resume */
	char *error;        /* what it said, or NULL */
	bool lost;          /* ... that the reply was lost; settle.c forgets it before the next attempt */
	bool guest_refused; /* ... that the guest cannot go, to any host */
};

struct watch {
	bool polling;              /* a poll's answer is awaited */
	int idle_polls;            /* polls that saw no job, in a row */
	bool job_seen;             /* libvirt's job, since the call was made */
	int64_t job_seen_ms;       /* when it was last seen, or the call was made */
	bool abort_sent, force_sent; /* the call is under way */
	bool aborted;              /* the source has said that the job is aborted */
	bool pause_awaited;        /* the call to pause the guest is not answered: it may still pause it, whatever the phase */
	bool pause_unseen;         /* it was answered after both hosts were asked last, which settle.c does */
	int64_t copied_ms, copied_bytes; /* when the count of copied bytes last changed, and it */
	int64_t saved_ms;          /* when the progress was last written, or the call was made */
	char *link_down;           /* why the destination was given up, though libvirt's call goes on; NULL */
};

/* Of libvirt's autostart flag at the source. */
struct boot_flag {
	bool awaited; /* the answer is awaited without which libvirt's call is not made */
};

struct tune {
	struct converge_history history;
};

struct settle {
	int awaited;                 /* answers that are awaited */
	bool job;                    /* the source has a job that sends the guest */
	enum probe_verdict verdict;  /* of the last answers; it outlives them */
	int repeats;                 /* the same verdict in a row, for those that want to be sure */
	bool waiting_seen;           /* the destination's half was seen waiting for its memory when the source had no job any more */
	bool started;                /* UNDO: the source was asked to start the guest, after a boot (boot_flag.h) */
	bool alarmed;                /* the alarm of a verdict was given */
	struct hv_req act;           /* the act that is next; when it was sent, only its op */
	bool act_at_dest;            /* ... at the destination, not at the source */
	int refusals;                /* FINISH: how often it was refused in a row */
	uint64_t refused_ops;        /* FINISH: a bit for each op that was refused too often */
};

struct postcopy {
	int64_t moved_ms, moved_bytes; /* when its memory was last seen to move, or could not be looked at; what tells that it does */
	bool broke;                    /* it has broken since the last sample: what the next one says may have moved before */
	int64_t went_on_ms;            /* when its memory was last seen to move, since it had been broken; 0: it never was */
	int64_t resume_ms;             /* when it was last resumed */
	int64_t recover_ms;            /* the next attempt is not before */
	int resumes;                   /* attempts in a row that were refused */
	int64_t conflict_ms;           /* since when they are refused by a QEMU, after both hosts have talked; 0: the last one was not */
};

/* All zero at the beginning. What waits in the queue, thousands at times, has none. */
struct sending {
	struct boot_flag boot_flag;
	struct watch watch;
	struct tune tune;
	struct settle settle;
	struct postcopy postcopy;
};

struct live {
	struct move move;  /* first: move_of() */
	int call_waits;    /* PREPARE: how often an earlier call was waited for */
	struct copy copy;
	struct sending *sending; /* NULL before COPY; flow.c's */
};

/** live_of() - of a live migration that is under way. Borrowed. */
static inline struct live *live_of(const struct mig *m)
{
	return m->priv;
}

/** sending_of() - its part that begins with COPY, made by flow.c's entrances. Borrowed; NULL before. */
static inline struct sending *sending_of(const struct mig *m)
{
	return live_of(m)->sending;
}

#endif

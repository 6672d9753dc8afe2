/* SPDX-License-Identifier: Apache-2.0
 *
 * watch: a running copy is looked at, and what is wanted of it is passed on.
 */
#ifndef WATCH_H
#define WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "hv/hv.h"

struct mig;

struct watch {
	bool polling;              /* a poll's answer is awaited */
	int idle_polls;            /* polls that saw no job, in a row */
	bool job_seen;             /* libvirt's job, since the call was made */
	int64_t job_seen_ms;       /* when it was last seen, or the call was made */
	bool abort_sent, force_sent; /* the call is under way */
	bool aborted;              /* the source has said that the job is aborted */
	bool pause_open;           /* the call to pause the guest is not answered: it may still pause it, whatever the phase */
	uint64_t pause_probe;      /* settle.probe when it was answered */
	int64_t copied_ms, copied_bytes; /* when the count of copied bytes last changed, and it */
	char *given_up;            /* why the destination was given up, though libvirt's call goes on; NULL */
};

/** watch_begin() - the call is about to be made. */
void watch_begin(struct watch *w);
/** watch_called() - it was made: no job was seen yet. */
void watch_called(struct watch *w);
/** watch_left() - the phase has changed: answers under way will be dropped, but for the pause's. */
void watch_left(struct watch *w);

/** live_watch() - look after the running job, and go on doing so. */
void live_watch(struct mig *m);
/** watch_now() - the same, at once. */
void watch_now(struct mig *m);
/** watch_progress() - take a job's statistics into the record. */
void watch_progress(struct mig *m, const struct hv_job *j);

#endif

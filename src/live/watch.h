/* SPDX-License-Identifier: Apache-2.0
 *
 * watch: a running copy is looked at, and what is wanted of it is passed on.
 */
#ifndef WATCH_H
#define WATCH_H

#include "live/next.h"
#include "live/state.h"

/** watch_begin() - the call is about to be made. */
void watch_begin(struct watch *w);
/** watch_called() - it was made: no job was seen yet. */
void watch_called(struct watch *w);
/** watch_left() - the phase has changed: answers under way will be dropped, but for the pause's. */
void watch_left(struct watch *w);

/** watch_poll() - ask the source for its job, unless an answer is awaited. */
enum live_next watch_poll(struct mig *m, live_answer_f *got_job);
/** watch_polled() - the answer. Return: there is a job: a sample for all that looks at it. */
bool watch_polled(struct mig *m, const struct hv_reply *r);
/** watch_idle() - there is none. */
enum live_next watch_idle(struct mig *m);
/** watch_interval_ms() - from one poll to the next. @broken: nothing is expected to move */
int64_t watch_interval_ms(bool broken);

/** watch_progress() - take a job's statistics into the record. */
void watch_progress(struct mig *m, const struct hv_job *j);
/** watch_link() - does the link to the destination still carry anything? If not, give it up. */
void watch_link(struct mig *m, const struct hv_job *j);
/** watch_send_requests() - ask the source for what is wanted: an abort, or an end of the copy by a pause or post-copy. */
void watch_send_requests(struct mig *m, live_answer_f *got_abort, live_answer_f *got_pause);
/** watch_aborted(), watch_paused() - its answers. The pause's comes in every phase. */
enum live_next watch_aborted(struct mig *m, const struct hv_reply *r);
enum live_next watch_paused(struct mig *m, const struct hv_reply *r);

/** watch_ask_downtime() - FINISH is over: ask the destination how long the guest stood still, then end. */
void watch_ask_downtime(struct mig *m, live_answer_f *got_downtime);
/** watch_downtime() - its answer. */
void watch_downtime(struct mig *m, const struct hv_reply *r);

#endif

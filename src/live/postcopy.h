/* SPDX-License-Identifier: Apache-2.0
 *
 * postcopy: a post-copy, and what to do when it breaks.
 */
#ifndef POSTCOPY_H
#define POSTCOPY_H

#include "live/next.h"
#include "live/state.h"

/** postcopy_seen() - a host said that the guest is in post-copy: from here on there is no way back. */
void postcopy_seen(struct mig *m);
/** postcopy_sample() - take a sample of the running job. Return: false if it is in post-copy, nothing moves, and it is time to look closer. */
bool postcopy_sample(struct mig *m, const struct hv_job *j);
/** postcopy_is_broken() - it was seen to be, and nothing has moved since. */
bool postcopy_is_broken(const struct mig *m);
/**
 * postcopy_recover() - one step for a broken or hanging post-copy; the last probe must be of now.
 * @got_resume: gets the answer of the call that resumes it
 * @got_pause: gets the answer of the source that is told to give the connection up
 */
enum live_next postcopy_recover(struct mig *m, live_answer_f *got_resume, live_answer_f *got_pause);
/** postcopy_resumed(), postcopy_paused() - take these answers. */
void postcopy_resumed(struct mig *m, const struct hv_reply *r);
void postcopy_paused(struct mig *m, const struct hv_reply *r);

#endif

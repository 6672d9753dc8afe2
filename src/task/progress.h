/* SPDX-License-Identifier: Apache-2.0
 *
 * progress: how the progress of a migration reads, in records and in events.
 */
#ifndef PROGRESS_H
#define PROGRESS_H

#include "base/json.h"
#include "task/record.h"

/** mig_put_progress() - write an object with its counters as one value. */
void mig_put_progress(struct jout *o, const struct mig *m);
/**
 * mig_put_eta() - write the time to its end: an object, or null while nothing honest can be said: no sample yet, not
 * copying, or the guest dirties faster than it can be sent.
 */
void mig_put_eta(struct jout *o, const struct mig *m);

#endif

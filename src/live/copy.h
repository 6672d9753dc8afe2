/* SPDX-License-Identifier: Apache-2.0
 *
 * copy: libvirt's call to migrate.
 *
 * The row is in COPY before the call is made, so what is here only tells more about
 * a call of this process. Its result is a hint that it is time to ask both hosts.
 */
#ifndef COPY_H
#define COPY_H

#include "live/next.h"
#include "live/state.h"

/** copy_call() - make the call. Return: false if the source is not connected. */
bool copy_call(struct mig *m, live_answer_f *got_migrate);
/** copy_ended() - take what it said. */
void copy_ended(struct mig *m, struct hv_reply *r);

/**
 * copy_params() - what HV_MIGRATE needs to reach the destination, and how memory travels.
 * @migrate_uri: host_migrate_uri() of the destination; borrowed by the result, as is all else
 */
struct hv_migrate_params copy_params(struct mig *m, const char *migrate_uri);

/** copy_not_made() - what had to be before it did not come to be: it stands for what the call would have said. */
void copy_not_made(struct mig *m, const GError *why);

/** copy_left() - the phase has changed: what the call says is not awaited any more. */
void copy_left(struct copy *c);
/** copy_forget() - what the call said belongs to a destination that was given up, or to an attempt that is over. */
void copy_forget(struct copy *c);

#endif

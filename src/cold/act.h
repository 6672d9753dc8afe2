/* SPDX-License-Identifier: Apache-2.0
 *
 * act: one act of a cold migration at a host. Each is followed by asking again, so that a lost reply needs no care of its own.
 */
#ifndef COLD_ACT_H
#define COLD_ACT_H

#include "cold/next.h"
#include "cold/state.h"

struct definition;

/**
 * cold_act() - ask a host to do something with the guest.
 * @h: may be NULL, a host that is gone
 * @like: without its uuid
 */
enum cold_next cold_act(struct mig *m, struct host *h, const struct hv_req *like);
/** cold_acted() - its answer. */
enum cold_next cold_acted(struct mig *m, const struct hv_reply *r);
/** cold_refused() - acts were refused too often in a row: what can be left undone is. */
bool cold_refused(const struct mig *m);

/** cold_landed() - the definition that the guest had at its source, as its row has it from LAND on. Borrowed; NULL: none. */
const struct definition *cold_landed(const struct mig *m);
/** cold_ran() - the guest ran when it was asked for. */
bool cold_ran(const struct mig *m);

#endif

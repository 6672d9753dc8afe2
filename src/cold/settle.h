/* SPDX-License-Identifier: Apache-2.0
 *
 * settle: the steps of a cold migration from STOP on: ask both hosts, decide (probe.h), act, ask again.
 */
#ifndef COLD_SETTLE_H
#define COLD_SETTLE_H

#include "task/record.h"

struct cold;
struct hv_event;

/** cold_begin() - before anything else. */
void cold_begin(struct cold *c);
/** cold_settle() - ask both hosts what they have of the guest, and do what follows. Enters every stage from STOP on but VERIFY. */
void cold_settle(struct mig *m);
/** cold_rest() - enters VERIFY. */
void cold_rest(struct mig *m);
/** cold_event() - a host's event of the guest. */
void cold_event(struct mig *m, const struct hv_event *ev);
/** cold_carrier_event() - likewise of its carrier. */
void cold_carrier_event(struct mig *m, const struct hv_event *ev);
/** cold_left() - another stage was reached: answers that are under way count no more. */
void cold_left(struct mig *m);

#endif

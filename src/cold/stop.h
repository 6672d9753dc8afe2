/* SPDX-License-Identifier: Apache-2.0
 *
 * stop: the guest is asked to shut off, and stopped hard when its time is over.
 *
 * An answer to the request to shut off says nothing. The guest is asked again every few seconds, and stopped hard when its time,
 * which is in the row, is over. A migration that is given up meanwhile waits as long before it says that the guest runs on: it may
 * have heard the request.
 */
#ifndef COLD_STOP_H
#define COLD_STOP_H

#include "cold/next.h"
#include "cold/state.h"

/** cold_shut_off() - it runs at its source. */
enum cold_next cold_shut_off(struct mig *m);
/** cold_stopped() - it is off: on to CARRY. */
enum cold_next cold_stopped(struct mig *m);

/** cold_may_heed() - it was asked to shut off, and its time is not over; or such a request has come to it after it was seen off. */
bool cold_may_heed(const struct mig *m);
/** cold_seen_off() - at its source: requests that were answered by then have no effect any more, should it be started there. */
void cold_seen_off(struct mig *m);
/** cold_press_under_way() - a request to shut off is not answered, or its answer was lost: the guest may still get it. */
bool cold_press_under_way(const struct mig *m);
/** cold_recall_presses() - at the beginning, and after a restart: what the row says of those that an earlier process has sent. */
void cold_recall_presses(struct mig *m);

#endif

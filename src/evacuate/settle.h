/* SPDX-License-Identifier: Apache-2.0
 *
 * settle: the steps of an evacuation from SPAWN on: ask the hosts, decide (probe.h), act, ask again.
 */
#ifndef EVAC_SETTLE_H
#define EVAC_SETTLE_H

#include "task/record.h"

struct evac;
struct hv_event;

/** evac_begin() - before anything else. */
void evac_begin(struct evac *e);
/** evac_settle() - ask the hosts what they have of the guest, and do what follows. Enters SPAWN, UNDO and CLEAN. */
void evac_settle(struct mig *m);
/** evac_rest() - enters MOVED. */
void evac_rest(struct mig *m);
/** evac_event() - a host's event of the guest. */
void evac_event(struct mig *m, const struct hv_event *ev);
/** evac_left() - another stage was reached: answers that are under way count no more. */
void evac_left(struct mig *m);

#endif

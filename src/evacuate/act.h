/* SPDX-License-Identifier: Apache-2.0
 *
 * act: one act of an evacuation at a host. Each is followed by asking again, so that a lost reply needs no care of its own.
 */
#ifndef EVAC_ACT_H
#define EVAC_ACT_H

#include "evacuate/next.h"
#include "evacuate/state.h"

struct definition;

/**
 * evac_act() - ask a host to do something with the guest.
 * @h: may be NULL, a host that is gone
 * @like: without its uuid
 */
enum evac_next evac_act(struct mig *m, struct host *h, const struct hv_req *like);
/** evac_acted() - its answer. */
enum evac_next evac_acted(struct mig *m, const struct hv_reply *r);
/** evac_refused() - acts were refused too often in a row: what can be left undone is. */
bool evac_refused(const struct mig *m);
/** evac_give_up() - SPAWN: on to UNDO. @last: no other host is tried */
enum evac_next evac_give_up(struct mig *m, bool last, const char *why);

/** evac_definition() - the guest's, as its row has it from SPAWN on. Borrowed; NULL: none. */
const struct definition *evac_definition(const struct mig *m);

#endif

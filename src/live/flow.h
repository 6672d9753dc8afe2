/* SPDX-License-Identifier: Apache-2.0
 *
 * flow: the running copy, from libvirt's call to the end: what is asked of hosts, and what is done with each answer.
 */
#ifndef FLOW_H
#define FLOW_H

#include "hv/hv.h"

struct mig;

/** flow_copy() - COPY is written: call libvirt, and watch. */
void flow_copy(struct mig *m);
/** flow_settle() - ask both hosts, decide, act; for COPY, FINISH and UNDO, after any doubt. */
void flow_settle(struct mig *m);
/** flow_poll() - COPY: look at the job now, as something is wanted of it. */
void flow_poll(struct mig *m);
/** flow_event() - a host's event for the server, past PREPARE. */
void flow_event(struct mig *m, const struct hv_event *ev);

#endif

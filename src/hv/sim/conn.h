/* SPDX-License-Identifier: Apache-2.0
 *
 * conn: connections of the controller, and the events that go over them.
 */
#ifndef SIM_CONN_H
#define SIM_CONN_H

#include "hv/sim/front.h"
#include "hv/sim/types.h"

/* Every open connection of a host gets the event. */
void sim_conn_tell(struct sim_host *host, const struct hv_event *ev);
/* The connection is lost: its calls too, HV_EV_CLOSED follows. */
void sim_conn_drop(struct sim_conn *c, const char *why);
/* All of a host's are lost. */
void sim_conn_reset(struct sim_host *h, const char *why);
/* The host's power or cable changed. */
void sim_conn_reach(struct sim_host *h);
/* It can be reached again: what stalled goes on. */
void sim_conn_back(struct sim_host *h);
void sim_conn_open(struct hv_host *h, struct sim *w);
void sim_conn_close(struct hv_host *h);

#endif

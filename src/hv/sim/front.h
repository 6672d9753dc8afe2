/* SPDX-License-Identifier: Apache-2.0
 *
 * front: what stands in front of the world: connections of the controller, and its calls.
 */
#ifndef SIM_FRONT_H
#define SIM_FRONT_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "hv/sim/types.h"

/* One connection of the controller; hv_host.impl. */
struct sim_conn {
	struct hv_host *h;
	struct sim_host *host;
	bool open;
	bool closing;             /* HV_EV_CLOSED is on its way */
	struct clock_timer *opening, *keepalive, *deliver;
	GQueue events;            /* struct sim_event * */
	GPtrArray *calls;         /* struct sim_call *, in order of their submission */
};

/* One call under way. Where it waits is said by .timer, .parked and .job. */
struct sim_call {
	struct sim *w;
	struct hv_call *call;
	guint at;                  /* in the world's calls */
	struct sim_conn *conn;     /* NULL when the connection is gone: the answer is dropped */
	struct sim_host *host;
	int64_t deaths;            /* of the host's libvirtd, when it was sent */
	enum sim_fault_kind fault; /* SIM_FAULT_N: none */
	int64_t fault_ms;
	char *hold;                /* the name of the rule that holds it */
	bool acted;                /* only the reply is still to be delivered */
	bool waited;               /* an act that takes long has taken it */
	struct clock_timer *timer;
	void (*act)(struct sim_call *sc); /* carries it out, when it has arrived */
	GPtrArray *parked;         /* the list that it waits in */
	struct sim_job *job;       /* the migration whose end it waits for */
	struct sim_copy *copy;     /* the copy of a file that it waits for */
	struct sim_dom *effort;    /* the domain whose start or save it waits for */
	GPtrArray *to_list;        /* of a list: UUIDs, owned, of what is to be described; NULL */
	guint listed;              /* ... and how many of them were */
};

#endif

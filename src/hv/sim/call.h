/* SPDX-License-Identifier: Apache-2.0
 *
 * call: the controller's calls, from submit to end.
 */
#ifndef SIM_CALL_H
#define SIM_CALL_H

#include "hv/sim/front.h"
#include "hv/sim/types.h"

/* Put it into a list, out of the one it is in; NULL: into none. */
void sim_call_park(struct sim_call *sc, GPtrArray *where);
/* Complete it now, whatever it waited for. */
void sim_call_end(struct sim_call *sc);
/* The call has its answer, in call->reply. */
void sim_call_finish(struct sim_call *sc);
/* Refuse it: set the error and finish. */
void sim_call_refuse(struct sim_call *sc, enum err_code code, const char *fmt, ...) G_GNUC_PRINTF(3, 4);
/* Its connection is gone; the caller hears so on the next turn. */
void sim_call_lose(struct sim_call *sc, const char *why);
/* The host got the request, or can be reached again. */
void sim_call_arrive(struct sim_call *sc);
/* The same, as a timer of the call. */
void sim_call_retry(void *user);
/* What it waited for is over: @why NULL: well. */
void sim_call_over(struct sim_call *sc, enum err_code code, const char *why);
/* A long act has begun: faults after it strike now, when it is under way. */
void sim_call_started(struct sim_call *sc);
/* The job lock is free: calls that waited for it try again. */
void sim_call_unlock(struct sim_dom *d);
/* The job lock is held: the call tries again when it is free, for a while. */
void sim_call_wait_lock(struct sim_call *sc, struct sim_dom *d);
/* It sets out for @host. @c: NULL: there is no connection. @act: carries it out there */
void sim_call_submit(struct hv_call *call, struct sim_host *host, struct sim_conn *c, void (*act)(struct sim_call *sc));
/** sim_release() - let go what the rule @name holds and will hold; NULL: every rule. Return: how many calls waited. */
int sim_release(struct sim *w, const char *name);
/** sim_calls() - calls that have passed the gate. */
int64_t sim_calls(const struct sim *w);
/** sim_on_call() - tell of each call as it passes the gate. NULL ends it. */
void sim_on_call(struct sim *w, sim_call_f *fn, void *user);
/* A latency as it is this time. */
int64_t sim_jitter(struct sim *w, int64_t ms);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * gate: rules that say which call meets which fault.
 */
#ifndef SIM_GATE_H
#define SIM_GATE_H

#include "hv/sim/front.h"
#include "hv/sim/types.h"

/* What becomes of a call at the gate. */
enum sim_pass {
	SIM_PASS,    /* it goes on */
	SIM_ANSWER,  /* it ends, with the error that its reply has */
	SIM_WAIT,    /* for sim_release() */
	SIM_NEVER,   /* it is not answered */
	SIM_KILL,    /* likewise, and then the controller is killed: sim_gate_kill() */
	SIM_TAKEN,   /* the loss of its connection has ended it */
};

void sim_fault_add(struct sim *w, const struct sim_fault *f);
void sim_fault_clear(struct sim *w);
/** sim_fault_hits() - how many calls met a rule. */
int64_t sim_fault_hits(const struct sim *w);
void sim_gate_free(struct sim *w);
void sim_gate_kill(struct sim *w);
/* Choose what happens to a call. Return: false if the controller that made it is dead. */
bool sim_gate(struct sim_call *sc);
/* Faults at arrival. */
enum sim_pass sim_gate_request(struct sim_call *sc);
/* Faults at the reply. */
enum sim_pass sim_gate_reply(struct sim_call *sc);
/* Its fault comes after its act, which for a long one is when that is under way. */
bool sim_gate_strikes_after(const struct sim_call *sc);
/* It waits at that rule; NULL: at any. */
bool sim_gate_holds(const struct sim_call *sc, const char *name);
/** sim_held() - how many calls wait at the rule @name. */
int sim_held(const struct sim *w, const char *name);
/* That rule holds nothing from now on. */
void sim_gate_release(struct sim *w, const char *name);

#endif

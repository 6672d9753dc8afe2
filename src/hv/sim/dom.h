/* SPDX-License-Identifier: Apache-2.0
 *
 * dom: domains and their states.
 */
#ifndef SIM_DOM_H
#define SIM_DOM_H

#include "hv/sim/spec.h"
#include "hv/sim/types.h"

/* Another libvirt name. */
void sim_dom_set_name(struct sim_dom *d, const char *name);
struct sim_dom *sim_dom_new(struct sim_host *h, const struct sim_dom_spec *spec);
/* A carrier, paused. @c, @disks: taken. */
struct sim_dom *sim_dom_new_carrier(struct sim_host *h, struct carrier *c, GPtrArray *disks);
/* A copy on another host, PAUSED and being started. */
struct sim_dom *sim_dom_incoming(struct sim_host *h, const struct sim_dom *from);
void sim_dom_free(struct sim_dom *d);
/* Drop it from its host; its job must be gone. */
void sim_dom_drop(struct sim_dom *d);
/* Some other copy of the guest that is active and, if @running, runs; if @whole, has its memory. NULL: none. */
const struct sim_dom *sim_dom_other_copy(const struct sim_dom *d, bool running, bool whole);
/* Set the state and nothing else. */
void sim_dom_put(struct sim_dom *d, enum hv_state state);
/* A fault takes its memory away: if that is the guest's, the guest has died. Call it before the state changes. */
void sim_dom_died(const struct sim_dom *d);
/* Set the state; no event. Notes a violation when it runs twice. */
void sim_dom_state(struct sim_dom *d, enum hv_state state, enum hv_reason reason);
/* Set it and tell. */
void sim_dom_change(struct sim_dom *d, enum hv_state state, enum hv_reason reason);
/* QEMU is gone: shut off with a reason, or dropped if it has no definition. */
void sim_dom_stop(struct sim_dom *d, enum hv_reason reason);
/* Let calls that waited for the job lock try again. */
void sim_dom_unlock(struct sim_dom *d);
/* It is shut off: it goes, with its definition. */
void sim_dom_undefine(struct sim_dom *d);
/* The MAC address of its one interface. Return: owned. */
char *sim_dom_mac(const char *uuid);
/** sim_dom_addr() - a guest's interface has an address from now on. @text: "10.0.0.5/24"; NULL: it has none any more */
void sim_dom_addr(struct sim *w, const char *uuid, const char *text);

#endif

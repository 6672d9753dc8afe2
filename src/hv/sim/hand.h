/* SPDX-License-Identifier: Apache-2.0
 *
 * hand: what a test does to domains behind the controller's back.
 */
#ifndef SIM_HAND_H
#define SIM_HAND_H

#include "hv/sim/spec.h"
#include "hv/sim/types.h"

/** sim_dom_add() - a domain appears, as if made behind the controller's back. */
void sim_dom_add(struct sim *w, const char *host, const struct sim_dom_spec *spec);
/** sim_carrier_add() - a carrier without files, as another controller begins it. @task, @guest: what its description says; NULL: nothing */
void sim_carrier_add(struct sim *w, const char *host, const char *uuid, const char *task, const char *guest);
/** sim_dom_set() - force a state; a job that it was part of is not touched. */
void sim_dom_set(struct sim *w, const char *host, const char *uuid, enum hv_state state, enum hv_reason reason);
/** sim_dom_rename() - give it another libvirt name. */
void sim_dom_rename(struct sim *w, const char *host, const char *uuid, const char *name);
/** sim_dom_unreadable() - from now on its description cannot be read, for that reason; NULL: it can. */
void sim_dom_unreadable(struct sim *w, const char *host, const char *uuid, const char *why);
/** sim_dom_save() - its memory is saved, as by virsh managedsave; it takes its time. One that does not run stays as it is. */
void sim_dom_save(struct sim *w, const char *host, const char *uuid);
/** sim_dom_crash() - its QEMU dies. */
void sim_dom_crash(struct sim *w, const char *host, const char *uuid);
/** sim_dom_writes() - from now on a guest writes so much to its memory. */
void sim_dom_writes(struct sim *w, const char *uuid, double dirty_mibs);
/** sim_dom_calm() - every guest stops writing to its memory and its disks. */
void sim_dom_calm(struct sim *w);
/** sim_dom_forget() - it is undefined: one that runs goes on without a definition. Its files stay. */
void sim_dom_forget(struct sim *w, const char *host, const char *uuid);
/** sim_dom_remove() - it is destroyed and undefined; the files go that no other copy of it sees. */
void sim_dom_remove(struct sim *w, const char *host, const char *uuid);
/** sim_dom_redefine() - its definition is edited: that has this description now. */
void sim_dom_redefine(struct sim *w, const char *host, const char *uuid, const char *description);
/** sim_dom_autostart() - virsh autostart. */
void sim_dom_autostart(struct sim *w, const char *host, const char *uuid, bool on);

#endif

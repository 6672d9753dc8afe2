/* SPDX-License-Identifier: Apache-2.0
 *
 * look: the guest waits at its destination, and its old host is looked for once more before it runs.
 *
 * The look is begun before, as the definition and the start take their time: the guest waits for what is left of it. What is too old when the guest waits is looked at
 * again. The host was silent for long (service_down_time), and it is only asked whether it is back: it is sent packets all the time (hv/reach.h), for three quarters of a
 * second, a quarter at the least while the guest waits and has opened its disks.
 *
 * The disk has to stay as it is for a second, which the last change of a guest that died with its host is older than. A start writes nothing to it; where it does, it is
 * looked at for a second after it.
 *
 * Three things are looked at, at a time: the host's libvirtd; the fence agent that has switched it off; and the guest's disk, which another process
 * writes to if it changes while the guest waits. Each can say that the old copy lives. None can say that it does not: a disk that stays as it is may be an idle guest's.
 */
#ifndef EVAC_LOOK_H
#define EVAC_LOOK_H

#include "evacuate/next.h"
#include "evacuate/state.h"
#include "fleet/host_fence.h"

/* What was seen. */
struct evac_seen {
	bool lives;            /* its libvirtd answers */
	bool asked;            /* its fence agent was asked */
	enum host_said said;   /* ... what it says */
	char *why;             /* ... why it says nothing; NULL */
	bool written;          /* the guest's disk was written to */
};

/** evac_look_early() - the guest is about to be defined, or started, and its old host is silent: begin to look, if that was not done just before. */
void evac_look_early(struct mig *m);
/** evac_look_drop() - what comes of a look is of no interest any more. */
void evac_look_drop(struct evac *e);
/** evac_look() - the guest waits: look, or go on with what was begun. */
enum evac_next evac_look(struct mig *m);
/** evac_looked() - what follows. */
enum evac_next evac_looked(struct mig *m, const struct evac_seen *seen);

#endif

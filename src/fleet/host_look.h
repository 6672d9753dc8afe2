/* SPDX-License-Identifier: Apache-2.0
 *
 * host_look: does a host answer, now? Asked of hosts that are down, before something is done on the strength of that.
 *
 * A host that is connected lives. Else a connection is tried, begun after the question was asked, and what comes of it is the answer; after a
 * second without one the host is silent. Hosts that are tried for many at once are tried once for all of them.
 */
#ifndef HOST_LOOK_H
#define HOST_LOOK_H

#include "fleet/host.h"

/* @lives: it can be reached */
typedef void host_look_f(bool lives, void *user);

/** host_look() - look for a host. @done: called once, later, on the loop thread; when the host is removed or the fleet ends, with true: it is not known to be silent. */
void host_look(struct host *h, host_look_f *done, void *user);
/** host_look_for() - the same for @ms at most. An attempt that is under way by then counts as one that begins: it sends again and again (hv/reach.h). */
void host_look_for(struct host *h, int64_t ms, host_look_f *done, void *user);

/* ---- for host_link.c, fleet.c ---- */

/** host_look_tried() - an attempt to connect has ended. */
void host_look_tried(struct host *h, bool reached);
/** host_look_end() - the host goes, or its connection is given up. */
void host_look_end(struct host *h);

#endif

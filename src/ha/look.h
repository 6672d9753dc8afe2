/* SPDX-License-Identifier: Apache-2.0
 *
 * look: what the network says of a silent host, and of the controller's own way to it.
 *
 * The host's port of libvirt is connected to, for a second (hv/reach.h). Whatever answers, a refusal too, is the kernel of a machine that lives.
 * And the address from which that would have gone out must be of an interface that has a carrier: else it is the controller that is cut off.
 *
 * A host that lives when the connection is begun answers it in a few milliseconds, whatever happens to it then. So "nothing answers" is of when it was begun, a second before it is known.
 */
#ifndef HA_LOOK_H
#define HA_LOOK_H

#include "ha/policy.h"
#include "hv/reach.h"

#define LOOKS_MAX 32 /* at once; the others wait */

struct look;

/* @at_ms: of HA_DARK: when the host did not answer; monotonic */
typedef void look_f(enum ha_sight sight, int64_t at_ms, void *user);

/**
 * look_begin() - look at the host of a libvirt URI.
 * @done: called once, later, on the loop thread, unless it was cancelled: never with HA_UNSEEN. What cannot be looked at (a simulated host, a transport that is a program) is HA_DARK
 */
struct look *look_begin(const char *uri, look_f *done, void *user);
/** look_cancel() - @l: NULL afterwards; NULL is fine. */
void look_cancel(struct look **l);

/** look_now() - the same as look_begin(), here and now; it blocks, for a second, and for as long as a name is looked up that was never known. For tests. */
enum ha_sight look_now(const struct reach_at *at, int64_t *ret_at_ms);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * world: finding what is in the world, and telling what happens in it.
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "hv/sim/types.h"

/* By its name, or by the controller's name of it. */
struct sim_host *sim_host_find(struct sim *w, const char *name);
/* For tests: a name that is not there is the test's mistake. */
struct sim_host *sim_host_must_find(struct sim *w, const char *name);
struct sim_dom *sim_dom_get(struct sim_host *h, const char *uuid);
/* Likewise. */
struct sim_dom *sim_dom_must_find(struct sim *w, const char *host, const char *uuid);
/* Deterministic UUID from a text. */
void sim_uuid(char out[static UTIL_UUID_LEN + 1], const char *text);
bool sim_dom_active(const struct sim_dom *d);
/* Can packets reach it? */
bool sim_host_reachable(const struct sim_host *h);
/* Can they reach each other? */
bool sim_hosts_connected(const struct sim_host *a, const struct sim_host *b);
/* From now on they cannot, or can again. */
void sim_hosts_part(struct sim_host *a, const struct sim_host *b, bool apart);
/**
 * sim_violation() - the first thing that must never happen and did, or NULL.
 *
 * A guest was let run while another copy of it ran, without its memory or on
 * disks that are not the newest; half of a post-copy migration, the only copy of
 * a guest or of its disk, or a stranger's file was removed by a call; a disk was
 * copied onto itself, or is another block device than it was; the link of a post-copy was ended before it could go on.
 * Borrowed.
 */
const char *sim_violation(const struct sim *w);
/* Something that must never happen; the first is kept. */
void sim_violate(struct sim *w, const char *fmt, ...) G_GNUC_PRINTF(2, 3);
/** sim_guest_died() - a fault or a test has ended a guest, so that it need not run anywhere. */
bool sim_guest_died(const struct sim *w, const char *uuid);
/** sim_jobs() - migrations under way. */
guint sim_jobs(const struct sim *w);
/* Tell those in front. */
void sim_notify(struct sim *w, const struct sim_notice *n);
/* An event, to every connection of a host. */
void sim_emit(struct sim_host *host, const struct hv_event *ev);
/* The same: a domain's state, as it is now. */
void sim_emit_dom(const struct sim_dom *d);
/* What a call waited for is over; NULL: none waited. @why: NULL for success */
void sim_over(struct sim *w, struct sim_call *call, enum err_code code, const char *why);

#endif

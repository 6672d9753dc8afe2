/* SPDX-License-Identifier: Apache-2.0
 *
 * ha: evacuate the servers of a host that died, without a person ([ha] enabled).
 *
 * Theory of operation
 * -------------------
 * Twice a second, and when a host falls silent, a look has ended or the delay is over, each host is judged by policy.h. What is done about one is a row (ha_hosts), written before it is done, but a host of which nothing is done has none:
 *
 *	watched --silent--> silent --delay, and all is well elsewhere--> fencing --fenced--> evacuating --all asked, none under way--> done
 *	                                                          \--not fenced: alarm--> given-up
 *
 * The silence is what this controller has seen itself: it begins with the first look that nothing answered, and the host was not connected, while the fleet was settled, and again after
 * every break: a start, a loop that stood. So does the count of those that fell silent, but for hosts that are silent still: they count until they answer, are fenced, or
 * a person disables them or forces them down. Nothing is done about hosts that a person has disabled or forced down: what is done with those is that person's.
 *
 * Servers are asked for by their priority (drover's metadata), the highest first; those with a priority below zero are left to a person.
 *
 * After a restart the row says how far it was: a host that was being fenced is judged from the beginning, since fence.h does the same; one that is fenced is evacuated
 * further.
 *
 * What keeps it from acting, and what it could not do, is an alarm: in the log once, as an event of the host, and in the metrics for as long as it lasts.
 */
#ifndef HA_H
#define HA_H

#include "fence/fence.h"
#include "ha/look.h"
#include "task/engine.h"

struct ha;

/* How the network is looked at; tests have their own. */
struct ha_ops {
	struct look *(*look)(const char *uri, look_f *done, void *user);
	void (*cancel)(struct look **l);
};

/** ha_network - look.h. */
extern const struct ha_ops ha_network;

/**
 * ha_new() - read the rows; nothing is done before ha_start().
 * @evacuate: the kind of task that evacuates a server
 *
 * Return: NULL with the store's error.
 */
struct ha *ha_new(struct engine *e, struct fences *fs, const struct task_kind *evacuate, const struct ha_ops *ops, GError **err);
/** ha_start() - begin to watch, if [ha] enabled says so. */
void ha_start(struct ha *a);
/** ha_free() - NULL is fine. */
void ha_free(struct ha *a);

struct ha_stats {
	guint held;          /* hosts about which something would be done, and is not: HA_HOLD */
	guint given_up;
	uint64_t fenced;     /* since the start */
	uint64_t evacuated;  /* servers that were asked to be, since the start */
};
/** ha_stats() - @a: NULL: zeros. */
struct ha_stats ha_stats(const struct ha *a);

#endif

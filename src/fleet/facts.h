/* SPDX-License-Identifier: Apache-2.0
 *
 * facts: what the scheduler reads of every host for every migration.
 *
 * One table, a row of less than a cache line a host, in the order of
 * fleet_hosts(): to judge a thousand hosts is to read 56 KB in sequence instead
 * of three lines each of a thousand structs and their hash tables. The rows are
 * copies; code that changes a host calls facts_note() (fleet_check_usage() looks
 * after that).
 */
#ifndef FACTS_H
#define FACTS_H

#include "fleet/fleet.h"

#define FACTS_NOWHERE G_MAXUINT /* host.place of one that is in no list */

struct host_facts {
	struct host *host;
	int64_t waits_since_us;     /* as in struct host */
	int64_t memory_mb, disk_gb; /* capacity that servers and claims leave; less than 0 if that has shrunk */
	int vcpus;                  /* likewise */
	int servers;                /* and claims */
	int incoming;               /* claims */
	GQuark arch;                /* 0: not known */
	bool usable;                /* connected, not forced down, not disabled */
	bool without_kvm;           /* and it has told so */
	bool has_pool;
};

/** facts_at() - of the host at a place in fleet_hosts(), which is its host.place. Valid until a host is added or removed. */
const struct host_facts *facts_at(const struct fleet *f, guint place);
/** facts_since_us() - a host that is connected and owes no answer to a question from before then is up. Monotonic. */
int64_t facts_since_us(const struct fleet *f);

/** facts_note() - a host has changed. Does nothing while it is in no list. */
void facts_note(struct host *h);
/** facts_add() - @h is now the last of the fleet's hosts. */
void facts_add(struct fleet *f, struct host *h);
/** facts_remove() - @h is none of them any more. */
void facts_remove(struct fleet *f, struct host *h);
/** facts_hold() - for tests: its row is as it would be made now. */
bool facts_hold(struct host *h);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * sync: what the hosts say against what the records say.
 *
 * Theory of operation
 * -------------------
 * The guest that runs is the truth; the record follows it. Four rules, for a server
 * that was adopted; one that is managed keeps more of its record (rules[], sync.c):
 *  - a guest that runs and has no record is adopted;
 *  - a record whose server the engine moves (task_state) is the engine's;
 *  - a guest seen running on another host than the record's moves the record,
 *    unless the record's host is known to run it too: that is an alarm, and
 *    nothing is touched;
 *  - a record that no host knows is dropped only when every host was asked
 *    since and answered, and not while a task of it goes on or rests.
 * The incoming half of a migration is not a guest yet. A domain whose description
 * cannot be read is followed by what its host tells beside it: where it is, its
 * name and its state.
 *
 * Answers can overtake each other. A host's word on its own servers counts by when
 * it was asked, and only if that was after the last migration of the server.
 */
#ifndef SYNC_H
#define SYNC_H

#include "fleet/host.h"
#include "fleet/server.h"

struct fleet;

#define SYNC_PART 50 /* domains in a turn of the loop: each may be a row to write. With 50,000 servers each is 100 us of memory that no cache has */

/** sync_part() - take the next SYNC_PART of what a host says of all of its domains; some are stolen. Return: whether all are taken. */
bool sync_part(struct fleet *f, struct host *h, struct host_list *l);
/** sync_one() - take what a host says of one domain, also that it is absent. @d may be stolen: *@d is then NULL. @ask: the same. */
void sync_one(struct fleet *f, struct host *h, struct hv_dom **d, uint64_t ask);
/** sync_missing() - forget those of a host's servers that no host has any more. */
void sync_missing(struct fleet *f, struct host *h);

/** fleet_server_freed() - the server's task has ended: what was asked of hosts until now no longer counts, and its domain is re-read. */
void fleet_server_freed(struct fleet *f, struct server *s);
/** fleet_server_refresh() - read the domain again from the server's host, soon. */
void fleet_server_refresh(struct fleet *f, struct server *s);

#endif

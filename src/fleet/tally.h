/* SPDX-License-Identifier: Apache-2.0
 *
 * tally: how many servers are in which state, in all and of each project.
 *
 * A page that shows a fleet asks for these numbers again and again, and 50,000 servers are not walked for that: the sums are kept. Whatever
 * changes a server's vm_state, task_state or fault, or where else it was seen, calls tally_note(); tally_check() looks after that.
 */
#ifndef TALLY_H
#define TALLY_H

#include "fleet/server.h"

struct fleet;

struct server_counts {
	guint servers;
	guint states[SERVER_VM_N][SERVER_TASK_N];
	guint lost;       /* server_is_lost() */
	guint duplicates; /* that two hosts say they run */
	guint unreadable; /* what their hosts or their rows say of them cannot be read */
};

/** tally_note() - @s may have changed. Nothing happens while it is in no list of the fleet's. */
void tally_note(struct fleet *f, struct server *s);
/** tally_add(), tally_remove() - for registry.c: it is one of the fleet's from now on, or not any more. */
void tally_add(struct fleet *f, struct server *s);
void tally_remove(struct fleet *f, struct server *s);

/** fleet_tally() - of all servers. Borrowed. */
const struct server_counts *fleet_tally(const struct fleet *f);
/** fleet_tally_of() - of a project's. Borrowed, until the loop's next turn; NULL: it has none. */
const struct server_counts *fleet_tally_of(const struct fleet *f, const char *project_id);
/** fleet_alarmed() - servers that are lost, or that two hosts say they run: a set of struct server *, in no order. Borrowed. */
GHashTable *fleet_alarmed(const struct fleet *f);

typedef void tally_status_f(const char *status, guint n, void *user);
/** tally_each_status() - call @fn for each status of the API that servers can have, once, in the order of vm_state; @t: NULL: of none */
void tally_each_status(const struct server_counts *t, tally_status_f *fn, void *user);

/** tally_check() - for tests: recount. Return: a server that is counted wrong, or the first where a sum is; NULL: all is right. */
const struct server *tally_check(const struct fleet *f);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * definition: the definitions that a migration takes away or leaves behind.
 *
 * Theory of operation
 * -------------------
 * A definition is the one thing of a guest that is left when it is shut off. Four
 * kinds of them are kept as rows, with their secrets, as long as it takes:
 *
 *  - DEFINITION_GUEST: the guest's own, as its source had it. The row is written in the
 *    transaction that goes to COPY, before libvirt is told to define the guest at the
 *    destination. It says what may be undefined: at the source after a success, at
 *    the destination after a failure. A domain that is defined otherwise is
 *    not ours, and stays. When libvirt did not make the guest
 *    persistent at the destination, the guest is defined there from the row;
 *  - DEFINITION_REPLACED: one that lay at the destination, of the same name and UUID.
 *    PREPARE removes it (probe.c says why), and writes the row before;
 *  - DEFINITION_LEFT: the guest's own at a silent host that is not to have it any more.
 *    A cold migration that ends without that host writes it: of the source, if it was
 *    confirmed, of the destination, if it was undone. It is due from the beginning, and
 *    tells what leftover.c may undefine there;
 *  - DEFINITION_STAYED: the guest's own at its source, which started it by itself. While the
 *    guest may be at two hosts, libvirt's autostart flag is off there, so that a boot does not make two
 *    of it. It stayed: the flag is due, from the beginning.
 *
 * The outcome of the migration decides, in its transaction (definitions_write_fate()):
 *
 *  - it moved: a guest with a definition has it at its destination now, in the
 *    place of the one that lay there, and both rows go. A transient guest has none;
 *    the one that lay there has been given back to it in FINISH. What could not be
 *    done in FINISH is due;
 *  - it stayed, or it is not known: what was replaced is due, to be put back. The
 *    guest's row goes, if the destination has said that nothing is left there.
 *    Else it stays, and tells what leftover.c may undefine when that host is back;
 *  - it had arrived, was not defined yet, and is nowhere any more: the guest's
 *    definition is all that there is of it, and is due at the destination.
 *
 * What is due is done as soon as its host can be asked, again and again: at the
 * end, when the host is back, after a start. A domain that is defined there by
 * then is left as it is. A new migration to that host takes over
 * what an earlier one owes to it.
 */
#ifndef DEFINITION_H
#define DEFINITION_H

#include "fleet/fleet.h"
#include "task/volume.h"

enum definition_kind { DEFINITION_GUEST, DEFINITION_REPLACED, DEFINITION_LEFT, DEFINITION_STAYED, DEFINITION_KIND_N };

struct definitions;

struct definition {
	struct definitions *set;
	int64_t id, task;
	char *server_uuid, *host; /* at which it lay, or is made */
	enum definition_kind kind;
	char *xml;
	bool autostart;           /* its host starts it */
	bool due;
	int64_t due_ms;           /* since when */
	bool asked;               /* its host is being asked */
	bool told;                /* that it cannot be defined was logged */
	struct definition *next;  /* of the same task */
};

/* What is asked of the tasks. */
struct definition_asks {
	/* Is a task of that id under way? */
	bool (*alive)(int64_t task, void *user);
	/* Does one move that server to or from that host? */
	bool (*moving)(const char *server_uuid, const char *host, void *user);
	/* Has a call to migrate that server not come back? It could still define the guest somewhere. */
	bool (*calling)(const char *server_uuid, void *user);
	void *user;
};

/**
 * definitions_new() - without any row yet.
 * @f: borrowed, must outlive it
 * @asks: copied
 */
struct definitions *definitions_new(struct fleet *f, const struct definition_asks *asks);
/** definitions_load() - read the rows at a start; those of no task that is alive are due. */
bool definitions_load(struct definitions *set, GError **err);
/** definitions_stop() - from now on answers of hosts change nothing. */
void definitions_stop(struct definitions *set);
/** definitions_free() - no call to a host may be under way. NULL is fine. */
void definitions_free(struct definitions *set);

/** definition_find() - a row of that server, host (NULL: none) and kind. Borrowed; NULL. */
struct definition *definition_find(struct definitions *set, const char *server_uuid, const char *host, enum definition_kind kind);
/** definition_forget() - drop the row. One that the database does not drop is found again at the next start, and due. */
void definition_forget(struct definition *d);

/**
 * definition_insert() - write a row and set its id, in the place of one of that server, host and kind: an earlier migration's, or one of an earlier
 * attempt whose answer was lost. Inside the caller's transaction if one is open; definition_add() does the same in memory.
 */
bool definition_insert(struct definitions *set, struct definition *d, GError **err);
/** definition_add() - a row that was written, in memory: in the place of one of that server, host and kind. Copies. */
void definition_add(struct definitions *set, const struct definition *d);
/** definition_take() - a task takes over what an earlier one owes. Return: it was written; else it is as it was. */
bool definition_take(struct definition *d, int64_t task, GError **err);

/**
 * definition_in_the_way() - what forbids taking a domain's definition away, whatever it says.
 * @host: where it lies
 * @name: the guest's
 * @d: HV_DOM_GET's answer
 *
 * Return: the words, owned; NULL if nothing does.
 */
char *definition_in_the_way(const char *host, const char *name, const struct hv_dom *d);
/**
 * definition_refusal() - may the guest's definition take the place of another one?
 * @guests: NULL if it has none
 *
 * Return: why not, owned; NULL if it may.
 */
char *definition_refusal(const char *host, const char *theirs, const char *guests);

/**
 * definition_lacks() - what a host to which a guest has moved lacks of what the guest had.
 * @there: HV_DOM_GET's answer
 * @ret: the call that gives it; borrows from the rows
 *
 * Return: false if it lacks nothing.
 */
bool definition_lacks(struct definitions *set, const char *server_uuid, const char *host, const struct hv_dom *there, struct hv_req *ret);

/* ---- for definition_end.c alone ---- */

struct clock_timer;

struct definitions {
	struct fleet *fleet;
	struct store *store;
	GHashTable *all;             /* struct definition *, by server, host and kind */
	GHashTable *by_task;         /* task -> its first one, whose .next is the second */
	GPtrArray *unsure;           /* struct unsure *: rows that were written in a transaction that is not known to be committed; mostly none */
	guint due;                   /* how many of them are due; mostly none, while each copy under way has one */
	struct definition_asks asks;
	struct clock_timer *sweeper; /* tries again to do what is due */
	bool stopping;
};

/** definition_is_ours() - it is Drover's to start the guest: libvirt's flag is to be off. */
bool definition_is_ours(const struct definitions *set, const char *server_uuid);

/** definition_set_due() - its host is owed something; or not any more. */
static inline void definition_set_due(struct definition *d, bool due)
{
	d->set->due += due - d->due;
	d->due = due;
}

#endif

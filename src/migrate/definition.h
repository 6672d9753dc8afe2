/* SPDX-License-Identifier: Apache-2.0
 *
 * definition: the definitions that a migration takes away or leaves behind.
 *
 * Theory of operation
 * -------------------
 * A definition is the one thing of a guest that is left when it is shut off. Two
 * kinds of them are kept as rows, with their secrets, as long as it takes:
 *
 *  - DEFINITION_GUEST: the guest's own, as its source had it. The row is written in the
 *    transaction that goes to COPY, before libvirt is told to define the guest at the
 *    destination. It says what may be undefined: at the source after a success, at
 *    the destination after a failure. A domain that is defined otherwise is
 *    not ours, and stays. When libvirt did not make the guest
 *    persistent at the destination, the guest is defined there from the row;
 *  - DEFINITION_REPLACED: one that lay at the destination, of the same name and UUID.
 *    PREPARE removes it (probe.c says why), and writes the row before.
 *
 * The end of the migration decides, in its transaction (definition_write_end()):
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

#include "migrate/mig.h"
#include "migrate/prepare.h"
#include "task/volume.h"

enum definition_kind { DEFINITION_GUEST, DEFINITION_REPLACED, DEFINITION_KIND_N };

struct definition {
	struct engine *engine;
	int64_t id, migration_id;
	char *server_uuid, *host; /* at which it lay, or is made */
	enum definition_kind kind;
	char *xml;
	bool autostart;           /* its host starts it */
	bool due;
	int64_t due_ms;           /* since when */
	bool asked;               /* its host is being asked */
	bool told;                /* that it cannot be defined was logged */
};

/** definition_load() - read the rows at a start; those of no active migration are due. */
bool definition_load(struct engine *e, GError **err);
void definition_stop(struct engine *e);

/** definition_find() - a row of that server, host and kind. Borrowed; NULL. */
struct definition *definition_find(struct engine *e, const char *server_uuid, const char *host, enum definition_kind kind);
/** definition_forget() - drop the row. One that the database does not drop is found again at the next start, and due. */
void definition_forget(struct definition *d);

/** definition_insert() - write a row of @m at its destination; sets @d's ids. Inside the caller's transaction if one is open. */
bool definition_insert(struct mig *m, struct definition *d, GError **err);
/** definition_add() - the same in memory, after the commit: in the place of one of that server, host and kind. Copies. */
void definition_add(struct engine *e, const struct definition *d);
/** definition_take() - @m takes over what an earlier one owes. Return: it was written; else it is as it was. */
bool definition_take(struct mig *m, struct definition *d, GError **err);

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

/* ---- definition_prepare.c: while a migration is under way ---- */

/**
 * definition_prepare() - PREPARE: read the guest's definition, and take away one that lies at the destination.
 *
 * The last answers of both hosts must be of now. One that may not be replaced is a refusal of that destination.
 * @done: acts on the answer of a host that was asked
 */
struct prepared definition_prepare(struct mig *m, prepare_done_f *done);
/** definition_write_copy() - the guest's row, in the transaction that goes to COPY. */
bool definition_write_copy(struct mig *m, GError **err);
/** definition_copying() - the same in memory, after the commit. */
void definition_copying(struct mig *m);

/**
 * definition_lacks() - FINISH: what the destination lacks of what the guest had.
 * @ret: the call that gives it; borrows from the rows
 *
 * Return: false if it lacks nothing.
 */
bool definition_lacks(struct mig *m, struct hv_req *ret);

/* ---- the end ---- */

/** definition_write_end() - @m ends, or gives its destination up: the rows' part of the transaction. */
bool definition_write_end(struct mig *m, enum volume_fate fate, GError **err);
/** definition_ended() - the same in memory, after the commit. */
void definition_ended(struct mig *m, enum volume_fate fate);

/* ---- definition_sweep.c ---- */

/** definition_sweep() - do what is due and can be done. */
void definition_sweep(struct engine *e);
/** definition_due() - how many are. */
guint definition_due(const struct engine *e);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * step: what the steps of a migration have in common: ask a host, come back later, go on to the next phase, end.
 * Nothing here knows how a guest is moved.
 */
#ifndef STEP_H
#define STEP_H

#include "fleet/action.h"
#include "task/task.h"

/* A host's answer; @r is freed by the caller. */
typedef void step_answer_f(struct mig *m, struct hv_reply *r);

/**
 * step_ask() - ask a host for @m; the answer is dropped if @m has gone on to another phase meanwhile, or is gone.
 * @h: may be NULL, a host that is gone
 *
 * Return: false if the host is not connected; @done is not called then.
 */
bool step_ask(struct mig *m, struct host *h, const struct hv_req *req, step_answer_f *done);
/** step_ask_always() - the same, but the answer comes also when @m has gone on, unless it is final. */
bool step_ask_always(struct mig *m, struct host *h, const struct hv_req *req, step_answer_f *done);

/** step_is_late() - of an answer of step_ask_always(), while it is taken: the stage in which it was asked for has been left. */
bool step_is_late(const struct mig *m);

/** step_later() - enter the phase again after @ms, unless something else moves it first. */
void step_later(struct mig *m, int64_t ms);

/* ---- the one writer ---- */

/* What else goes into the transaction of a change. @user: of the change */
typedef bool step_also_f(struct mig *m, void *user, GError **err);

/* What a step changes: drafts of the record and of its server, and what else is written with them. step_change() fills in what is. */
struct step_change {
	struct mig_draft row;
	struct server_draft server;
	const char *why;     /* for the history and the log */
	const struct task_action *starts; /* a user moves it on: an instance action that begins, and its stages' events are of it; NULL */
	const struct requester *who;      /* ... whose it is */
	const char *given_up; /* ... and what it was asked for before is given up, with these words; NULL: that has ended */
	const char *details; /* what went wrong, for the events of the action that end; NULL: nothing */
	step_also_f *also;   /* may be NULL */
	void *user;
};

/** step_server() - what the stage of @m makes of its server. */
void step_server(const struct mig *m, const struct task_stage *st, struct server_draft *d);

/**
 * step_change() - a change of nothing but the phase.
 * @next: a phase that the stage table lets follow the present one; or the present one: only other fields will change
 */
struct step_change step_change(const struct mig *m, int next, const char *why);

/**
 * step_set() - the one writer of the phase.
 *
 * Row, event row, server, the events of its action, and what else the change has in one transaction; memory becomes what the
 * drafts say after the commit, and what was under way in the old phase is dropped.
 * A commit that fails leaves a doubt: the answer may have been lost after it was done. The next change finds
 * the row in its old phase or in the one that was doubted, and goes on from there. Where its phase cannot follow that
 * one, the change is refused, and step_enter() goes on from what the row says.
 * Return: false with ERR_STORE or ERR_STORE_RACE; all is then as it was.
 */
bool step_set(struct mig *m, const struct step_change *c, GError **err);
/** step_write() - the same; what the database does not take is logged. */
bool step_write(struct mig *m, const struct step_change *c);
/** step_note() - the same, of a change of nothing but the phase. */
bool step_note(struct mig *m, int next, const char *why, step_also_f *also, void *user);
/**
 * step_remark() - a line of the history on which nothing depends: it goes into the database with the next change or the next byte counts,
 * not in a transaction of its own. A controller that dies before loses it.
 */
void step_remark(struct mig *m, const char *why);
/** step_go() - the same as step_note(); what the database does not take is tried again: the phase is entered again. So it is if a user has asked to stop it, and @next is not the undo. */
bool step_go(struct mig *m, int next, const char *why, step_also_f *also, void *user);
/** step_not_written() - log that the database did not take something of @m's. */
void step_not_written(const struct mig *m, const GError *why);

/**
 * step_enter() - begin the work of the phase that @m is in; also how a restart goes on.
 *
 * What all kinds have in common comes first: a row that has strayed, an abort, a server that is gone, hosts that are not known yet.
 */
void step_enter(struct mig *m);

/** step_own_changed() - mig.own has changed: the row gets it with the next change. */
void step_own_changed(struct mig *m);
/** step_save_own() - likewise, but the row gets it now, without an event. Return: false: it could not be written, which is logged. */
bool step_save_own(struct mig *m);
/** step_set_claimed_cpus() - what it takes at its destination, in memory; NULL: no certain CPUs or nodes. */
void step_set_claimed_cpus(struct mig *m, const char *text);
/** step_save_progress() - the byte counts, where it is not a matter of life. */
void step_save_progress(struct mig *m);

/**
 * step_fail() - the stage cannot go on: it is undone by the stage that its table names, or, where it names none, it is the end.
 * @why: kept as its error
 */
void step_fail(struct mig *m, const char *why);
/** step_undone() - of a stage that undoes: all is taken back, and it ends as what led there says: cancelled, or failed. */
void step_undone(struct mig *m);

/**
 * step_end() - the one way to a final phase: row, server, action and their events in one transaction.
 * @details: why it did not succeed, or NULL
 */
void step_end(struct mig *m, int phase, const char *details);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * step: what the steps of a migration have in common: ask a host, come back later, go on to the next phase, end.
 * Nothing here knows how a guest is moved.
 */
#ifndef STEP_H
#define STEP_H

#include "migrate/mig.h"

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

/** step_later() - enter the phase again after @ms, unless something else moves it first. */
void step_later(struct mig *m, int64_t ms);

/**
 * step_note() - mig_set_phase() from the phase that @m is in. What the database does not take is logged.
 * @next: the phase that it is in: only other fields of the row have changed
 *
 * Return: it was written.
 */
bool step_note(struct mig *m, enum mig_phase next, const char *why, mig_also_f *also, void *user);
/** step_go() - the same; what the database does not take is tried again: the phase is entered again. */
bool step_go(struct mig *m, enum mig_phase next, const char *why, mig_also_f *also, void *user);
/** step_not_written() - log that the database did not take something of @m's. */
void step_not_written(const struct mig *m, const GError *why);

/**
 * step_end() - the one way to a final phase: row, server, action and their events in one transaction.
 * @details: why it did not succeed, or NULL
 */
void step_end(struct mig *m, enum mig_phase phase, const char *details);

#endif

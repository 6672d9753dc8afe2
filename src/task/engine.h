/* SPDX-License-Identifier: Apache-2.0
 *
 * engine: migrations, from the request to their end.
 *
 * Theory of operation
 * -------------------
 * A migration is a row of the store; memory is a cache of it. Its phase moves
 * only through step_write(), which checks the stage table, writes the row and
 * an event row in one transaction and logs one line.
 *
 *	CHECK -> QUEUED -> SCHEDULE -> PREPARE -> COPY -> FINISH -> DONE
 *	   \________\__________\_________\________/
 *	                  UNDO -> ERROR | FAILED | CANCELLED
 *
 * The intent is in the row before the act: COPY is written before libvirt is
 * called, so a row in COPY does not tell whether it was. Then, as
 * after every doubt, both hosts are asked and probe_decide() (probe.h), a pure
 * function, says what to do. A restart is nothing else: load the rows, probe,
 * go on.
 *
 * The result of the migrate call is a hint that it is time to probe.
 */
#ifndef ENGINE_H
#define ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/metric.h"
#include "fleet/action.h"
#include "fleet/fleet.h"
#include "task/progress.h"
#include "task/record.h"
#include "task/stats.h"

struct engine;

/**
 * engine_new() - load the migrations that are not final and wait for their hosts.
 * @f: borrowed, must outlive it; its listener becomes the engine
 * @kinds: what it can do, NULL-terminated; borrowed
 *
 * A row of another kind, or in a phase that its kind has not, stays as it is, and keeps its server; it is logged.
 */
struct engine *engine_new(struct fleet *f, const struct task_kind *const *kinds, GError **err);
/** engine_kinds() - what it can do. Borrowed. */
const struct task_kind *const *engine_kinds(const struct engine *e);
void engine_free(struct engine *e);
struct fleet *engine_fleet(struct engine *e);

/** engine_stats() - borrowed. */
const struct mig_counts *engine_stats(const struct engine *e);
/** engine_slots() - how many of all sources are taken. */
int engine_slots(const struct engine *e);

/** engine_limits_changed() - the configuration's limits have changed: waiting migrations are tried again. */
void engine_limits_changed(struct engine *e);

typedef void engine_heard_f(const struct mig *m, void *user);
/** engine_listen() - call @fn when a task has ended, or has come to rest; it must neither ask for one nor change one. One listener; NULL: none. */
void engine_listen(struct engine *e, engine_heard_f *fn, void *user);
typedef void engine_host_f(struct host *h, void *user);
/** engine_on_host() - call @fn when a host became UP, or stopped being so, after the tasks have heard of it; it must not change one. One listener; NULL: none. */
void engine_on_host(struct engine *e, engine_host_f *fn, void *user);

/* ---- records ---- */

/** engine_claim_host() - the host that holds room and an inbound slot for it. Borrowed; NULL. */
const char *engine_claim_host(const struct mig *m);
/** engine_check() - for tests: recount slots, claims and the queue. Return: NULL, or what is wrong, owned by the caller. */
char *engine_check(struct engine *e);

/** engine_owed() - for tests: files that are still to be removed, and definitions that are still to be put right. */
guint engine_owed(const struct engine *e);

/** engine_active() - migrations that are not final, in no order. Borrowed GPtrArray of struct mig *. */
GPtrArray *engine_active(struct engine *e);
/** engine_active_of() - the one that owns this server; NULL if none does. */
struct mig *engine_active_of(struct engine *e, const char *server_uuid);

/** engine_list() - newest first, active ones with their progress of now. Return: GPtrArray of struct mig *, owned. */
GPtrArray *engine_list(struct engine *e, const struct mig_filter *filter, GError **err);
/**
 * engine_list_part() - some of engine_list(), so that a rare filter over many records does not hold the loop.
 * @filter: its below_id goes down to where the search stopped; with the same filter, the next call goes on there
 * @page: GPtrArray of struct mig *, to which they are added until it has the limit's number
 * @ret_more: there are records left to examine
 */
bool engine_list_part(struct engine *e, struct mig_filter *filter, GPtrArray *page, bool *ret_more, GError **err);
/** engine_get() - one record. Return: owned; NULL with ERR_NOT_FOUND. */
struct mig *engine_get(struct engine *e, int64_t id, GError **err);
/** engine_get_by_uuid() - the same by uuid. */
struct mig *engine_get_by_uuid(struct engine *e, const char *uuid, GError **err);

/** engine_samples() - how its copy went, oldest first: samples.h. Return: GArray of struct sample, borrowed, for now; NULL: none are remembered. */
const GArray *engine_samples(const struct engine *e, int64_t id);

/** engine_events() - a migration's history, oldest first. Return: GPtrArray of struct mig_event *, owned. */
GPtrArray *engine_events(struct engine *e, int64_t id, GError **err);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * record: the record of a migration, its words, and its rows.
 *
 * Functions of the record and of the store alone. What is under way for it is beside (priv), and changes go through
 * step_write(): nothing else writes a phase.
 */
#ifndef RECORD_H
#define RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "base/util.h"
#include "store/store.h"
#include "task/kind.h"

enum mig_block { MIG_BLOCK_NO, MIG_BLOCK_YES, MIG_BLOCK_AUTO, MIG_BLOCK_N };

/* What the destination must have room for when disks are copied (Nova's disk_over_commit, up to 2.24). */
enum mig_disk_check {
	MIG_DISK_ALLOCATED, /* what they take now; also when nothing was said */
	MIG_DISK_VIRTUAL,   /* what they could grow to: disk_over_commit is false */
};

struct mig_progress {
	int64_t mem_total, mem_processed, mem_remaining;
	int64_t disk_total, disk_processed, disk_remaining;
	int64_t downtime_ms;
	/* not stored */
	int64_t bps, dirty_rate_bps, iteration;
	int64_t throttle, permitted_ms;          /* percent that the guest is slowed down by; the pause that its end may take, 0: the hypervisor's own */
	bool eta_known;                          /* false: no sample yet, or it does not end by itself at present */
	int64_t eta_ms, eta_low_ms, eta_high_ms; /* to the end, from the last sample; high -1: perhaps never */
};

struct mig {
	int64_t id;
	char uuid[UTIL_UUID_LEN + 1];
	char server_uuid[UTIL_UUID_LEN + 1];
	const struct task_kind *kind;
	const struct task_action *action; /* of the kind's: what was asked; NULL: of a kind that has none */
	enum server_vm vm_before;  /* the server's vm_state when it was asked */
	int phase;                 /* the kind's stage */
	bool postcopy;             /* the guest ran at the destination before its memory was there */
	char *source, *dest;       /* host names; dest NULL until one is chosen */
	char *requested_host;      /* NULL: the scheduler chooses */
	enum mig_block block;
	enum mig_disk_check disk_check;
	bool force;                /* the requested host is taken past the scheduler's filters */
	int priority;              /* of the queue: higher first, then by age */
	char *claimed_cpus;        /* what it takes at its destination, place_use_text(); NULL: no certain CPUs or nodes */
	int attempt;
	bool abort_wanted, force_wanted, paused_by_us;
	char *error;               /* why it ended as it did, or NULL */
	char *user_id, *project_id, *request_id;
	int64_t action_id;         /* the instance action that its stages have their events in */
	void *own;                 /* what its kind has beside (kind.own); NULL: nothing */
	int64_t created_us, updated_us;
	struct mig_progress progress;
	int position;        /* in records that are read: 1 is the first; 0: it is not queued */
	char *waits_for;           /* likewise: what a queued one waits for, for people; NULL */
	struct task *task;         /* what is under way (task.h); NULL in a record read from the store */
	void *priv;                /* ... and its kind's part of it, of which only the kind knows what it is */
};

/** mig_stage() - what is true of it now. Borrowed. */
const struct task_stage *mig_stage(const struct mig *m);
/** mig_phase_name() - "copy", ...; the words of the store and of the log. */
const char *mig_phase_name(const struct mig *m);
/** mig_status() - Nova's status ("queued", "running", "running (post-copy)", ...); NULL: it is no migration. */
const char *mig_status(const struct mig *m);
/** mig_in_progress() - true for what GET /servers/{id}/migrations lists: queued, preparing, running, post-migrating. */
bool mig_in_progress(const struct mig *m);
/** mig_rests() - no task owns its server now, though it has not ended. */
bool mig_rests(const struct mig *m);
/** mig_set_own() - its kind's part of the record is a copy of @own. */
void mig_set_own(struct mig *m, const void *own);
/** mig_is_final() - nothing more will happen to it. */
bool mig_is_final(const struct mig *m);
/** mig_free() - a record without a running part (priv). */
void mig_free(struct mig *m);

/** mig_holds() - it has this in its stage (enum task_hold). */
bool mig_holds(const struct mig *m, enum task_hold what);
/** mig_is_committed() - there is no way back, though it is in a stage that can be left: the guest runs at its destination (postcopy). */
bool mig_is_committed(const struct mig *m);

/* ---- rows ---- */

/*
 * What a step changes: a draft. It is written in one transaction, and taken over by memory after the commit. Texts are borrowed.
 * mig_draft_of() fills in what the record has.
 */
struct mig_draft {
	int phase;
	const struct task_action *action;
	const char *dest, *error;
	int attempt, priority;
	bool abort_wanted, force_wanted, paused_by_us, postcopy;
};

/** mig_draft_of() - @m as it is, in phase @next. */
struct mig_draft mig_draft_of(const struct mig *m, int next);
/** mig_take_draft() - the record is what @d says from now on. */
void mig_take_draft(struct mig *m, const struct mig_draft *d);

/** mig_insert() - write a new row and its first event inside the caller's transaction; sets its id and times. */
bool mig_insert(struct store *s, struct mig *m, GError **err);
/** mig_update() - write @d into the row of @m that is in phase @old. @now: µs. @ret_written: false if the row is in another phase. */
bool mig_update(struct store *s, const struct mig *m, int old, const struct mig_draft *d, int64_t now, bool *ret_written, GError **err);
/** mig_add_event() - one more line of its history. */
bool mig_add_event(struct store *s, const struct mig *m, int old, int new, const char *why, int64_t now, GError **err);
/** mig_update_options() - what was asked as @d has it, and what it takes at its destination. */
bool mig_update_options(struct store *s, const struct mig *m, const struct mig_draft *d, GError **err);
/** mig_update_action() - the instance action that its stages have their events in from now on. */
bool mig_update_action(struct store *s, const struct mig *m, int64_t action_id, GError **err);
/** mig_update_progress() - the byte counts. @now: µs */
bool mig_update_progress(struct store *s, const struct mig *m, int64_t now, GError **err);

/* What rows were left out: they are another version's, and what belongs to them stays. */
struct mig_unknown {
	GHashTable *ids;     /* int64_t *, owned */
	GHashTable *servers; /* UUIDs, owned */
};
void mig_unknown_init(struct mig_unknown *u);
void mig_unknown_clear(struct mig_unknown *u);
void mig_unknown_add(struct mig_unknown *u, int64_t id, const char *server_uuid);

/* What is read: rows of these kinds (NULL-terminated). */
struct mig_rows {
	struct store *store;
	const struct task_kind *const *kinds;
	struct mig_unknown *unknown; /* where those of a kind, a phase or an action that is not known are put down; NULL: nowhere */
};

/**
 * mig_query() - rows of a query that has the MIG columns.
 *
 * A row of an unknown kind, phase or action, of another version or edited by hand, is left out, and logged: its neighbours are none the worse.
 * Return: GPtrArray of struct mig *, owned.
 */
GPtrArray *mig_query(const struct mig_rows *from, enum query q, const struct store_val *args, size_t n, GError **err);
/** mig_query_one() - the first row. @what: for the error. Return: owned; NULL with ERR_NOT_FOUND, or ERR_STORE: it cannot be read. */
struct mig *mig_query_one(const struct mig_rows *from, enum query q, const struct store_val *args, size_t n, const char *what, GError **err);

struct mig_filter {
	const char *server_uuid, *host, *status, *type, *source, *user_id, *project_id; /* NULL: any */
	int64_t since_us, before_us, below_id;                                          /* 0: none */
	int limit;                                                                      /* 0: none */
};
/** mig_list() - migrations whose rows fit @f and whose ids are not below @from_id, newest first. Return: GPtrArray of struct mig *, owned. */
GPtrArray *mig_list(const struct mig_rows *from, const struct mig_filter *f, int64_t from_id, GError **err);

struct mig_event {
	char *old_phase, *new_phase, *why;
	int64_t at_us;
};
/** mig_events() - a migration's history, oldest first. Return: GPtrArray of struct mig_event *, owned. */
GPtrArray *mig_events(struct store *s, int64_t id, GError **err);

#endif

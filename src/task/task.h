/* SPDX-License-Identifier: Apache-2.0
 *
 * task: what is under way: the engine's tables, and what every migration has beside its record, whatever its kind.
 */
#ifndef TASK_H
#define TASK_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "fleet/fleet.h"
#include "task/record.h"
#include "task/stats.h"

struct lane;
struct queue;
struct samples;
struct volumes;

struct engine {
	struct fleet *fleet;
	struct store *store;
	const struct task_kind *const *kinds;
	GPtrArray *active;          /* struct mig *, in no order; those that just ended too, until the next turn */
	GPtrArray *ended;           /* struct mig *, borrowed: those */
	GHashTable *by_id;          /* id -> struct mig *, not final */
	GHashTable *by_uuid;        /* its own UUID, that of its carrier -> the same */
	GHashTable *by_server;      /* server uuid -> struct mig *: not final, and not at rest */
	struct mig_unknown unknown; /* not final either, as far as this version can tell; left alone */
	struct queue *queue;
	struct volumes *volumes;
	struct samples *samples;    /* of copies, samples.h */
	GHashTable *states;         /* const struct task_service * -> what it keeps */
	GPtrArray *unsure;          /* struct mig *: refused requests whose rows may have been written; see request.c */
	struct clock_timer *unsurer;
	struct clock_timer *reaper; /* takes the final ones out of active */
	struct mig_counts stats;
	void (*heard)(const struct mig *m, void *user); /* NULL: none listens */
	void *heard_user;
	void (*on_host)(struct host *h, void *user); /* NULL: none listens */
	void *host_user;
	bool stopping;
};

/* A migration's part of the queue; queue.c's alone. */
struct queue_entry {
	GSequenceIter *in_order;   /* among all of its class that are queued; NULL: it is not */
	GSequenceIter *at;         /* in its source's, its destination's or the common wait list */
	struct lane *source;       /* where it counts; NULL before queue_add() */
	struct lane *wanted;       /* the busy destination that it waits for; NULL: it waits for a slot of the source or the fleet */
	struct lane *dest;         /* where it counts as inbound, and has its claim; NULL */
	bool slot;                 /* it counts as outbound */
	bool at_source;            /* it has a claim at its source */
};

struct task {
	struct engine *engine;
	void (*accepted)(int64_t id, const GError *err, void *user); /* the caller that waits for the prechecks; NULL */
	void *accepted_user;
	guint index;                 /* in active */
	struct queue_entry entry;
	struct clock_timer *timer;   /* the next step or poll */
	uint64_t turn;               /* answers of an earlier turn are dropped */
	int counted;                 /* enum task_doing, as which it is counted; TASK_DOING_N: as none */
	bool late;                   /* the answer that is being taken is of one */
	uint32_t doubted;            /* a bit for each phase that the row may have come to by a commit that failed */
	int64_t doubted_action;      /* the instance action that the last of these commits began */
	bool options_stale;          /* the row's options may be others than memory's */
	bool strayed;                /* the row is in no phase from which the last change could go on */
	int row_ended;               /* the final phase that the row was found to have; 0: none */
	GHashTable *excluded;        /* hosts that were refused -> the reason */
	GPtrArray *remarks;          /* of struct remark: lines of the history that go with the next write; NULL: none */
};

/** task_attach() - @m is under way from now on. */
void task_attach(struct engine *e, struct mig *m);
/** task_free() - the record with it. */
void task_free(struct mig *m);

/** mig_server() - the server it moves. NULL if its record is gone. */
struct server *mig_server(const struct mig *m);
struct host *mig_source(const struct mig *m);
/** mig_dest() - NULL until one is chosen. */
struct host *mig_dest(const struct mig *m);

/** engine_rows() - what its records are read by. */
struct mig_rows engine_rows(const struct engine *e);
/** engine_add() - take a task in: it has a row, and has not ended. */
void engine_add(struct engine *e, struct mig *m);
/** engine_state() - what a service of some kind keeps. Borrowed. */
void *engine_state(const struct engine *e, const struct task_service *s);

/** engine_find() - the migration of that id, if it is not final. */
struct mig *engine_find(struct engine *e, int64_t id);
/** engine_keeps() - a task of that id is under way, or its row is left to another version: what belongs to it stays. */
bool engine_keeps(const struct engine *e, int64_t id);
/** task_of_carrier() - the one whose own UUID, and its carrier's, this is; NULL. */
struct mig *task_of_carrier(const struct engine *e, const char *uuid);
/** task_of_server() - the one that owns this server; NULL if none does: those that rest do not. */
struct mig *task_of_server(const struct engine *e, const char *server_uuid);
/** engine_moved() - it has come to another stage: while it rests, its server is not its own. */
void engine_moved(struct mig *m);
/** task_resting() - the newest of this server that rests and is of @kind (NULL: any), in one of @stages (a bit each). NULL. */
struct mig *task_resting(const struct engine *e, const char *server_uuid, const struct task_kind *kind, unsigned stages);
/** engine_ended() - @m is final: forget it. */
void engine_ended(struct mig *m);
/** task_check_counts() - for tests: recount what tasks do. Return: it is as the counts say. */
bool task_check_counts(const struct engine *e);
/** engine_accept() - answer the caller that waits for the prechecks; @err NULL when they passed. */
void engine_accept(struct mig *m, const GError *err);

#endif

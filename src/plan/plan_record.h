/* SPDX-License-Identifier: Apache-2.0
 *
 * plan_record: a plan and its steps, their words, and their rows.
 */
#ifndef PLAN_RECORD_H
#define PLAN_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "base/json.h"
#include "base/util.h"
#include "fleet/server.h"
#include "store/store.h"

enum plan_kind { PLAN_MAP, PLAN_DRAIN, PLAN_UNDRAIN, PLAN_BULK, PLAN_REBALANCE, PLAN_KIND_N };

enum plan_state {
	PLAN_MAKING,     /* its rows are being written; one that a start finds so goes */
	PLAN_DRAFT,
	PLAN_RUNNING,
	PLAN_PAUSED,     /* what runs ends, and nothing begins */
	PLAN_CANCELLING, /* likewise, and that is the end */
	PLAN_DONE,       /* every server is where it was to be */
	PLAN_PARTLY,     /* some are */
	PLAN_FAILED,     /* none is */
	PLAN_CANCELLED,
	PLAN_STATE_N
};

enum plan_step_state {
	PLAN_STEP_BLOCKED,   /* it was planned to be none: its server cannot move */
	PLAN_STEP_WAITING,
	PLAN_STEP_ASKING,    /* its migration may have been asked for */
	PLAN_STEP_RUNNING,
	PLAN_STEP_DONE,
	PLAN_STEP_FAILED,
	PLAN_STEP_SKIPPED,   /* nothing was to be done, or it is not wanted */
	PLAN_STEP_CANCELLED,
	PLAN_STEP_LEFT,      /* the deadline came before it */
	PLAN_STEP_STATE_N
};

struct plan_options {
	int parallel;
	int64_t deadline_s;  /* from the start; 0: none */
	bool cold;           /* what cannot go live may go cold */
	int waves;           /* drain: hosts at once; 0: all */
	int priority;
	bool adapt;          /* what has changed since it was made is planned again */
	char *to;            /* bulk; NULL: each where it fits best */
	char *rest;          /* map: "leave", or "anywhere": servers that it does not name may make room; else NULL */
	bool bring_back;
	int memory_spread, vcpus_spread, hysteresis; /* percent points */
	int load_spread;     /* likewise; 0: load is not looked at */
	char *moves;         /* of steps, of a draft by its user (plan_order.h); NULL: none */
};

#define PLAN_PARALLEL 4
#define PLAN_PARALLEL_MAX 1000
#define PLAN_DEADLINE_MAX_S 2592000
#define PLAN_STEPS_MAX 50000

struct plan_step {
	int n;               /* from 1 on */
	enum plan_step_state state;
	char uuid[UTIL_UUID_LEN + 1];
	char *name;
	char *source, *dest; /* dest NULL: of one that is blocked */
	bool cold;
	char *why;
	char *after;         /* "3,5": numbers of steps; NULL: none */
	int wave;
	bool detour;
	struct usage needs;
	int64_t expect_s, expect_bytes;
	int64_t task;        /* of its last migration; 0: none */
	char *request_id;    /* ... that was asked for, or is about to be; NULL */
	int attempts;
	char *reason;
	char *reasons;       /* of one that is blocked: JSON; NULL: none */
	int64_t started_us, ended_us;
	/* ---- not stored ---- */
	bool unsaved;        /* the row may differ */
	bool stopping;       /* its migration was asked to stop */
	int before;          /* the number of the step of the same server before it; 0: none */
	int place;           /* in .index.order, from 1 on; 0: it is not known */
};

/* Of the steps (plan_index.h). */
struct plan_index {
	int n[PLAN_STEP_STATE_N];
	GPtrArray *busy;     /* struct plan_step *: those asked for, or running, by number; NULL: there is no index */
	GPtrArray *unsaved;  /* struct plan_step *: .unsaved, in the order in which they became so */
	GArray *open;        /* int: those that are not over, by wave */
	guint wave;          /* no earlier one has any */
	GHashTable *leaving; /* host, owned -> so many of those are to leave it */
	GHashTable *last;    /* uuid, the step's -> struct plan_step *: its server's last */
	GHashTable *hosts;   /* the plan's, borrowed */
	GPtrArray *order;    /* struct plan_step *: all, in the order in which they begin */
};

struct plan_record {
	int64_t id;
	enum plan_kind kind;
	enum plan_state state;
	char *why;
	char fleet_version[17];
	struct plan_options opt;
	char *options;       /* as JSON, in the row */
	char *counts;        /* likewise: the steps by their states; true of one that has ended */
	char *report;        /* likewise: hosts, cycles, spread, members of an object; NULL: none */
	bool prepared;       /* its hosts were disabled, or enabled */
	bool abort_running;
	int64_t expected_s;
	char *user_id, *project_id, *request_id;
	int64_t created_us, updated_us, started_us, ended_us;
	GPtrArray *hosts;    /* char *: of a drain, undrain, rebalance */
	GPtrArray *steps;    /* struct plan_step *, by n; NULL: not read */
	/* ---- not stored ---- */
	bool late;           /* its deadline has passed */
	bool unsaved;        /* its own row may differ: a change of it failed, or was done and the answer lost */
	bool more_unsaved;   /* more of its steps are to be written than one turn does: the next one comes at once */
	struct plan_index index;
	/* how far a turn of the runner has come, where one is not enough */
	guint at;            /* in .steps: those that wait */
	int followed;        /* the number of a step: those under way */
	guint hosts_set;     /* in .hosts */
	int64_t server_seen; /* server.nth, of those that have come to the hosts */
};

const char *plan_kind_name(enum plan_kind k);
const char *plan_state_name(enum plan_state s);
const char *plan_step_state_name(enum plan_step_state s);
bool plan_kind_parse(const char *word, enum plan_kind *ret);
bool plan_state_parse(const char *word, enum plan_state *ret);
/** plan_is_over() - nothing more is done for it. */
bool plan_is_over(enum plan_state s);
bool plan_step_is_over(enum plan_step_state s);

struct plan_record *plan_record_new(void);
void plan_record_free(struct plan_record *p);
void plan_step_free(void *step);
/** plan_count() - its steps in that state. */
int plan_count(const struct plan_record *p, enum plan_step_state s);
/** plan_put_counts() - write how many of its steps are in which state; of one whose steps are not read, as its row has it. */
void plan_put_counts(struct jout *o, const struct plan_record *p);
/** plan_step_at() - its step of that number. Return: NULL: it has none. */
struct plan_step *plan_step_at(const struct plan_record *p, int64_t n);
/** plan_has_host() - it names that host. */
bool plan_has_host(const struct plan_record *p, const char *host);
/** plan_steps_after() - call @fn for each number in .after, until it says false. Return: it never did. */
bool plan_steps_after(const struct plan_step *s, bool (*fn)(int n, void *user), void *user);

extern const struct json_field plan_option_fields[];
extern const size_t plan_option_fields_n;

/* ---- rows ---- */

/** plan_insert() - its row and those of its hosts, in the caller's transaction; sets its id. Steps follow. */
bool plan_insert(struct store *s, struct plan_record *p, GError **err);
/** plan_insert_step() - one of its steps. */
bool plan_insert_step(struct store *s, const struct plan_record *p, const struct plan_step *st, GError **err);
/** plan_update() - what may change of it; .options and .counts are made again of .opt and .steps. */
bool plan_update(struct store *s, struct plan_record *p, GError **err);
bool plan_update_step(struct store *s, const struct plan_record *p, const struct plan_step *st, GError **err);
/** plan_drop() - no client sees it any more, and all its rows are to go: it is in state "making" again. */
bool plan_drop(struct store *s, int64_t id, GError **err);
/** plan_delete_some() - so many of its steps; when there are none, the rest of it. @ret_all: that was it */
bool plan_delete_some(struct store *s, int64_t id, int steps, bool *ret_all, GError **err);

/** plan_read() - one with its steps. Return: owned; NULL with ERR_NOT_FOUND, or the store's error. */
struct plan_record *plan_read(struct store *s, int64_t id, GError **err);
/** plan_read_head() - likewise, without steps. */
struct plan_record *plan_read_head(struct store *s, int64_t id, GError **err);
/** plan_read_steps() - all of @p. */
bool plan_read_steps(struct store *s, struct plan_record *p, GError **err);
/** plan_read_part() - those behind number @after, @limit at most. Return: struct plan_step *, owned; NULL with @err. */
GPtrArray *plan_read_part(struct store *s, int64_t id, int after, int limit, GError **err);
/** plan_read_active() - those that are not over, without their steps. Return: struct plan_record *, owned. */
GPtrArray *plan_read_active(struct store *s, GError **err);
/** plan_read_list() - newest first, without steps. @kind, @state: NULL: any. @below: 0: from the newest */
GPtrArray *plan_read_list(struct store *s, const char *kind, const char *state, int64_t below, int limit, GError **err);
/** plan_read_drain_of() - the newest drain of a host that has begun. Return: its id; 0: none; -1 with @err. */
int64_t plan_read_drain_of(struct store *s, const char *host, GError **err);

#endif

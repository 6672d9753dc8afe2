/* SPDX-License-Identifier: Apache-2.0
 *
 * check: may this server go to that host, and if not, why not?
 *
 * A kind of move has a table of checks, in Nova's order with Nova's words (nova.md
 * 4.4). Some of them ask hosts, so a run of a table is an object that calls back. The
 * search for a destination (search.c) runs it for one host after the other and stops
 * at a host's first refusal; the API's precheck (check_all.h) runs it for every
 * host and goes through to the end.
 *
 * A run changes nothing of the server and holds no room. What a run is, and what its
 * rows may call, stands in the second half. What rows do is in check_common.h,
 * check_guest.h and so on; those that several kinds have are written in check_rows.h.
 */
#ifndef CHECK_H
#define CHECK_H

#include "fleet/fleet.h"
#include "move/check_ties.h"
#include "task/kind.h"
#include "task/record.h"
#include "task/volume.h"

enum check_result {
	CHECK_PASSED,
	CHECK_FAILED,  /* a row's GError says why */
	CHECK_SKIPPED, /* it makes no sense here, or could not be found out since another one failed; the reason says so */
	CHECK_ASKED,   /* of a row: a host; its answer goes on */
	CHECK_RESULT_N
};

/** check_result_name() - "passed", "failed", "skipped". */
const char *check_result_name(enum check_result r);

struct check_finding {
	const char *name;   /* of the table's row */
	enum check_result result;
	char *reason;       /* NULL when it passed */
};

/** check_first_failed() - of struct check_finding *. Return: borrowed; NULL: none failed. */
const struct check_finding *check_first_failed(const GPtrArray *checks);

struct check;

/* A row's function is called when its turn comes; having asked a host, the answer says check_decided(), or check_run() to be called again. */
typedef enum check_result check_row_f(struct check *p, GError **err);

struct check_row {
	const char *name;
	check_row_f *check;
	check_rule_f *rule; /* instead of .check */
	bool of_dest;       /* it needs one */
	bool asks;          /* hosts */
};

/* A row that no other table has. */
#define CHECK_ROW(...) (&(const struct check_row){ __VA_ARGS__ })

/* What a kind of move has to pass (task_kind.checks). */
struct check_table {
	struct check_words words;
	const struct check_row *const *rows; /* those of check_rows.h, and the kind's own */
	size_t n;
};

struct check_request {
	const struct task_kind *kind; /* whose table */
	const char *server_uuid;
	const char *dest;         /* NULL: only the checks that need none */
	enum mig_block block;
	enum mig_disk_check disk_check;
	bool force;               /* the scheduler's filters are not asked */
	bool chosen;              /* the scheduler has just chosen @dest */
	bool to_the_end;          /* go on after a failure */
	int64_t task;             /* the task that asks; 0: none */
	const struct host *claimed; /* where it has a claim already, which must not count against it; NULL */
	GDestroyNotify free_user; /* called with the user data when the run is gone; may be NULL */
};

/* What a run found. */
struct check_report {
	GPtrArray *checks;        /* struct check_finding *, in the order of the table; without .to_the_end only what failed */
	GError *err;              /* of the first that failed; NULL: it may go */
	bool source_lost;         /* the source did not answer: nothing is said of the destination, ask again */
	bool hopeless;            /* what failed is the same for every destination */
	GPtrArray *copies;        /* struct block_item *: what must be copied; NULL: nothing, or it was not reached */
	char *xml, *xml_inactive; /* the guest's migratable XML, live and defined; NULL if it was not reached */
	GPtrArray *listeners;     /* struct domxml_listener *: of the live one; NULL if it was not read */
};

/* The runs under way. */
struct check_set;

/** check_set_new() - @f, @volumes: borrowed, must outlive it. */
struct check_set *check_set_new(struct fleet *f, struct volumes *volumes);
/** check_set_stop() - from now on answers of hosts go nowhere. */
void check_set_stop(struct check_set *set);
/** check_set_free() - drop the runs that are left; no call to a host may be under way. NULL is fine. */
void check_set_free(struct check_set *set);

/* @report: lent; its members may be stolen */
typedef void check_done_f(struct check_report *report, void *user);

/**
 * check_begin() - run the table for one destination.
 * @done: called once, later, never from inside; not after check_cancel() or check_set_stop()
 *
 * Return: owned by itself; valid until @done was called.
 */
struct check *check_begin(struct check_set *set, const struct check_request *r, check_done_f *done, void *user);
/** check_cancel() - the caller is not interested any more; NULL is fine. */
void check_cancel(struct check *p);

/**
 * check_quick() - the checks of @r that ask no host, at once; the first that fails ends it.
 *
 * Return: false with ERR_PRECHECK or ERR_NO_VALID_HOST in Nova's words.
 */
bool check_quick(struct check_set *set, const struct check_request *r, GError **err);

/* ---- for rows ---- */

typedef void check_answer_f(struct check *p, struct hv_reply *r);

/* What a file of rows keeps for a run: zeros, when it is asked for first. */
struct check_part {
	size_t size;
	void (*clear)(void *part); /* NULL: nothing is owned */
};

/* Rows read it, and write what a comment says. */
struct check {
	struct fleet *fleet;
	struct volumes *volumes;
	char *server_uuid, *dest_name;
	/* By those names, looked up again on every turn. While a row is checked the server and the source are there, and the destination if one is named. */
	struct server *server;
	struct host *source, *dest;
	struct check_request req;
	struct check_report report; /* rows write all of it but .checks and .err */
	char *brief;                /* a row's reason, when that is shorter than the error; rows write it */
	bool quick;                 /* hosts are not asked */
	struct hv_dom *dom;         /* HV_DOM_GET's answer of the source, once for all rows, or a copy of the record's; rows write it */
	struct clock_timer *turn;   /* the first one, or a wait, which a row may begin (check_turn()) */
	bool shares_device;         /* the guest has block devices, and the two hosts share them; their row writes it */
	/* ---- of check.c ---- */
	struct check_set *set;
	size_t at;                  /* the row that is being checked */
	int busy;                   /* how often a pool was */
	check_answer_f *answer;     /* what is done with the call under way; NULL: none is */
	bool cancelled;
	check_done_f *done;
	void *user;
	GPtrArray *parts;           /* struct kept *, by check_part */
};

/** check_part() - what @what's file keeps for this run. Borrowed. */
void *check_part(struct check *p, const struct check_part *what);

/** check_look() - look up server and hosts, for this turn of the loop; for whatever begins one. */
void check_look(struct check *p);

/** check_ask() - Return: false if the host is not connected. */
bool check_ask(struct check *p, struct host *h, const struct hv_req *req, check_answer_f *answer);
/** check_ask_source() - ask the source, for a row. Return: ASKED; FAILED if it is not connected, which is nothing about the destination. */
enum check_result check_ask_source(struct check *p, const struct hv_req *req, check_answer_f *answer, GError **err);
/** check_ask_dest() - ask the destination, for a row. Return: ASKED; FAILED with Nova's words if it is not connected. */
enum check_result check_ask_dest(struct check *p, const struct hv_req *req, check_answer_f *answer, GError **err);
/** check_decided() - an answer said it; @err: taken, with FAILED. */
void check_decided(struct check *p, enum check_result v, GError *err);
/** check_run() - go on: the same row again. */
void check_run(struct check *p);
/** check_turn() - a timer's: likewise, on a turn of its own. @check: the struct check. */
void check_turn(void *check);
/** check_source_failed() - the source did not say it: that is nothing about the destination. */
void check_source_failed(struct check *p, const GError *why);

/** check_skip() - Return: SKIPPED. */
enum check_result check_skip(struct check *p, const char *why);
/** check_fail() - an ERR_PRECHECK. Return: FAILED. */
enum check_result check_fail(GError **err, const char *fmt, ...) G_GNUC_PRINTF(2, 3);
/** check_description() - the row that all others need: the domain's description can be read. */
enum check_result check_description(struct check *p, GError **err);

/**
 * check_busy() - a pool cannot be looked into, nor changed, while something is made in it: again, soon.
 * @again: the timer's
 *
 * Return: it will be called; false: the answer is something else, or was so too often.
 */
bool check_busy(struct check *p, const struct hv_reply *r, void (*again)(void *user));

/** check_dom() - the guest as its host said it last, or for this run; NULL: check_fetch_dom(). */
const struct hv_dom *check_dom(const struct check *p);
/** check_fetch_dom() - ask for it, and call the row again. Return: ASKED or FAILED. */
enum check_result check_fetch_dom(struct check *p, GError **err);
/** check_fetch_xml() - ask the source for the guest's XML; the same row is called again then. Return: ASKED or FAILED. */
enum check_result check_fetch_xml(struct check *p, GError **err);

#endif

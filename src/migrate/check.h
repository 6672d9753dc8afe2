/* SPDX-License-Identifier: Apache-2.0
 *
 * precheck: may this server go live to that host, and if not, why not?
 *
 * One table of checks, in Nova's order with Nova's words (nova.md 4.4). Some ask
 * hosts, so a run of the table is an object that calls back. The search for a
 * destination (search.c) runs it for one host after the other and stops at a
 * host's first refusal; the API's precheck (precheck_all()) runs it for every
 * host and goes through to the end.
 *
 * A run changes nothing of the server and holds no room.
 */
#ifndef CHECK_H
#define CHECK_H

#include "migrate/engine.h"

enum precheck_result {
	PRECHECK_PASSED,
	PRECHECK_FAILED,
	PRECHECK_SKIPPED, /* it makes no sense here, or could not be found out since another one failed; the reason says so */
	PRECHECK_RESULT_N
};

/** precheck_result_name() - "passed", "failed", "skipped". */
const char *precheck_result_name(enum precheck_result r);

struct precheck_check {
	const char *name;   /* of the table's row */
	enum precheck_result result;
	char *reason;       /* NULL when it passed */
};

struct precheck_request {
	const char *server_uuid;
	const char *dest;         /* NULL: only the checks that need none */
	enum mig_block block;
	enum mig_disk_check disk_check;
	bool force;               /* the scheduler's filters are not asked */
	bool chosen;              /* the scheduler has just chosen @dest */
	bool to_the_end;          /* go on after a failure */
	int64_t own_migration;    /* the migration that asks; 0: none */
	GDestroyNotify free_user; /* called with the user data when the run is gone; may be NULL */
};

/* What a run found. */
struct precheck_report {
	GPtrArray *checks;        /* struct precheck_check *, in the order of the table */
	GError *err;              /* of the first that failed; NULL: it may go */
	bool source_lost;         /* the source did not answer: nothing is said of the destination, ask again */
	bool hopeless;            /* what failed is the same for every destination */
	GPtrArray *copies;        /* struct block_item *: what must be copied; NULL: nothing, or it was not reached */
	char *xml, *xml_inactive; /* the guest's migratable XML, live and defined; NULL if it was not reached */
	GPtrArray *listeners;     /* struct domxml_listener *: of the live one; NULL if it was not read */
};

struct precheck;

/* @report: lent; its members may be stolen */
typedef void precheck_done_f(struct precheck_report *report, void *user);

/**
 * precheck_begin() - run the table for one destination.
 * @done: called once, later, never from inside; not after precheck_cancel() or engine_free()
 *
 * Return: owned by itself; valid until @done was called.
 */
struct precheck *precheck_begin(struct engine *e, const struct precheck_request *r, precheck_done_f *done, void *user);
/** precheck_cancel() - the caller is not interested any more; NULL is fine. */
void precheck_cancel(struct precheck *p);

/**
 * precheck_quick() - the checks of @r that ask no host, at once; the first that fails ends it.
 *
 * Return: false with ERR_PRECHECK or ERR_NO_VALID_HOST in Nova's words.
 */
bool precheck_quick(struct engine *e, const struct precheck_request *r, GError **err);

/** precheck_stop() - the engine ends: drop the runs that are left; no call to a host is under way any more. */
void precheck_stop(struct engine *e);

struct precheck_host {
	char *host;
	bool fits;
	GPtrArray *checks;        /* struct precheck_check *: the whole table */
};

/* @hosts: struct precheck_host *, by id of the host; lent. */
typedef void precheck_all_f(GPtrArray *hosts, void *user);

/**
 * precheck_all() - run the table to its end for every host.
 * @r: with dest, for that one alone; chosen and to_the_end do not count
 * @done: called once, later; not after engine_free()
 */
void precheck_all(struct engine *e, const struct precheck_request *r, precheck_all_f *done, void *user);

#endif

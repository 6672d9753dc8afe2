/* SPDX-License-Identifier: Apache-2.0
 *
 * plan: plans of Drover's (/drover/v1/plans): made dry, shown, asked about,
 * started, followed, verified.
 *
 * A plan is the server's: it goes on without the client. What the commands that
 * make one share is here; a draft that is not started is deleted again.
 */
#ifndef PLAN_H
#define PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>
#include <jansson.h>

#include "cli.h"
#include "plan_view.h"

/* Exit statuses of what plans do. */
enum plan_status { PLAN_DONE = 0, PLAN_FAILED = 1, PLAN_PENDING = 2, PLAN_PARTLY = 3, PLAN_REFUSED = 4 };

#define PLAN_EXITS "Exit status: 0 done or nothing to do, 1 failed, 2 changes are pending, 3 done in part,\n" \
	"4 refused, 124 time limit, 130 left (what was begun goes on).\n"

struct plan_how {
	bool dry_run;      /* show it, and delete it */
	bool yes;          /* without questions */
	bool each;         /* a question for each step */
	bool no_wait;      /* start it, and leave it */
	int64_t limit_ms;  /* of one step; 0: none */
};

/**
 * plan_run() - make a plan and do it, as @how says. Sets the exit statuses of @c.
 * @request: the body's "plan"; borrowed
 * @ret_mistakes: what the server says is wrong with it, [{"where", "what"}], owned by the caller; may be NULL
 */
bool plan_run(struct cli *c, json_t *request, const struct plan_how *how, json_t **ret_mistakes, GError **err);

/** plan_conclude() - what came out of a plan that has ended: prints it, and sets the exit statuses. */
bool plan_conclude(struct cli *c, const json_t *plan, GError **err);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * compute_world: a small fleet that stands still, and its API without sockets.
 *
 * Hosts, servers and actions are rows of a database in memory, loaded by the
 * real fleet; the engine is a fake one with four migrations, which remembers
 * what it was asked to do. The clock is the test's, so that answers are equal
 * from run to run.
 */
#ifndef COMPUTE_WORLD_H
#define COMPUTE_WORLD_H

#include "api/http/handler.h"

#define WORLD_WEB   "11111111-1111-4111-8111-111111111111" /* active, on h1, the administrator's project */
#define WORLD_DB    "22222222-2222-4222-8222-222222222222" /* paused, on h2 */
#define WORLD_BATCH "33333333-3333-4333-8333-333333333333" /* stopped and locked, on h1, another project */
#define WORLD_MOVED "44444444-4444-4444-8444-444444444444" /* migrating from h1 to h2 */
#define WORLD_LOST  "55555555-5555-4555-8555-555555555555" /* in error, on h3, which is down */
#define WORLD_POWER "00000000-0000-4000-8000-000000000005" /* a power task of WORLD_WEB that is done */
#define WORLD_POWER_ID 5
#define WORLD_ADMIN_PROJECT "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define WORLD_OTHER_PROJECT "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

struct world {
	struct conf *conf;
	struct store *store;
	struct fleet *fleet;
	struct engine *engine;
	struct fences *fences;
	struct plans *plans;
	struct api *api;
};

struct answer {
	int status;
	char *body;    /* "" without one */
	char *headers; /* "" without any */
};

struct world *world_new(void);
/** world_new_measured() - one that has /metrics too. What it measures keeps a timer, so what is never answered is waited for without end. */
struct world *world_new_measured(void);
void world_free(struct world *w);

/**
 * world_ask() - one request, to its answer.
 * @target: path and query, not encoded
 * @who: "admin", "member" and "reader" of the other project, "unscoped" without one
 * @body: NULL without one
 */
void world_ask(struct world *w, const char *method, const char *target, int mv, const char *who, const char *body, struct answer *ret);
/** world_begin() - the same, but what is answered in a later turn of the loop is not waited for: @ret has the status 0 until then. */
void world_begin(struct world *w, const char *method, const char *target, int mv, const char *who, const char *body, struct answer *ret);
void answer_clear(struct answer *a);

/** world_add_servers() - @n more servers, active, on h1 and h2 by turns. */
void world_add_servers(struct world *w, int n);

/* ---- the fake engine ---- */

struct engine *fake_engine_new(struct fleet *f);

/* What it was last asked, as text: "live web host=h2 block=auto force=0 wait=1 by=admin-user", "abort 3 queued=1", ... */
const char *fake_engine_said(const struct engine *e);
/** fake_engine_refuse() - the next request fails with this. @err: taken */
void fake_engine_refuse(struct engine *e, GError *err);
/** fake_engine_hold() - the next live migration is not answered before fake_engine_release(). */
void fake_engine_hold(struct engine *e);
void fake_engine_release(struct engine *e);

#endif

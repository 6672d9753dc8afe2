/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "compute_world.h"
#include "live/live.h"
#include "move/check_all.h"
#include "power/decide.h"
#include "power/power.h"
#include "task/request.h"
#include "task/samples.h"

#define T0 INT64_C(1760000000000000)

struct engine {
	struct fleet *fleet;
	GPtrArray *all; /* struct mig *, by id */
	GArray *samples; /* of the third one */
	struct mig *power; /* the next id: a task that is no migration */
	char *said;
	GError *refuse;
	bool hold;
	request_accepted_f *held;
	void *held_user;
};

static const struct task_stage cold_stages[] = { [MIG_DONE] = { "done", "completed", .end = TASK_DONE } };
static const struct task_kind cold_kind = { .type = "migration", .migration = true, .stages = cold_stages, .n = 0 };
static const struct task_kind *kinds[] = { &live_kind, &cold_kind, NULL };

const struct task_kind *const *engine_kinds(const struct engine *e)
{
	(void)e;
	return kinds;
}

static struct mig *copy(const struct mig *m)
{
	struct mig *c = g_memdup2(m, sizeof *m);

	c->source = g_strdup(m->source);
	c->dest = g_strdup(m->dest);
	c->requested_host = g_strdup(m->requested_host);
	c->error = g_strdup(m->error);
	c->user_id = g_strdup(m->user_id);
	c->project_id = g_strdup(m->project_id);
	c->request_id = g_strdup(m->request_id);
	return c;
}

/* ---- its records ---- */

static const struct {
	const char *uuid, *server;
	const struct task_kind *kind;
	enum mig_phase phase;
	const char *source, *dest, *requested, *error, *project;
} rows[] = {
	{ "00000000-0000-4000-8000-000000000001", WORLD_WEB, &live_kind, MIG_DONE, "h2", "h1", NULL, NULL, WORLD_ADMIN_PROJECT },
	{ "00000000-0000-4000-8000-000000000002", WORLD_DB, &live_kind, MIG_ERROR, "h2", NULL, "h3",
	  "No valid host was found. h3: ComputeFilter: down: forced down", WORLD_OTHER_PROJECT },
	{ "00000000-0000-4000-8000-000000000003", WORLD_MOVED, &live_kind, MIG_COPY, "h1", "h2", "h2", NULL, WORLD_ADMIN_PROJECT },
	{ "00000000-0000-4000-8000-000000000004", WORLD_BATCH, &cold_kind, MIG_DONE, "h2", "h1", NULL, NULL, WORLD_OTHER_PROJECT },
};

struct engine *fake_engine_new(struct fleet *f)
{
	struct engine *e = g_new0(struct engine, 1);

	e->fleet = f;
	e->all = g_ptr_array_new_with_free_func((GDestroyNotify)mig_free);
	e->samples = g_array_new(FALSE, FALSE, sizeof(struct sample));
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct mig *m = g_new0(struct mig, 1);

		m->id = (int64_t)i + 1;
		g_strlcpy(m->uuid, rows[i].uuid, sizeof m->uuid);
		g_strlcpy(m->server_uuid, rows[i].server, sizeof m->server_uuid);
		m->kind = rows[i].kind;
		m->phase = rows[i].phase;
		m->block = MIG_BLOCK_AUTO;
		m->attempt = 1;
		m->source = g_strdup(rows[i].source);
		m->dest = g_strdup(rows[i].dest);
		m->requested_host = g_strdup(rows[i].requested);
		m->error = g_strdup(rows[i].error);
		m->user_id = g_strdup("admin-user");
		m->project_id = g_strdup(rows[i].project);
		m->request_id = g_strdup_printf("req-%s", rows[i].uuid);
		m->created_us = T0 + (int64_t)i * 60000000;
		m->updated_us = m->created_us + 5000000;
		if (m->phase == MIG_COPY)
			m->progress = (struct mig_progress){ .mem_total = 1091379200, .mem_processed = 65502513, .mem_remaining = 786427904,
							     .downtime_ms = 50, .bps = 1000000, .dirty_rate_bps = 4096, .iteration = 2 };
		g_ptr_array_add(e->all, m);
	}
	e->power = g_new0(struct mig, 1);
	e->power->id = WORLD_POWER_ID;
	g_strlcpy(e->power->uuid, WORLD_POWER, sizeof e->power->uuid);
	g_strlcpy(e->power->server_uuid, WORLD_WEB, sizeof e->power->server_uuid);
	e->power->kind = &power_kind;
	e->power->phase = POWER_DONE;
	e->power->source = g_strdup("h1");
	return e;
}

void engine_free(struct engine *e)
{
	if (!e)
		return;
	g_ptr_array_unref(e->all);
	mig_free(e->power);
	g_clear_error(&e->refuse);
	g_free(e->said);
	g_array_unref(e->samples);
	g_free(e);
}

struct fleet *engine_fleet(struct engine *e)
{
	return e->fleet;
}

const struct mig_counts *engine_stats(const struct engine *e)
{
	static struct mig_counts none = { .now = { [0] = { [TASK_RUNS] = 1 } }, .failed = 1,
					  .failures = { { 2, T0 + 65000000, WORLD_DB, "live-migration", "error", (char *)"h2", NULL,
							  (char *)"No valid host was found. h3: ComputeFilter: down: forced down" } }, .seconds = { .bounds = &metric_call_seconds }, .bytes = { .bounds = &metric_call_seconds },
					    .downtime_seconds = { .bounds = &metric_call_seconds } };

	(void)e;
	return &none;
}

void engine_listen(struct engine *e, engine_heard_f *fn, void *user)
{
	(void)e, (void)fn, (void)user;
}

void engine_on_host(struct engine *e, engine_host_f *fn, void *user)
{
	(void)e, (void)fn, (void)user;
}

const char *engine_claim_host(const struct mig *m)
{
	return m->dest;
}

GPtrArray *engine_active(struct engine *e)
{
	return e->all;
}

int engine_slots(const struct engine *e)
{
	(void)e;
	return 0;
}

struct mig *engine_active_of(struct engine *e, const char *server_uuid)
{
	for (guint i = 0; i < e->all->len; i++) {
		struct mig *m = g_ptr_array_index(e->all, i);

		if (!mig_is_final(m) && strcmp(m->server_uuid, server_uuid) == 0)
			return m;
	}
	return NULL;
}

struct mig *engine_get(struct engine *e, int64_t id, GError **err)
{
	if (id >= 1 && id <= (int64_t)e->all->len)
		return copy(g_ptr_array_index(e->all, id - 1));
	if (id == WORLD_POWER_ID)
		return copy(e->power);
	g_set_error(err, ERR, ERR_NOT_FOUND, "Migration %" G_GINT64_FORMAT " could not be found.", id);
	return NULL;
}

bool request_set_priority(struct engine *e, int64_t id, int priority, GError **err)
{
	struct mig *m = id == WORLD_POWER_ID ? e->power : g_ptr_array_index(e->all, id - 1);

	if (mig_is_final(m)) {
		g_set_error(err, ERR, ERR_CONFLICT, "Migration %d is %s; its priority can no longer be changed.", (int)id, mig_status(m));
		return false;
	}
	m->priority = priority;
	return true;
}

struct mig *engine_get_by_uuid(struct engine *e, const char *uuid, GError **err)
{
	for (guint i = 0; i < e->all->len; i++)
		if (strcmp(((struct mig *)g_ptr_array_index(e->all, i))->uuid, uuid) == 0)
			return copy(g_ptr_array_index(e->all, i));
	if (strcmp(uuid, WORLD_POWER) == 0)
		return copy(e->power);
	g_set_error(err, ERR, ERR_NOT_FOUND, "Migration %s could not be found.", uuid);
	return NULL;
}

static bool fits(const struct mig *m, const struct mig_filter *f)
{
	return (!f->server_uuid || strcmp(f->server_uuid, m->server_uuid) == 0) &&
	       (!f->host || g_strcmp0(f->host, m->source) == 0 || g_strcmp0(f->host, m->dest) == 0) &&
	       (!f->status || strcmp(f->status, mig_status(m)) == 0) && (!f->type || strcmp(f->type, m->kind->type) == 0) &&
	       (!f->user_id || strcmp(f->user_id, m->user_id) == 0) && (!f->project_id || strcmp(f->project_id, m->project_id) == 0) &&
	       (!f->source || g_strcmp0(f->source, m->source) == 0) && (!f->since_us || m->updated_us >= f->since_us) &&
	       (!f->before_us || m->updated_us <= f->before_us) && (!f->below_id || m->id < f->below_id);
}

GPtrArray *engine_list(struct engine *e, const struct mig_filter *f, GError **err)
{
	GPtrArray *list = g_ptr_array_new_with_free_func((GDestroyNotify)mig_free);

	(void)err;
	for (guint i = e->all->len; i-- > 0 && list->len < (guint)f->limit;)
		if (fits(g_ptr_array_index(e->all, i), f))
			g_ptr_array_add(list, copy(g_ptr_array_index(e->all, i)));
	return list;
}

/* One record a part. */
bool engine_list_part(struct engine *e, struct mig_filter *f, GPtrArray *page, bool *ret_more, GError **err)
{
	(void)err;
	for (guint i = e->all->len; i-- > 0;) {
		const struct mig *m = g_ptr_array_index(e->all, i);

		if (f->below_id && m->id >= f->below_id)
			continue;
		if (fits(m, f))
			g_ptr_array_add(page, copy(m));
		f->below_id = m->id;
		*ret_more = i > 0 && page->len < (guint)f->limit;
		return true;
	}
	*ret_more = false;
	return true;
}

static void event_free(void *data)
{
	struct mig_event *ev = data;

	g_free(ev->old_phase);
	g_free(ev->new_phase);
	g_free(ev->why);
	g_free(ev);
}

/* Of the third migration there are two. */
const GArray *engine_samples(const struct engine *e, int64_t id)
{
	static const struct sample rows_of_third[] = {
		{ .at_us = T0, .left_bytes = 1000, .bps = 400, .dirty_bps = 100, .iteration = 1 },
		{ .at_us = T0 + 500000, .sent_bytes = 900, .left_bytes = 100, .bps = 500, .dirty_bps = 200, .iteration = 2, .permitted_ms = 300, .throttle = 20, .postcopy = 1 },
	};

	g_array_set_size(e->samples, 0);
	g_array_append_vals(e->samples, rows_of_third, G_N_ELEMENTS(rows_of_third));
	return id == 3 ? e->samples : NULL;
}

GPtrArray *engine_events(struct engine *e, int64_t id, GError **err)
{
	GPtrArray *list = g_ptr_array_new_with_free_func(event_free);
	struct mig_event *ev = g_new0(struct mig_event, 1);

	(void)e, (void)err;
	ev->new_phase = g_strdup("check");
	ev->why = g_strdup("requested");
	ev->at_us = T0 + (id - 1) * 60000000;
	g_ptr_array_add(list, ev);
	return list;
}

/* ---- requests: remembered ---- */

static void say(struct engine *e, char *text)
{
	g_free(e->said);
	e->said = text;
}

const char *fake_engine_said(const struct engine *e)
{
	return e->said ? e->said : "";
}

void fake_engine_refuse(struct engine *e, GError *err)
{
	e->refuse = err;
}

void fake_engine_hold(struct engine *e)
{
	e->hold = true;
}

void fake_engine_release(struct engine *e)
{
	e->hold = false;
	e->held(5, NULL, e->held_user);
}

static bool refused(struct engine *e, GError **err)
{
	if (!e->refuse)
		return false;
	g_propagate_error(err, g_steal_pointer(&e->refuse));
	return true;
}

void request_begin(struct engine *e, const struct task_request *r, request_accepted_f *done, void *user)
{
	static const char *const blocks[] = { "no", "yes", "auto" };
	g_autoptr(GError) err = NULL;

	if (r->kind == &power_kind)
		say(e, g_strdup_printf("%s %s by=%s", r->action->name, r->server->name, r->who.user_id));
	else if (r->kind != &live_kind)
		say(e, g_strdup_printf("%s %s host=%s by=%s", r->action->name, r->server->name, r->host ? r->host : "-", r->who.user_id));
	else
		say(e, g_strdup_printf("live %s host=%s block=%s force=%d wait=%d by=%s", r->server->name, r->host ? r->host : "-",
				       blocks[r->block], r->force, r->wait_checks, r->who.user_id));
	if (e->hold) {
		e->held = done;
		e->held_user = user;
	} else if (refused(e, &err)) {
		done(0, err, user);
	} else {
		done(5, NULL, user);
	}
}

bool request_abort(struct engine *e, struct server *s, int64_t id, bool also_queued, const struct requester *who, GError **err)
{
	say(e, g_strdup_printf("abort %s %" G_GINT64_FORMAT " queued=%d by=%s", s->name, id, also_queued, who->user_id));
	return !refused(e, err);
}

bool request_force_complete(struct engine *e, struct server *s, int64_t id, const struct requester *who, GError **err)
{
	say(e, g_strdup_printf("force %s %" G_GINT64_FORMAT " by=%s", s->name, id, who->user_id));
	return !refused(e, err);
}

/* Borrowed; the array is the caller's. */
static GPtrArray *findings(const struct check_finding *of, guint n)
{
	GPtrArray *found = g_ptr_array_new();

	for (guint i = 0; i < n; i++)
		g_ptr_array_add(found, (void *)&of[i]);
	return found;
}

/* Four hosts: one to which all goes, one for which the guest has to be off, one to which it goes live alone, and one that is down. */
void check_all(struct engine *e, const struct check_request *r, check_all_f *done, void *user)
{
	static const struct check_table live_table = { { "live", "", "" }, NULL, 0 }, cold_table = { { "cold", "", "" }, NULL, 0 };
	static const struct task_kind live = { .checks = &live_table }, cold = { .checks = &cold_table };
	static const struct check_finding good[] = { { "destination_up", CHECK_PASSED, NULL } },
		no_cpu[] = { { "destination_up", CHECK_PASSED, NULL }, { "cpu", CHECK_FAILED, (char *)"no avx2" }, { "numa", CHECK_PASSED, NULL } },
		no_tpm[] = { { "vtpm", CHECK_FAILED, (char *)"its TPM's state stays" }, { "numa", CHECK_PASSED, NULL } },
		down[] = { { "destination_up", CHECK_FAILED, (char *)"Compute service of h3 is unavailable at this time." },
			   { "cpu", CHECK_SKIPPED, (char *)"a host is down" } };
	g_autoptr(GPtrArray) hosts = g_ptr_array_new(), passed = findings(good, 1), cpu = findings(no_cpu, 3), tpm = findings(no_tpm, 2),
			     gone = findings(down, 2);
	struct check_way ways[][2] = { { { &live, true, passed }, { &cold, true, passed } }, { { &live, false, cpu }, { &cold, true, passed } },
				       { { &live, true, passed }, { &cold, false, tpm } }, { { &live, false, gone }, { &cold, false, gone } } };
	struct check_host asked[] = { { (char *)"h2", ways[0], 2 }, { (char *)"h4", ways[1], 2 }, { (char *)"h5", ways[2], 2 }, { (char *)"h3", ways[3], 2 } };

	say(e, g_strdup_printf("precheck %s host=%s block=%d force=%d", r->server_uuid, r->dest ? r->dest : "-", r->block, r->force));
	for (size_t i = 0; i < G_N_ELEMENTS(asked); i++)
		g_ptr_array_add(hosts, &asked[i]);
	done(hosts, user);
}

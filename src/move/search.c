/* SPDX-License-Identifier: Apache-2.0 */
#include "move/search.h"

#include "base/err.h"
#include "fleet/sched.h"
#include "move/check.h"
#include "move/move.h"
#include "move/outcome.h"
#include "move/numa.h"
#include "move/service.h"
#include "task/queue.h"
#include "task/step.h"

#define RETRY_MS 1000

/* Else it is only asked whether there is a destination. */
static bool choosing(const struct mig *m)
{
	return mig_holds(m, TASK_CHOICE);
}

/* Before anything was done at a host. */
static void refuse(struct mig *m, const GError *why)
{
	g_autoptr(GError) kept = g_error_copy(why);

	step_end(m, kind_final(m->kind, TASK_ERROR), kept->message);
	if (mig_is_final(m))
		engine_accept(m, kept);
}

static void to_queue(struct mig *m)
{
	if (!step_go(m, m->kind->queued, "checks passed", NULL, NULL))
		return;
	engine_accept(m, NULL);
}

/* The precheck has just found it; PREPARE looks once more, when it asks both hosts. */
static void take_place(struct mig *m, struct host *h)
{
	const struct server *s = mig_server(m);
	struct hv_numa_fit *p = s->ties ? room_find_numa_fit(mig_source(m), h, s->uuid, s->ties, NULL) : NULL;

	numa_claim(m, h, p);
	hv_numa_fit_free(p);
}

static void found(struct mig *m, struct host *h)
{
	struct step_change c;

	if (!choosing(m)) {
		to_queue(m);
		return;
	}
	take_place(m, h);
	c = step_change(m, m->kind->chosen, m->requested_host ? "requested" : "best of those that fit");
	c.row.dest = h->name;
	if (!step_write(m, &c)) {
		step_later(m, RETRY_MS);
		return;
	}
	step_enter(m);
}

static void none_found(struct mig *m, const struct sched_result *res)
{
	g_autoptr(GError) why = NULL;
	g_autofree char *reasons = sched_reasons(res);

	g_set_error(&why, ERR, ERR_NO_VALID_HOST, "No valid host was found. %s", reasons);
	refuse(m, why);
}

static void next_host(struct mig *m);

/* Why the run ended where it did. */
static const char *last_reason(const struct check_report *r)
{
	const struct check_finding *c = r->checks->len ? g_ptr_array_index(r->checks, r->checks->len - 1) : NULL;

	return c && c->reason ? c->reason : r->err->message;
}

static void judged(struct check_report *r, void *user)
{
	struct mig *m = user;
	struct host *h = fleet_host(m->task->engine->fleet, move_of(m)->candidate);

	move_of(m)->precheck = NULL;
	if (r->xml)
		move_describe(move_of(m), g_steal_pointer(&r->xml), g_steal_pointer(&r->xml_inactive), g_steal_pointer(&r->listeners));
	move_copies(move_of(m), NULL);
	if (r->source_lost) {
		step_later(m, RETRY_MS);
	} else if (!r->err && h) {
		move_copies(move_of(m), r->copies ? g_steal_pointer(&r->copies) : g_ptr_array_new());
		found(m, h);
	} else if (m->requested_host || r->hopeless) {
		refuse(m, r->err);
	} else {
		g_hash_table_replace(m->task->excluded, g_strdup(move_of(m)->candidate), g_strdup(r->err ? last_reason(r) : "the host was removed"));
		next_host(m);
	}
}

static void try_host(struct mig *m, const char *host, bool chosen)
{
	struct check_request req = {
		.kind = m->kind, .server_uuid = m->server_uuid, .dest = host, .block = m->block, .disk_check = m->disk_check, .force = m->force,
		.chosen = chosen, .task = m->id,
	};

	/* Room and slot are claimed before the host is asked: no other migration may take them meanwhile. */
	if (choosing(m) && fleet_host(m->task->engine->fleet, host))
		queue_claim(m, fleet_host(m->task->engine->fleet, host));
	util_replace(&move_of(m)->candidate, host);
	check_cancel(move_of(m)->precheck);
	req.claimed = queue_claim_host(m);
	move_of(m)->precheck = check_begin(service_of(m->task->engine)->checks, &req, judged, m);
}

/* Hosts fit, but they are busy. What was read of the guest may be old when one is not any more. */
static void back_to_queue(struct mig *m, const char *host)
{
	g_autofree char *why = g_strdup_printf("%s fits, but is busy", host);

	move_of(m)->checked = false;
	move_describe(move_of(m), NULL, NULL, NULL);
	(void)step_go(m, m->kind->queued, why, NULL, NULL); /* else the phase is entered again */
}

/* A check holds nothing: it may ask a busy host too. */
static bool must_wait(struct mig *m, struct host *h, const struct sched_need *need)
{
	struct fleet *f = m->task->engine->fleet;

	return choosing(m) && h != need->claimed && sched_is_busy(f, h, need->class) && (m->force || sched_fits(f, need, h));
}

static void ask_for(struct mig *m)
{
	struct sched_need need = sched_need_of(mig_server(m), m->kind->class);
	struct host *h = fleet_host(m->task->engine->fleet, m->requested_host);

	need.claimed = queue_claim_host(m);
	if (h && must_wait(m, h, &need))
		back_to_queue(m, h->name);
	else
		try_host(m, m->requested_host, false);
}

/* One turn of the search: the host that it has claimed, or else the best one, that was not refused yet. */
static void next_host(struct mig *m)
{
	struct fleet *f = m->task->engine->fleet;
	struct host *claimed = queue_claim_host(m), *h, *busy = NULL;
	struct sched_need need = sched_need_of(mig_server(m), m->kind->class);
	struct sched_result *res;

	if (m->requested_host) {
		ask_for(m);
		return;
	}
	need.exclude = m->task->excluded;
	need.claimed = claimed;
	h = claimed && sched_fits(f, &need, claimed) ? claimed : sched_best(f, &need, &busy);
	if (!h && !choosing(m))
		h = busy;
	if (h) {
		try_host(m, h->name, true);
	} else if (busy) {
		back_to_queue(m, busy->name);
	} else {
		res = sched_select(f, &need);
		none_found(m, res);
		sched_result_free(res);
	}
}

static bool some_host_fits(struct mig *m)
{
	struct sched_need need = sched_need_of(mig_server(m), m->kind->class);
	struct sched_result *res;

	/* The checks of one that was asked for have said so. */
	if (m->requested_host || sched_any(m->task->engine->fleet, &need))
		return true;
	res = sched_select(m->task->engine->fleet, &need);
	none_found(m, res);
	sched_result_free(res);
	return false;
}

static bool quick_checks(struct mig *m)
{
	struct check_request req = {
		.kind = m->kind, .server_uuid = m->server_uuid, .dest = m->requested_host, .block = m->block, .force = m->force,
		.task = m->id, .claimed = queue_claim_host(m),
	};
	g_autoptr(GError) why = NULL;

	if (check_quick(service_of(m->task->engine)->checks, &req, &why))
		return true;
	refuse(m, why);
	return false;
}

void search_check(struct mig *m)
{
	if (!quick_checks(m))
		return;
	if (m->task->accepted)
		next_host(m);
	else if (some_host_fits(m)) /* no caller waits: hosts are asked when the destination is chosen */
		to_queue(m);
}

void search_schedule(struct mig *m)
{
	if (move_of(m)->checked || quick_checks(m)) {
		move_of(m)->checked = true;
		next_host(m);
	}
}

void search_copies(struct mig *m, check_done_f *done)
{
	struct check_request req = {
		.kind = m->kind, .server_uuid = m->server_uuid, .dest = m->dest, .block = m->block, .disk_check = m->disk_check, .chosen = true,
		.task = m->id, .claimed = queue_claim_host(m),
	};

	check_cancel(move_of(m)->precheck);
	move_of(m)->precheck = check_begin(service_of(m->task->engine)->checks, &req, done, m);
}

/* ---- the next destination ---- */

static bool another_fits(struct mig *m, const char *why)
{
	struct sched_need need = sched_need_of(mig_server(m), m->kind->class);
	struct sched_result *res;
	bool fits;

	g_hash_table_replace(m->task->excluded, g_strdup(m->dest), g_strdup(why));
	need.exclude = m->task->excluded;
	res = sched_select(m->task->engine->fleet, &need);
	fits = res->passed + res->busy > 0;
	sched_result_free(res);
	return fits;
}

static bool write_given_up(struct mig *m, void *unused, GError **err)
{
	(void)unused;
	return outcome_write(m, VOLUME_STAYED, false, err);
}

void search_destination_left(struct mig *m)
{
	struct move *v = move_of(m);

	queue_claim(m, NULL);
	outcome_resolve(m, VOLUME_STAYED, false);
	v->dest_theirs = false;
	move_copies(v, NULL);
	v->given_up++;
}

bool search_next_destination(struct mig *m, const char *why)
{
	int64_t retries = fleet_conf(m->task->engine->fleet)->migrate_max_retries;
	g_autofree char *kept = g_strdup(why), *text = g_strdup_printf("%s: %s; trying the next host", m->dest, why);
	struct step_change c;

	if (m->requested_host || m->abort_wanted || (retries >= 0 && move_of(m)->given_up >= retries) || !another_fits(m, kept))
		return false;
	c = step_change(m, m->kind->choosing, text);
	c.row.dest = c.row.error = NULL;
	c.row.attempt = 0;
	c.row.force_wanted = c.row.paused_by_us = false;
	c.details = kept;
	c.also = write_given_up;
	if (!step_write(m, &c)) {
		step_later(m, RETRY_MS);
		return true; /* again, from the phase that it is in */
	}
	search_destination_left(m);
	step_enter(m);
	return true;
}

void search_destination_failed(struct mig *m, const char *why)
{
	if (!search_next_destination(m, why))
		step_end(m, kind_final(m->kind, TASK_FAILED), why);
}

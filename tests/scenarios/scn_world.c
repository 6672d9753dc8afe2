/* SPDX-License-Identifier: Apache-2.0
 *
 * The world, the controller on it, and time.
 */
#include "scn.h"

#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "cold/cold.h"
#include "kinds.h"
#include "task/request.h"
#include "test_kinds.h"

#define WALL_US      INT64_C(1700000000000000)
#define STARTS_MAX   5
#define RESTART_MS   2000   /* from the controller's death to the next one, in the sweep */
#define REST_MS      (30 * 60 * 1000)
#define ARRIVE_MS    100    /* the last calls meet their faults */
#define QUIET_MS     25000  /* fleet's polls follow what the last migration did */

static void on_log(enum log_level level, const char *line, void *user)
{
	struct run *r = user;

	g_ptr_array_add(r->log, g_strdup(line));
	(void)level;
	if (r->opt->trace)
		fprintf(r->opt->trace, "%10.3f   %s\n", (double)clock_now_ms() / 1000, line);
}

static uint64_t mix(uint64_t d, const char *text)
{
	for (; *text; text++)
		d = (d ^ (uint8_t)*text) * UINT64_C(1099511628211);
	return d;
}

static const struct task_kind *const *kinds_of(const struct run *r)
{
	if (r->kinds)
		return r->kinds;
	return r->scn->test_kinds ? test_kinds : kinds;
}

/* UUIDs that the controller makes are another each time. */
static const char *guest_of(const struct run *r, const char *uuid)
{
	for (guint i = 0; uuid && i < r->guests->len; i++)
		if (g_str_equal(((const struct guest *)g_ptr_array_index(r->guests, i))->uuid, uuid))
			return uuid;
	return "-";
}

static void on_call(int64_t n, const char *host, const struct hv_req *req, enum sim_fault_kind fault, void *user)
{
	struct run *r = user;

	r->op_calls[req->op]++;
	r->digest = mix(mix(mix(r->digest, host), hv_op_name(req->op)), guest_of(r, req->uuid)) ^ (uint64_t)clock_now_ms();
	if (r->opt->trace)
		fprintf(r->opt->trace, "%10.3f %3d %s %s %s%s%s\n", (double)clock_now_ms() / 1000, (int)n, host, hv_op_name(req->op),
			req->uuid ? req->uuid : "", fault < SIM_FAULT_N ? " FAULT " : "", fault < SIM_FAULT_N ? sim_fault_name(fault) : "");
}

static void on_kill(void *user)
{
	struct run *r = user;

	r->killed = r->was_killed = true;
}

void world_new(struct run *r, GArray *store_calls)
{
	clock_manual(WALL_US);
	log_init(r->opt->trace ? LOG_DEBUG : r->opt->sweep ? LOG_WARNING : LOG_INFO, LOG_TEXT);
	log_hook(on_log, r);
	r->world = sim_new(r->opt->seed);
	test_kinds_reset(r->world);
	sim_on_kill(r->world, on_kill, r);
	sim_on_call(r->world, on_call, r);
	for (int i = 0; i < r->opt->n_faults; i++)
		sim_fault_add(r->world, &r->opt->faults[i]);
	r->store = scn_store(r->opt->store_fault, store_calls);
	r->with_ha = scn_ha_new(r);
}

void world_free(struct run *r)
{
	controller_stop(r);
	scn_ha_free(r->with_ha);
	sim_free(r->world);
	log_hook(NULL, NULL);
}

void controller_stop(struct run *r)
{
	scn_consoles_end(r->consoles);
	plans_free(r->plans);
	checks_free(r->checks);
	scn_ha_end(r->with_ha);
	fences_free(r->fences);
	engine_free(r->engine);
	fleet_free(r->fleet);
	r->plans = NULL;
	r->checks = NULL;
	r->fences = NULL;
	r->engine = NULL;
	r->fleet = NULL;
	r->killed = false;
}

static bool try_start(struct run *r, GError **err)
{
	static const struct hv_ops *const ops[] = { &sim_ops, NULL };

	controller_stop(r);
	sim_revive(r->world);
	r->fleet = fleet_new(r->conf, r->store, ops, err);
	r->fences = r->fleet ? agent_fences(r) : NULL;
	r->engine = r->fleet ? engine_new(r->fleet, kinds_of(r), err) : NULL;
	r->checks = r->engine ? checks_new(r->fleet) : NULL;
	r->plans = r->engine ? plans_new(r->engine, err) : NULL;
	return r->plans && scn_ha_begin(r->with_ha, err);
}

static void pass(int64_t ms);

/* Where the database fails it does not start, and its supervisor tries again. */
void controller_start(struct run *r)
{
	for (int i = 0; i < STARTS_MAX; i++) {
		g_autoptr(GError) why = NULL;

		if (try_start(r, &why)) {
			fleet_start(r->fleet);
			fences_start(r->fences);
			scn_ha_start(r->with_ha);
			plans_start(r->plans);
			return;
		}
		if (scn_store_hits() == 0)
			g_error("%s: the controller does not start: %s", r->scn->name, why->message);
		controller_stop(r);
		pass(RESTART_MS);
	}
	g_error("%s: the controller does not start", r->scn->name);
}

bool all_up(struct run *r, void *unused)
{
	(void)unused;
	for (guint i = 0; r->fleet && i < fleet_hosts(r->fleet)->len; i++)
	{
		const struct host *h = g_ptr_array_index(fleet_hosts(r->fleet), i);

		if (!host_is_up(r->fleet, h) && !h->same_as)
			return false;
	}
	return r->fleet != NULL;
}

/* ---- time ---- */

static void time_is_up(void *user)
{
	*(bool *)user = true;
}

/* The world goes on alone. */
static void pass(int64_t ms)
{
	bool late = false;

	(void)clock_after(ms, time_is_up, &late);
	while (!late)
		(void)clock_step();
}

/* What a killed controller asks for: its end, off its own stack. */
static void end_of_step(struct run *r)
{
	check_limits(r);
	scn_ha_note(r->with_ha);
	if (!r->killed)
		return;
	controller_stop(r);
	if (!r->opt->sweep)
		return;
	pass(RESTART_MS);
	controller_start(r);
	check_always(r);
}

static void step(struct run *r)
{
	(void)clock_step(); /* there is a timer: the caller's limit */
	end_of_step(r);
}

void run_stall(struct run *r, int64_t ms)
{
	clock_stall(ms);
	end_of_step(r);
}

bool run_until(struct run *r, int64_t ms, run_cond_f *cond, void *user)
{
	bool late = false;
	struct clock_timer *limit = clock_after(ms, time_is_up, &late);

	while (!late) {
		if (cond && cond(r, user)) {
			clock_cancel(&limit);
			return true;
		}
		step(r);
	}
	return cond && cond(r, user);
}

/* ---- the end ---- */

static const char *world_name(const struct conf_host *ch)
{
	return ch->uri + (g_str_has_prefix(ch->uri, "sim://") ? strlen("sim://") : strlen("sim:"));
}

const char *world_host(struct run *r, const char *host)
{
	for (guint i = 0; i < r->conf->hosts->len; i++) {
		const struct conf_host *ch = g_ptr_array_index(r->conf->hosts, i);

		if (g_strcmp0(ch->name, host) == 0)
			return world_name(ch);
	}
	return host;
}

static const char *host_name(struct run *r, guint i)
{
	return world_name(g_ptr_array_index(r->conf->hosts, i));
}

static bool outages_over(struct run *r, void *unused)
{
	(void)unused;
	if (scn_store_away())
		return false;
	for (guint i = 0; i < r->conf->hosts->len; i++)
		if (sim_host_heals(r->world, host_name(r, i)))
			return false;
	return true;
}

static bool at_rest(struct run *r, void *unused)
{
	return r->engine && engine_active(r->engine)->len == 0 && engine_owed(r->engine) == 0 && sim_jobs(r->world) == 0 && setup_rests(r) && plans_rest(r->plans) && all_up(r, unused);
}

/* Nothing is under way but what waits for its user. */
static bool rests_only(struct run *r, void *unused)
{
	for (guint i = 0; r->engine && i < engine_active(r->engine)->len; i++)
		if (!mig_rests(g_ptr_array_index(engine_active(r->engine), i)))
			return false;
	return r->engine && engine_owed(r->engine) == 0 && sim_jobs(r->world) == 0 && setup_rests(r) && all_up(r, unused);
}

static void confirmed(int64_t id, const GError *err, void *user)
{
	(void)id, (void)err, (void)user;
}

/* Their users come. */
static void confirm_all(struct run *r)
{
	struct requester who = { .user_id = "admin", .project_id = "admin", .request_id = "req-confirm", .admin = true };

	for (guint i = engine_active(r->engine)->len; i > 0; i--) {
		const struct mig *m = g_ptr_array_index(engine_active(r->engine), i - 1);
		struct task_request q = { .kind = m->kind, .who = who };

		if (m->kind->n_actions <= COLD_CONFIRM_RESIZE)
			continue; /* an evacuation waits for no user */
		q.action = &m->kind->actions[COLD_CONFIRM_RESIZE];
		q.server = fleet_server(r->fleet, m->server_uuid);
		if (mig_rests(m) && q.server)
			request_begin(r->engine, &q, confirmed, NULL);
	}
}

static bool in_unrest(struct run *r, void *unused)
{
	return !at_rest(r, unused);
}

/* "mark ... not-forced-down" that the database refused: the administrator does it again. */
static void mark_again(struct run *r)
{
	g_autoptr(GError) err = NULL;

	for (guint i = 0; scn_store_hits() > 0 && i < fleet_hosts(r->fleet)->len; i++) {
		struct host *h = g_ptr_array_index(fleet_hosts(r->fleet), i);

		if (h->forced_down && !fleet_host_set(r->fleet, h, h->disabled, h->disabled_reason, false, &err)) {
			run_fail(r, "%s cannot be marked: %s", h->name, err->message);
			return;
		}
	}
}

void settle_down(struct run *r)
{
	scn_ha_calm(r->with_ha);
	(void)run_until(r, ARRIVE_MS, NULL, NULL);
	(void)run_until(r, REST_MS, outages_over, NULL);
	sim_fault_clear(r->world);
	(void)sim_release(r->world, NULL);
	sim_dom_calm(r->world); /* else some would never converge, and there is no operator to force them */
	for (guint i = 0; i < r->conf->hosts->len; i++) {
		for (guint k = 0; k < i; k++)
			sim_host_apart(r->world, host_name(r, i), host_name(r, k), false);
		sim_host_pool(r->world, host_name(r, i), 0);
		sim_host_link(r->world, host_name(r, i), true);
		sim_host_power(r->world, host_name(r, i), true);
		sim_host_libvirtd(r->world, host_name(r, i), true);
	}
	if (!r->engine)
		controller_start(r);
	mark_again(r);
	/* A call that came late begins something again, one that hung has taken its host's connection with it. */
	do {
		if (!run_until(r, REST_MS, rests_only, NULL))
			return; /* the invariants say what is left */
		confirm_all(r);
		if (!run_until(r, REST_MS, at_rest, NULL))
			return; /* the invariants say what is left */
	} while (run_until(r, QUIET_MS, in_unrest, NULL));
}

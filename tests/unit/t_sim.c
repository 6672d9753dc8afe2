/* SPDX-License-Identifier: Apache-2.0
 *
 * The simulator behaves as libvirt was seen to behave.
 */
#include <glib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "got.h"
#include "hv/sim/sim.h"

#define MIB (INT64_C(1) << 20)
#define GUEST "11111111-1111-4111-8111-111111111111"

struct fixture {
	struct sim *w;
	struct hv *hv;
	struct hv_host *h[3]; /* h1, h2, h3 */
	GString *events;
	struct got g, s; /* of the migration, or of what the test asks; of something else */
};

static void on_event(const struct hv_event *ev, void *user)
{
	GString *s = user;

	switch (ev->type) {
	case HV_EV_OPEN:
		g_string_append_printf(s, "%s open\n", ev->host);
		break;
	case HV_EV_CLOSED:
		g_string_append_printf(s, "%s closed: %s\n", ev->host, ev->text);
		break;
	case HV_EV_DOM:
		g_string_append_printf(s, "%s dom %s/%s\n", ev->host, hv_state_name(ev->state), hv_reason_name(ev->reason));
		break;
	case HV_EV_ITERATION:
		g_string_append_printf(s, "%s iteration %d\n", ev->host, (int)ev->iteration);
		break;
	case HV_EV_JOB_DONE:
		g_string_append_printf(s, "%s job done\n", ev->host);
		break;
	case HV_EV_REBOOT:
		g_string_append_printf(s, "%s reboot\n", ev->host);
		break;
	case HV_EV_N:
	default:
		g_assert_not_reached();
	}
}

/* Three hosts and a guest on the first. */
static void set_up(struct fixture *f, int64_t link_mibs, double dirty_mibs)
{
	struct sim_host_spec host = { .link_mibs = link_mibs };

	clock_manual(0);
	f->g = f->s = (struct got){ .code = -1 };
	f->w = sim_new(7);
	f->events = g_string_new(NULL);
	f->hv = hv_new(on_event, f->events);
	hv_register(f->hv, &sim_ops);
	for (int i = 0; i < 3; i++) {
		g_autofree char *name = g_strdup_printf("h%d", i + 1), *uri = g_strdup_printf("sim://h%d", i + 1);

		sim_host_add(f->w, name, &host);
		f->h[i] = hv_host_add(f->hv, name, uri);
		hv_host_open(f->h[i]);
	}
	sim_dom_add(f->w, "h1", &(struct sim_dom_spec){
		.uuid = GUEST, .name = "guest", .mem_mib = 1000, .dirty_mibs = dirty_mibs, .working_mib = 200, .hot_mib = 50,
	});
	clock_advance_ms(0);
	g_string_truncate(f->events, 0);
}

static void drop_world(struct fixture *f)
{
	hv_free(f->hv);
	sim_free(f->w);
	g_string_free(f->events, TRUE);
	got_clear(&f->g);
	got_clear(&f->s);
}

static void tear_down(struct fixture *f)
{
	g_assert_cmpstr(sim_violation(f->w), ==, NULL);
	drop_world(f);
}

static void ask(struct fixture *f, int host, enum hv_op op, struct got *g)
{
	got_ask(g, f->h[host], &(struct hv_req){ .op = op, .uuid = GUEST });
}

/* Ask and wait as long as need be. */
static void act(struct fixture *f, int host, enum hv_op op, struct got *g)
{
	ask(f, host, op, g);
	got_wait(g);
}

static void migrate(struct fixture *f, int from, const char *to, struct got *g)
{
	struct hv_req req = {
		.op = HV_MIGRATE, .uuid = GUEST,
		.migrate = { .dest_host = to, .persist_dest = true, .postcopy = true, .auto_converge = true },
	};

	got_ask(g, f->h[from], &req);
}

static void expect_state(struct fixture *f, int host, enum hv_state state, enum hv_reason reason)
{
	struct got g = { .code = -1 };

	act(f, host, HV_DOM_GET, &g);
	g_assert_cmpint(g.code, ==, -1);
	g_assert_cmpstr(hv_state_name(g.r.dom->state), ==, hv_state_name(state));
	if (state != HV_ABSENT)
		g_assert_cmpstr(hv_reason_name(g.r.dom->reason), ==, hv_reason_name(reason));
	got_clear(&g);
}

/* ---- hosts ---- */

static void test_host(struct fixture *f)
{
	act(f, 0, HV_HOST_GET, &f->g);
	g_assert_cmpstr(f->g.r.info->hostname, ==, "h1");
	g_assert_cmpint(f->g.r.info->mem_mib - f->g.r.info->mem_free_mib, ==, 1000);
	g_assert_cmpint(f->g.r.info->vcpus, ==, 8);
	act(f, 0, HV_DOM_LIST, &f->g);
	g_assert_cmpuint(f->g.r.doms->len, ==, 1);
}

static void test_uri(struct fixture *f)
{
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
	struct hv_host *h;

	h = hv_host_add(f->hv, "big", "sim://node9?vcpus=64&memory=262144&disk=9000&servers=450&server_memory=256&nonsense=1&vcpu=3");
	hv_host_open(h);
	clock_advance_ms(0);
	f->h[2] = h;
	act(f, 2, HV_HOST_GET, &f->g);
	g_assert_cmpint(f->g.r.info->vcpus, ==, 64);
	g_assert_cmpint(f->g.r.info->mem_free_mib, ==, 262144 - 450 * 256);
	act(f, 2, HV_DOM_LIST, &f->g);
	/* more than are described in a turn of the loop */
	g_assert_cmpuint(f->g.r.doms->len, ==, 450);
	for (guint i = 0; i < f->g.r.doms->len; i++) {
		g_assert_true(util_uuid_valid(((struct hv_dom *)g_ptr_array_index(f->g.r.doms, i))->uuid));
		g_assert_true(g_hash_table_add(seen, ((struct hv_dom *)g_ptr_array_index(f->g.r.doms, i))->uuid));
	}
	/* the program's name of the host leads to it */
	migrate(f, 0, "big", &f->g);
	clock_advance_ms(10);
	g_assert_cmpint(f->g.code, ==, -1);
	g_assert_true(f->g.answered);
}

static void test_libvirtd_dies(struct fixture *f)
{
	sim_fault_add(f->w, &(struct sim_fault){ .op = HV_DOM_GET, .kind = SIM_HANG });
	ask(f, 0, HV_DOM_GET, &f->g);
	clock_advance_ms(10);
	sim_host_libvirtd(f->w, "h1", false);
	clock_advance_ms(10);
	g_assert_cmpint(f->g.code, ==, ERR_HV_LOST);
	hv_host_open(f->h[0]);
	clock_advance_ms(10);
	sim_host_libvirtd(f->w, "h1", true);
	hv_host_open(f->h[0]);
	clock_advance_ms(10);
	g_assert_cmpstr(f->events->str, ==,
			"h1 closed: End of file while reading data: Input/output error\nh1 closed: Connection refused\nh1 open\n");
}

static void test_cable(struct fixture *f)
{
	sim_host_link(f->w, "h1", false);
	ask(f, 0, HV_HOST_GET, &f->g);
	clock_advance_ms(5000);
	g_assert_false(f->g.answered);
	sim_host_link(f->w, "h1", true);
	clock_advance_ms(10);
	g_assert_true(f->g.answered);
	g_assert_cmpint(f->g.code, ==, -1);
	sim_host_link(f->w, "h1", false);
	clock_advance_ms(26000);
	g_assert_cmpstr(f->events->str, ==, "h1 closed: keepalive timeout\n");
	hv_host_open(f->h[0]);
	clock_advance_ms(4000);
	g_assert_cmpstr(f->events->str, ==, "h1 closed: keepalive timeout\nh1 closed: No route to host\n");
}

static void test_power(struct fixture *f)
{
	sim_host_power(f->w, "h1", false);
	clock_advance_ms(60000);
	sim_host_power(f->w, "h1", true);
	hv_host_open(f->h[0]);
	clock_advance_ms(0);
	expect_state(f, 0, HV_SHUTOFF, HV_R_UNSEEN);
	g_assert_cmpstr(f->events->str, ==, "h1 closed: keepalive timeout\nh1 open\n");
}

/* ---- a migration ---- */

static void test_events(struct fixture *f)
{
	migrate(f, 0, "h2", &f->g);
	clock_advance_ms(60000);
	g_assert_true(f->g.answered);
	g_assert_cmpint(f->g.code, ==, -1);
	g_assert_cmpstr(f->events->str, ==,
			"h2 dom paused/migration\n"
			"h1 iteration 1\n"
			"h1 iteration 2\n"
			"h1 dom paused/migration\n"
			"h2 dom running/migrated\n"
			"h1 dom shutoff/migrated\n"
			"h1 job done\n"
			"h1 dom absent/migrated\n");
	expect_state(f, 0, HV_ABSENT, HV_R_OTHER);
	expect_state(f, 1, HV_RUNNING, HV_R_MIGRATED);
	g_assert_cmpuint(sim_jobs(f->w), ==, 0);
}

static void test_instant(struct fixture *f)
{
	migrate(f, 0, "h2", &f->g);
	clock_advance_ms(0);
	g_assert_true(f->g.answered);
	g_assert_cmpint(f->g.code, ==, -1);
	expect_state(f, 1, HV_RUNNING, HV_R_MIGRATED);
}

static void test_statistics(struct fixture *f)
{
	migrate(f, 0, "h2", &f->g);
	clock_advance_ms(5200); /* half of the first 10 s */
	act(f, 0, HV_JOB_GET, &f->s);
	g_assert_true(f->s.r.job.active && f->s.r.job.outgoing);
	g_assert_cmpint(f->s.r.job.iteration, ==, 1);
	g_assert_cmpint(f->s.r.job.mem_total, ==, 1000 * MIB);
	g_assert_cmpint(f->s.r.job.mem_processed, ==, 500 * MIB);
	g_assert_cmpint(f->s.r.job.mem_remaining, ==, 500 * MIB);
	g_assert_cmpint(f->s.r.job.mem_bps, ==, 100 * MIB);
	g_assert_cmpint(f->s.r.job.dirty_rate, ==, 0);
	g_assert_cmpint(f->s.r.job.downtime_ms, ==, 300);
	g_assert_cmpint(f->s.r.job.elapsed_ms, ==, 5200);
	act(f, 1, HV_JOB_GET, &f->s);
	g_assert_cmpint(f->s.code, ==, ERR_HV_UNSUPPORTED);
	clock_advance_ms(5100);
	act(f, 0, HV_JOB_GET, &f->s);
	g_assert_cmpint(f->s.r.job.iteration, ==, 2);
	/* 10 s at 10 MiB/s on a hot set of 50 MiB: less than 100, more than 50 */
	g_assert_cmpint(f->s.r.job.dirty_rate * 4096, <, 10 * MIB);
	g_assert_cmpint(f->s.r.job.dirty_rate * 4096, >, 5 * MIB);
	clock_advance_ms(60000);
	act(f, 1, HV_JOB_DONE, &f->s);
	g_assert_false(f->s.r.job.active);
	g_assert_cmpint(f->s.r.job.downtime_ms, >=, 20);
	g_assert_cmpint(f->s.r.job.downtime_ms, <=, 320);
	g_assert_cmpint(f->s.r.job.mem_processed, >, 1000 * MIB);
	act(f, 1, HV_JOB_DONE, &f->s); /* read once */
	g_assert_cmpint(f->s.r.job.mem_total, ==, 0);
}

static void test_shared_link(struct fixture *f)
{
	struct got a = { .code = -1 }, b = { .code = -1 };
	static const char other[] = "22222222-2222-4222-8222-222222222222";

	sim_dom_add(f->w, "h1", &(struct sim_dom_spec){ .uuid = other, .name = "other", .mem_mib = 1000 });
	migrate(f, 0, "h2", &a);
	clock_advance_ms(5200); /* 5 s alone, the rest shared: 10 s more; then the other one 5 s alone */
	got_ask(&b, f->h[0], &(struct hv_req){ .op = HV_MIGRATE, .uuid = other, .migrate = { .dest_host = "h3", .persist_dest = true } });
	clock_advance_ms(9000);
	g_assert_false(a.answered);
	clock_advance_ms(1500);
	g_assert_true(a.answered);
	clock_advance_ms(4000);
	g_assert_false(b.answered);
	clock_advance_ms(1500);
	g_assert_true(b.answered);
	got_clear(&a);
	got_clear(&b);
}

static void test_abort(struct fixture *f)
{
	migrate(f, 0, "h2", &f->g);
	clock_advance_ms(2000);
	act(f, 1, HV_JOB_ABORT, &f->s);
	g_assert_cmpint(f->s.code, ==, ERR_HV);
	act(f, 0, HV_JOB_ABORT, &f->s);
	g_assert_cmpint(f->s.code, ==, -1);
	clock_advance_ms(0);
	g_assert_cmpint(f->g.code, ==, ERR_HV);
	g_assert_nonnull(strstr(f->g.text, "canceled by client"));
	/* no event at the source */
	g_assert_cmpstr(f->events->str, ==, "h2 dom paused/migration\nh1 iteration 1\nh2 dom shutoff/failed\n");
	expect_state(f, 0, HV_RUNNING, HV_R_OTHER);
	expect_state(f, 1, HV_ABSENT, HV_R_OTHER);
	act(f, 0, HV_JOB_ABORT, &f->s);
	g_assert_cmpint(f->s.code, ==, -1);
}

/* What ends a call that was aborted while its destination was silent. */
static const struct {
	const char *name;
	int64_t ends_ms;    /* after the cable came out; the abort is ten seconds after that */
	bool back;          /* the cable is, at that moment */
} silent_aborts[] = {
	{ "the destination is told", 15000, true },
	{ "keepalive",               27000, false },
};

static void test_abort_silent(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(silent_aborts); i++) {
		struct fixture f;
		struct got g = { .code = -1 }, s = { .code = -1 };

		set_up(&f, 50, 10);
		migrate(&f, 0, "h2", &g);
		clock_advance_ms(2000);
		sim_host_link(f.w, "h2", false);
		clock_advance_ms(10000);
		act(&f, 0, HV_JOB_ABORT, &s);
		g_assert_cmpint(s.code, ==, -1);
		/* No job is told of, the guest runs, and the call has not come back: another one is refused. */
		act(&f, 0, HV_JOB_GET, &s);
		g_assert_false(s.r.job.active);
		act(&f, 0, HV_DOM_GET, &s);
		g_assert_true(s.r.dom->state == HV_RUNNING && !s.r.dom->job_active && !s.r.dom->job_outgoing);
		migrate(&f, 0, "h3", &s);
		clock_advance_ms(0);
		g_assert_cmpint(s.code, ==, ERR_HV);
		g_assert_nonnull(strstr(s.text, "already running"));
		clock_advance_ms(silent_aborts[i].ends_ms - 10001);
		if (g.answered)
			g_error("%s: too early", silent_aborts[i].name);
		sim_host_link(f.w, "h2", silent_aborts[i].back);
		clock_advance_ms(1);
		if (!g.answered || g.code != ERR_HV)
			g_error("%s: too late", silent_aborts[i].name);
		migrate(&f, 0, "h3", &s);
		clock_advance_ms(60000);
		g_assert_cmpint(s.code, ==, -1);
		got_clear(&g);
		got_clear(&s);
		tear_down(&f);
	}
}

/* Far more dirtied than the link carries. */
static void test_never_converges(struct fixture *f)
{
	got_ask(&f->g, f->h[0], &(struct hv_req){ .op = HV_MIGRATE, .uuid = GUEST, .migrate = { .dest_host = "h2", .persist_dest = true } });
	clock_advance_ms(600000);
	g_assert_false(f->g.answered);
	act(f, 0, HV_JOB_GET, &f->s);
	g_assert_cmpint(f->s.r.job.iteration, >, 20);
	g_assert_cmpint(f->s.r.job.downtime_ms, >, 300);
	g_assert_cmpint(f->s.r.job.throttle, ==, 0);
	got_ask(&f->s, f->h[0], &(struct hv_req){ .op = HV_JOB_TUNE, .uuid = GUEST, .downtime_ms = 10000 });
	clock_advance_ms(30000);
	g_assert_true(f->g.answered);
	g_assert_cmpint(f->g.code, ==, -1);
}

static void test_auto_converge(struct fixture *f)
{
	int throttle = 0;

	migrate(f, 0, "h2", &f->g);
	while (!f->g.answered) {
		clock_advance_ms(100);
		act(f, 0, HV_JOB_GET, &f->s);
		if (f->s.code != -1 || f->s.r.job.throttle == throttle)
			continue;
		/* twenty, then ten more each time, 99 at most */
		g_assert_cmpint(f->s.r.job.throttle, ==, throttle == 0 ? 20 : MIN(throttle + 10, 99));
		throttle = f->s.r.job.throttle;
	}
	g_assert_cmpint(f->g.code, ==, -1);
	g_assert_cmpint(throttle, >=, 50);
}

static void test_bandwidth(struct fixture *f)
{
	migrate(f, 0, "h2", &f->g);
	clock_advance_ms(200);
	got_ask(&f->s, f->h[0], &(struct hv_req){ .op = HV_JOB_TUNE, .uuid = GUEST, .bandwidth_mibs = 10 });
	clock_advance_ms(90000);
	g_assert_false(f->g.answered);
	clock_advance_ms(11000);
	g_assert_true(f->g.answered);
}

static struct sim_job_report report_of(struct fixture *f)
{
	struct sim_job_report r;

	g_assert_true(sim_job_report(f->w, GUEST, &r));
	return r;
}

/* What it costs the guest and the network, for any caller. */
static void test_costs(void)
{
	struct sim_job_report r;
	struct fixture f;
	struct got g = { .code = -1 }, s = { .code = -1 };

	set_up(&f, 100, 0);
	g_assert_false(sim_job_report(f.w, GUEST, &r));
	migrate(&f, 0, "h2", &g);
	clock_advance_ms(5200);
	r = report_of(&f);
	g_assert_true(!r.ended && r.blackout_ms == 0 && r.total_ms == 5200);
	g_assert_cmpint(r.sent_bytes, ==, 500 * MIB);
	clock_advance_ms(20000);
	r = report_of(&f);
	g_assert_true(r.ended && r.completed);
	g_assert_cmpint(r.sent_bytes, ==, 1000 * MIB);
	g_assert_cmpint(r.blackout_ms, ==, 20); /* nothing was left, only the devices */
	got_clear(&g);
	tear_down(&f);

	/* Paused for a second by a call, then aborted; slowed down before: 20 % and more. */
	set_up(&f, 40, 200);
	migrate(&f, 0, "h2", &g);
	clock_advance_ms(60000);
	act(&f, 0, HV_DOM_SUSPEND, &s);
	clock_advance_ms(1000);
	act(&f, 0, HV_JOB_ABORT, &s);
	r = report_of(&f);
	g_assert_true(r.ended && !r.completed);
	g_assert_cmpint(r.blackout_ms, ==, 1000);
	g_assert_cmpint(r.throttle, >=, 20);
	g_assert_cmpint(r.slowed_ms, >, 1000);
	g_assert_cmpint(r.slowed_ms, <, 60000);
	got_clear(&g);
	got_clear(&s);
	tear_down(&f);
}

static void test_suspend_in_migration(struct fixture *f)
{
	migrate(f, 0, "h2", &f->g);
	clock_advance_ms(30000);
	act(f, 0, HV_DOM_SUSPEND, &f->s);
	expect_state(f, 0, HV_PAUSED, HV_R_MIGRATION);
	ask(f, 0, HV_DOM_RESUME, &f->s); /* blocked while the job lasts */
	clock_advance_ms(1000);
	g_assert_false(f->s.answered);
	clock_advance_ms(20000);
	g_assert_true(f->g.answered);
	g_assert_cmpint(f->g.code, ==, -1);
	g_assert_cmpint(f->s.code, ==, ERR_HV_ABSENT);
	expect_state(f, 1, HV_RUNNING, HV_R_MIGRATED);
}

static void test_paused_guest(struct fixture *f)
{
	act(f, 0, HV_DOM_SUSPEND, &f->s);
	migrate(f, 0, "h2", &f->g);
	clock_advance_ms(20000);
	g_assert_cmpint(f->g.code, ==, -1);
	expect_state(f, 1, HV_PAUSED, HV_R_USER);
}

/* ---- post-copy ---- */

static void to_postcopy(struct fixture *f, struct got *g)
{
	struct got s = { .code = -1 };

	migrate(f, 0, "h2", g);
	clock_advance_ms(30000);
	g_string_truncate(f->events, 0);
	act(f, 0, HV_POSTCOPY, &s);
	g_assert_cmpint(s.code, ==, -1);
	got_clear(&s);
}

static void test_postcopy(struct fixture *f)
{
	to_postcopy(f, &f->g);
	clock_advance_ms(200);
	expect_state(f, 0, HV_PAUSED, HV_R_POSTCOPY);
	expect_state(f, 1, HV_RUNNING, HV_R_POSTCOPY);
	act(f, 0, HV_JOB_ABORT, &f->s);
	g_assert_cmpint(f->s.code, ==, ERR_HV);
	clock_advance_ms(20000);
	g_assert_true(f->g.answered);
	g_assert_cmpint(f->g.code, ==, -1);
	g_assert_cmpstr(f->events->str, ==,
			"h1 dom paused/postcopy\nh2 dom running/postcopy\nh2 dom running/migrated\nh1 dom shutoff/migrated\n"
			"h1 job done\nh1 dom absent/migrated\n");
}

static void test_postcopy_cable(struct fixture *f)
{
	to_postcopy(f, &f->g);
	clock_advance_ms(200);
	sim_host_link(f->w, "h2", false);
	clock_advance_ms(45000);
	g_assert_cmpint(f->g.code, ==, ERR_HV);
	expect_state(f, 0, HV_PAUSED, HV_R_POSTCOPY_FAILED);
	sim_host_link(f->w, "h2", true);
	hv_host_open(f->h[1]);
	/* TCP tries again about as late as the outage was long */
	clock_advance_ms(40000);
	expect_state(f, 0, HV_PAUSED, HV_R_POSTCOPY_FAILED);
	expect_state(f, 1, HV_RUNNING, HV_R_POSTCOPY);
	clock_advance_ms(15000);
	/* QEMU finished by itself; no libvirt call was left to undefine the source */
	expect_state(f, 0, HV_SHUTOFF, HV_R_MIGRATED);
	expect_state(f, 1, HV_RUNNING, HV_R_MIGRATED);
}

static void test_postcopy_blinks(struct fixture *f)
{
	to_postcopy(f, &f->g);
	sim_host_link(f->w, "h2", false);
	clock_advance_ms(10000);
	sim_host_link(f->w, "h2", true);
	clock_advance_ms(30000);
	g_assert_true(f->g.answered);
	g_assert_cmpint(f->g.code, ==, -1);
	expect_state(f, 0, HV_ABSENT, HV_R_OTHER);
	expect_state(f, 1, HV_RUNNING, HV_R_MIGRATED);
}

static void resume(struct fixture *f, struct got *g)
{
	struct hv_req req = {
		.op = HV_MIGRATE, .uuid = GUEST, .migrate = { .dest_host = "h2", .persist_dest = true, .postcopy = true, .resume = true },
	};

	got_ask(g, f->h[0], &req);
	clock_advance_ms(0);
}

/* Out of touch for longer than libvirt waits: only the source is told. */
static void hang_postcopy(struct fixture *f, struct got *g)
{
	to_postcopy(f, g);
	clock_advance_ms(200);
	sim_host_apart(f->w, "h1", "h2", true);
	clock_advance_ms(30000);
	g_assert_cmpint(g->code, ==, ERR_HV);
	expect_state(f, 0, HV_PAUSED, HV_R_POSTCOPY_FAILED);
	expect_state(f, 1, HV_RUNNING, HV_R_POSTCOPY);
}

static void test_postcopy_resume(struct fixture *f)
{
	hang_postcopy(f, &f->g);
	resume(f, &f->g);
	g_assert_cmpint(f->g.code, ==, ERR_HV); /* no way there */
	act(f, 0, HV_POSTCOPY_PAUSE, &f->s);
	g_assert_cmpint(f->s.code, ==, -1);
	clock_advance_ms(60000);
	expect_state(f, 1, HV_RUNNING, HV_R_POSTCOPY); /* it cannot know */
	act(f, 0, HV_POSTCOPY_PAUSE, &f->s);
	g_assert_cmpint(f->s.code, ==, ERR_HV);
	sim_host_apart(f->w, "h1", "h2", false);
	resume(f, &f->g);
	g_assert_cmpint(f->g.code, ==, ERR_CONFLICT); /* nor does it yet */
	clock_advance_ms(95000);
	expect_state(f, 1, HV_RUNNING, HV_R_POSTCOPY_FAILED);
	g_string_truncate(f->events, 0);
	resume(f, &f->g);
	g_assert_false(f->g.answered);
	clock_advance_ms(20000);
	g_assert_true(f->g.answered);
	g_assert_cmpint(f->g.code, ==, -1);
	g_assert_cmpstr(f->events->str, ==,
			"h1 dom paused/postcopy\nh2 dom running/postcopy\nh2 dom running/migrated\nh1 dom shutoff/migrated\n"
			"h1 job done\nh1 dom absent/migrated\n");
}

static void test_postcopy_resume_refused(void)
{
	struct fixture f;
	struct got g = { .code = -1 };

	set_up(&f, 0, 0);
	resume(&f, &g);
	g_assert_cmpint(g.code, ==, ERR_CONFLICT); /* there is no post-copy */
	tear_down(&f);

	set_up(&f, 40, 400);
	hang_postcopy(&f, &g);
	sim_host_apart(f.w, "h1", "h2", false);
	resume(&f, &g);
	g_assert_cmpint(g.code, ==, ERR_CONFLICT); /* QEMU goes on by itself, and does */
	clock_advance_ms(60000);
	expect_state(&f, 0, HV_SHUTOFF, HV_R_MIGRATED);
	expect_state(&f, 1, HV_RUNNING, HV_R_MIGRATED);
	got_clear(&g);
	tear_down(&f);
}

/* Its new libvirtd does not tell how the destination's QEMU fares, and that can be resumed all the same. */
static void test_postcopy_unwatched(struct fixture *f)
{
	to_postcopy(f, &f->g);
	clock_advance_ms(200);
	sim_host_libvirtd(f->w, "h2", false);
	clock_advance_ms(1000);
	g_assert_cmpint(f->g.code, ==, ERR_HV);
	sim_host_libvirtd(f->w, "h2", true);
	hv_host_open(f->h[1]);
	act(f, 0, HV_POSTCOPY_PAUSE, &f->s);
	g_assert_cmpint(f->s.code, ==, -1);
	clock_advance_ms(1000);
	expect_state(f, 0, HV_PAUSED, HV_R_POSTCOPY_FAILED);
	expect_state(f, 1, HV_RUNNING, HV_R_POSTCOPY);
	resume(f, &f->g);
	clock_advance_ms(20000);
	g_assert_true(f->g.answered);
	g_assert_cmpint(f->g.code, ==, -1);
	expect_state(f, 0, HV_ABSENT, HV_R_OTHER);
}

/* TCP itself gives up after a quarter of an hour, and both are told. */
static void test_postcopy_given_up(struct fixture *f)
{
	hang_postcopy(f, &f->g);
	clock_advance_ms(900000);
	expect_state(f, 0, HV_PAUSED, HV_R_POSTCOPY_FAILED);
	expect_state(f, 1, HV_RUNNING, HV_R_POSTCOPY_FAILED);
	sim_host_apart(f->w, "h1", "h2", false);
	resume(f, &f->g);
	clock_advance_ms(20000);
	g_assert_cmpint(f->g.code, ==, -1);
	expect_state(f, 0, HV_ABSENT, HV_R_OTHER);
}

/* Before the guest runs at the destination its QEMU ends with the connection, and that is the end of the guest. */
static void test_postcopy_paused_too_soon(void)
{
	struct fixture f;
	struct got g = { .code = -1 }, s = { .code = -1 };

	set_up(&f, 40, 400);
	to_postcopy(&f, &g);
	expect_state(&f, 0, HV_PAUSED, HV_R_POSTCOPY);
	expect_state(&f, 1, HV_PAUSED, HV_R_MIGRATION);
	act(&f, 0, HV_POSTCOPY_PAUSE, &s);
	expect_state(&f, 0, HV_PAUSED, HV_R_POSTCOPY_FAILED);
	expect_state(&f, 1, HV_ABSENT, HV_R_OTHER);
	g_assert_nonnull(strstr(sim_violation(f.w), "before it had landed"));
	g_assert_true(sim_guest_died(f.w, GUEST));
	drop_world(&f);
	got_clear(&g);
	got_clear(&s);
}

static void test_postcopy_source_crashes(struct fixture *f)
{
	to_postcopy(f, &f->g);
	clock_advance_ms(200);
	sim_dom_crash(f->w, "h1", GUEST);
	clock_advance_ms(0);
	g_assert_cmpint(f->g.code, ==, ERR_HV);
	expect_state(f, 0, HV_SHUTOFF, HV_R_CRASHED);
	expect_state(f, 1, HV_RUNNING, HV_R_POSTCOPY_FAILED);
}

static void test_postcopy_libvirtd(struct fixture *f)
{
	to_postcopy(f, &f->g);
	sim_host_libvirtd(f->w, "h1", false);
	clock_advance_ms(1000);
	sim_host_libvirtd(f->w, "h1", true);
	hv_host_open(f->h[0]);
	clock_advance_ms(30000);
	g_assert_cmpint(f->g.code, ==, ERR_HV_LOST);
	expect_state(f, 0, HV_SHUTOFF, HV_R_MIGRATED);
	expect_state(f, 1, HV_RUNNING, HV_R_MIGRATED);
}

/* ---- what befalls a pre-copy ---- */

struct blow {
	const char *name;
	int64_t after_ms;
	const char *host;        /* whose */
	void (*turn)(struct sim *w, const char *host, bool on); /* off, and on again; NULL: its QEMU crashes */
	int64_t off_ms;
	int code;                /* of the migrate call; -2: not answered within a minute */
	enum hv_state source, dest;
};

static const struct blow blows[] = {
	{ "destination's libvirtd",  3000,  "h2", sim_host_libvirtd, 500,  ERR_HV,      HV_RUNNING, HV_ABSENT },
	{ "source's libvirtd",       3000,  "h1", sim_host_libvirtd, 500,  ERR_HV_LOST, HV_RUNNING, HV_ABSENT },
	{ "in setup",                50,    "h1", sim_host_libvirtd, 500,  ERR_HV_LOST, HV_RUNNING, HV_ABSENT },
	{ "destination's cable",     3000,  "h2", sim_host_link, 40000,    ERR_HV,      HV_RUNNING, HV_ABSENT },
	{ "source's cable",          3000,  "h1", sim_host_link, 40000,    ERR_HV_LOST, HV_RUNNING, HV_ABSENT },
	{ "cable for a moment",      3000,  "h2", sim_host_link, 10000,    -1,          HV_ABSENT,  HV_RUNNING },
	{ "destination dies",        3000,  "h2", sim_host_power, 40000,   ERR_HV,      HV_RUNNING, HV_ABSENT },
	{ "destination dies early",  50,    "h2", sim_host_power, 40000,   ERR_HV,      HV_RUNNING, HV_ABSENT },
	{ "source dies",             3000,  "h1", sim_host_power, 40000,   ERR_HV_LOST, HV_SHUTOFF, HV_ABSENT },
	{ "destination's QEMU",      3000,  "h2", NULL, 0,                 ERR_HV,      HV_RUNNING, HV_ABSENT },
	{ "source's QEMU",           3000,  "h1", NULL, 0,                 ERR_HV,      HV_SHUTOFF, HV_ABSENT },
	{ "early in switch-over",    10205, "h1", sim_host_libvirtd, 500,  ERR_HV_LOST, HV_RUNNING, HV_ABSENT },
	{ "late in switch-over",     10215, "h1", sim_host_libvirtd, 500,  ERR_HV_LOST, HV_PAUSED,  HV_ABSENT },
	{ "early in confirmation",   10240, "h1", sim_host_libvirtd, 500,  ERR_HV_LOST, HV_PAUSED,  HV_RUNNING },
	{ "late in confirmation",    10400, "h1", sim_host_libvirtd, 500,  ERR_HV_LOST, HV_SHUTOFF, HV_RUNNING },
	{ "destination confirming",  10300, "h2", sim_host_libvirtd, 500,  -1,          HV_ABSENT,  HV_RUNNING },
};

static void test_blows(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(blows); i++) {
		const struct blow *b = &blows[i];
		struct fixture f;
		struct got g = { .code = -1 };
		struct hv_dom *d[2];

		set_up(&f, 100, 0);
		migrate(&f, 0, "h2", &g);
		clock_advance_ms(b->after_ms);
		if (b->turn) {
			b->turn(f.w, b->host, false);
			clock_advance_ms(b->off_ms);
			b->turn(f.w, b->host, true);
		} else {
			sim_dom_crash(f.w, b->host, GUEST);
		}
		for (int h = 0; h < 2; h++)
			hv_host_open(f.h[h]);
		clock_advance_ms(60000);
		if (!g.answered || g.code != b->code)
			g_error("%s: code %d, %s", b->name, g.code, g.text);
		for (int h = 0; h < 2; h++) {
			struct got s = { .code = -1 };

			act(&f, h, HV_DOM_GET, &s);
			d[h] = g_steal_pointer(&s.r.dom);
			got_clear(&s);
		}
		if (d[0]->state != b->source || d[1]->state != b->dest)
			g_error("%s: source %s/%s, destination %s/%s", b->name, hv_state_name(d[0]->state), hv_reason_name(d[0]->reason),
				hv_state_name(d[1]->state), hv_reason_name(d[1]->reason));
		g_assert_cmpuint(sim_jobs(f.w), ==, 0);
		hv_dom_free(d[0]);
		hv_dom_free(d[1]);
		got_clear(&g);
		tear_down(&f);
	}
}

/* ---- refusals ---- */

static const struct {
	const char *name;
	struct sim_host_spec host;      /* of h4, the destination */
	struct sim_dom_spec dom;        /* on h4 */
	const char *dest_xml;
	int code;
	const char *words;
} refusals[] = {
	{ .name = "memory", .host = { .mem_mib = 500 }, .code = ERR_HV, .words = "Cannot allocate memory" },
	{ .name = "active", .dom = { .uuid = GUEST, .name = "guest", .state = HV_PAUSED }, .code = ERR_HV, .words = "already active" },
	{ .name = "name", .dom = { .name = "guest" }, .code = ERR_HV, .words = "already exists" },
	{ .name = "definition", .dom = { .uuid = GUEST, .name = "guest", .state = HV_SHUTOFF }, .code = -1, .words = "" },
	{ .name = "cpu", .host = { .cpu_model = "EPYC" }, .code = ERR_HV, .words = "not compatible" },
	{ .name = "no xml", .dest_xml = "<domain", .code = ERR_HV, .words = "XML error" },
	{ .name = "other memory", .dest_xml = "<domain><memory unit='KiB'>4</memory></domain>", .code = ERR_HV, .words = "does not match source" },
	{ .name = "good xml", .dest_xml = "<domain><memory unit='KiB'>1024000</memory></domain>", .code = -1, .words = "" },
};

static void test_refusals(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++) {
		struct fixture f;
		struct got g = { .code = -1 };
		struct hv_req req = {
			.op = HV_MIGRATE, .uuid = GUEST,
			.migrate = { .dest_host = "h4", .dest_xml = refusals[i].dest_xml, .persist_dest = true },
		};

		set_up(&f, 0, 0);
		sim_dom_remove(f.w, "h1", GUEST);
		sim_dom_add(f.w, "h1", &(struct sim_dom_spec){ .uuid = GUEST, .name = "guest", .mem_mib = 1000, .cpu_model = "Haswell" });
		sim_host_add(f.w, "h4", &refusals[i].host);
		if (refusals[i].dom.name)
			sim_dom_add(f.w, "h4", &refusals[i].dom);
		got_ask(&g, f.h[0], &req);
		clock_advance_ms(1000);
		if (!g.answered || g.code != refusals[i].code || !strstr(g.text, refusals[i].words))
			g_error("%s: code %d, \"%s\"", refusals[i].name, g.code, g.text);
		got_clear(&g);
		tear_down(&f);
	}
}

static const struct {
	const char *name;
	const char *model, *features;            /* the guest's, on h1 */
	struct sim_host_spec from, to;
	const char *why;                         /* NULL: it fits */
} cpus[] = {
	{ "the same", "Haswell", NULL, { 0 }, { 0 }, NULL },
	{ "older", "Nehalem", NULL, { 0 }, { 0 }, NULL },
	{ "newer", "Icelake-Server", NULL, { .cpu_model = "Icelake-Server" }, { 0 }, "model Icelake-Server" },
	{ "other vendor", "EPYC", NULL, { .cpu_model = "EPYC" }, { 0 }, "model EPYC" },
	{ "a feature", "Haswell", "avx512f", { .cpu_features = "avx512f" }, { 0 }, "avx512f" },
	{ "both have it", "Haswell", "avx512f", { .cpu_features = "avx512f" }, { .cpu_features = "fma,avx512f" }, NULL },
	{ "its host's, newer", "host-passthrough", NULL, { .cpu_model = "Icelake-Server" }, { 0 }, "model Icelake-Server" },
	{ "its host's, older", "host-passthrough", NULL, { 0 }, { .cpu_model = "Icelake-Server" }, NULL },
	{ "its host's features", "host-passthrough", NULL, { .cpu_features = "amx" }, { 0 }, "amx" },
};

static void test_cpus(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(cpus); i++) {
		static const char uuid[] = "22222222-2222-4222-8222-222222222222";
		struct fixture f;
		struct got host = { .code = -1 }, xml = { .code = -1 }, g = { .code = -1 };

		set_up(&f, 0, 0);
		sim_host_add(f.w, "from", &cpus[i].from);
		sim_host_add(f.w, "to", &cpus[i].to);
		sim_dom_add(f.w, "from", &(struct sim_dom_spec){ .name = "picky", .uuid = uuid, .cpu_model = cpus[i].model,
								 .cpu_features = cpus[i].features });
		f.h[0] = hv_host_add(f.hv, "from", "sim://from");
		f.h[1] = hv_host_add(f.hv, "to", "sim://to");
		hv_host_open(f.h[0]);
		hv_host_open(f.h[1]);
		clock_advance_ms(0);
		act(&f, 0, HV_HOST_GET, &host);
		got_ask(&xml, f.h[0], &(struct hv_req){ .op = HV_DOM_XML, .uuid = uuid });
		clock_advance_ms(0);
		got_ask(&g, f.h[1], &(struct hv_req){ .op = HV_CPU_COMPARE, .xml = xml.r.xml, .host_cpu_xml = host.r.info->cpu_xml });
		clock_advance_ms(0);
		if (g.code != -1 || g.r.cpu_ok != !cpus[i].why || g_strcmp0(g.r.cpu_why, cpus[i].why) != 0)
			g_error("%s: %s (%s)", cpus[i].name, g.r.cpu_why, g.text);
		got_clear(&g);
		got_clear(&xml);
		got_clear(&host);
		tear_down(&f);
	}
}

static void test_cpu_compare(struct fixture *f)
{
	struct got x = { .code = -1 };

	sim_dom_add(f->w, "h1", &(struct sim_dom_spec){ .name = "picky", .uuid = "22222222-2222-4222-8222-222222222222",
						       .cpu_model = "Haswell", .cpu_features = "avx512f" });
	got_ask(&x, f->h[0], &(struct hv_req){ .op = HV_DOM_XML, .uuid = "22222222-2222-4222-8222-222222222222" });
	clock_advance_ms(0);
	g_assert_nonnull(x.r.xml);
	got_ask(&f->g, f->h[1], &(struct hv_req){ .op = HV_CPU_COMPARE, .xml = x.r.xml });
	clock_advance_ms(0);
	g_assert_cmpint(f->g.code, ==, -1);
	g_assert_false(f->g.r.cpu_ok);
	g_assert_cmpstr(f->g.r.cpu_why, ==, "avx512f");
	got_clear(&x);
}

/* ---- the gate ---- */

static const struct {
	const char *name;
	enum sim_fault_kind kind;
	int code;                /* -2: no answer before the limit */
	enum hv_state after;     /* of the guest that was to be suspended */
} gate_cases[] = {
	{ "refuse",          SIM_REFUSE,          ERR_HV,      HV_RUNNING },
	{ "busy",            SIM_BUSY,            ERR_HV_BUSY, HV_RUNNING },
	{ "lose request",    SIM_LOSE_REQUEST,    ERR_HV_LOST, HV_RUNNING },
	{ "lose reply",      SIM_LOSE_REPLY,      ERR_HV_LOST, HV_PAUSED },
	{ "hang",            SIM_HANG,            -2,          HV_RUNNING },
	{ "hang reply",      SIM_HANG_REPLY,      -2,          HV_PAUSED },
	{ "delay",           SIM_DELAY,           -1,          HV_PAUSED },
	{ "hold",            SIM_HOLD,            -2,          HV_RUNNING },
	{ "hold reply",      SIM_HOLD_REPLY,      -2,          HV_PAUSED },
	{ "libvirtd before", SIM_LIBVIRTD_BEFORE, ERR_HV_LOST, HV_RUNNING },
	{ "libvirtd after",  SIM_LIBVIRTD_AFTER,  ERR_HV_LOST, HV_PAUSED },
	{ "link, a second",  SIM_CUT_LINK,        -1,          HV_PAUSED },
	{ "power",           SIM_POWER_OFF,       ERR_HV_LOST, HV_SHUTOFF },
};

static void test_gate(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(gate_cases); i++) {
		struct fixture f;
		struct got g = { .code = -1 };
		g_autoptr(GArray) doms = NULL;

		set_up(&f, 0, 0);
		sim_fault_add(f.w, &(struct sim_fault){ .op = HV_DOM_SUSPEND, .nth = 1, .kind = gate_cases[i].kind, .ms = 1000, .name = "x" });
		ask(&f, 0, HV_DOM_SUSPEND, &g);
		clock_advance_ms(30000);
		doms = sim_dom_list(f.w, "h1", GUEST);
		if ((g.answered ? g.code : -2) != gate_cases[i].code)
			g_error("%s: code %d, \"%s\"", gate_cases[i].name, g.answered ? g.code : -2, g.text);
		if (g_array_index(doms, struct sim_dom_view, 0).state != gate_cases[i].after)
			g_error("%s: %s", gate_cases[i].name, hv_state_name(g_array_index(doms, struct sim_dom_view, 0).state));
		g_assert_cmpint(sim_fault_hits(f.w), ==, 1);
		if (gate_cases[i].kind == SIM_HOLD || gate_cases[i].kind == SIM_HOLD_REPLY) {
			g_assert_cmpint(sim_held(f.w, "x"), ==, 1);
			g_assert_cmpint(sim_release(f.w, "x"), ==, 1);
			clock_advance_ms(0);
			g_assert_cmpint(g.code, ==, -1);
			g_assert_true(g.answered);
		}
		clock_advance_ms(35000); /* the limit answers what hangs */
		g_assert_true(g.answered);
		got_clear(&g);
		tear_down(&f);
	}
}

static void on_kill(void *user)
{
	(*(int *)user)++;
}

/* The controller dies with its call to migrate; the migration goes on and the next controller finds it. */
static void test_kill_controller(struct fixture *f)
{
	struct hv *next;
	int kills = 0;

	sim_on_kill(f->w, on_kill, &kills);
	sim_fault_add(f->w, &(struct sim_fault){ .op = HV_MIGRATE, .nth = 1, .kind = SIM_CONTROLLER_AFTER });
	migrate(f, 0, "h2", &f->g);
	clock_advance_ms(0);
	g_assert_cmpint(kills, ==, 1);
	g_assert_false(f->g.answered);
	hv_free(f->hv);
	g_assert_cmpint(f->g.code, ==, ERR_HV_LOST);
	clock_advance_ms(2000);
	g_string_truncate(f->events, 0);
	sim_revive(f->w);
	next = f->hv = hv_new(on_event, f->events);
	hv_register(next, &sim_ops);
	for (int i = 0; i < 2; i++) {
		f->h[i] = hv_host_add(next, i ? "h2" : "h1", i ? "sim://h2" : "sim://h1");
		hv_host_open(f->h[i]);
	}
	act(f, 0, HV_JOB_GET, &f->g);
	g_assert_cmpint(f->g.code, ==, ERR_HV_LOST); /* not connected yet */
	act(f, 0, HV_JOB_GET, &f->g);
	g_assert_true(f->g.r.job.active);
	clock_advance_ms(20000);
	g_assert_cmpstr(f->events->str, ==,
			"h1 open\nh2 open\nh1 dom paused/migration\nh2 dom running/migrated\nh1 dom shutoff/migrated\nh1 job done\nh1 dom absent/migrated\n");
}

/* What a faulty controller would do is noticed. */
static void test_violations(void)
{
	struct fixture f;
	struct got g = { .code = -1 };

	set_up(&f, 100, 0);
	act(&f, 0, HV_DOM_DESTROY, &g);
	g_assert_nonnull(strstr(sim_violation(f.w), "its only copy"));
	drop_world(&f);

	set_up(&f, 100, 0);
	sim_dom_add(f.w, "h2", &(struct sim_dom_spec){ .uuid = GUEST, .name = "guest", .state = HV_PAUSED, .reason = HV_R_USER });
	act(&f, 1, HV_DOM_RESUME, &g);
	g_assert_nonnull(strstr(sim_violation(f.w), "runs twice"));
	drop_world(&f);
	got_clear(&g);
}

static const struct test {
	const char *path;
	void (*fn)(struct fixture *f);
	int64_t link_mibs;
	double dirty_mibs;
	void (*alone)(void); /* it sets up more than one world, or leaves one that tear_down() would not have */
} tests[] = {
	{ "/sim/host", test_host, 100, 0 },
	{ "/sim/uri", test_uri, 0, 0 },
	{ "/sim/libvirtd-dies", test_libvirtd_dies, 100, 0 },
	{ "/sim/cable", test_cable, 100, 0 },
	{ "/sim/power", test_power, 100, 0 },
	{ "/sim/events", test_events, 100, 10 },
	{ "/sim/instant", test_instant, 0, 1000 },
	{ "/sim/statistics", test_statistics, 100, 10 },
	{ "/sim/shared-link", test_shared_link, 100, 0 },
	{ "/sim/abort", test_abort, 100, 10 },
	{ "/sim/abort-silent", .alone = test_abort_silent },
	{ "/sim/never-converges", test_never_converges, 40, 400 },
	{ "/sim/auto-converge", test_auto_converge, 40, 200 },
	{ "/sim/bandwidth", test_bandwidth, 100, 0 },
	{ "/sim/costs", .alone = test_costs },
	{ "/sim/suspend-in-migration", test_suspend_in_migration, 40, 400 },
	{ "/sim/paused-guest", test_paused_guest, 100, 10 },
	{ "/sim/postcopy", test_postcopy, 40, 400 },
	{ "/sim/postcopy-cable", test_postcopy_cable, 40, 400 },
	{ "/sim/postcopy-blinks", test_postcopy_blinks, 40, 400 },
	{ "/sim/postcopy-resume", test_postcopy_resume, 40, 400 },
	{ "/sim/postcopy-resume-refused", .alone = test_postcopy_resume_refused },
	{ "/sim/postcopy-unwatched", test_postcopy_unwatched, 40, 400 },
	{ "/sim/postcopy-given-up", test_postcopy_given_up, 40, 400 },
	{ "/sim/postcopy-paused-too-soon", .alone = test_postcopy_paused_too_soon },
	{ "/sim/postcopy-source-crashes", test_postcopy_source_crashes, 40, 400 },
	{ "/sim/postcopy-libvirtd", test_postcopy_libvirtd, 40, 400 },
	{ "/sim/blows", .alone = test_blows },
	{ "/sim/refusals", .alone = test_refusals },
	{ "/sim/cpu-compare", test_cpu_compare, 0, 0 },
	{ "/sim/cpus", .alone = test_cpus },
	{ "/sim/gate", .alone = test_gate },
	{ "/sim/kill-controller", test_kill_controller, 100, 0 },
	{ "/sim/violations", .alone = test_violations },
};

static void run(const void *data)
{
	const struct test *t = data;
	struct fixture f;

	if (t->alone) {
		t->alone();
		return;
	}
	set_up(&f, t->link_mibs, t->dirty_mibs);
	t->fn(&f);
	tear_down(&f);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
		g_test_add_data_func(tests[i].path, &tests[i], run);
	return g_test_run();
}

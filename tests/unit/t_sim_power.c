/* SPDX-License-Identifier: Apache-2.0
 *
 * The simulator: guests that start, stop by themselves or not, and are saved. tests/hv/t_libvirt.c has the same of real hosts.
 */
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "got.h"
#include "hv/sim/sim.h"

#define GUEST "11111111-0000-4000-8000-000000000000"

struct fixture {
	struct sim *w;
	struct hv *hv;
	struct hv_host *h;
	int reboots;
	enum hv_reason reason; /* of the last event */
};

static void on_event(const struct hv_event *ev, void *user)
{
	struct fixture *f = user;

	f->reboots += ev->type == HV_EV_REBOOT;
	if (ev->type == HV_EV_DOM)
		f->reason = ev->reason;
}

static void set_up(struct fixture *f, const struct sim_dom_spec *guest)
{
	struct sim_dom_spec spec = *guest;

	*f = (struct fixture){ .reboots = 0 };
	clock_manual(0);
	f->w = sim_new(7);
	f->hv = hv_new(on_event, f);
	hv_register(f->hv, &sim_ops);
	sim_host_add(f->w, "h1", &(struct sim_host_spec){ .link_mibs = 100 });
	f->h = hv_host_add(f->hv, "h1", "sim://h1");
	hv_host_open(f->h);
	spec.uuid = GUEST;
	spec.name = "guest";
	sim_dom_add(f->w, "h1", &spec);
	clock_advance_ms(0);
}

static void tear_down(struct fixture *f)
{
	g_assert_cmpstr(sim_violation(f->w), ==, NULL);
	hv_free(f->hv);
	sim_free(f->w);
}

static void expect(struct fixture *f, const struct hv_req *req, const char *want)
{
	struct hv_req r = *req;
	struct got g = { .code = -1 };

	r.uuid = GUEST;
	got_ask(&g, f->h, &r);
	got_wait(&g);
	g_test_message("%s: %s", hv_op_name(r.op), g.text);
	if (*want)
		g_assert_nonnull(strstr(g.text, want));
	else
		g_assert_cmpstr(g.text, ==, "");
	got_clear(&g);
}

static void op(struct fixture *f, enum hv_op what, const char *want)
{
	expect(f, &(struct hv_req){ .op = what }, want);
}

static void expect_state(struct fixture *f, const char *want)
{
	struct got g = { .code = -1 };
	g_autofree char *is = NULL;
	const struct hv_dom *d;

	got_ask(&g, f->h, &(struct hv_req){ .op = HV_DOM_GET, .uuid = GUEST });
	got_wait(&g);
	d = g.r.dom;
	is = g_strdup_printf("%s/%s%s%s", hv_state_name(d->state), hv_reason_name(d->reason), d->job_active ? "+job" : "",
			     d->kept.managed_save ? "+saved" : "");
	g_assert_cmpstr(is, ==, want);
	got_clear(&g);
}

static void test_start(void)
{
	static const struct sim_dom_spec off = { .state = HV_SHUTOFF };
	struct fixture f;

	set_up(&f, &off);
	op(&f, HV_DOM_START, "");
	expect_state(&f, "running/other");
	op(&f, HV_DOM_START, "");
	expect(&f, &(struct hv_req){ .op = HV_DOM_DESTROY, .ends = true }, "");
	expect(&f, &(struct hv_req){ .op = HV_DOM_START, .paused = true }, "");
	expect_state(&f, "paused/user");
	op(&f, HV_DOM_RESUME, "");
	expect_state(&f, "running/other");
	sim_dom_remove(f.w, "h1", GUEST);
	op(&f, HV_DOM_START, "not found");
	tear_down(&f);
}

/* One that cannot start stays off, and is none the worse for it. */
static void test_cannot_start(void)
{
	static const struct sim_dom_spec off = { .state = HV_SHUTOFF, .no_start = true, .kept = { .managed_save = true } };
	struct fixture f;

	set_up(&f, &off);
	op(&f, HV_DOM_START, "write");
	expect_state(&f, "shutoff/failed+saved");
	tear_down(&f);
}

static void test_shutdown(void)
{
	static const struct sim_dom_spec runs = { .stop_ms = 5000, .boot_ms = 3000 };
	struct fixture f;

	set_up(&f, &runs);
	op(&f, HV_DOM_SHUTDOWN, "");
	op(&f, HV_DOM_SHUTDOWN, "");
	expect_state(&f, "running/other");
	clock_advance_ms(4975);
	/* its process ends after its CPUs: nothing wakes it, and nothing saves it */
	expect_state(&f, "shutdown/other");
	op(&f, HV_DOM_SHUTDOWN, "");
	op(&f, HV_DOM_RESUME, "");
	op(&f, HV_DOM_RESET, "not running");
	op(&f, HV_DOM_SAVE, "not running");
	expect_state(&f, "shutdown/other");
	clock_advance_ms(25);
	expect_state(&f, "shutoff/other");
	op(&f, HV_DOM_SHUTDOWN, "");
	/* what is pressed while it boots is lost */
	op(&f, HV_DOM_START, "");
	op(&f, HV_DOM_SHUTDOWN, "");
	clock_advance_ms(60000);
	expect_state(&f, "running/other");
	op(&f, HV_DOM_SUSPEND, "");
	op(&f, HV_DOM_SHUTDOWN, "not running");
	op(&f, HV_DOM_RESUME, "");
	op(&f, HV_DOM_SHUTDOWN, "");
	op(&f, HV_DOM_SUSPEND, "");
	clock_advance_ms(60000);
	expect_state(&f, "paused/user");
	tear_down(&f);
}

/* In the moment in which it ends it can be stopped hard, and may be gone then. */
static void test_destroyed_while_ending(void)
{
	static const struct sim_dom_spec transient = { .stop_ms = 1000, .transient = true };
	struct fixture f;

	set_up(&f, &transient);
	op(&f, HV_DOM_SHUTDOWN, "");
	clock_advance_ms(975);
	expect_state(&f, "shutdown/other");
	op(&f, HV_DOM_DESTROY, "");
	expect_state(&f, "absent/other");
	tear_down(&f);
}

static void test_deaf(void)
{
	static const struct sim_dom_spec deaf = { .deaf = true };
	struct fixture f;

	set_up(&f, &deaf);
	op(&f, HV_DOM_SHUTDOWN, "");
	op(&f, HV_DOM_REBOOT, "");
	clock_advance_ms(600000);
	expect_state(&f, "running/other");
	g_assert_cmpint(f.reboots, ==, 0);
	op(&f, HV_DOM_RESET, "");
	clock_advance_ms(0);
	g_assert_cmpint(f.reboots, ==, 1);
	tear_down(&f);
}

static void test_reboot(void)
{
	static const struct sim_dom_spec runs = { .stop_ms = 5000 };
	struct fixture f;

	set_up(&f, &runs);
	op(&f, HV_DOM_REBOOT, "");
	clock_advance_ms(5000);
	expect_state(&f, "running/other");
	g_assert_cmpint(f.reboots, ==, 1);
	expect(&f, &(struct hv_req){ .op = HV_DOM_DESTROY, .ends = true }, "");
	op(&f, HV_DOM_REBOOT, "not running");
	op(&f, HV_DOM_RESET, "not running");
	tear_down(&f);
}

/* 1024 MiB at 500 MiB/s, each way. */
static void test_save(void)
{
	static const struct sim_dom_spec runs = { .mem_mib = 1000 };
	struct fixture f;
	struct got g = { .code = -1 };

	set_up(&f, &runs);
	got_ask(&g, f.h, &(struct hv_req){ .op = HV_DOM_SAVE, .uuid = GUEST });
	clock_advance_ms(1000);
	expect_state(&f, "paused/saved+job");
	g_assert_false(g.answered);
	clock_advance_ms(1000);
	g_assert_true(g.answered);
	g_assert_cmpstr(g.text, ==, "");
	expect_state(&f, "shutoff/saved+saved");
	g_assert_cmpint(f.reason, ==, HV_R_SAVED);
	op(&f, HV_DOM_SAVE, "");
	got_ask(&g, f.h, &(struct hv_req){ .op = HV_DOM_START, .uuid = GUEST });
	clock_advance_ms(2000);
	expect_state(&f, "paused/starting+job+saved");
	clock_advance_ms(100);
	g_assert_true(g.answered);
	expect_state(&f, "running/other");
	/* a guest that goes on from its image has booted long ago */
	op(&f, HV_DOM_SHUTDOWN, "");
	clock_advance_ms(300);
	expect_state(&f, "shutoff/other");
	op(&f, HV_DOM_SAVE, "not running");
	got_clear(&g);
	tear_down(&f);
}

/* A guest that was paused is so again; one that is to boot forgets its memory. */
static void test_save_paused(void)
{
	static const struct sim_dom_spec paused = { .state = HV_PAUSED, .reason = HV_R_USER };
	struct fixture f;

	set_up(&f, &paused);
	op(&f, HV_DOM_SAVE, "");
	op(&f, HV_DOM_START, "");
	expect_state(&f, "paused/user");
	op(&f, HV_DOM_SAVE, "");
	expect(&f, &(struct hv_req){ .op = HV_DOM_START, .boot = true }, "");
	expect_state(&f, "running/other");
	tear_down(&f);
}

static void test_save_transient(void)
{
	static const struct sim_dom_spec transient = { .transient = true };
	struct fixture f;

	set_up(&f, &transient);
	op(&f, HV_DOM_SAVE, "transient");
	op(&f, HV_DOM_SHUTDOWN, "");
	clock_advance_ms(300);
	expect_state(&f, "absent/other");
	op(&f, HV_DOM_SHUTDOWN, "");
	op(&f, HV_DOM_RESET, "not found");
	tear_down(&f);
}

/* Each act while libvirtd dies: what it has begun is undone, the guest is what it was. */
static void test_libvirtd(void)
{
	static const struct sim_dom_spec runs = { .mem_mib = 1000 }, saved = { .mem_mib = 1000, .state = HV_SHUTOFF, .kept = { .managed_save = true } };
	static const struct {
		const struct sim_dom_spec *guest;
		enum hv_op op;
		const char *want;
	} rows[] = {
		{ &runs, HV_DOM_SAVE, "running/other" },
		{ &saved, HV_DOM_START, "shutoff/failed+saved" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct fixture f;
		struct got g = { .code = -1 };

		set_up(&f, rows[i].guest);
		got_ask(&g, f.h, &(struct hv_req){ .op = rows[i].op, .uuid = GUEST });
		clock_advance_ms(1000);
		sim_host_libvirtd(f.w, "h1", false);
		clock_advance_ms(1);
		g_assert_true(g.answered);
		g_assert_cmpint(g.code, ==, ERR_HV_LOST);
		sim_host_libvirtd(f.w, "h1", true);
		hv_host_open(f.h);
		clock_advance_ms(10);
		expect_state(&f, rows[i].want);
		got_clear(&g);
		tear_down(&f);
	}
}

/* The same with the host's power: what was saved is there, a guest in between has died. */
static void test_power(void)
{
	static const struct sim_dom_spec runs = { .mem_mib = 1000 }, saved = { .mem_mib = 1000, .state = HV_SHUTOFF, .kept = { .managed_save = true } };
	static const struct {
		const struct sim_dom_spec *guest;
		enum hv_op op;
		const char *want;
		bool died;
	} rows[] = {
		{ &runs, HV_DOM_SAVE, "shutoff/unseen", true },
		{ &saved, HV_DOM_START, "shutoff/unseen+saved", false },
		{ &runs, HV_DOM_SHUTDOWN, "shutoff/unseen", true },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct fixture f;
		struct got g = { .code = -1 };

		set_up(&f, rows[i].guest);
		got_ask(&g, f.h, &(struct hv_req){ .op = rows[i].op, .uuid = GUEST });
		clock_advance_ms(100);
		sim_host_power(f.w, "h1", false);
		clock_advance_ms(60000);
		g_assert_true(g.answered);
		sim_host_power(f.w, "h1", true);
		hv_host_open(f.h);
		clock_advance_ms(100);
		expect_state(&f, rows[i].want);
		g_assert_cmpint(sim_guest_died(f.w, GUEST), ==, rows[i].died);
		got_clear(&g);
		tear_down(&f);
	}
}

/* HV_DOM_DESTROY goes past a start and a save; others wait for them. */
static void test_lock(void)
{
	static const struct sim_dom_spec runs = { .mem_mib = 1000 };
	struct fixture f;
	struct got g = { .code = -1 };

	set_up(&f, &runs);
	got_ask(&g, f.h, &(struct hv_req){ .op = HV_DOM_SAVE, .uuid = GUEST });
	clock_advance_ms(100);
	op(&f, HV_DOM_SUSPEND, "not running");
	g_assert_true(g.answered);
	op(&f, HV_DOM_START, "");
	got_ask(&g, f.h, &(struct hv_req){ .op = HV_DOM_SAVE, .uuid = GUEST });
	clock_advance_ms(100);
	expect(&f, &(struct hv_req){ .op = HV_DOM_DESTROY, .ends = true }, "");
	clock_advance_ms(1);
	g_assert_true(g.answered);
	g_assert_nonnull(strstr(g.text, "not running"));
	expect_state(&f, "shutoff/other");
	got_clear(&g);
	tear_down(&f);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *path;
		void (*fn)(void);
	} tests[] = {
		{ "/sim-power/start", test_start },
		{ "/sim-power/cannot-start", test_cannot_start },
		{ "/sim-power/shutdown", test_shutdown },
		{ "/sim-power/destroyed-while-ending", test_destroyed_while_ending },
		{ "/sim-power/deaf", test_deaf },
		{ "/sim-power/reboot", test_reboot },
		{ "/sim-power/save", test_save },
		{ "/sim-power/save-paused", test_save_paused },
		{ "/sim-power/save-transient", test_save_transient },
		{ "/sim-power/libvirtd", test_libvirtd },
		{ "/sim-power/power", test_power },
		{ "/sim-power/lock", test_lock },
	};

	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
		g_test_add_func(tests[i].path, tests[i].fn);
	return g_test_run();
}

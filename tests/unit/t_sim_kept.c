/* SPDX-License-Identifier: Apache-2.0
 *
 * The simulator: what a hypervisor keeps beside a domain's description.
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
	struct hv_host *h[2];
};

static void on_event(const struct hv_event *ev, void *user)
{
	(void)ev;
	(void)user;
}

/* Two hosts and a guest on the first. */
static void set_up(struct fixture *f, const struct sim_dom_spec *guest)
{
	clock_manual(0);
	f->w = sim_new(7);
	f->hv = hv_new(on_event, NULL);
	hv_register(f->hv, &sim_ops);
	for (int i = 0; i < 2; i++) {
		g_autofree char *name = g_strdup_printf("h%d", i + 1), *uri = g_strdup_printf("sim://h%d", i + 1);

		sim_host_add(f->w, name, &(struct sim_host_spec){ .link_mibs = 100 });
		f->h[i] = hv_host_add(f->hv, name, uri);
		hv_host_open(f->h[i]);
	}
	sim_dom_add(f->w, "h1", guest);
	clock_advance_ms(0);
}

static void tear_down(struct fixture *f)
{
	g_assert_cmpstr(sim_violation(f->w), ==, NULL);
	hv_free(f->hv);
	sim_free(f->w);
}

/* Call and wait as long as need be. */
static void call(struct fixture *f, int host, const struct hv_req *req, struct got *g)
{
	got_ask(g, f->h[host], req);
	got_wait(g);
}

/* A list is asked for every few seconds, and tells autostart alone. */
static void test_facts(void)
{
	static const struct sim_dom_spec guest = {
		.uuid = GUEST, .name = "guest", .kept = { .autostart = true, .managed_save = true, .snapshots = 2, .checkpoints = 3 },
	};
	const struct hv_dom *listed;
	struct fixture f;
	struct got g = { .code = -1 };

	set_up(&f, &guest);
	call(&f, 0, &(struct hv_req){ .op = HV_DOM_GET, .uuid = GUEST }, &g);
	g_assert_true(g.r.dom->kept.autostart && g.r.dom->kept.managed_save);
	g_assert_cmpint(g.r.dom->kept.snapshots, ==, 2);
	g_assert_cmpint(g.r.dom->kept.checkpoints, ==, 3);
	call(&f, 0, &(struct hv_req){ .op = HV_DOM_LIST }, &g);
	listed = g_ptr_array_index(g.r.doms, 0);
	g_assert_true(listed->kept.told && listed->kept.autostart && !listed->kept.managed_save);
	g_assert_cmpint(listed->kept.snapshots + listed->kept.checkpoints, ==, 0);
	got_clear(&g);
	tear_down(&f);
}

static void expect_refused(struct fixture *f, int host, const struct hv_req *req, enum err_code code, const char *words)
{
	struct got g = { .code = -1 };

	call(f, host, req, &g);
	g_assert_cmpint(g.code, ==, (int)code);
	g_assert_nonnull(strstr(g.text, words));
	got_clear(&g);
}

static void expect_ok(struct fixture *f, int host, const struct hv_req *req)
{
	struct got g = { .code = -1 };

	call(f, host, req, &g);
	g_assert_cmpstr(g.text, ==, "");
	got_clear(&g);
}

static char *definition(struct fixture *f, int host)
{
	struct got g = { .code = -1 };
	char *xml;

	call(f, host, &(struct hv_req){ .op = HV_DOM_DEFINITION, .uuid = GUEST }, &g);
	g_assert_cmpint(g.code, ==, -1);
	xml = g_steal_pointer(&g.r.definition);
	got_clear(&g);
	return xml;
}

/* A definition is dropped only by a call that names it, and comes back as it was; also to a guest that runs without. */
static void test_define(void)
{
	static const struct sim_dom_spec off = { .uuid = GUEST, .name = "guest", .description = "old", .state = HV_SHUTOFF };
	static const struct sim_dom_spec runs = { .uuid = GUEST, .name = "guest", .transient = true };
	g_autofree char *xml = NULL, *again = NULL, *of_transient = NULL, *given = NULL;
	struct fixture f;

	set_up(&f, &off);
	xml = definition(&f, 0);
	g_assert_nonnull(strstr(xml, "<description>old</description>"));
	expect_ok(&f, 0, &(struct hv_req){ .op = HV_DOM_AUTOSTART, .uuid = GUEST, .autostart = true });
	expect_refused(&f, 0, &(struct hv_req){ .op = HV_DOM_UNDEFINE, .uuid = GUEST, .xml = "<domain><name>guest</name></domain>" }, ERR_CONFLICT, "type");
	expect_ok(&f, 0, &(struct hv_req){ .op = HV_DOM_UNDEFINE, .uuid = GUEST, .xml = xml });
	g_assert_null(definition(&f, 0));
	expect_ok(&f, 0, &(struct hv_req){ .op = HV_DOM_UNDEFINE, .uuid = GUEST, .xml = xml });
	expect_ok(&f, 0, &(struct hv_req){ .op = HV_DOM_DEFINE, .uuid = GUEST, .xml = xml });
	again = definition(&f, 0);
	g_assert_cmpstr(again, ==, xml);
	expect_refused(&f, 1, &(struct hv_req){ .op = HV_DOM_AUTOSTART, .uuid = GUEST }, ERR_HV_ABSENT, "not found");
	sim_dom_add(f.w, "h2", &runs);
	of_transient = definition(&f, 1);
	g_assert_null(of_transient);
	expect_refused(&f, 1, &(struct hv_req){ .op = HV_DOM_AUTOSTART, .uuid = GUEST, .autostart = true }, ERR_HV, "transient");
	expect_ok(&f, 1, &(struct hv_req){ .op = HV_DOM_DEFINE, .uuid = GUEST, .xml = xml });
	given = definition(&f, 1);
	g_assert_cmpstr(given, ==, xml);
	tear_down(&f);
}

/* libvirt does not undefine what these would be orphans of. */
static void test_undefine_refused(void)
{
	static const struct {
		struct hv_kept kept;
		const char *words;
	} rows[] = {
		{ { .managed_save = true }, "managed save image" },
		{ { .snapshots = 2 }, "2 snapshots" },
		{ { .checkpoints = 1 }, "1 checkpoints" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct sim_dom_spec off = { .uuid = GUEST, .name = "guest", .state = HV_SHUTOFF, .kept = rows[i].kept };
		struct fixture f;

		set_up(&f, &off);
		expect_refused(&f, 0, &(struct hv_req){ .op = HV_DOM_UNDEFINE, .uuid = GUEST }, ERR_HV, rows[i].words);
		tear_down(&f);
	}
}

/* Only the end is told, of one that is written to a file. */
static void test_log(void)
{
	struct sim_dom_spec logged = { .uuid = GUEST, .name = "guest", .ties = "log" }, not = { .uuid = GUEST, .name = "guest" };
	struct fixture f;
	struct got g = { .code = -1 };

	set_up(&f, &logged);
	call(&f, 0, &(struct hv_req){ .op = HV_LOG_GET, .uuid = GUEST }, &g);
	g_assert_cmpuint(strlen(g.r.log), ==, HV_LOG_BYTES);
	g_assert_true(g_str_has_suffix(g.r.log, "login:\033[0m "));
	got_clear(&g);
	tear_down(&f);
	set_up(&f, &not);
	expect_refused(&f, 0, &(struct hv_req){ .op = HV_LOG_GET, .uuid = GUEST }, ERR_NOT_FOUND, "not written to a file");
	tear_down(&f);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *path;
		void (*fn)(void);
	} tests[] = {
		{ "/sim-kept/facts", test_facts },
		{ "/sim-kept/define", test_define },
		{ "/sim-kept/undefine-refused", test_undefine_refused },
		{ "/sim-kept/log", test_log },
	};

	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
		g_test_add_func(tests[i].path, tests[i].fn);
	return g_test_run();
}

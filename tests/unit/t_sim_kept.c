/* SPDX-License-Identifier: Apache-2.0
 *
 * The simulator: what a hypervisor keeps beside a domain's description.
 */
#include "base/clock.h"
#include "got.h"
#include "hv/sim.h"

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

/* Only HV_DOM_GET tells it: a list is asked for every few seconds. */
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
	g_assert_true(!listed->kept.autostart && !listed->kept.managed_save);
	g_assert_cmpint(listed->kept.snapshots + listed->kept.checkpoints, ==, 0);
	got_clear(&g);
	tear_down(&f);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *path;
		void (*fn)(void);
	} tests[] = {
		{ "/sim-kept/facts", test_facts },
	};

	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
		g_test_add_func(tests[i].path, tests[i].fn);
	return g_test_run();
}

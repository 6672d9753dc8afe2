/* SPDX-License-Identifier: Apache-2.0
 *
 * A fleet of 1,000 hosts loses five at once, with 250 servers: all of them are up elsewhere, as many at once as the limits allow and never more, and none twice; when
 * the hosts are back, they forget them.
 */
#include <string.h>

#include "base/clock.h"
#include "fleet/host_fence.h"
#include "ha_world.h"
#include "kinds.h"

#define HOSTS 1000
#define LOST 5
#define SERVERS 50
#define AT_ONCE 200   /* max_concurrent_fleet_evacuations */
#define PER_HOST 10   /* max_concurrent_inbound_evacuations */
#define END_MS 300000

/* What has a slot now. */
struct busy {
	int all, most;             /* in the fleet; .most: the most there ever were */
	GHashTable *of;            /* host -> how many come in */
	int most_in;
};

static void look_at(struct ha_world *w, struct busy *b)
{
	GPtrArray *active = engine_active(w->engine);

	b->all = 0;
	g_hash_table_remove_all(b->of);
	for (guint i = 0; i < active->len; i++) {
		const struct mig *m = g_ptr_array_index(active, i);
		const char *host = engine_claim_host(m), *phase = mig_phase_name(m);
		int in = host ? GPOINTER_TO_INT(g_hash_table_lookup(b->of, host)) + 1 : 0;

		if (host)
			g_hash_table_replace(b->of, (char *)host, GINT_TO_POINTER(in));
		b->most_in = MAX(b->most_in, in);
		b->all += g_strv_contains((const char *const[]){ "schedule", "prepare", "spawn", "undo", NULL }, phase);
	}
	b->most = MAX(b->most, b->all);
}

static bool all_fenced(const struct ha_world *w)
{
	for (int i = 0; i < LOST; i++)
		if (!host_is_fenced(ha_world_host(w, i)) || g_hash_table_size(ha_world_host(w, i)->servers) > 0)
			return false;
	return true;
}

/* Each turn in which anything was logged. */
static void run_until_up(struct ha_world *w, struct busy *b)
{
	int64_t end_ms = clock_now_ms() + END_MS;
	guint seen = w->lines;

	while (!all_fenced(w) && clock_now_ms() < end_ms) {
		g_assert_true(clock_step());
		if (w->lines != seen)
			look_at(w, b);
		seen = w->lines;
	}
	g_assert_true(all_fenced(w));
}

/* It runs once, elsewhere, and was evacuated once. */
static void expect_one(struct ha_world *w, const char *uuid)
{
	g_autoptr(GArray) copies = sim_dom_list(w->sim, NULL, uuid);
	const struct mig_filter filter = { .server_uuid = uuid };
	g_autoptr(GPtrArray) list = engine_list(w->engine, &filter, NULL);
	const struct server *s = fleet_server(w->fleet, uuid);
	int running = 0;

	for (guint i = 0; i < copies->len; i++) {
		const struct sim_dom_view *v = &g_array_index(copies, struct sim_dom_view, i);

		running += v->state == HV_RUNNING;
		g_assert_true(v->state != HV_RUNNING || (v->host_on && g_str_equal(v->host, s->host)));
	}
	g_assert_cmpint(running, ==, 1);
	g_assert_true(s->vm == SERVER_ACTIVE && s->task == SERVER_TASK_NONE);
	g_assert_cmpuint(list->len, ==, 1);
}

/* @uuids: of those that were on the hosts that are lost */
static void expect_all(struct ha_world *w, const GPtrArray *uuids)
{
	g_autofree char *miscounted = engine_check(w->engine);

	for (guint i = 0; i < uuids->len; i++)
		expect_one(w, g_ptr_array_index(uuids, i));
	g_assert_cmpuint(uuids->len, ==, LOST * SERVERS);
	g_assert_cmpstr(miscounted, ==, NULL);
	g_assert_cmpstr(sim_violation(w->sim), ==, NULL);
	g_assert_cmpstr(w->wrong, ==, NULL);
}

static GPtrArray *uuids_of(struct ha_world *w)
{
	GPtrArray *all = g_ptr_array_new_with_free_func(g_free);

	for (int i = 0; i < LOST; i++) {
		g_autoptr(GArray) doms = sim_dom_list(w->sim, ha_world_host(w, i)->name, NULL);

		for (guint k = 0; k < doms->len; k++)
			g_ptr_array_add(all, g_strdup(g_array_index(doms, struct sim_dom_view, k).uuid));
	}
	return all;
}

/* They come back, and have nothing of what was evacuated. */
static void bring_back(struct ha_world *w)
{
	for (int i = 0; i < LOST; i++)
		ha_world_power(w, i, true);
	clock_advance_ms(60000);
	for (int i = 0; i < LOST; i++) {
		g_autoptr(GArray) left = sim_dom_list(w->sim, ha_world_host(w, i)->name, NULL);

		g_assert_true(host_is_up(w->fleet, ha_world_host(w, i)));
		g_assert_cmpuint(left->len, ==, 0);
	}
	g_assert_cmpuint(engine_active(w->engine)->len, ==, 0);
}

static void test_fleet(void)
{
	struct ha_world *w = ha_world_new(&(struct ha_spec){
		.n = HOSTS, .with = LOST, .servers = SERVERS, .alike = true, .max_hosts = LOST, .kinds = kinds,
	});
	g_autoptr(GPtrArray) were = uuids_of(w);
	struct busy b = { .of = g_hash_table_new(g_str_hash, g_str_equal) };
	int64_t dead_ms = clock_now_ms();

	for (int i = 0; i < LOST; i++)
		ha_world_power(w, i, false);
	run_until_up(w, &b);
	clock_advance_ms(10000);
	g_test_message("all are up %d s after the hosts' death; %d at once, %d into one host", (int)(clock_now_ms() - dead_ms) / 1000, b.most, b.most_in);
	g_assert_cmpint(w->fenced, ==, LOST);
	g_assert_cmpint(b.most, ==, AT_ONCE);
	g_assert_cmpint(b.most_in, <=, PER_HOST);
	expect_all(w, were);
	bring_back(w);
	expect_all(w, were);
	g_hash_table_unref(b.of);
	ha_world_free(w);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/ha/fleet", test_fleet);
	return g_test_run();
}

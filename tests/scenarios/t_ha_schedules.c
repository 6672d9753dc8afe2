/* SPDX-License-Identifier: Apache-2.0
 *
 * Schedules of all that can go wrong with hosts, their network, their agents, the clocks and the controller, drawn by a lot. Whatever happens, no agent is
 * asked to switch off a host that is not dead, nor one of many that fell silent at once (ha_world.c).
 *
 * DROVER_TEST_ROUNDS=N runs so many, DROVER_TEST_SCHEDULE=N that one alone, with its log.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "ha_world.h"

#define FEW_MIN 2
#define FEW_MAX 5
#define MANY_MIN 10  /* a tenth of them is more than one */
#define MANY_MAX 30
#define MANY_OF 40   /* one schedule in so many has many hosts */
#define HAPPENINGS 12
#define BETWEEN_MS 90000
#define LAST_MS 100000

static void partition(struct ha_world *w, int n, bool on)
{
	for (int i = 0; i < n; i++)
		ha_world_link(w, i, on);
}

static void happen(struct ha_world *w, GRand *lot)
{
	int i = g_rand_int_range(lot, 0, w->spec.n);

	switch (g_rand_int_range(lot, 0, 14)) {
	case 0:
	case 1:
		ha_world_power(w, i, false);
		break;
	case 2:
		ha_world_power(w, i, true);
		break;
	case 3:
		ha_world_link(w, i, !w->is[i].link);
		break;
	case 4:
		ha_world_libvirtd(w, i, !w->is[i].libvirtd);
		break;
	case 5: /* the controller alone, and it sees that, or does not */
		ha_world_blind(w, g_rand_boolean(lot));
		partition(w, w->spec.n, false);
		break;
	case 6:
		partition(w, (w->spec.n + 1) / 2, false);
		break;
	case 7:
	case 8:
		ha_world_blind(w, false);
		partition(w, w->spec.n, true);
		break;
	case 9:
		clock_stall(g_rand_int_range(lot, 1000, 70000));
		break;
	case 10:
		clock_set_wall(g_rand_int_range(lot, -7200000, 7200000));
		break;
	case 11:
		ha_world_restart(w);
		break;
	case 12:
		ha_world_disable(w, i, !w->is[i].disabled);
		break;
	case 13:
		w->agents_fail = !w->agents_fail;
		break;
	}
}

static int draw_hosts(GRand *lot)
{
	return g_rand_int_range(lot, 0, MANY_OF) == 0 ? g_rand_int_range(lot, MANY_MIN, MANY_MAX + 1) : g_rand_int_range(lot, FEW_MIN, FEW_MAX + 1);
}

static bool run_schedule(guint32 seed, bool quiet, int *ret_fenced)
{
	g_autoptr(GRand) lot = g_rand_new_with_seed(seed);
	int n = draw_hosts(lot);
	struct ha_world *w = ha_world_new(&(struct ha_spec){
		.n = n, .with = n - 1, .servers = 1, .max_hosts = g_rand_int_range(lot, 1, 4), .quiet = quiet,
	});
	bool good;

	for (int k = g_rand_int_range(lot, 1, HAPPENINGS); k > 0 && !w->wrong; k--) {
		happen(w, lot);
		clock_advance_ms(g_rand_int_range(lot, 100, BETWEEN_MS));
	}
	clock_advance_ms(LAST_MS);
	good = !w->wrong;
	*ret_fenced += w->fenced;
	if (!good)
		g_test_message("schedule %u: %s", seed, w->wrong);
	if (!quiet)
		g_test_message("%s", w->log->str);
	ha_world_free(w);
	return good;
}

static void test_schedules(void)
{
	const char *rounds = g_getenv("DROVER_TEST_ROUNDS"), *only = g_getenv("DROVER_TEST_SCHEDULE");
	int n = only ? 1 : rounds ? atoi(rounds) : SCHEDULES, fenced = 0, bad = 0;

	for (int i = 0; i < n; i++)
		bad += !run_schedule(only ? (guint32)atoi(only) : (guint32)i, !only, &fenced);
	g_test_message("%d schedules, %d hosts fenced, %d schedules wrong", n, fenced, bad);
	g_assert_cmpint(bad, ==, 0);
	g_assert_cmpint(fenced, >, only ? -1 : 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/ha/schedules", test_schedules);
	return g_test_run();
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * A host's first answer, taken in parts: how many guests a turn of the loop takes, and what holds in between.
 */
#include "base/clock.h"
#include "base/log.h"
#include "fleet/fleet.h"
#include "hv/sim/sim.h"

#define MANY (4 * SYNC_PART)

static struct conf *conf;
static struct store *store;
static struct fleet *fleet;
static struct sim *world;

static void begin(int guests)
{
	static const struct hv_ops *const ops[] = { &sim_ops, NULL };
	g_autofree char *text = g_strdup_printf("[workarounds]\nallow_any_uri = true\n[host h1]\nuri = sim://h1?vcpus=4096&memory=4194304&servers=%d\n", guests);
	g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GError) err = NULL;

	clock_manual(INT64_C(1700000000000000));
	world = sim_new(1);
	conf = conf_parse(text, strlen(text), "test", mistakes);
	g_assert_cmpuint(mistakes->len, ==, 0);
	store = store_open("sqlite://:memory:", &err);
	fleet = fleet_new(conf, store, ops, &err);
	g_assert_no_error(err);
	fleet_start(fleet);
}

static void end(void)
{
	fleet_free(fleet);
	store_close(store);
	conf_free(conf);
	sim_free(world);
}

static guint adopted(void)
{
	return fleet_servers(fleet)->len;
}

static bool up(void)
{
	return fleet_host(fleet, "h1")->conn == HOST_UP;
}

/* Until the host is up. Return: the most guests that one turn has taken. */
static guint largest_turn(guint *ret_turns)
{
	guint most = 0;

	*ret_turns = 0;
	while (!up()) {
		guint before = adopted();

		g_assert_true(clock_step());
		most = MAX(most, adopted() - before);
		*ret_turns += adopted() > before;
		/* a client that sees all of them sees a host that is up */
		g_assert_true(up() || adopted() < MANY);
	}
	return most;
}

static void test_parts(void)
{
	static const struct {
		int guests;
		guint most, turns;
	} rows[] = {
		{ 0, 0, 0 }, { 1, 1, 1 }, { SYNC_PART, SYNC_PART, 1 }, { SYNC_PART + 1, SYNC_PART, 2 }, { MANY, SYNC_PART, 4 },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		guint turns;

		begin(rows[i].guests);
		g_assert_cmpuint(largest_turn(&turns), ==, rows[i].most);
		g_assert_cmpuint(turns, ==, rows[i].turns);
		g_assert_cmpuint(adopted(), ==, (guint)rows[i].guests);
		end();
	}
}

/* The connection ends in between: what was taken is there, the rest comes with the next one. */
static void test_cut(void)
{
	guint turns;

	begin(MANY);
	while (adopted() == 0)
		g_assert_true(clock_step());
	g_assert_cmpuint(adopted(), ==, SYNC_PART);
	fleet_stop(fleet);
	clock_advance_ms(100);
	g_assert_cmpuint(adopted(), ==, SYNC_PART);
	g_assert_cmpuint(fleet_host(fleet, "h1")->listed, ==, 0);
	fleet_start(fleet);
	g_assert_cmpuint(largest_turn(&turns), ==, SYNC_PART);
	g_assert_cmpuint(adopted(), ==, MANY);
	end();
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	log_init(LOG_ERROR, LOG_TEXT);
	g_test_add_func("/adopt/parts", test_parts);
	g_test_add_func("/adopt/cut", test_cut);
	return g_test_run();
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Hosts that die, and are fenced and evacuated without a person: told as stories. t_ha_schedules.c draws others by a lot.
 */
#include "ha_world.h"

#include <string.h>

#include "base/clock.h"
#include "fleet/host_fence.h"

/* A host dies: it is fenced once it was silent for long enough, its servers go by their priority, and one is left to a person. */
static void test_story(void)
{
	struct ha_world *w = ha_world_new(&(struct ha_spec){ .n = 3, .with = 2, .servers = 3, .max_hosts = 1 });
	struct ha_stats st;

	ha_world_power(w, 0, false);
	clock_advance_ms(HA_DELAY_S * 1000);
	g_assert_cmpint(w->fenced, ==, 0);
	clock_advance_ms(60000);
	g_assert_cmpint(w->fenced, ==, 1);
	g_assert_true(host_is_fenced(ha_world_host(w, 0)));
	g_assert_cmpstr(w->asked->str, ==, "h1-1 h1-0 ");
	g_assert_cmpint(ha_world_logged(w, "ha_done host=h1 left=3"), ==, 1);
	st = ha_stats(w->ha);
	g_assert_cmpuint(st.fenced, ==, 1);
	g_assert_cmpuint(st.evacuated, ==, 2);
	g_assert_cmpuint(st.held + st.given_up, ==, 0);
	/* once */
	clock_advance_ms(600000);
	g_assert_cmpint(w->fenced, ==, 1);
	g_assert_cmpstr(w->asked->str, ==, "h1-1 h1-0 ");
	/* it is back, and dies again */
	ha_world_power(w, 0, true);
	clock_advance_ms(60000);
	g_assert_false(ha_world_has_row(w));
	ha_world_power(w, 0, false);
	clock_advance_ms(120000);
	g_assert_cmpint(w->fenced, ==, 2);
	g_assert_cmpstr(w->wrong, ==, NULL);
	ha_world_free(w);
}

/* Nothing is lost between the steps: the delay begins when its connection ends, and what follows the end of its agent does not wait. */
static void test_on_time(void)
{
	struct ha_world *w = ha_world_new(&(struct ha_spec){ .n = 3, .with = 2, .servers = 1, .max_hosts = 1 });

	ha_world_power(w, 0, false);
	while (ha_world_logged(w, "host_closed host=h1") == 0)
		clock_advance_ms(1);
	clock_advance_ms(HA_DELAY_S * 1000 - 1);
	g_assert_cmpint(ha_world_logged(w, "host_fence host=h1"), ==, 0);
	clock_advance_ms(2);
	g_assert_cmpint(ha_world_logged(w, "host_fence host=h1"), ==, 1);
	while (ha_world_logged(w, "host_fenced host=h1") == 0)
		clock_advance_ms(1);
	clock_advance_ms(50);
	g_assert_cmpstr(w->asked->str, ==, "h1-0 ");
	g_assert_cmpstr(w->wrong, ==, NULL);
	ha_world_free(w);
}

static void test_off(void)
{
	struct ha_world *w = ha_world_new(&(struct ha_spec){ .n = 3, .with = 2, .servers = 1, .max_hosts = 1, .disabled = true });

	ha_world_power(w, 0, false);
	clock_advance_ms(600000);
	g_assert_cmpint(w->fenced, ==, 0);
	g_assert_false(ha_world_has_row(w));
	ha_world_free(w);
}

/* Two at once are too many, once told; when one of them is a person's, the other is not. */
static void test_held(void)
{
	struct ha_world *w = ha_world_new(&(struct ha_spec){ .n = 5, .with = 4, .servers = 1, .max_hosts = 1 });

	ha_world_power(w, 0, false);
	ha_world_power(w, 1, false);
	clock_advance_ms(900000);
	g_assert_cmpint(w->fenced, ==, 0);
	g_assert_cmpint(ha_world_logged(w, "ha_held host=h1"), ==, 1);
	g_assert_cmpint(ha_world_logged(w, "ha_held host=h2"), ==, 1);
	g_assert_cmpuint(ha_stats(w->ha).held, ==, 2);
	ha_world_disable(w, 1, true);
	clock_advance_ms(60000);
	g_assert_cmpint(w->fenced, ==, 1);
	g_assert_cmpstr(w->asked->str, ==, "h1-0 ");
	g_assert_cmpuint(ha_stats(w->ha).held, ==, 0);
	g_assert_cmpstr(w->wrong, ==, NULL);
	ha_world_free(w);
}

/* One after the other, with more than the window between, are no many. */
static void test_one_after_the_other(void)
{
	struct ha_world *w = ha_world_new(&(struct ha_spec){ .n = 5, .with = 4, .servers = 1, .max_hosts = 1 });

	ha_world_power(w, 0, false);
	clock_advance_ms(70000);
	g_assert_cmpint(w->fenced, ==, 1);
	ha_world_power(w, 1, false);
	clock_advance_ms(50000);
	g_assert_cmpint(w->fenced, ==, 1); /* within the window */
	clock_advance_ms(HA_WINDOW_S * 1000);
	g_assert_cmpint(w->fenced, ==, 2);
	g_assert_cmpstr(w->wrong, ==, NULL);
	ha_world_free(w);
}

/* libvirtd alone, the cable of the controller, a host without servers, its agent. */
static void test_not_fenced(void)
{
	struct ha_world *w = ha_world_new(&(struct ha_spec){ .n = 3, .with = 2, .servers = 1, .max_hosts = 1 });

	ha_world_libvirtd(w, 0, false);
	clock_advance_ms(300000);
	g_assert_cmpint(w->fenced, ==, 0);
	g_assert_cmpint(ha_world_logged(w, "ha_held host=h1 reason=\"the host answers on the network"), ==, 1);
	ha_world_libvirtd(w, 0, true);
	clock_advance_ms(HA_WINDOW_S * 1000 + 60000);
	g_assert_cmpuint(ha_stats(w->ha).held, ==, 0);
	ha_world_blind(w, true);
	ha_world_link(w, 0, false);
	clock_advance_ms(300000);
	g_assert_cmpint(w->fenced, ==, 0);
	g_assert_cmpint(ha_world_logged(w, "ha_held host=h1 reason=\"the controller's own address"), ==, 1);
	ha_world_blind(w, false);
	ha_world_link(w, 0, true);
	clock_advance_ms(HA_WINDOW_S * 1000 + 60000);
	ha_world_power(w, 2, false);
	clock_advance_ms(300000);
	g_assert_cmpint(w->fenced, ==, 0);
	ha_world_power(w, 2, true);
	clock_advance_ms(HA_WINDOW_S * 1000 + 60000);
	/* and then by a person */
	w->agents_fail = true;
	ha_world_power(w, 1, false);
	clock_advance_ms(300000);
	g_assert_cmpint(ha_world_logged(w, "ha_given_up host=h2 reason=\"it could not be fenced\""), ==, 1);
	g_assert_cmpuint(ha_stats(w->ha).given_up, ==, 1);
	g_assert_cmpstr(w->asked->str, ==, "");
	w->agents_fail = false;
	g_assert_true(fence_off(w->fences, ha_world_host(w, 1), "by hand", NULL));
	clock_advance_ms(60000);
	g_assert_cmpstr(w->asked->str, ==, "h2-0 ");
	g_assert_cmpuint(ha_stats(w->ha).given_up, ==, 0);
	g_assert_cmpstr(w->wrong, ==, NULL);
	ha_world_free(w);
}

#define BACK_MS 7500 /* until that is seen, and what was begun before has failed */

/* The agent fails, and while it is run again and again the cable is in again: the host is not switched off then. */
static void test_back_in_time(void)
{
	for (int after_ms = 0; after_ms < 10000; after_ms += 500) {
		struct ha_world *w = ha_world_new(&(struct ha_spec){ .n = 3, .with = 2, .servers = 1, .max_hosts = 1 });

		w->agents_fail = true;
		ha_world_link(w, 0, false);
		while (!ha_world_logged(w, "host_fence host=h1"))
			g_assert_true(clock_step());
		clock_advance_ms(after_ms);
		ha_world_link(w, 0, true);
		clock_advance_ms(BACK_MS);
		w->agents_fail = false;
		clock_advance_ms(120000);
		g_assert_cmpint(w->fenced, ==, 0);
		g_assert_cmpstr(w->asked->str, ==, "");
		g_assert_cmpstr(w->wrong, ==, NULL);
		ha_world_free(w);
	}
}

/* The controller ends at any second of it: the host is fenced once it was silent for as long again, and all is asked for. */
static void test_restart(void)
{
	for (int at_s = 16; at_s < 80; at_s += 3) {
		struct ha_world *w = ha_world_new(&(struct ha_spec){ .n = 3, .with = 2, .servers = 2, .max_hosts = 1 });

		ha_world_power(w, 0, false);
		clock_advance_ms(at_s * 1000);
		ha_world_restart(w);
		clock_advance_ms(300000);
		g_test_message("ended after %d s: fenced %d, asked %s", at_s, w->fenced, w->asked->str);
		/* an agent that was ended with the controller is asked whether the host is off, which it is */
		g_assert_cmpint(w->fenced, <=, 1);
		g_assert_true(host_is_fenced(ha_world_host(w, 0)));
		g_assert_nonnull(strstr(w->asked->str, "h1-1 "));
		g_assert_nonnull(strstr(w->asked->str, "h1-0 "));
		g_assert_cmpint(ha_world_logged(w, "ha_done host=h1"), >=, 1);
		g_assert_cmpstr(w->wrong, ==, NULL);
		ha_world_free(w);
	}
}

/* The loop stands for a minute while all is well: what is known of the hosts begins again. */
static void test_stall(void)
{
	struct ha_world *w = ha_world_new(&(struct ha_spec){ .n = 4, .with = 3, .servers = 1, .max_hosts = 1 });

	for (int i = 0; i < 5; i++) {
		clock_stall(60000);
		clock_advance_ms(7000);
	}
	clock_advance_ms(300000);
	g_assert_cmpint(w->fenced, ==, 0);
	g_assert_cmpint(ha_world_logged(w, "ha_held"), ==, 0);
	ha_world_free(w);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/ha/story", test_story);
	g_test_add_func("/ha/on-time", test_on_time);
	g_test_add_func("/ha/off", test_off);
	g_test_add_func("/ha/held", test_held);
	g_test_add_func("/ha/one-after-the-other", test_one_after_the_other);
	g_test_add_func("/ha/not-fenced", test_not_fenced);
	g_test_add_func("/ha/back-in-time", test_back_in_time);
	g_test_add_func("/ha/restart", test_restart);
	g_test_add_func("/ha/stall", test_stall);
	return g_test_run();
}

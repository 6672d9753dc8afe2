/* SPDX-License-Identifier: Apache-2.0 */
#include <glib.h>
#include <string.h>

#include "base/clock.h"

#define WALL_US 1454074922000007

/* What fired, as text: a letter and the time. */
static GString *fired;

static void note(void *user)
{
	g_string_append_printf(fired, "%s@%d ", (const char *)user, (int)clock_now_ms());
}

static void start(void)
{
	clock_manual(WALL_US);
	if (fired)
		g_string_free(fired, TRUE);
	fired = g_string_new(NULL);
}

static void test_order(void)
{
	start();
	(void)clock_after(30, note, "c"); /* these are not cancelled */
	(void)clock_after(10, note, "a");
	(void)clock_after(30, note, "d");
	(void)clock_after(20, note, "b");
	(void)clock_after(0, note, "0");
	(void)clock_after(-5, note, "-");
	g_assert_cmpstr(fired->str, ==, "");
	clock_advance_ms(0);
	g_assert_cmpstr(fired->str, ==, "0@0 -@0 ");
	clock_advance_ms(19);
	g_assert_cmpstr(fired->str, ==, "0@0 -@0 a@10 ");
	g_assert_cmpint(clock_now_ms(), ==, 19);
	clock_advance_ms(1);
	clock_advance_ms(100);
	g_assert_cmpstr(fired->str, ==, "0@0 -@0 a@10 b@20 c@30 d@30 ");
	g_assert_cmpint(clock_now_ms(), ==, 120);
}

static void test_step(void)
{
	start();
	g_assert_false(clock_step());
	(void)clock_after(5000, note, "b");
	(void)clock_after(7, note, "a");
	g_assert_true(clock_step());
	g_assert_cmpint(clock_now_ms(), ==, 7);
	g_assert_true(clock_step());
	g_assert_false(clock_step());
	g_assert_cmpstr(fired->str, ==, "a@7 b@5000 ");
}

static void test_cancel(void)
{
	struct clock_timer *a, *b, *none = NULL;

	start();
	a = clock_after(10, note, "a");
	b = clock_after(10, note, "b");
	clock_cancel(&a);
	g_assert_null(a);
	clock_cancel(&a);
	clock_cancel(&none);
	clock_advance_ms(10);
	g_assert_cmpstr(fired->str, ==, "b@10 ");
	(void)b; /* it fired and is gone */
}

static struct clock_timer *victim;

static void again(void *user)
{
	note(user);
	clock_cancel(&victim);
	if (clock_now_ms() < 30)
		(void)clock_after(10, again, user);
}

/* A timer's function may set and cancel others; what it sets fires within the same advance. */
static void test_from_within(void)
{
	start();
	victim = clock_after(15, note, "victim");
	(void)clock_after(10, again, "a");
	clock_advance_ms(25);
	g_assert_cmpstr(fired->str, ==, "a@10 a@20 ");
	clock_advance_ms(100);
	g_assert_cmpstr(fired->str, ==, "a@10 a@20 a@30 ");
}

static void count(void *user)
{
	++*(int *)user;
}

/* Many, set and cancelled in no order: each that is left fires once, in order. */
static void test_many(void)
{
	enum { N = 1000 };
	g_autoptr(GRand) rand = g_rand_new_with_seed(1);
	struct clock_timer *t[N];
	int64_t last = 0;
	int n = 0;

	start();
	for (int i = 0; i < N; i++)
		t[i] = clock_after(g_rand_int_range(rand, 1, N), count, &n);
	for (int i = 0; i < N; i += 3)
		clock_cancel(&t[i]);
	while (clock_step()) {
		g_assert_cmpint(clock_now_ms(), >=, last);
		last = clock_now_ms();
	}
	g_assert_cmpint(n, ==, N - (N + 2) / 3);
	g_assert_cmpint(last, <, N);
}

static void test_wall(void)
{
	start();
	g_assert_cmpint(clock_wall_us(), ==, WALL_US);
	clock_advance_ms(1500);
	g_assert_cmpint(clock_wall_us(), ==, WALL_US + 1500000);
	(void)clock_after(1, note, "dropped");
	start(); /* from the beginning, without what was pending */
	g_assert_cmpint(clock_now_ms(), ==, 0);
	g_assert_false(clock_step());
}

static int64_t late_us;
static int n_late;

static void on_late(int64_t us, void *user)
{
	late_us = us;
	n_late++;
	note(user);
}

/* While the loop stands, the world goes on; when it goes on, it hears of that first, and then fires what is due. */
static void test_stall(void)
{
	start();
	clock_on_late(on_late, "late");
	(void)clock_after(10, note, "timer");
	(void)clock_limit(20, note, "limit");
	(void)clock_limit(1000, note, "long-limit");
	(void)clock_world(30, note, "world");
	(void)clock_arrival(40, note, "arrival");
	clock_stall(5000);
	g_assert_cmpstr(fired->str, ==, "world@30 late@5000 arrival@5000 ");
	g_assert_cmpint(late_us, ==, 4990000);
	while (clock_step())
		;
	g_assert_cmpstr(fired->str, ==, "world@30 late@5000 arrival@5000 timer@5000 limit@5020 long-limit@6000 ");
	g_assert_cmpint(n_late, ==, 1);
	clock_on_late(NULL, NULL);
}

/* A limit is granted the time once: a loop that is late again and again does not keep it from firing. */
static void test_limit(void)
{
	start();
	(void)clock_limit(1000, note, "limit");
	clock_stall(2000);
	clock_advance_ms(500);
	g_assert_cmpstr(fired->str, ==, "");
	clock_stall(2000);
	clock_advance_ms(0);
	g_assert_cmpstr(fired->str, ==, "limit@4500 ");
}

static void test_set_wall(void)
{
	start();
	clock_set_wall(-3600000);
	g_assert_cmpint(clock_wall_us(), ==, WALL_US - INT64_C(3600000000));
	g_assert_cmpint(clock_now_ms(), ==, 0);
}

/* ---- the system's clock; it is the first case, since there is no way back to it ---- */

static void quit(void *user)
{
	g_main_loop_quit(user);
}

/* Sets itself again for each next turn. */
static void spin(void *user)
{
	++*(int *)user;
	(void)clock_after(0, spin, user);
}

static void test_real(void)
{
	GMainContext *ctx = g_main_context_new();
	GMainLoop *loop = g_main_loop_new(ctx, FALSE);
	int64_t before = clock_now_ms(), wall = clock_wall_us();
	struct clock_timer *never, *never_too;
	int n = 0, turns = 0;

	clock_use_context(ctx);
	never = clock_after(0, count, &n);
	never_too = clock_after(1, count, &n);
	(void)clock_after(0, count, &n);
	(void)clock_after(0, spin, &turns);
	(void)clock_after(5, quit, loop);
	clock_cancel(&never);
	clock_cancel(&never_too);
	g_main_loop_run(loop);
	g_assert_cmpint(n, ==, 1);
	g_assert_cmpint(turns, >, 1);
	g_assert_cmpint(clock_now_ms(), >=, before + 4);
	g_assert_cmpint(clock_wall_us(), >, 1454074922000000);
	g_assert_cmpint(ABS(clock_wall_us() - wall), <, 3600000000);
	g_main_loop_unref(loop);
	g_main_context_unref(ctx);
	clock_use_context(NULL);
}

/* As long as a turn fires timers, and a little more. */
static void busy(void *user)
{
	int64_t until_us = clock_now_us() + CLOCK_TURN_US + 1000;

	while (clock_now_us() < until_us)
		;
	++*(int *)user;
}

static gboolean other(void *user)
{
	int *seen = user;

	g_string_append_printf(fired, "%d ", *seen);
	return G_SOURCE_CONTINUE;
}

/* Timers that are due together and take long let others have their turns in between. */
static void test_turns(void)
{
	GMainContext *ctx = g_main_context_new();
	GSource *source = g_idle_source_new();
	int n = 0;

	fired = g_string_new(NULL);
	clock_use_context(ctx);
	g_source_set_priority(source, G_PRIORITY_DEFAULT);
	g_source_set_callback(source, other, &n, NULL);
	g_source_attach(source, ctx);
	for (int i = 0; i < 3; i++)
		(void)clock_after(0, busy, &n);
	while (n < 3)
		g_main_context_iteration(ctx, TRUE);
	g_assert_nonnull(strstr(fired->str, "1 "));
	g_assert_nonnull(strstr(fired->str, "2 "));
	g_source_destroy(source);
	g_source_unref(source);
	g_main_context_unref(ctx);
	clock_use_context(NULL);
	g_string_free(g_steal_pointer(&fired), TRUE);
}

int main(int argc, char **argv)
{
	int rc;

	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/clock/turns", test_turns);
	g_test_add_func("/clock/real", test_real);
	g_test_add_func("/clock/order", test_order);
	g_test_add_func("/clock/step", test_step);
	g_test_add_func("/clock/cancel", test_cancel);
	g_test_add_func("/clock/from-within", test_from_within);
	g_test_add_func("/clock/many", test_many);
	g_test_add_func("/clock/wall", test_wall);
	g_test_add_func("/clock/stall", test_stall);
	g_test_add_func("/clock/limit", test_limit);
	g_test_add_func("/clock/set-wall", test_set_wall);
	rc = g_test_run();
	if (fired)
		g_string_free(fired, TRUE);
	return rc;
}

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
	(void)clock_after(30, note, "c"); /* nobody cancels these */
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

/* ---- the system's clock; it is the first case, since there is no way back to it ---- */

static void quit(void *user)
{
	g_main_loop_quit(user);
}

/* Sets itself anew for the next turn, for ever. */
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

int main(int argc, char **argv)
{
	int rc;

	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/clock/real", test_real);
	g_test_add_func("/clock/order", test_order);
	g_test_add_func("/clock/step", test_step);
	g_test_add_func("/clock/cancel", test_cancel);
	g_test_add_func("/clock/from-within", test_from_within);
	g_test_add_func("/clock/many", test_many);
	g_test_add_func("/clock/wall", test_wall);
	rc = g_test_run();
	if (fired)
		g_string_free(fired, TRUE);
	return rc;
}

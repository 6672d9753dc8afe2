/* SPDX-License-Identifier: Apache-2.0
 *
 * The loop that stood still: what it reads first, and what it judges by.
 */
#include "base/loop.h"

#include "base/clock.h"

#define STANDS_US (2 * CLOCK_LATE_US)
#define LIMIT_MS 50

static GString *told;
static struct clock_timer *answered_limit;

static void note(void *what)
{
	g_string_append_printf(told, "%s ", (const char *)what);
}

static void late(int64_t late_us, void *user)
{
	g_assert_cmpint(late_us, >=, CLOCK_LATE_US);
	note(user);
}

static void answer(void *user)
{
	clock_cancel(&answered_limit);
	note(user);
}

static void *post_answer(void *unused)
{
	loop_post(answer, "answer");
	return unused;
}

/* The loop's thread waits for nothing, as for a slow disk. */
static void stand_still(void)
{
	int64_t until_us = g_get_monotonic_time() + STANDS_US;
	GMutex mutex;
	GCond never;

	g_mutex_init(&mutex);
	g_cond_init(&never);
	g_mutex_lock(&mutex);
	while (g_cond_wait_until(&never, &mutex, until_us))
		;
	g_mutex_unlock(&mutex);
	g_mutex_clear(&mutex);
	g_cond_clear(&never);
}

static void stands(void *unused)
{
	GThread *worker = g_thread_new("worker", post_answer, NULL);

	(void)unused;
	(void)g_thread_join(worker);
	stand_still();
}

static void limit_fired(void *user)
{
	note(user);
	loop_quit();
}

static void keep_longest(int64_t us, void *user)
{
	int64_t *longest = user;

	*longest = MAX(*longest, us);
}

/* The limits are older than the answer, and due before the loop goes on. */
static void test_stood(void)
{
	int64_t longest_us = 0;

	told = g_string_new(NULL);
	loop_init();
	loop_on_turn(keep_longest, &longest_us);
	clock_on_late(late, "late");
	(void)clock_after(0, stands, NULL);
	answered_limit = clock_limit(LIMIT_MS, limit_fired, "answered-too-late");
	(void)clock_limit(LIMIT_MS, limit_fired, "limit");
	(void)clock_after(LIMIT_MS, note, "timer");
	loop_run();
	loop_on_turn(NULL, NULL);
	clock_on_late(NULL, NULL);
	g_assert_cmpint(longest_us, >=, STANDS_US);
	g_assert_cmpstr(told->str, ==, "late answer timer limit ");
	g_string_free(told, TRUE);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/loop/stood", test_stood);
	return g_test_run();
}

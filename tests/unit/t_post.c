/* SPDX-License-Identifier: Apache-2.0
 *
 * The way into the loop from other threads: nothing is lost, each thread's posts come in their order, and what a thread wrote before
 * it posted is there. ThreadSanitizer watches the last.
 */
#include <glib.h>

#include "base/loop.h"

#define THREADS 8
#define POSTS 500

static int count[THREADS], left;

struct note {
	int thread, number;
};

static void one_less(void)
{
	if (--left == 0)
		loop_quit();
}

static void take(void *user)
{
	struct note *n = user;

	g_assert_cmpint(n->number, ==, count[n->thread]++);
	g_free(n);
	one_less();
}

static void *post_all(void *user)
{
	for (int i = 0; i < POSTS; i++) {
		struct note *n = g_new(struct note, 1);

		*n = (struct note){ GPOINTER_TO_INT(user), i };
		loop_post(take, n);
	}
	return NULL;
}

static void test_post(void)
{
	GThread *threads[THREADS];

	left = THREADS * POSTS;
	for (int i = 0; i < THREADS; i++)
		threads[i] = g_thread_new("post", post_all, GINT_TO_POINTER(i));
	loop_run();
	for (int i = 0; i < THREADS; i++)
		g_thread_join(threads[i]);
}

static void work(void *user)
{
	*(int *)user += 1;
}

static void done(void *user)
{
	g_assert_cmpint(*(int *)user, ==, 1);
	one_less();
}

static void test_job(void)
{
	int results[POSTS] = { 0 };

	left = POSTS;
	for (int i = 0; i < POSTS; i++)
		loop_job(work, done, &results[i]);
	loop_run();
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	loop_init();
	g_test_add_func("/post/order", test_post);
	g_test_add_func("/post/job", test_job);
	return g_test_run();
}

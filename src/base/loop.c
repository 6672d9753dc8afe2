/* SPDX-License-Identifier: Apache-2.0 */
#include "base/loop.h"

#include <glib-unix.h>

#include "base/clock.h"

#define JOB_THREADS_MAX 8

struct post {
	loop_f *fn;
	void *user;
};

struct job {
	loop_f *work;
	loop_f *done;
	void *user;
};

static struct {
	loop_turn_f *fn; /* NULL: none */
	void *user;
	int64_t began_us; /* 0: no turn yet */
} turn;

static GMainContext *context;
static GMainLoop *the_loop;
static GThreadPool *jobs;

static void run_job(void *data, void *unused)
{
	struct job *j = data;

	(void)unused;
	j->work(j->user);
	if (j->done)
		loop_post(j->done, j->user);
	g_free(j);
}

/* What lies between two waits is a turn. */
static gint wait_between(GPollFD *fds, guint n, gint timeout_ms)
{
	gint ready;

	if (turn.fn && turn.began_us)
		turn.fn(g_get_monotonic_time() - turn.began_us, turn.user);
	ready = g_poll(fds, n, timeout_ms);
	turn.began_us = g_get_monotonic_time();
	return ready;
}

void loop_on_turn(loop_turn_f *fn, void *user)
{
	turn.fn = fn;
	turn.user = user;
}

void loop_init(void)
{
	g_assert(!the_loop);
	context = g_main_context_new();
	g_main_context_set_poll_func(context, wait_between);
	the_loop = g_main_loop_new(context, FALSE);
	jobs = g_thread_pool_new(run_job, NULL, JOB_THREADS_MAX, FALSE, NULL);
	clock_use_context(context);
}

GMainLoop *loop_main(void)
{
	return the_loop;
}

void loop_run(void)
{
	g_main_context_push_thread_default(context);
	g_main_loop_run(the_loop);
	g_main_context_pop_thread_default(context);
}

void loop_quit(void)
{
	g_main_loop_quit(the_loop);
}

static gboolean run_post(void *data)
{
	struct post *p = data;

	clock_notice();
	p->fn(p->user);
	return G_SOURCE_REMOVE;
}

void loop_post(loop_f *fn, void *user)
{
	struct post *p = g_new(struct post, 1);
	GSource *s = g_idle_source_new();

	p->fn = fn;
	p->user = user;
	/* Before timers: a limit must not fire while the answer is in the queue. */
	g_source_set_priority(s, G_PRIORITY_HIGH);
	g_source_set_callback(s, run_post, p, g_free);
	g_source_attach(s, context);
	g_source_unref(s);
}

void loop_job(loop_f *work, loop_f *done, void *user)
{
	struct job *j;

	if (!jobs) {
		work(user);
		if (done)
			done(user);
		return;
	}
	j = g_new(struct job, 1);
	j->work = work;
	j->done = done;
	j->user = user;
	/* A pool that is not exclusive queues when no thread can be made; no error to handle. */
	(void)g_thread_pool_push(jobs, j, NULL);
}

static gboolean run_signal(void *data)
{
	struct post *p = data;

	p->fn(p->user);
	return G_SOURCE_CONTINUE;
}

void loop_signal(int signum, loop_f *fn, void *user)
{
	struct post *p = g_new(struct post, 1);
	GSource *s = g_unix_signal_source_new(signum);

	p->fn = fn;
	p->user = user;
	g_source_set_callback(s, run_signal, p, g_free);
	g_source_attach(s, context);
	g_source_unref(s);
}

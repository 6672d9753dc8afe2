/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/libvirt/spawn.h"

#include <glib.h>

struct spawn {
	loop_f *fn;
	void *user;
};

static void run_spawn(void *data, void *unused)
{
	struct spawn *s = data;

	(void)unused;
	s->fn(s->user);
	g_free(s);
}

/*
 * GLib ends threads at once when more than a few have nothing to do, as they have when droverd stops and closes its
 * links. One that ends while the process does may leave the library's error of that thread (virLastErrorObject())
 * behind, a leak to a sanitizer. Idle ones end after 15 s.
 */
static GThreadPool *pool_new(int most)
{
	g_thread_pool_set_max_unused_threads(-1);
	return g_thread_pool_new(run_spawn, NULL, most, FALSE, NULL);
}

static void push(GThreadPool *pool, loop_f *fn, void *user)
{
	struct spawn *s = g_new(struct spawn, 1);

	s->fn = fn;
	s->user = user;
	/* When no thread can be made the pool keeps the work for the next one. */
	(void)g_thread_pool_push(pool, s, NULL);
}

void lv_spawn(loop_f *fn, void *user)
{
	static GThreadPool *pool;
	static gsize once;

	if (g_once_init_enter(&once)) {
		pool = pool_new(-1); /* unlimited here: the queue of each connection has the limits */
		g_once_init_leave(&once, 1);
	}
	push(pool, fn, user);
}

void lv_spawn_look(loop_f *fn, void *user)
{
	static GThreadPool *pool;
	static gsize once;

	if (g_once_init_enter(&once)) {
		pool = pool_new(LV_LOOKS_MAX);
		g_once_init_leave(&once, 1);
	}
	push(pool, fn, user);
}

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

void lv_spawn(loop_f *fn, void *user)
{
	static GThreadPool *pool;
	static gsize once;
	struct spawn *s = g_new(struct spawn, 1);

	if (g_once_init_enter(&once)) {
		/* Unlimited here: the queue of each connection has the limits. */
		pool = g_thread_pool_new(run_spawn, NULL, -1, FALSE, NULL);
		/*
		 * GLib ends threads at once when more than a few have nothing to do, as they have when droverd stops and closes its
		 * links. One that ends while the process does may leave the library's error of that thread (virLastErrorObject())
		 * behind, a leak to a sanitizer. Idle ones end after 15 s.
		 */
		g_thread_pool_set_max_unused_threads(-1);
		g_once_init_leave(&once, 1);
	}
	s->fn = fn;
	s->user = user;
	/* When no thread can be made the pool keeps the work for the next one. */
	(void)g_thread_pool_push(pool, s, NULL);
}

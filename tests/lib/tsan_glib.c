/* SPDX-License-Identifier: Apache-2.0
 *
 * What ThreadSanitizer cannot see of GLib, which is not built for it: its mutexes wait on futexes, its pools and loops hand things
 * over under them. These stand in for the functions that the program's own code calls, and tell what happens before what. Exact, not
 * coarse: what is handed over is ordered, nothing else. Linked into the tests of the build "tsan" alone.
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>

#include <glib-unix.h>
#include <sanitizer/tsan_interface.h>

/* macros around the functions of these names */
#undef g_once_init_enter
#undef g_once_init_leave

#define REAL(name) ((__typeof__(&name))(uintptr_t)dlsym(RTLD_NEXT, #name))

/* ---- locks ---- */

void g_mutex_lock(GMutex *m)
{
	REAL(g_mutex_lock)(m);
	__tsan_acquire(m);
}

void g_mutex_unlock(GMutex *m)
{
	__tsan_release(m);
	REAL(g_mutex_unlock)(m);
}

void g_cond_wait(GCond *c, GMutex *m)
{
	__tsan_release(m);
	REAL(g_cond_wait)(c, m);
	__tsan_acquire(m);
}

gboolean g_cond_wait_until(GCond *c, GMutex *m, gint64 end_us)
{
	gboolean signalled;

	__tsan_release(m);
	signalled = REAL(g_cond_wait_until)(c, m, end_us);
	__tsan_acquire(m);
	return signalled;
}

/* ---- pools ---- */

struct pool {
	GFunc run;
	void *user;
};

static void run_item(void *item, void *user)
{
	struct pool *p = user;

	__tsan_acquire(item);
	p->run(item, p->user);
}

GThreadPool *g_thread_pool_new(GFunc run, void *user, int max, gboolean exclusive, GError **err)
{
	struct pool *p = g_new(struct pool, 1); /* as long as the program: so are the pools */

	*p = (struct pool){ run, user };
	return REAL(g_thread_pool_new)(run_item, p, max, exclusive, err);
}

gboolean g_thread_pool_push(GThreadPool *pool, void *item, GError **err)
{
	__tsan_release(item);
	return REAL(g_thread_pool_push)(pool, item, err);
}

/* ---- sources ---- */

struct callback {
	GSourceFunc run;
	void *user;
	GDestroyNotify free;
	GSource *source; /* or NULL */
};

static void handed_over(struct callback *c)
{
	__tsan_acquire(c);
	if (c->source)
		__tsan_acquire(c->source);
}

static gboolean run_callback(void *user)
{
	struct callback *c = user;

	handed_over(c);
	return c->run(c->user);
}

static gboolean run_fd(int fd, GIOCondition condition, void *user)
{
	struct callback *c = user;

	handed_over(c);
	return ((GUnixFDSourceFunc)(void (*)(void))c->run)(fd, condition, c->user);
}

static void free_callback(void *user)
{
	struct callback *c = user;

	handed_over(c);
	if (c->free)
		c->free(c->user);
	g_free(c);
}

static struct callback *callback_new(GSource *source, GSourceFunc run, void *user, GDestroyNotify free)
{
	struct callback *c = g_new(struct callback, 1);

	*c = (struct callback){ run, user, free, source };
	__tsan_release(c);
	return c;
}

void g_source_set_callback(GSource *s, GSourceFunc run, void *user, GDestroyNotify free)
{
	bool fd = s->source_funcs == &g_unix_fd_source_funcs;

	REAL(g_source_set_callback)(s, fd ? G_SOURCE_FUNC(run_fd) : run_callback, callback_new(s, run, user, free), free_callback);
}

guint g_source_attach(GSource *s, GMainContext *ctx)
{
	__tsan_release(s);
	return REAL(g_source_attach)(s, ctx);
}

void g_source_destroy(GSource *s)
{
	__tsan_release(s);
	REAL(g_source_destroy)(s);
}

void g_main_context_invoke_full(GMainContext *ctx, int priority, GSourceFunc run, void *user, GDestroyNotify free)
{
	REAL(g_main_context_invoke_full)(ctx, priority, run_callback, callback_new(NULL, run, user, free), free_callback);
}

/* ---- references ---- */

static __thread GDestroyNotify clear;

static void clear_box(void *box)
{
	__tsan_acquire(box);
	clear(box);
}

void g_atomic_rc_box_release_full(void *box, GDestroyNotify fn)
{
	__tsan_release(box);
	clear = fn;
	REAL(g_atomic_rc_box_release_full)(box, clear_box);
}

void g_once_init_leave(volatile void *location, gsize result)
{
	__tsan_release((void *)location);
	REAL(g_once_init_leave)(location, result);
}

gboolean g_once_init_enter(volatile void *location)
{
	gboolean first = REAL(g_once_init_enter)(location);

	__tsan_acquire((void *)location);
	return first;
}

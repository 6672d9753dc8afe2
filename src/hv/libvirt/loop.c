/* SPDX-License-Identifier: Apache-2.0
 *
 * The event loop that libvirt's library asks its program for (virEventRegisterImpl): handles and timeouts are sources of a
 * GMainContext, which the event thread runs.
 *
 * libvirt has one of its own. This one knows which socket is whose: a connection's socket is registered in virConnectOpen(), on
 * the thread that opens it, and taken off before libvirt closes it. So each socket gets its options, and a thread that hangs in a
 * connection is freed by shutdown() on its socket, without a call into the library.
 */
#include "hv/libvirt/loop.h"

#include <glib-unix.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <libvirt/libvirt.h>

#include "base/err.h"

struct lv_socket {
	int fd; /* under the lock; -1: libvirt has not got it yet, or is about to close it */
	int id; /* of its watch, likewise */
	bool paused;
};

/* A handle or a timeout. Freed on the event thread, when no callback of it can be under way. */
struct watch {
	int id;
	int fd;         /* -1: a timeout */
	int value;      /* events of the handle, or interval of the timeout in ms */
	GSource *source; /* NULL: off */
	virEventHandleCallback on_fd;
	virEventTimeoutCallback on_time;
	void *opaque;
	virFreeCallback free;
	struct lv_socket *socket; /* a reference, or NULL */
};

static GMainContext *context;
static GMutex lock;
static GHashTable *watches; /* id -> struct watch *. Under the lock */
static int last_id;
static __thread struct lv_socket *opening; /* of the connection that this thread opens */

static const struct {
	int libvirt;
	GIOCondition glib;
} conditions[] = {
	{ VIR_EVENT_HANDLE_READABLE, G_IO_IN },
	{ VIR_EVENT_HANDLE_WRITABLE, G_IO_OUT },
	{ VIR_EVENT_HANDLE_ERROR, G_IO_ERR | G_IO_NVAL },
	{ VIR_EVENT_HANDLE_HANGUP, G_IO_HUP },
};

static GIOCondition to_glib(int events)
{
	GIOCondition c = 0;

	for (size_t i = 0; i < G_N_ELEMENTS(conditions); i++)
		c |= events & conditions[i].libvirt ? conditions[i].glib : 0;
	return c;
}

static int to_libvirt(GIOCondition c)
{
	int events = 0;

	for (size_t i = 0; i < G_N_ELEMENTS(conditions); i++)
		events |= c & conditions[i].glib ? conditions[i].libvirt : 0;
	return events;
}

/* ---- watches ---- */

static gboolean fd_ready(int fd, GIOCondition c, void *user)
{
	struct watch *w = user;

	w->on_fd(w->id, fd, to_libvirt(c), w->opaque);
	return G_SOURCE_CONTINUE;
}

static gboolean time_over(void *user)
{
	struct watch *w = user;

	w->on_time(w->id, w->opaque);
	return G_SOURCE_CONTINUE;
}

static void turn_off(struct watch *w)
{
	if (!w->source)
		return;
	g_source_destroy(w->source);
	g_clear_pointer(&w->source, g_source_unref);
}

static void turn_on(struct watch *w)
{
	turn_off(w);
	if (w->socket && w->socket->paused)
		return;
	if (w->fd >= 0 && w->value) {
		w->source = g_unix_fd_source_new(w->fd, to_glib(w->value));
		g_source_set_callback(w->source, G_SOURCE_FUNC(fd_ready), w, NULL);
	} else if (w->fd < 0 && w->value >= 0) {
		w->source = g_timeout_source_new((guint)w->value);
		g_source_set_callback(w->source, time_over, w, NULL);
	}
	if (w->source)
		g_source_attach(w->source, context);
}

static int add(const struct watch *model)
{
	struct watch *w = g_memdup2(model, sizeof(*model));
	int id;

	g_mutex_lock(&lock);
	id = w->id = ++last_id;
	if (w->socket)
		w->socket->id = id;
	g_hash_table_insert(watches, GINT_TO_POINTER(id), w);
	turn_on(w);
	g_mutex_unlock(&lock);
	return id;
}

static void update(int id, int value)
{
	struct watch *w;

	g_mutex_lock(&lock);
	w = g_hash_table_lookup(watches, GINT_TO_POINTER(id));
	/* A timeout begins again, a handle goes on. */
	if (w && (w->fd < 0 || w->value != value)) {
		w->value = value;
		turn_on(w);
	}
	g_mutex_unlock(&lock);
}

static gboolean release(void *user)
{
	struct watch *w = user;

	if (w->free)
		w->free(w->opaque);
	if (w->socket)
		lv_socket_unref(w->socket);
	g_free(w);
	return G_SOURCE_REMOVE;
}

/* libvirt must not be called back from in here: it holds its locks. */
static void release_later(struct watch *w)
{
	GSource *s = g_idle_source_new();

	g_source_set_priority(s, G_PRIORITY_DEFAULT);
	g_source_set_callback(s, release, w, NULL);
	g_source_attach(s, context);
	g_source_unref(s);
}

static int take_off(int id)
{
	struct watch *w;

	g_mutex_lock(&lock);
	w = g_hash_table_lookup(watches, GINT_TO_POINTER(id));
	if (w) {
		g_hash_table_remove(watches, GINT_TO_POINTER(id));
		turn_off(w);
		if (w->socket)
			w->socket->fd = -1;
		release_later(w);
	}
	g_mutex_unlock(&lock);
	return w ? 0 : -1;
}

/* ---- sockets ---- */

/*
 * What libvirt's keepalive would do, done by the kernel: unlike that one it wakes no thread of the library. A socket that is not
 * TCP's takes none of these.
 */
static void set_options(int fd)
{
	static const struct {
		int level, option, value;
	} options[] = {
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, LV_PING_S },
		{ IPPROTO_TCP, TCP_KEEPINTVL, LV_PING_S },
		{ IPPROTO_TCP, TCP_KEEPCNT, LV_PING_N },
		{ IPPROTO_TCP, TCP_USER_TIMEOUT, LV_PING_S * LV_PING_N * 1000 },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(options); i++)
		(void)setsockopt(fd, options[i].level, options[i].option, &options[i].value, sizeof(int));
}

struct lv_socket *lv_socket_new(void)
{
	struct lv_socket *s = g_atomic_rc_box_new0(struct lv_socket);

	s->fd = -1;
	return s;
}

void lv_socket_unref(struct lv_socket *s)
{
	g_atomic_rc_box_release(s);
}

void lv_socket_opens(struct lv_socket *s)
{
	opening = s;
}

void lv_socket_cut(struct lv_socket *s)
{
	g_mutex_lock(&lock);
	if (s->fd >= 0)
		(void)shutdown(s->fd, SHUT_RDWR);
	g_mutex_unlock(&lock);
}

void lv_socket_pause(struct lv_socket *s, bool paused)
{
	struct watch *w;

	g_mutex_lock(&lock);
	w = s->fd >= 0 && s->paused != paused ? g_hash_table_lookup(watches, GINT_TO_POINTER(s->id)) : NULL;
	s->paused = paused;
	if (w)
		turn_on(w);
	g_mutex_unlock(&lock);
}

/* ---- what libvirt calls ---- */

static int add_handle(int fd, int events, virEventHandleCallback cb, void *opaque, virFreeCallback ff)
{
	struct watch w = { .fd = fd, .value = events, .on_fd = cb, .opaque = opaque, .free = ff };

	if (fd < 0)
		return -1;
	if (opening) {
		w.socket = g_atomic_rc_box_acquire(opening);
		g_mutex_lock(&lock);
		w.socket->fd = fd;
		g_mutex_unlock(&lock);
		set_options(fd);
	}
	return add(&w);
}

static int add_timeout(int interval_ms, virEventTimeoutCallback cb, void *opaque, virFreeCallback ff)
{
	return add(&(struct watch){ .fd = -1, .value = interval_ms, .on_time = cb, .opaque = opaque, .free = ff });
}

/* ---- the thread ---- */

static void *run(void *unused)
{
	(void)unused;
	for (;;)
		g_main_context_iteration(context, TRUE);
	return NULL;
}

void lv_loop_start(void)
{
	if (context)
		return;
	context = g_main_context_new();
	watches = g_hash_table_new(NULL, NULL);
	virEventRegisterImpl(add_handle, update, take_off, add_timeout, update, take_off);
	g_thread_unref(g_thread_new("libvirt-events", run, NULL));
}

struct flush {
	GMutex lock;
	GCond cond;
	bool done;
};

static gboolean flushed(void *user)
{
	struct flush *f = user;

	g_mutex_lock(&f->lock);
	f->done = true;
	g_cond_signal(&f->cond);
	g_mutex_unlock(&f->lock);
	return G_SOURCE_REMOVE;
}

void lv_loop_flush(void)
{
	struct flush f = { .done = false };

	g_mutex_init(&f.lock);
	g_cond_init(&f.cond);
	g_main_context_invoke_full(context, G_PRIORITY_DEFAULT, flushed, &f, NULL);
	g_mutex_lock(&f.lock);
	while (!f.done)
		g_cond_wait(&f.cond, &f.lock);
	g_mutex_unlock(&f.lock);
	g_mutex_clear(&f.lock);
	g_cond_clear(&f.cond);
}

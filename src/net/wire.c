/* SPDX-License-Identifier: Apache-2.0 */
#include "net/wire.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib-unix.h>

#include "base/clock.h"
#include "base/loop.h"
#include "net/tls.h"

#define EVENTS_MAX 64
#define PIECE (64 * 1024)
#define TURN_BYTES (256 * 1024) /* of one in a turn of the loop, so that others have theirs */
#define ADDRESSES_MAX 8
#define CONNECT_MS 4000         /* for one address */
#define KEEP_IDLE_S 10
#define KEEP_INTERVAL_S 5

struct wires {
	int epoll_fd;
	GSource *source;
	GPtrArray *dead;        /* struct wire *: freed in this dispatch, which may still name them */
	bool dispatching;
	char input[PIECE];
};

struct lookup {
	struct wire *w;         /* NULL: it has been freed */
	char *host, *port;
	struct {
		struct sockaddr_storage at;
		socklen_t len;
	} all[ADDRESSES_MAX];
	int n;
	char *why;              /* it was not found */
};

enum state { WIRE_FINDING, WIRE_CONNECTING, WIRE_SECURING, WIRE_OPEN, WIRE_ENDED };

struct wire {
	struct wires *all;
	const struct wire_calls *calls;
	void *user;
	enum state state;
	struct lookup *lookup;
	int tried;              /* of its addresses */
	int fd;                 /* -1: none */
	uint32_t events;        /* that are waited for */
	SSL *ssl;
	bool paused, wants_write;
	bool freed;
	GByteArray *out;
	size_t out_at;
	struct clock_timer *timer; /* of an address; or bytes that TLS has and the socket does not show */
	char *why;
};

static void end(struct wire *w, const char *why);

static void lookup_free(struct lookup *l)
{
	g_free(l->host);
	g_free(l->port);
	g_free(l->why);
	g_free(l);
}

/* ---- what is waited for ---- */

static void watch(struct wire *w)
{
	bool out = w->state == WIRE_CONNECTING || wire_unsent(w) || w->wants_write;
	struct epoll_event ev = { .events = (out ? EPOLLOUT : 0u) | (w->paused || w->state == WIRE_CONNECTING ? 0u : EPOLLIN), .data.ptr = w };
	int op;

	if (w->fd < 0 || ev.events == w->events)
		return;
	/* One that nothing is wanted of is taken out: the end of a connection would be told again and again. */
	op = !ev.events ? EPOLL_CTL_DEL : w->events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
	w->events = ev.events;
	if (epoll_ctl(w->all->epoll_fd, op, w->fd, &ev) != 0)
		g_error("epoll_ctl: %s", g_strerror(errno));
}

/* ---- connecting ---- */

static void try_next(struct wire *w, const char *why);

static void on_late(void *user)
{
	struct wire *w = user;

	w->timer = NULL;
	try_next(w, "it does not answer");
}

static void close_fd(struct wire *w)
{
	clock_cancel(&w->timer);
	if (w->ssl) {
		tls_close(w->ssl);
		SSL_free(w->ssl);
	}
	w->ssl = NULL;
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
	w->events = 0;
}

static void set_options(int fd)
{
	int on = 1, idle = KEEP_IDLE_S, interval = KEEP_INTERVAL_S, dead = WIRE_DEAD_MS;

	/* Without them it is slower, or an end is seen later. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &dead, sizeof dead);
}

/* Return: false with errno. */
static bool begin(struct wire *w, const struct sockaddr *at, socklen_t len)
{
	struct epoll_event ev = { .events = EPOLLOUT, .data.ptr = w };

	w->fd = socket(at->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (w->fd < 0)
		return false;
	set_options(w->fd);
	w->events = ev.events;
	return (connect(w->fd, at, len) == 0 || errno == EINPROGRESS) && epoll_ctl(w->all->epoll_fd, EPOLL_CTL_ADD, w->fd, &ev) == 0;
}

/* @why: what the one before came to */
static void try_next(struct wire *w, const char *why)
{
	const struct lookup *l = w->lookup;
	g_autofree char *last = g_strdup(why);

	close_fd(w);
	w->state = WIRE_CONNECTING;
	while (w->tried < l->n) {
		int i = w->tried++;

		if (begin(w, (const struct sockaddr *)&l->all[i].at, l->all[i].len)) {
			w->timer = clock_after(CONNECT_MS, on_late, w);
			return;
		}
		g_free(last);
		last = g_strdup(g_strerror(errno));
		close_fd(w);
	}
	end(w, last ? last : "it has no address");
}

static void connected(struct wire *w)
{
	int err = 0;
	socklen_t len = sizeof err;

	if (getsockopt(w->fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
		err = errno;
	if (err) {
		try_next(w, g_strerror(err));
		return;
	}
	clock_cancel(&w->timer);
	w->state = WIRE_OPEN;
	w->calls->ready(w->user);
}

/* ---- its name ---- */

static void find(struct lookup *l, int flags)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = flags };
	struct addrinfo *list = NULL;
	int err = getaddrinfo(l->host, l->port, &hints, &list);

	if (err != 0) {
		g_free(l->why);
		l->why = g_strdup(gai_strerror(err));
		return;
	}
	for (const struct addrinfo *a = list; a && l->n < ADDRESSES_MAX; a = a->ai_next) {
		memcpy(&l->all[l->n].at, a->ai_addr, a->ai_addrlen);
		l->all[l->n++].len = a->ai_addrlen;
	}
	freeaddrinfo(list);
}

/* Worker. */
static void find_name(void *user)
{
	find(user, 0);
}

static void found(void *user)
{
	struct lookup *l = user;

	if (!l->w) {
		lookup_free(l);
		return;
	}
	try_next(l->w, l->why);
}

static void look_up(void *user)
{
	struct wire *w = user;

	w->timer = NULL;
	find(w->lookup, AI_NUMERICHOST);
	if (w->lookup->n)
		try_next(w, NULL);
	else
		loop_job(find_name, found, w->lookup);
}

/* ---- bytes ---- */

/* Return: false if it has ended. */
static bool flush(struct wire *w)
{
	size_t had = wire_unsent(w);

	while (wire_unsent(w)) {
		const guint8 *data = w->out->data + w->out_at;
		ssize_t n = w->ssl ? tls_write(w->ssl, data, MIN(wire_unsent(w), PIECE)) : send(w->fd, data, wire_unsent(w), MSG_NOSIGNAL);

		if (n < 0 && (w->ssl ? n == TLS_FAILED : errno != EAGAIN && errno != EINTR)) {
			end(w, w->ssl ? "TLS failed" : g_strerror(errno));
			return false;
		}
		if (n < 0)
			return true;
		w->out_at += (size_t)n;
	}
	g_byte_array_set_size(w->out, 0);
	w->out_at = 0;
	if (had)
		w->calls->sent(w->user);
	return !w->freed && w->state == WIRE_OPEN;
}

static void step(struct wire *w);

static void on_more(void *user)
{
	struct wire *w = user;
	struct wires *all = w->all;

	w->timer = NULL;
	all->dispatching = true;
	step(w);
	all->dispatching = false;
	g_ptr_array_set_size(all->dead, 0);
}

/* Return: bytes; 0: the end; -1: none now; -2: it has failed. */
static ssize_t receive(struct wire *w)
{
	ssize_t n = w->ssl ? tls_read(w->ssl, w->all->input, PIECE) : recv(w->fd, w->all->input, PIECE, 0);

	if (!w->ssl)
		return n >= 0 ? n : errno == EAGAIN || errno == EINTR ? -1 : -2;
	w->wants_write = n == TLS_WANTS_WRITE;
	return n >= 0 ? n : n == TLS_FAILED ? -2 : -1;
}

static void pull(struct wire *w)
{
	size_t left = TURN_BYTES;

	while (!w->freed && w->state == WIRE_OPEN && !w->paused && left) {
		ssize_t n = receive(w);

		if (n == -1)
			return;
		if (n <= 0) {
			end(w, n == 0 ? "the other end closed the connection" : w->ssl ? "TLS failed" : g_strerror(errno));
			return;
		}
		left -= MIN(left, (size_t)n);
		w->calls->data(w->all->input, (size_t)n, w->user);
	}
	if (!w->freed && w->state == WIRE_OPEN && !w->paused && w->ssl && SSL_pending(w->ssl) && !w->timer)
		w->timer = clock_after(0, on_more, w);
}

static void secure(struct wire *w)
{
	int n = tls_handshake(w->ssl);

	w->wants_write = n == TLS_WANTS_WRITE;
	if (n == TLS_FAILED) {
		g_autofree char *why = g_strdup_printf("TLS: %s", tls_why(w->ssl));

		end(w, why);
	} else if (n == 1) {
		w->state = WIRE_OPEN;
		w->calls->ready(w->user);
	}
}

static void step(struct wire *w)
{
	if (w->state == WIRE_CONNECTING)
		connected(w);
	else if (w->state == WIRE_SECURING)
		secure(w);
	else if (w->state == WIRE_OPEN && flush(w))
		pull(w);
	if (!w->freed)
		watch(w);
}

/* ---- the source ---- */

static void wire_destroy(void *p)
{
	struct wire *w = p;

	g_byte_array_unref(w->out);
	g_free(w->why);
	g_free(w);
}

static gboolean dispatch(int fd, GIOCondition unused, void *user)
{
	struct wires *all = user;
	struct epoll_event events[EVENTS_MAX];
	int n = epoll_wait(fd, events, EVENTS_MAX, 0);

	(void)unused;
	all->dispatching = true;
	for (int i = 0; i < n; i++) {
		struct wire *w = events[i].data.ptr;

		if (!w->freed && w->fd >= 0)
			step(w);
	}
	all->dispatching = false;
	g_ptr_array_set_size(all->dead, 0);
	return G_SOURCE_CONTINUE;
}

struct wires *wires_new(void)
{
	struct wires *all = g_new0(struct wires, 1);

	all->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (all->epoll_fd < 0)
		g_error("epoll_create1: %s", g_strerror(errno));
	all->dead = g_ptr_array_new_with_free_func(wire_destroy);
	all->source = g_unix_fd_source_new(all->epoll_fd, G_IO_IN);
	g_source_set_name(all->source, "wires");
	g_source_set_can_recurse(all->source, TRUE); /* as net/server.c's */
	g_source_set_callback(all->source, (GSourceFunc)(void (*)(void))dispatch, all, NULL);
	g_source_attach(all->source, g_main_loop_get_context(loop_main()));
	return all;
}

void wires_free(struct wires *all)
{
	if (!all)
		return;
	g_source_destroy(all->source);
	g_source_unref(all->source);
	close(all->epoll_fd);
	g_ptr_array_unref(all->dead);
	g_free(all);
}

/* ---- life ---- */

static void tell_end(void *user)
{
	struct wire *w = user;

	w->timer = NULL;
	w->calls->ended(w->why, w->user);
}

static void end(struct wire *w, const char *why)
{
	if (w->state == WIRE_ENDED)
		return;
	w->why = g_strdup(why);
	close_fd(w);
	w->state = WIRE_ENDED;
	w->timer = clock_after(0, tell_end, w);
}

struct wire *wire_new(struct wires *all, const char *host, int port, const struct wire_calls *calls, void *user)
{
	struct wire *w = g_new0(struct wire, 1);

	w->all = all;
	w->calls = calls;
	w->user = user;
	w->fd = -1;
	w->out = g_byte_array_new();
	w->lookup = g_new0(struct lookup, 1);
	w->lookup->w = w;
	w->lookup->host = g_strdup(host);
	w->lookup->port = g_strdup_printf("%d", port);
	w->timer = clock_after(0, look_up, w);
	return w;
}

void wire_free(struct wire *w)
{
	bool looks_up;

	if (!w)
		return;
	looks_up = w->state == WIRE_FINDING && !w->timer;
	close_fd(w);
	if (looks_up)
		w->lookup->w = NULL; /* the job frees it */
	else
		lookup_free(w->lookup);
	w->freed = true;
	if (w->all->dispatching)
		g_ptr_array_add(w->all->dead, w);
	else
		wire_destroy(w);
}

void wire_secure(struct wire *w, struct tls *t)
{
	g_assert(w->state == WIRE_OPEN && !w->ssl && !wire_unsent(w));
	w->ssl = tls_connect(t, w->fd);
	w->state = WIRE_SECURING;
	w->wants_write = true; /* it is the client that begins */
	watch(w);
}

void wire_send(struct wire *w, const void *data, size_t len)
{
	if (w->state == WIRE_ENDED)
		return;
	if (w->out_at >= PIECE) {
		g_byte_array_remove_range(w->out, 0, (guint)w->out_at);
		w->out_at = 0;
	}
	g_byte_array_append(w->out, data, (guint)len);
	watch(w);
}

size_t wire_unsent(const struct wire *w)
{
	return w->out->len - w->out_at;
}

void wire_pause(struct wire *w, bool paused)
{
	if (w->paused == paused)
		return;
	w->paused = paused;
	/* What TLS has read already, no event of the socket tells of. */
	if (!paused && w->ssl && SSL_pending(w->ssl) && !w->timer && w->state == WIRE_OPEN)
		w->timer = clock_after(0, on_more, w);
	watch(w);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "console/serial.h"

#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "console/ws.h"
#include "fleet/fleet.h"
#include "hv/stream.h"

struct ask {
	struct serial *s;        /* NULL: it has been freed */
};

struct serial {
	struct end e;            /* first */
	struct fleet *fleet;
	char uuid[UTIL_UUID_LEN + 1];
	const struct end_calls *calls;
	void *user;
	struct hv_stream *stream;
	char *host;              /* of the stream, or that was asked last */
	struct ask *ask;         /* one is being opened */
	struct clock_timer *timer;
	unsigned tries;
	bool had;                /* a stream was open */
	bool paused;
	GByteArray *held;        /* typed while there is none */
	int code;                /* of the end that is on its way; 0 */
	char *why;
};

static void look(void *user);

static void look_later(struct serial *s, int64_t ms)
{
	if (!s->timer)
		s->timer = clock_after(ms, look, s);
}

static void look_again(struct serial *s)
{
	look_later(s, end_wait_ms(s->tries++));
}

static void end(struct serial *s, int code, const char *why)
{
	if (s->code)
		return;
	s->code = code;
	s->why = g_strdup(why);
	clock_cancel(&s->timer);
	look_later(s, 0);
}

/* ---- the stream ---- */

static void leave(struct serial *s)
{
	if (!s->stream)
		return;
	log_debug("console_left", LOG_S("server", s->uuid), LOG_S("host", s->host));
	hv_stream_close(g_steal_pointer(&s->stream));
}

static void on_data(const char *data, size_t len, void *user)
{
	struct serial *s = user;

	s->tries = 0;
	s->calls->data(data, len, s->user);
}

static void on_room(void *user)
{
	struct serial *s = user;

	s->calls->room(s->user);
}

static void on_ended(const char *why, void *user)
{
	struct serial *s = user;

	log_debug("console_ended", LOG_S("server", s->uuid), LOG_S("host", s->host), LOG_S("reason", why));
	leave(s);
	look_again(s);
}

static const struct hv_stream_calls stream_calls = { on_data, on_room, on_ended };

static void use(struct serial *s, struct hv_stream *stream)
{
	s->stream = stream;
	s->had = true;
	log_info("console_at", LOG_S("server", s->uuid), LOG_S("host", s->host));
	hv_stream_use(stream, &stream_calls, s);
	if (s->paused)
		hv_stream_pause(stream, true);
	hv_stream_send(stream, (const char *)s->held->data, s->held->len);
	g_byte_array_set_size(s->held, 0);
}

/* Of a first attempt a refusal is told. Later ones are those of a guest that is on its way. */
static void opened(struct hv_reply *r, void *user)
{
	struct ask *a = user;
	struct serial *s = a->s;

	if (s) {
		s->ask = NULL;
		if (!r->err)
			use(s, g_steal_pointer(&r->stream));
		else if (!s->had && err_code(r->err) == ERR_HV)
			end(s, WS_IN_USE, r->err->message);
		else
			look_again(s);
	}
	if (s && s->stream)
		look_later(s, 0);
	g_free(a);
}

static void open_at(struct serial *s, struct host *h)
{
	struct ask *a = g_new0(struct ask, 1);
	/* What was ours at another connection to the same host is not another session's. */
	struct hv_req req = { .op = HV_CONSOLE, .uuid = s->uuid, .force = s->had };

	a->s = s;
	util_replace(&s->host, h->name);
	if (host_call(h, &req, opened, a)) {
		s->ask = a;
		return;
	}
	g_free(a);
	look_again(s);
}

/* ---- the server ---- */

static bool check_server(struct serial *s, const struct server *v)
{
	const char *why = NULL;
	int code = end_over(v, &why);

	if (code)
		end(s, code, why);
	return !s->code;
}

static void look(void *user)
{
	struct serial *s = user;
	const struct server *v = fleet_server(s->fleet, s->uuid);
	struct host *h;

	s->timer = NULL;
	if (!s->code && check_server(s, v) && s->stream && g_strcmp0(s->host, v->host) != 0)
		leave(s);
	if (s->code) {
		clock_cancel(&s->timer);
		s->calls->ended(s->code, s->why, s->user);
		return;
	}
	if (s->stream || s->ask)
		return;
	h = v->host ? fleet_host(s->fleet, v->host) : NULL;
	if (h)
		open_at(s, h);
	else
		look_again(s);
}

/* ---- what end.h asks for ---- */

static struct serial *serial_of(struct end *e)
{
	return (struct serial *)(void *)e;
}

static void ops_look(struct end *e)
{
	struct serial *s = serial_of(e);
	const struct server *v = fleet_server(s->fleet, s->uuid);
	const char *why;

	if (!end_over(v, &why) && g_strcmp0(v->host, s->host) == 0)
		return; /* what happened is another server's: attempts keep their pace */
	clock_cancel(&s->timer);
	s->tries = 0;
	look_later(s, 0);
}

static void ops_free(struct end *e)
{
	struct serial *s = serial_of(e);

	clock_cancel(&s->timer);
	if (s->ask)
		s->ask->s = NULL;
	leave(s);
	g_free(s->host);
	g_byte_array_unref(s->held);
	g_free(s->why);
	g_free(s);
}

static void ops_send(struct end *e, const char *data, size_t len)
{
	struct serial *s = serial_of(e);

	if (s->stream)
		hv_stream_send(s->stream, data, len);
	else
		g_byte_array_append(s->held, (const guint8 *)data, (guint)len);
}

static size_t ops_unsent(const struct end *e)
{
	const struct serial *s = (const struct serial *)(const void *)e;

	return s->held->len + (s->stream ? s->stream->unsent : 0);
}

static void ops_pause(struct end *e, bool paused)
{
	struct serial *s = serial_of(e);

	if (s->paused == paused)
		return;
	s->paused = paused;
	if (s->stream)
		hv_stream_pause(s->stream, paused);
}

static const struct end_ops ops = { ops_send, ops_unsent, ops_pause, ops_look, ops_free };

struct end *serial_new(struct fleet *f, const char *server_uuid, const struct end_calls *calls, void *user)
{
	struct serial *s = g_new0(struct serial, 1);

	s->e.ops = &ops;
	s->fleet = f;
	g_strlcpy(s->uuid, server_uuid, sizeof s->uuid);
	s->calls = calls;
	s->user = user;
	s->held = g_byte_array_new();
	look_later(s, 0);
	return &s->e;
}

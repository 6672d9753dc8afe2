/* SPDX-License-Identifier: Apache-2.0 */
#include "console/serial.h"

#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "console/ws.h"
#include "fleet/fleet.h"
#include "hv/stream.h"
#include "task/engine.h"

#define LINGER_MS 2000 /* for what the last host still sends, once the record names another one */

struct ask {
	struct side *side;       /* NULL: its answer is not wanted any more */
};

/* A host's end of it. */
struct side {
	struct serial *s;
	struct hv_stream *stream;
	char *host;              /* of the stream, or of the call; NULL: neither */
	struct ask *ask;         /* one is being opened */
};

struct serial {
	struct end e;            /* first */
	struct side at;          /* what is listened to; its host is e.host */
	struct side next;        /* where the guest is about to be: listened to when the other one has ended */
	int64_t leave_ms;        /* when .at is left, its guest being elsewhere; 0: it is not */
	bool had;                /* a stream was open */
	bool paused;
	bool switching;          /* the guest at .at has stopped, to go on elsewhere: what is typed now would be lost there */
	GByteArray *held;        /* typed, and for no stream yet */
};

/* ---- sides ---- */

static void drop(struct side *d)
{
	if (d->ask)
		d->ask->side = NULL;
	d->ask = NULL;
	if (d->stream)
		log_debug("console_left", LOG_S("server", d->s->e.uuid), LOG_S("host", d->host));
	hv_stream_close(g_steal_pointer(&d->stream));
	g_clear_pointer(&d->host, g_free);
}

static bool is_open(const struct side *d, const char *host)
{
	return d->stream && host && strcmp(d->host, host) == 0;
}

/* Where what is typed goes; NULL: it waits. */
static struct hv_stream *target(const struct serial *s, const char *host)
{
	if (is_open(&s->at, host))
		return s->switching ? NULL : s->at.stream;
	return is_open(&s->next, host) ? s->next.stream : NULL;
}

static void flush(struct serial *s)
{
	const struct server *v = end_server(&s->e);
	struct hv_stream *to = v ? target(s, v->host) : NULL;

	if (!to || !s->held->len)
		return;
	hv_stream_send(to, (const char *)s->held->data, s->held->len);
	g_byte_array_set_size(s->held, 0);
}

/* ---- the stream that is listened to ---- */

static void on_data(const char *data, size_t len, void *user)
{
	struct serial *s = user;

	s->e.tries = 0;
	s->e.calls->data(data, len, s->e.user);
}

static void on_room(void *user)
{
	struct serial *s = user;

	s->e.calls->room(s->e.user);
}

static void on_ended(const char *why, void *user)
{
	struct serial *s = user;

	log_debug("console_ended", LOG_S("server", s->e.uuid), LOG_S("host", s->at.host), LOG_S("reason", why));
	drop(&s->at);
	if (s->next.stream)
		end_turn_in(&s->e, 0);
	else
		end_again(&s->e);
}

static const struct hv_stream_calls stream_calls = { on_data, on_room, on_ended };

static void listen_to(struct serial *s)
{
	struct hv_stream *stream = s->at.stream;

	s->had = true;
	s->switching = false;
	s->leave_ms = 0;
	s->at.s = s;
	util_replace(&s->e.host, s->at.host);
	log_info("console_at", LOG_S("server", s->e.uuid), LOG_S("host", s->at.host));
	hv_stream_use(stream, &stream_calls, s);
	hv_stream_pause(stream, s->paused);
	flush(s);
}

/* ---- opening one ---- */

static void came(struct side *d, struct hv_stream *stream)
{
	struct serial *s = d->s;

	d->stream = stream;
	if (d == &s->at)
		listen_to(s);
	else
		hv_stream_pause(stream, true); /* what its guest writes waits there until its turn has come */
	end_turn_in(&s->e, 0);
}

/* Of a first attempt a refusal is told. Later ones are those of a guest that is on its way. */
static void opened(struct hv_reply *r, void *user)
{
	struct ask *a = user;
	struct side *d = a->side;
	struct serial *s = d ? d->s : NULL;

	g_free(a);
	if (!d)
		return;
	d->ask = NULL;
	if (!r->err)
		came(d, g_steal_pointer(&r->stream));
	else if (!s->had && err_code(r->err) == ERR_HV)
		end_with(&s->e, WS_IN_USE, r->err->message);
	else
		end_again(&s->e);
}

static void open_at(struct side *d, const char *host)
{
	struct serial *s = d->s;
	struct host *h = host ? fleet_host(engine_fleet(s->e.engine), host) : NULL;
	/* What was ours at another connection to the same host is not another session's. */
	struct hv_req req = { .op = HV_CONSOLE, .uuid = s->e.uuid, .force = s->had };
	struct ask *a;

	if (d->ask)
		return;
	util_replace(&d->host, host);
	if (d == &s->at)
		util_replace(&s->e.host, host);
	a = g_new0(struct ask, 1);
	a->side = d;
	if (host_call(h, &req, opened, a)) {
		d->ask = a;
		return;
	}
	g_free(a);
	end_again(&s->e);
}

/* ---- where it is, and where it goes ---- */

/* The host that a live migration brings it to, while there may be a guest already. */
static const char *goes_to(const struct serial *s)
{
	const struct mig *m = engine_active_of(s->e.engine, s->e.uuid);
	const char *status = m ? mig_status(m) : NULL;

	return status && (g_str_has_prefix(status, "running") || strcmp(status, "post-migrating") == 0) ? m->dest : NULL;
}

/* The guest is elsewhere: what its last host still sends comes first. */
static void linger(struct serial *s)
{
	if (!s->leave_ms)
		s->leave_ms = clock_now_ms() + LINGER_MS;
	if (clock_now_ms() >= s->leave_ms)
		drop(&s->at);
	else
		end_turn_in(&s->e, s->leave_ms - clock_now_ms());
}

static void move_on(struct serial *s)
{
	drop(&s->at); /* it may have been refused there */
	s->at = s->next;
	s->next = (struct side){ .s = s };
	listen_to(s);
}

static void prepare_next(struct serial *s, const char *host)
{
	if (s->next.host && g_strcmp0(s->next.host, host) != 0)
		drop(&s->next);
	if (host && !s->next.stream)
		open_at(&s->next, host);
}

static void ops_turn(struct end *e, const struct server *v)
{
	struct serial *s = (struct serial *)(void *)e;
	const char *host = v->host, *to;

	if (s->at.stream && g_strcmp0(s->at.host, host) != 0)
		linger(s);
	if (!s->at.stream && !s->at.ask && is_open(&s->next, host))
		move_on(s);
	if (!s->at.stream && s->next.ask && g_strcmp0(s->next.host, host) == 0)
		return; /* it is being opened */
	if (s->switching && v->task == SERVER_TASK_NONE)
		s->switching = false; /* its migration came to nothing */
	to = s->at.stream && g_strcmp0(s->at.host, host) != 0 ? host : goes_to(s);
	if (s->at.stream ? g_strcmp0(to, s->at.host) == 0 : g_strcmp0(to, s->next.host) != 0)
		to = NULL; /* it is there; or nothing is open, and that comes first */
	prepare_next(s, to);
	flush(s);
	if (!s->at.stream)
		open_at(&s->at, host);
}

/* ---- what end.h asks for ---- */

static struct serial *serial_of(struct end *e)
{
	return (struct serial *)(void *)e;
}

/* At its switch a guest stops at the one host before it goes on at the other one. */
static void ops_event(struct end *e, const struct hv_event *ev)
{
	struct serial *s = serial_of(e);

	if (!is_open(&s->at, ev->host)) {
		if (s->next.host && strcmp(s->next.host, ev->host) == 0 && (ev->state == HV_SHUTOFF || ev->state == HV_ABSENT))
			drop(&s->next); /* its migration came to nothing */
		end_turn_in(e, 0);      /* or it has begun to wait at its destination */
		return;
	}
	if (ev->state == HV_PAUSED && (ev->reason == HV_R_MIGRATION || ev->reason == HV_R_POSTCOPY))
		s->switching = true;
	else if (ev->state == HV_RUNNING)
		s->switching = false;
	flush(s);
}

static void ops_send(struct end *e, const char *data, size_t len)
{
	struct serial *s = serial_of(e);

	g_byte_array_append(s->held, (const guint8 *)data, (guint)len);
	flush(s);
}

static size_t ops_unsent(const struct end *e)
{
	const struct serial *s = (const struct serial *)(const void *)e;

	return s->held->len + (s->at.stream ? s->at.stream->unsent : 0) + (s->next.stream ? s->next.stream->unsent : 0);
}

static void ops_pause(struct end *e, bool paused)
{
	struct serial *s = serial_of(e);

	if (s->paused == paused)
		return;
	s->paused = paused;
	if (s->at.stream)
		hv_stream_pause(s->at.stream, paused);
}

static void ops_free(struct end *e)
{
	struct serial *s = serial_of(e);

	drop(&s->at);
	drop(&s->next);
	g_byte_array_unref(s->held);
	g_free(s);
}

static const struct end_ops ops = { ops_turn, ops_send, ops_unsent, ops_pause, ops_event, ops_free };

struct end *serial_new(struct engine *engine, const char *server_uuid, const struct end_calls *calls, void *user)
{
	struct serial *s = g_new0(struct serial, 1);

	s->at.s = s->next.s = s;
	s->held = g_byte_array_new();
	s->e.user = user;
	end_init(&s->e, &ops, engine, server_uuid, calls);
	return &s->e;
}

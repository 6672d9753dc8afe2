/* SPDX-License-Identifier: Apache-2.0 */
#include "api/http/watch.h"

#include <string.h>

#include "base/clock.h"
#include "identity/identity.h"

#define RETRY_MS 2000 /* after which a client may come back */

struct watch {
	struct api_stream stream; /* first: http.c gives it back */
	struct watches *all;
	unsigned types;
	char *server, *token;
	int64_t migration, expires_us;
	uint64_t at;              /* everything up to this event was sent, or is not wanted */
	enum event_found found;   /* of the id that it began with; EVENT_FOUND from then on */
	bool begun, beat, over_said;
	const char *over;         /* why it ends; NULL: it goes on */
	GString *out;             /* the block that is being sent, and how much of it was */
	size_t sent;
	struct clock_timer *timer;
};

struct watches {
	struct events *events;
	struct identity *identity;
	GPtrArray *open; /* struct watch * */
	size_t max;
	struct watches_stats stats;
	struct clock_timer *waker;
};

/* ---- what is sent ---- */

static void put_id(struct watch *w)
{
	char id[EVENT_ID_MAX];

	events_id(w->all->events, w->at, id);
	g_string_append_printf(w->out, "id: %s\n", id);
}

static void put_event(struct watch *w, const struct event *ev)
{
	w->at = ev->number;
	put_id(w);
	g_string_append_printf(w->out, "event: %s\ndata: ", event_type_name(ev->type));
	g_string_append(w->out, ev->data);
	g_string_append(w->out, "\n\n");
}

/* Something is missing. What there still is in the ring is older than the lists that the client will read now. */
static void put_reset(struct watch *w, enum event_found why)
{
	struct jout o;
	char id[EVENT_ID_MAX];

	w->all->stats.resets[why]++;
	w->found = EVENT_FOUND;
	w->at = events_last(w->all->events);
	put_id(w);
	events_id(w->all->events, w->at, id);
	g_string_append(w->out, "event: reset\ndata: ");
	jout_init(&o, w->out, 0);
	jout_open(&o, '{');
	jout_kv(&o, "id", str, id);
	jout_kv(&o, "type", str, "reset");
	jout_kv(&o, "at", time_us, clock_wall_us());
	jout_kv(&o, "reason", str, event_found_name(why));
	jout_kv(&o, "do", str, "events were missed: re-read the lists; later events follow");
	jout_close(&o, '}');
	g_string_append(w->out, "\n\n");
}

static bool wanted(const struct watch *w, const struct event *ev)
{
	return w->types & 1u << ev->type && (!w->server || g_ascii_strcasecmp(w->server, ev->server) == 0) && (!w->migration || w->migration == ev->migration);
}

/* The next one that passes the filter; the position moves over the others. NULL: none, or the position has left the ring. */
static const struct event *next(struct watch *w)
{
	const struct event *ev;

	if (!events_kept(w->all->events, w->at))
		return NULL;
	while ((ev = events_next(w->all->events, w->at)) && !wanted(w, ev))
		w->at = ev->number;
	return ev;
}

static bool lost(const struct watch *w)
{
	return w->found != EVENT_FOUND || !events_kept(w->all->events, w->at);
}

static bool has_news(struct watch *w)
{
	return w->beat || w->over || lost(w) || next(w);
}

/* Write the next block. Return: false if there is none now. */
static bool refill(struct watch *w)
{
	const struct event *ev;

	g_string_truncate(w->out, 0);
	w->sent = 0;
	if (w->over) {
		if (!w->over_said)
			g_string_append_printf(w->out, ": %s\n\n", w->over);
		w->over_said = true;
	} else if (!w->begun) {
		w->begun = true;
		g_string_append_printf(w->out, "retry: %d\n", RETRY_MS);
		if (!lost(w))
			put_id(w);
		g_string_append_c(w->out, '\n');
	} else if (lost(w)) {
		put_reset(w, w->found != EVENT_FOUND ? w->found : EVENT_OVERRUN);
	} else if ((ev = next(w))) {
		put_event(w, ev);
	} else if (w->beat) {
		g_string_append(w->out, ":\n");
		put_id(w);
		g_string_append_c(w->out, '\n');
	}
	w->beat &= w->out->len == 0; /* whatever was sent is a sign of life */
	return w->out->len > 0;
}

/* Of struct api_stream. */
static ssize_t watch_read(struct api_stream *s, char *buf, size_t max)
{
	struct watch *w = (struct watch *)(void *)s;
	size_t n = 0;

	while (n < max && (w->sent < w->out->len || refill(w))) {
		size_t piece = MIN(max - n, w->out->len - w->sent);

		memcpy(buf + n, w->out->str + w->sent, piece);
		w->sent += piece;
		n += piece;
	}
	return n ? (ssize_t)n : w->over ? -1 : 0;
}

/* ---- life ---- */

static void plan(struct watch *w);

/* A heartbeat is due, or the token's end. */
static void on_timer(void *user)
{
	struct watch *w = user;
	struct auth *a = identity_check(w->all->identity, w->token, NULL);

	w->timer = NULL;
	if (a && a->admin) {
		w->beat = true;
		plan(w);
	} else {
		w->over = "the token is no longer valid";
	}
	if (a)
		auth_free(a);
	api_stream_wake(&w->stream);
}

static void plan(struct watch *w)
{
	int64_t left_ms = (w->expires_us - clock_wall_us()) / 1000 + 1;

	w->timer = clock_after(CLAMP(left_ms, 1, WATCH_BEAT_MS), on_timer, w);
}

/* Of struct api_stream. */
static void watch_closed(struct api_stream *s)
{
	struct watch *w = (struct watch *)(void *)s;

	g_ptr_array_remove_fast(w->all->open, w);
	clock_cancel(&w->timer);
	g_string_free(w->out, TRUE);
	g_free(w->server);
	g_free(w->token);
	g_free(w);
}

/* How many are there, after those whose clients have gone without a word were told to end. */
static size_t count_open(struct watches *all)
{
	size_t n = 0;

	for (guint i = 0; i < all->open->len; i++) {
		struct watch *w = g_ptr_array_index(all->open, i);

		if (!w->over && api_stream_left(&w->stream)) {
			w->over = "the client has closed its side, and another client is waiting";
			api_stream_wake(&w->stream);
		}
		n += !w->over;
	}
	return n;
}

struct api_stream *watch_open(struct watches *all, const struct watch_params *p, GError **err)
{
	struct watch *w;

	if (all->open->len >= all->max && count_open(all) >= all->max) {
		g_set_error(err, ERR, ERR_UNAVAILABLE, "%zu clients are subscribed to events, the limit set by [api] event_streams_max.", all->max);
		return NULL;
	}
	w = g_new0(struct watch, 1);
	w->stream.read = watch_read;
	w->stream.closed = watch_closed;
	w->all = all;
	w->types = p->types;
	w->server = g_strdup(p->server);
	w->migration = p->migration;
	w->token = g_strdup(p->token);
	w->expires_us = p->expires_us;
	w->at = events_last(all->events);
	w->found = p->last_id ? events_find(all->events, p->last_id, &w->at) : EVENT_FOUND;
	w->out = g_string_new(NULL);
	plan(w);
	g_ptr_array_add(all->open, w);
	all->stats.opened++;
	return &w->stream;
}

/* ---- all of them ---- */

static void wake_all(void *user)
{
	struct watches *all = user;

	all->waker = NULL;
	for (guint i = 0; i < all->open->len; i++) {
		struct watch *w = g_ptr_array_index(all->open, i);

		if (has_news(w))
			api_stream_wake(&w->stream);
	}
}

/* An events_news_f: once a turn of the loop is enough. */
static void on_news(void *user)
{
	struct watches *all = user;

	if (all->open->len && !all->waker)
		all->waker = clock_after(0, wake_all, all);
}

struct watches *watches_new(struct events *e, struct identity *id, size_t max)
{
	struct watches *all = g_new0(struct watches, 1);

	all->events = e;
	all->identity = id;
	all->max = max;
	all->open = g_ptr_array_new();
	events_listen(e, on_news, all);
	return all;
}

void watches_free(struct watches *all)
{
	if (!all)
		return;
	g_assert(all->open->len == 0);
	events_unlisten(all->events, all);
	clock_cancel(&all->waker);
	g_ptr_array_unref(all->open);
	g_free(all);
}

struct watches_stats watches_stats(const struct watches *all)
{
	struct watches_stats s = { .open = 0 };

	if (!all)
		return s;
	s = all->stats;
	s.open = all->open->len;
	return s;
}

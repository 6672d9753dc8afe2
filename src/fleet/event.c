/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/event.h"

#include <assert.h>
#include <string.h>

#include "base/clock.h"

#define ROOM_STEP 64

struct events {
	int64_t run_us;
	uint64_t last;
	uint64_t total[EVENT_TYPE_N];
	struct event *ring; /* the event NUMBER is at NUMBER % max */
	size_t max;
	GString *text;      /* of the one that is being written */
	struct {
		events_news_f *news;
		void *user;
	} listeners[EVENTS_LISTENERS_MAX];
	unsigned n_listeners;
};

static const char *const type_names[] = {
	[EVENT_MIGRATION] = "migration", [EVENT_DECISION] = "decision", [EVENT_PROGRESS] = "progress", [EVENT_SERVER] = "server",
	[EVENT_HOST] = "host",
	[EVENT_PLAN] = "plan",
};
static_assert(G_N_ELEMENTS(type_names) == EVENT_TYPE_N, "type_names is missing one");

static const char *const found_names[] = {
	[EVENT_FOUND] = "found", [EVENT_RESTARTED] = "restart", [EVENT_OVERRUN] = "overrun", [EVENT_UNKNOWN] = "unknown",
};
static_assert(G_N_ELEMENTS(found_names) == EVENT_FOUND_N, "found_names is missing one");

const char *event_type_name(enum event_type t)
{
	return type_names[t];
}

bool event_type_parse(const char *name, enum event_type *ret)
{
	for (size_t i = 0; i < G_N_ELEMENTS(type_names); i++) {
		if (strcmp(type_names[i], name) == 0) {
			*ret = (enum event_type)i;
			return true;
		}
	}
	return false;
}

const char *event_found_name(enum event_found f)
{
	return found_names[f];
}

struct events *events_new(size_t max)
{
	struct events *e = g_new0(struct events, 1);

	g_assert(max > 0);
	e->run_us = clock_wall_us();
	e->max = max;
	e->ring = g_new0(struct event, max);
	e->text = g_string_new(NULL);
	return e;
}

void events_free(struct events *e)
{
	if (!e)
		return;
	for (size_t i = 0; i < e->max; i++)
		g_free(e->ring[i].data);
	g_free(e->ring);
	g_string_free(e->text, TRUE);
	g_free(e);
}

void events_listen(struct events *e, events_news_f *fn, void *user)
{
	g_assert(e->n_listeners < EVENTS_LISTENERS_MAX);
	e->listeners[e->n_listeners].news = fn;
	e->listeners[e->n_listeners++].user = user;
}

void events_unlisten(struct events *e, void *user)
{
	for (unsigned i = 0; i < e->n_listeners; i++) {
		if (e->listeners[i].user != user)
			continue;
		e->listeners[i] = e->listeners[--e->n_listeners];
		return;
	}
}

static void write_text(const struct events *e, const struct event_about *a, const struct json_field *f, size_t n, const void *obj)
{
	char id[EVENT_ID_MAX];
	struct jout o;

	events_id(e, e->last, id);
	g_string_truncate(e->text, 0);
	jout_init(&o, e->text, 0);
	o.ctx = a->ctx;
	jout_open(&o, '{');
	jout_kv(&o, "id", str, id);
	jout_kv(&o, "type", str, type_names[a->type]);
	jout_kv(&o, "at", time_us, clock_wall_us());
	if (a->server)
		jout_kv(&o, "server_uuid", str, a->server);
	if (a->migration)
		jout_kv(&o, "migration_id", int, a->migration);
	jout_fields(&o, f, n, obj);
	jout_close(&o, '}');
}

/* The places of a ring are filled again and again: what one has taken is enough for most that come there. */
static void put_text(struct event *ev, const GString *text)
{
	size_t need = text->len + 1;

	if (ev->room < need) {
		ev->room = (need + ROOM_STEP - 1) / ROOM_STEP * ROOM_STEP;
		g_free(ev->data);
		ev->data = g_malloc(ev->room);
	}
	memcpy(ev->data, text->str, need);
}

void event_emit(struct events *e, const struct event_about *a, const struct json_field *f, size_t n, const void *obj)
{
	struct event *ev = &e->ring[++e->last % e->max];

	ev->number = e->last;
	ev->type = a->type;
	ev->migration = a->migration;
	g_strlcpy(ev->server, a->server ? a->server : "", sizeof ev->server);
	write_text(e, a, f, n, obj);
	put_text(ev, e->text);
	e->total[a->type]++;
	for (unsigned i = 0; i < e->n_listeners; i++)
		e->listeners[i].news(e->listeners[i].user);
}

uint64_t events_last(const struct events *e)
{
	return e->last;
}

uint64_t events_total(const struct events *e, enum event_type t)
{
	return e->total[t];
}

bool events_kept(const struct events *e, uint64_t number)
{
	return number <= e->last && e->last - number <= e->max;
}

const struct event *events_next(const struct events *e, uint64_t number)
{
	g_assert(events_kept(e, number));
	return number < e->last ? &e->ring[(number + 1) % e->max] : NULL;
}

void events_id(const struct events *e, uint64_t number, char out[static EVENT_ID_MAX])
{
	size_t n = util_int(out, e->run_us);

	out[n] = '-';
	util_int(out + n + 1, (int64_t)number);
}

enum event_found events_find(const struct events *e, const char *id, uint64_t *ret_number)
{
	g_auto(GStrv) parts = g_strsplit(id, "-", 2);
	int64_t run, number;

	if (g_strv_length(parts) != 2 || !util_parse_int(parts[0], 0, G_MAXINT64, &run) || !util_parse_int(parts[1], 0, G_MAXINT64, &number))
		return EVENT_UNKNOWN;
	if (run != e->run_us)
		return EVENT_RESTARTED;
	if ((uint64_t)number > e->last)
		return EVENT_UNKNOWN;
	if (!events_kept(e, (uint64_t)number))
		return EVENT_OVERRUN;
	*ret_number = (uint64_t)number;
	return EVENT_FOUND;
}

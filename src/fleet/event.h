/* SPDX-License-Identifier: Apache-2.0
 *
 * event: recent events, for subscribed clients.
 *
 * Theory of operation
 * -------------------
 * A ring of the newest events in memory, each one JSON object. A subscriber reads
 * it from a position of its own and holds nothing else: one that is too slow falls
 * out of the ring and is told so, whatever the others do. Records live in the store;
 * the ring is news, not a record, and a restart begins a new one.
 *
 * An event's id is RUN-NUMBER: RUN is the wall clock, in microseconds, when the
 * ring was made; NUMBER counts from 1. So ids grow over restarts too, unless the
 * clock was set back; and an id of another run is known to be one in any case,
 * which is what events_find() is asked for. Nothing may be concluded from ids but
 * that: whether something is missing in between is said, never to be guessed.
 */
#ifndef EVENT_H
#define EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "base/json.h"
#include "base/util.h"

#define EVENT_ID_MAX 48

enum event_type {
	EVENT_MIGRATION, /* a migration was requested, or changed its phase */
	EVENT_DECISION,  /* something was decided or asked about one that runs */
	EVENT_PROGRESS,  /* a sample of a running copy */
	EVENT_SERVER,    /* a server appeared, changed, went */
	EVENT_HOST,      /* the same of a host */
	EVENT_PLAN,      /* a plan, or a step of one, is in another state */
	EVENT_TYPE_N
};

struct event {
	uint64_t number;
	enum event_type type;
	char server[UTIL_UUID_LEN + 1]; /* "": none */
	int64_t migration;              /* 0: none */
	char *data;                     /* a JSON object in one line */
	size_t room;                    /* bytes that .data has */
};

struct events;

typedef void events_news_f(void *user);

/** event_type_name() - "migration", "progress", ... */
const char *event_type_name(enum event_type t);
/** event_type_parse() - the way back; false for an unknown word. */
bool event_type_parse(const char *name, enum event_type *ret);

/** events_new() - an empty ring. @max: how many events it keeps, at least 1 */
struct events *events_new(size_t max);
void events_free(struct events *e);

#define EVENTS_LISTENERS_MAX 4

/** events_listen() - call @fn after each event; it must not emit any. EVENTS_LISTENERS_MAX at once. */
void events_listen(struct events *e, events_news_f *fn, void *user);
/** events_unlisten() - no more of that; nothing happens if it did not listen. */
void events_unlisten(struct events *e, void *user);

/* What an event is about. */
struct event_about {
	enum event_type type;
	const char *server;  /* NULL: none */
	int64_t migration;   /* 0: none */
	const void *ctx;     /* for the emitters of the fields, as jout's */
};

/**
 * event_emit() - something happened.
 * @f: @n fields of @obj, which stand behind id, type, at, server and migration
 *
 * After the change is durable: a subscriber may ask for the record at once.
 */
void event_emit(struct events *e, const struct event_about *a, const struct json_field *f, size_t n, const void *obj);

/* ---- reading ---- */

/** events_last() - the newest event's number; 0 before the first. */
uint64_t events_last(const struct events *e);
/** events_total() - how many of a type there were since the start. */
uint64_t events_total(const struct events *e, enum event_type t);

/** events_kept() - true if everything after @number is still in the ring. */
bool events_kept(const struct events *e, uint64_t number);

/** events_next() - the event after @number. Return: borrowed until the next event_emit(); NULL if there is none yet. events_kept() is true. */
const struct event *events_next(const struct events *e, uint64_t number);

/** events_id() - "RUN-NUMBER". */
void events_id(const struct events *e, uint64_t number, char out[static EVENT_ID_MAX]);

enum event_found {
	EVENT_FOUND,     /* everything after it is in the ring */
	EVENT_RESTARTED, /* it is of another run */
	EVENT_OVERRUN,   /* it has left the ring */
	EVENT_UNKNOWN,   /* no event ever had it */
	EVENT_FOUND_N
};

/** event_found_name() - the reason of a reset: "restart", "overrun", "unknown". */
const char *event_found_name(enum event_found f);

/** events_find() - where to go on after the event @id. @ret_number: set when found */
enum event_found events_find(const struct events *e, const char *id, uint64_t *ret_number);

#endif

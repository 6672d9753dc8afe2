/* SPDX-License-Identifier: Apache-2.0
 *
 * top_model: what "drover top" knows: hosts, plans, migrations, where the operator is.
 *
 * Lists come from the API, and events change their rows; what an event cannot
 * tell (a place in the queue, what is waited for) makes the lists stale, and the
 * owner reads them again. No clock, no terminal, no network: a screen is a pure
 * function of this and a size (top_draw.h).
 */
#ifndef TOP_MODEL_H
#define TOP_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>
#include <jansson.h>

enum top_pane { TOP_HOSTS, TOP_PLANS, TOP_RUNNING, TOP_QUEUE, TOP_PANE_N };
enum top_sort { TOP_BY_NAME, TOP_BY_LOAD, TOP_BY_AGE, TOP_SORT_N };

#define TOP_DECISIONS_MAX 200

struct top_model {
	json_t *hosts, *plans, *migrations; /* rows of /drover/v1/hosts, plans, migrations */
	json_t *rows[TOP_PANE_N];       /* what each pane shows: filtered and sorted */
	enum top_pane pane;             /* where the cursor is */
	unsigned cursor[TOP_PANE_N];
	enum top_sort sort;
	GString *filter;
	bool typing;                    /* the filter is being typed */
	int64_t open_id;                /* a migration that fills the screen; 0: none */
	json_t *decisions;              /* ... what was decided of it: {"at", "why"}, the oldest first */
	bool help;                      /* the keys fill the screen */
	char *cloud;                    /* its name; owned */
	char *message, *question;       /* of the last line; owned; NULL: none */
	bool stale;                     /* the stream is away */
	bool reload;                    /* an event made the lists stale */
};

struct top_model *top_new(const char *cloud);
void top_free(struct top_model *t);

/** top_set_hosts() - the list of hosts; taken. */
void top_set_hosts(struct top_model *t, json_t *hosts);

/** top_set_plans() - the list of plans that are under way; taken. */
void top_set_plans(struct top_model *t, json_t *plans);

/** top_set_migrations() - the list of migrations that have not ended; taken. */
void top_set_migrations(struct top_model *t, json_t *migrations);

/** top_event() - something has happened. @event: of /drover/v1/events; borrowed */
void top_event(struct top_model *t, const json_t *event);

/** top_arrange() - after a change of the filter or the order. */
void top_arrange(struct top_model *t);

/** top_open() - show one migration; its history is @events, of its record. 0: show the fleet. */
void top_open(struct top_model *t, int64_t id, const json_t *events);

/** top_move() - the cursor by so many rows, into other panes at their ends. */
void top_move(struct top_model *t, int rows);

/** top_next_pane() - the cursor to the next pane that has rows. */
void top_next_pane(struct top_model *t);

/** top_migration() - the one that is open, or under the cursor. Borrowed; NULL: none. */
const json_t *top_migration(const struct top_model *t);

/** top_host() - the host under the cursor. Borrowed; NULL: none. */
const json_t *top_host(const struct top_model *t);

/** top_plan() - the plan under the cursor. Borrowed; NULL: none. */
const json_t *top_plan(const struct top_model *t);

/** top_say() - a message for the last line, as printf() does; made safe. */
void top_say(struct top_model *t, const char *fmt, ...) G_GNUC_PRINTF(2, 3);

/** top_ask() - a question instead of it; NULL: none any more. */
void top_ask(struct top_model *t, const char *fmt, ...) G_GNUC_PRINTF(2, 3);

/** top_percent() - how much of a migration's work is done; it never falls. Return: -1: unknown. */
int top_percent(const json_t *migration);

/** top_measured() - of its CPUs, what a host's guests use, in percent. Return: -1: it is not measured. */
int top_measured(const json_t *host);

/** top_load() - the part of its capacity that a host has given away, in percent. @what: "memory_mb", "vcpus" */
int top_load(const json_t *host, const char *what);

#endif

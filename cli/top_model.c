/* SPDX-License-Identifier: Apache-2.0 */
#include "top_model.h"

#include <string.h>

#include "base/json.h"
#include "render.h"

#define PERCENT "top_percent" /* a member of ours */

struct top_model *top_new(const char *cloud)
{
	struct top_model *t = g_new0(struct top_model, 1);

	t->hosts = json_array();
	t->plans = json_array();
	t->migrations = json_array();
	t->decisions = json_array();
	t->filter = g_string_new(NULL);
	t->cloud = render_safe(cloud, false);
	t->pane = TOP_RUNNING;
	top_arrange(t);
	return t;
}

void top_free(struct top_model *t)
{
	if (!t)
		return;
	json_decref(t->hosts);
	json_decref(t->plans);
	json_decref(t->migrations);
	json_decref(t->decisions);
	for (size_t i = 0; i < TOP_PANE_N; i++)
		json_decref(t->rows[i]);
	g_string_free(t->filter, TRUE);
	g_free(t->cloud);
	g_free(t->message);
	g_free(t->question);
	g_free(t);
}

/* ---- numbers ---- */

static int64_t num(const json_t *row, const char *path)
{
	const json_t *v = render_get(row, path);

	return json_is_number(v) ? (int64_t)json_number_value(v) : 0;
}

int top_load(const json_t *host, const char *what)
{
	g_autofree char *used = g_strconcat("used.", what, NULL), *claimed = g_strconcat("claimed.", what, NULL), *capacity = g_strconcat("capacity.", what, NULL);
	int64_t has = num(host, capacity);

	return has > 0 ? (int)CLAMP((num(host, used) + num(host, claimed)) * 100 / has, 0, 999) : 0;
}

int top_measured(const json_t *host)
{
	const json_t *v = json_object_get(host, "load_percent");

	return json_is_integer(v) ? (int)CLAMP(json_integer_value(v), 0, 999) : -1;
}

int top_percent(const json_t *migration)
{
	const json_t *v = json_object_get(migration, PERCENT);

	return json_is_integer(v) ? (int)json_integer_value(v) : -1;
}

/* Sent, of what is sent and what is left: a guest that changes its memory makes more of both. */
static void note_percent(json_t *migration)
{
	int64_t sent = num(migration, "progress.memory_processed_bytes") + num(migration, "progress.disk_processed_bytes");
	int64_t left = num(migration, "progress.memory_remaining_bytes") + num(migration, "progress.disk_remaining_bytes");
	int percent = sent + left > 0 && sent >= 0 && left >= 0 ? (int)((double)sent * 100 / ((double)sent + (double)left)) : -1;

	if (percent > top_percent(migration))
		json_object_set_new(migration, PERCENT, json_integer(percent));
}

/* ---- what the panes show ---- */

static bool waits(const json_t *migration)
{
	return g_strcmp0(render_str(migration, "phase"), "queued") == 0 || g_strcmp0(render_str(migration, "phase"), "check") == 0;
}

static bool has_text(const json_t *row, const char *member, const char *text)
{
	const char *value = render_str(row, member);

	return value && strcasestr(value, text);
}

static bool passes(const struct top_model *t, const json_t *row)
{
	static const char *const members[] = { "name", "server_name", "source", "dest", "requested_host", "server_uuid", "status", "kind", "state" };

	if (t->filter->len == 0)
		return true;
	for (size_t i = 0; i < G_N_ELEMENTS(members); i++)
		if (has_text(row, members[i], t->filter->str))
			return true;
	return false;
}

static int by_number(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

/* Of hosts: the fullest first. */
static int host_order(const json_t *a, const json_t *b, enum top_sort sort)
{
	int by = sort == TOP_BY_LOAD ? by_number(top_load(b, "memory_mb"), top_load(a, "memory_mb")) : 0;

	return by ? by : g_strcmp0(render_str(a, "name"), render_str(b, "name"));
}

/* Of migrations: the fastest, or the oldest, first; the queue stands in its own order. */
static int migration_order(const json_t *a, const json_t *b, enum top_sort sort)
{
	int64_t x = num(a, "queue_position"), y = num(b, "queue_position");
	int by = by_number(x ? x : INT64_MAX, y ? y : INT64_MAX);

	if (by == 0 && sort == TOP_BY_NAME)
		by = g_strcmp0(render_str(a, "server_name"), render_str(b, "server_name"));
	if (by == 0 && sort == TOP_BY_LOAD)
		by = by_number(num(b, "progress.bytes_per_second"), num(a, "progress.bytes_per_second"));
	return by ? by : by_number(num(a, "id"), num(b, "id"));
}

struct order {
	enum top_sort sort;
	enum top_pane pane;
};

static int compare(const void *a, const void *b, void *user)
{
	const struct order *o = user;
	const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;

	if (o->pane == TOP_PLANS)
		return by_number(num(x, "id"), num(y, "id"));
	return o->pane == TOP_HOSTS ? host_order(x, y, o->sort) : migration_order(x, y, o->sort);
}

static enum top_pane pane_of(const struct top_model *t, const json_t *rows, const json_t *row)
{
	if (rows == t->hosts)
		return TOP_HOSTS;
	if (rows == t->plans)
		return TOP_PLANS;
	return waits(row) ? TOP_QUEUE : TOP_RUNNING;
}

static void gather(const struct top_model *t, const json_t *rows, GPtrArray *panes[])
{
	json_t *row;
	size_t i;

	json_array_foreach((json_t *)rows, i, row)
		if (json_is_object(row) && passes(t, row))
			g_ptr_array_add(panes[pane_of(t, rows, row)], row);
}

void top_arrange(struct top_model *t)
{
	GPtrArray *panes[TOP_PANE_N];

	for (size_t i = 0; i < TOP_PANE_N; i++)
		panes[i] = g_ptr_array_new();
	gather(t, t->hosts, panes);
	gather(t, t->plans, panes);
	gather(t, t->migrations, panes);
	for (size_t i = 0; i < TOP_PANE_N; i++) {
		struct order o = { .sort = t->sort, .pane = (enum top_pane)i };

		g_ptr_array_sort_with_data(panes[i], compare, &o);
		json_decref(t->rows[i]);
		t->rows[i] = json_array();
		for (guint k = 0; k < panes[i]->len; k++)
			json_array_append(t->rows[i], panes[i]->pdata[k]);
		if (t->cursor[i] >= panes[i]->len)
			t->cursor[i] = panes[i]->len ? panes[i]->len - 1 : 0;
		g_ptr_array_unref(panes[i]);
	}
}

/* ---- lists and events ---- */

static json_t *find_row(const json_t *rows, const char *member, const json_t *value)
{
	json_t *row;
	size_t i;

	json_array_foreach((json_t *)rows, i, row)
		if (json_equal(json_object_get(row, member), value))
			return row;
	return NULL;
}

void top_set_hosts(struct top_model *t, json_t *hosts)
{
	json_decref(t->hosts);
	t->hosts = hosts;
	top_arrange(t);
}

void top_set_plans(struct top_model *t, json_t *plans)
{
	json_decref(t->plans);
	t->plans = plans;
	top_arrange(t);
}

void top_set_migrations(struct top_model *t, json_t *migrations)
{
	json_t *row;
	size_t i;

	json_array_foreach(migrations, i, row) {
		const json_t *before = find_row(t->migrations, "id", json_object_get(row, "id"));

		if (top_percent(before) >= 0)
			json_object_set(row, PERCENT, json_object_get(before, PERCENT));
		if (json_is_object(row))
			note_percent(row);
	}
	json_decref(t->migrations);
	t->migrations = migrations;
	top_arrange(t);
}

/* What an event has of these goes into the row. */
static void take(json_t *row, const json_t *event, const char *const *members)
{
	for (; *members; members++)
		if (json_object_get(event, *members))
			json_object_set(row, *members, json_object_get(event, *members));
}

static void take_decision(struct top_model *t, const json_t *event)
{
	if (!t->open_id || num(event, "migration_id") != t->open_id || !render_str(event, "why"))
		return;
	json_array_append_new(t->decisions, json_pack("{s:O?, s:O?}", "at", json_object_get(event, "at"), "why", json_object_get(event, "why")));
	if (json_array_size(t->decisions) > TOP_DECISIONS_MAX)
		json_array_remove(t->decisions, 0);
}

static void on_migration(struct top_model *t, const json_t *event)
{
	static const char *const members[] = { "status", "source", "dest", "error", NULL };
	json_t *row = find_row(t->migrations, "id", json_object_get(event, "migration_id"));

	take_decision(t, event);
	t->reload = true; /* the queue moves by it */
	if (!row)
		return;
	take(row, event, members);
	if (render_str(event, "to"))
		json_object_set(row, "phase", json_object_get(event, "to"));
	json_object_set(row, "final", json_object_get(event, "final"));
}

static void on_progress(struct top_model *t, const json_t *event)
{
	static const char *const members[] = { "status", "source", "dest", "progress", "eta", NULL };
	json_t *row = find_row(t->migrations, "id", json_object_get(event, "migration_id"));

	if (!row) {
		t->reload = true;
		return;
	}
	take(row, event, members);
	note_percent(row);
}

static void on_host(struct top_model *t, const json_t *event)
{
	static const char *const members[] = { "state", "state_reason", "disabled", "disabled_reason", "forced_down", NULL };
	json_t *row = find_row(t->hosts, "name", json_object_get(event, "host"));

	t->reload |= !row || g_strcmp0(render_str(event, "change"), "removed") == 0;
	if (row)
		take(row, event, members);
}

/* Of a server that has moved, its hosts' loads are others; of a plan, its counts. */
static void on_change(struct top_model *t, const json_t *event)
{
	(void)event;
	t->reload = true;
}

static void on_reset(struct top_model *t, const json_t *event)
{
	(void)event;
	t->reload = true;
	top_say(t, "events were missed: the lists are read again");
}

void top_event(struct top_model *t, const json_t *event)
{
	static const struct {
		const char *type;
		void (*fn)(struct top_model *t, const json_t *event);
	} types[] = {
		{ "migration", on_migration }, { "decision", take_decision }, { "progress", on_progress }, { "host", on_host }, { "server", on_change }, { "plan", on_change },
		{ "reset", on_reset },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(types); i++)
		if (g_strcmp0(types[i].type, render_str(event, "type")) == 0)
			types[i].fn(t, event);
	top_arrange(t);
}

void top_open(struct top_model *t, int64_t id, const json_t *events)
{
	const json_t *e;
	size_t i;

	t->open_id = id;
	json_array_clear(t->decisions);
	json_array_foreach(events, i, e)
		json_array_append_new(t->decisions, json_pack("{s:O?, s:O?}", "at", json_object_get(e, "at"), "why", json_object_get(e, "why")));
}

/* ---- the cursor ---- */

static size_t n_rows(const struct top_model *t, enum top_pane pane)
{
	return json_array_size(t->rows[pane]);
}

/* The next pane above or below that has rows. Return: the same: there is none. */
static enum top_pane beside(const struct top_model *t, int step)
{
	for (int pane = (int)t->pane + step; pane >= 0 && pane < TOP_PANE_N; pane += step)
		if (n_rows(t, (enum top_pane)pane) > 0)
			return (enum top_pane)pane;
	return t->pane;
}

void top_move(struct top_model *t, int rows)
{
	int64_t at = (int64_t)t->cursor[t->pane] + rows;
	enum top_pane to = at < 0 ? beside(t, -1) : at >= (int64_t)n_rows(t, t->pane) ? beside(t, 1) : t->pane;

	if (to != t->pane)
		at = to < t->pane ? (int64_t)n_rows(t, to) - 1 : 0;
	t->pane = to;
	t->cursor[t->pane] = (unsigned)CLAMP(at, 0, MAX((int64_t)n_rows(t, t->pane) - 1, 0));
}

void top_next_pane(struct top_model *t)
{
	for (int i = 1; i <= TOP_PANE_N; i++) {
		enum top_pane next = (enum top_pane)(((int)t->pane + i) % TOP_PANE_N);

		if (n_rows(t, next) > 0) {
			t->pane = next;
			return;
		}
	}
}

const json_t *top_migration(const struct top_model *t)
{
	g_autoptr(json_t) id = json_integer(t->open_id);

	if (t->open_id)
		return find_row(t->migrations, "id", id);
	return t->pane == TOP_HOSTS || t->pane == TOP_PLANS ? NULL : json_array_get(t->rows[t->pane], t->cursor[t->pane]);
}

const json_t *top_plan(const struct top_model *t)
{
	return t->pane == TOP_PLANS && !t->open_id ? json_array_get(t->rows[TOP_PLANS], t->cursor[TOP_PLANS]) : NULL;
}

const json_t *top_host(const struct top_model *t)
{
	return t->pane == TOP_HOSTS && !t->open_id ? json_array_get(t->rows[TOP_HOSTS], t->cursor[TOP_HOSTS]) : NULL;
}

/* ---- the last line ---- */

static void set_line(char **line, const char *fmt, va_list ap)
{
	g_autofree char *text = g_strdup_vprintf(fmt, ap);

	g_free(*line);
	*line = render_safe(text, false);
}

void top_say(struct top_model *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set_line(&t->message, fmt, ap);
	va_end(ap);
}

void top_ask(struct top_model *t, const char *fmt, ...)
{
	va_list ap;

	g_clear_pointer(&t->question, g_free);
	if (!fmt)
		return;
	va_start(ap, fmt);
	set_line(&t->question, fmt, ap);
	va_end(ap);
}

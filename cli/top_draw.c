/* SPDX-License-Identifier: Apache-2.0 */
#include "top_draw.h"

#include <string.h>

#include "base/json.h"
#include "progress.h"
#include "render.h"

#define CELL_MIN 10
#define CELL_MAX 24
#define BAR_MIN 6
#define BAR_MAX 20
#define WIDE 110      /* columns from which on there is room for all */
#define WIDEST 130    /* ... and for a third bar */
#define FULL 85       /* percent: a host counts as full */
#define BUSY 60
#define FIXED_LINES 2 /* the title, the last line */

/* ---- lines ---- */

static void clear_part(void *p)
{
	g_free(((struct top_part *)p)->text);
}

static void free_line(void *p)
{
	struct top_line *l = p;

	g_array_unref(l->parts);
	g_free(l);
}

static struct top_line *add_line(struct top_screen *s)
{
	struct top_line *l = g_new0(struct top_line, 1);

	l->parts = g_array_new(FALSE, FALSE, sizeof(struct top_part));
	g_array_set_clear_func(l->parts, clear_part);
	g_ptr_array_add(s->lines, l);
	return l;
}

static void add(struct top_line *l, enum top_style style, const char *fmt, ...) G_GNUC_PRINTF(3, 4);
static void add(struct top_line *l, enum top_style style, const char *fmt, ...)
{
	struct top_part part = { .style = style };
	g_autofree char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = g_strdup_vprintf(fmt, ap);
	va_end(ap);
	part.text = render_safe(text, false);
	g_array_append_val(l->parts, part);
}

/* As much of a text as fits into @width cells, filled up by blanks. Return: owned. */
static char *fit(const char *text, int width)
{
	g_autofree char *safe = render_safe(text ? text : "-", false);
	GString *s = g_string_new(NULL);
	int used = 0;

	for (const char *c = safe; *c; c = g_utf8_next_char(c)) {
		g_autofree char *one = g_strndup(c, (gsize)(g_utf8_next_char(c) - c));
		int cells = (int)render_width(one);

		if (used + cells > width)
			break;
		g_string_append(s, one);
		used += cells;
	}
	for (; used < width; used++)
		g_string_append_c(s, ' ');
	return g_string_free(s, FALSE);
}

/* Cuts a line to the screen. */
static void cut_line(struct top_line *l, int cols)
{
	int used = 0;

	for (guint i = 0; i < l->parts->len; i++) {
		struct top_part *p = &g_array_index(l->parts, struct top_part, i);
		int cells = (int)render_width(p->text);

		if (used + cells > cols) {
			char *cut = fit(p->text, MAX(cols - used, 0));

			g_free(p->text);
			p->text = cut;
			cells = cols - used;
		}
		used += cells;
	}
}

static void add_text(struct top_line *l, enum top_style style, const char *text, int width)
{
	g_autofree char *fitted = fit(text, width);

	add(l, style, "%s ", fitted);
}

static void add_bar(struct top_line *l, enum top_style style, int percent, int width)
{
	int full = CLAMP(percent, 0, 100) * width / 100;
	g_autofree char *bar = g_strnfill((gsize)full, '|'), *rest = g_strnfill((gsize)(width - full), ' ');

	add(l, TOP_PLAIN, "[");
	add(l, style, "%s", bar);
	if (percent < 0)
		add(l, TOP_PLAIN, "%s]     ", rest);
	else
		add(l, TOP_PLAIN, "%s] %3d%%", rest, percent);
}

/* ---- numbers ---- */

static int64_t num(const json_t *row, const char *path)
{
	const json_t *v = render_get(row, path);

	return json_is_number(v) ? (int64_t)json_number_value(v) : 0;
}

static int count_hosts(const struct top_model *t, bool (*is)(const json_t *host))
{
	const json_t *h;
	int n = 0;
	size_t i;

	json_array_foreach(t->hosts, i, h)
		n += is(h);
	return n;
}

static bool is_down(const json_t *host)
{
	return g_strcmp0(render_str(host, "state"), "down") == 0;
}

static bool is_disabled(const json_t *host)
{
	return json_is_true(json_object_get(host, "disabled"));
}

/* Migrations that leave a host, or come to it, and are past the queue. */
static int count_moves(const struct top_model *t, const json_t *host, const char *end)
{
	const json_t *m;
	int n = 0;
	size_t i;

	json_array_foreach(t->migrations, i, m)
		n += g_strcmp0(render_str(m, end), render_str(host, "name")) == 0 && g_strcmp0(render_str(m, "phase"), "queued") != 0;
	return n;
}

/* ---- rows ---- */

struct place {
	const struct top_model *t;
	int cols, name, bar;
};

static enum top_style level_of(int percent)
{
	return percent >= FULL ? TOP_BAD : percent >= BUSY ? TOP_WARN : TOP_GOOD;
}

static void draw_host(struct top_line *l, const json_t *h, const struct place *p)
{
	int memory = top_load(h, "memory_mb"), vcpus = top_load(h, "vcpus"), in = count_moves(p->t, h, "dest"), out = count_moves(p->t, h, "source");
	bool down = is_down(h), disabled = is_disabled(h);

	add_text(l, TOP_PLAIN, render_str(h, "name"), p->name);
	add_text(l, down ? TOP_BAD : disabled ? TOP_WARN : TOP_GOOD, down ? "down" : disabled ? "disabled" : "up", 8);
	add(l, TOP_PLAIN, "mem ");
	add_bar(l, level_of(memory), memory, p->bar);
	if (p->cols >= 60) {
		add(l, TOP_PLAIN, " cpu ");
		add_bar(l, level_of(vcpus), vcpus, p->bar);
	}
	if (p->cols >= WIDEST && top_measured(h) >= 0) {
		add(l, TOP_PLAIN, " use ");
		add_bar(l, level_of(top_measured(h)), top_measured(h), p->bar);
	}
	add(l, TOP_PLAIN, " %4d", (int)num(h, "servers"));
	if (in || out)
		add(l, TOP_WARN, "  in %d out %d", in, out);
	if (p->cols >= WIDE && (down || disabled) && render_str(h, down ? "state_reason" : "disabled_reason"))
		add(l, TOP_DIM, "  %s", render_str(h, down ? "state_reason" : "disabled_reason"));
}

static int count_of(const json_t *plan, const char *state)
{
	g_autofree char *path = g_strconcat("counts.", state, NULL);

	return (int)num(plan, path);
}

/* "h1,h2" of a drain. Return: owned; NULL: it names none */
static char *hosts_of(const json_t *plan)
{
	GString *s = g_string_new(NULL);
	const json_t *host;
	size_t i;

	json_array_foreach(render_get(plan, "options.hosts"), i, host)
		g_string_append_printf(s, "%s%s", i ? "," : "", json_string_value(host) ? json_string_value(host) : "-");
	return g_string_free(s, s->len == 0);
}

static void draw_plan(struct top_line *l, const json_t *plan, const struct place *p)
{
	static const char *const over[] = { "done", "skipped", "failed", "cancelled", "left", "blocked" };
	int ended = 0, good = count_of(plan, "done") + count_of(plan, "skipped"), running = count_of(plan, "running"), waiting = count_of(plan, "waiting");
	g_autofree char *id = g_strdup_printf("%d", (int)num(plan, "id")), *hosts = hosts_of(plan);
	const char *state = render_str(plan, "state");

	for (size_t i = 0; i < G_N_ELEMENTS(over); i++)
		ended += count_of(plan, over[i]);
	add_text(l, TOP_PLAIN, id, 4);
	add_text(l, TOP_PLAIN, render_str(plan, "kind"), 9);
	add_text(l, g_strcmp0(state, "running") == 0 ? TOP_GOOD : TOP_WARN, state, 10);
	if (p->cols >= 60)
		add_bar(l, TOP_GOOD, ended + running + waiting > 0 ? ended * 100 / (ended + running + waiting) : 0, p->bar);
	add(l, TOP_PLAIN, "  %d running, %d waiting, %d done", running, waiting, good);
	if (ended > good)
		add(l, TOP_BAD, ", %d not", ended - good);
	if (hosts)
		add(l, TOP_DIM, "  %s", hosts);
}

/* "~24 s (20 s to 40 s)", or where there is less room "~24 s". Return: owned; NULL: unknown. */
static char *eta_of(const json_t *m, bool range)
{
	const json_t *low = render_get(m, "eta.low_ms"), *high = render_get(m, "eta.high_ms");
	g_autofree char *about = progress_duration((num(m, "eta.ms") + 999) / 1000);

	if (!json_is_integer(render_get(m, "eta.ms")))
		return NULL;
	if (!range)
		return g_strdup_printf("~%s%s", about, json_is_integer(high) ? "" : "?");
	return progress_eta(num(m, "eta.ms"), json_is_integer(low) ? json_integer_value(low) : -1, json_is_integer(high) ? json_integer_value(high) : -1);
}

static void add_rates(struct top_line *l, const json_t *m, const struct place *p)
{
	g_autofree char *rate = render_bytes(num(m, "progress.bytes_per_second")), *dirty = render_bytes(num(m, "progress.dirty_bytes_per_second"));
	g_autofree char *eta = eta_of(m, p->cols >= WIDE);

	if (eta)
		add(l, TOP_PLAIN, "  %s", eta);
	add(l, TOP_PLAIN, "  %s/s", rate);
	if (num(m, "progress.dirty_bytes_per_second") > 0)
		add(l, num(m, "progress.dirty_bytes_per_second") >= num(m, "progress.bytes_per_second") ? TOP_BAD : TOP_PLAIN, "  dirty %s/s", dirty);
}

static void draw_running(struct top_line *l, const json_t *m, const struct place *p)
{
	int percent = top_percent(m);
	g_autofree char *id = g_strdup_printf("%d", (int)num(m, "id"));

	add_text(l, TOP_PLAIN, id, 5);
	add_text(l, TOP_PLAIN, render_str(m, "server_name") ? render_str(m, "server_name") : render_str(m, "server_uuid"), p->name);
	add_text(l, TOP_PLAIN, render_str(m, "source"), p->name / 2 + 2);
	add(l, TOP_DIM, "-> ");
	add_text(l, TOP_PLAIN, render_str(m, "dest"), p->name / 2 + 2);
	if (p->cols >= 60)
		add_bar(l, TOP_GOOD, percent, p->bar);
	else if (percent >= 0)
		add(l, TOP_PLAIN, "%3d%%", percent);
	if (num(m, "progress.bytes_per_second") > 0)
		add_rates(l, m, p);
	else
		add(l, TOP_WARN, "  %s", render_str(m, "phase") ? render_str(m, "phase") : "-");
}

static void draw_queued(struct top_line *l, const json_t *m, const struct place *p)
{
	const char *waits = render_str(m, "waits_for"), *to = render_str(m, "dest") ? render_str(m, "dest") : render_str(m, "requested_host");
	g_autofree char *id = g_strdup_printf("%d", (int)num(m, "id"));

	add(l, TOP_DIM, "%3d. ", (int)num(m, "queue_position"));
	add_text(l, TOP_PLAIN, id, 5);
	add_text(l, TOP_PLAIN, render_str(m, "server_name") ? render_str(m, "server_name") : render_str(m, "server_uuid"), p->name);
	add_text(l, TOP_PLAIN, render_str(m, "source"), p->name / 2 + 2);
	add(l, TOP_DIM, "-> ");
	add_text(l, TOP_PLAIN, to ? to : "any", p->name / 2 + 2);
	if (num(m, "priority"))
		add(l, TOP_PLAIN, "%+d ", (int)num(m, "priority"));
	add(l, TOP_WARN, "%s", waits ? waits : render_str(m, "phase") ? render_str(m, "phase") : "-");
}

/* ---- the fleet ---- */

static const struct {
	const char *head;
	void (*draw)(struct top_line *l, const json_t *row, const struct place *p);
} panes[TOP_PANE_N] = {
	[TOP_HOSTS]   = { "HOSTS",   draw_host },
	[TOP_PLANS]   = { "PLANS",   draw_plan },
	[TOP_RUNNING] = { "RUNNING", draw_running },
	[TOP_QUEUE]   = { "QUEUE",   draw_queued },
};

static const char *const sorts[TOP_SORT_N] = { [TOP_BY_NAME] = "name", [TOP_BY_LOAD] = "load", [TOP_BY_AGE] = "age" };

static void draw_title(struct top_screen *s, const struct top_model *t)
{
	struct top_line *l = add_line(s);
	int down = count_hosts(t, is_down), disabled = count_hosts(t, is_disabled);

	add(l, TOP_TITLE, "drover top  %s", t->cloud);
	add(l, TOP_TITLE, "  %zu hosts", json_array_size(t->hosts));
	if (down)
		add(l, TOP_BAD, ", %d down", down);
	if (disabled)
		add(l, TOP_WARN, ", %d disabled", disabled);
	add(l, TOP_TITLE, "  %zu running, %zu queued  by %s", json_array_size(t->rows[TOP_RUNNING]), json_array_size(t->rows[TOP_QUEUE]), sorts[t->sort]);
	if (t->filter->len)
		add(l, TOP_WARN, "  /%s", t->filter->str);
	if (t->stale)
		add(l, TOP_BAD, "  no answer: this is old");
}

static void draw_last(struct top_screen *s, const struct top_model *t)
{
	struct top_line *l = add_line(s);

	if (t->typing)
		add(l, TOP_PLAIN, "filter: %s_", t->filter->str);
	else if (t->question)
		add(l, TOP_WARN, "%s [y/n]", t->question);
	else if (t->message)
		add(l, TOP_WARN, "%s", t->message);
	else if (t->open_id)
		add(l, TOP_DIM, "a abort  f force-complete  +/- priority  q back");
	else if (top_plan(t))
		add(l, TOP_DIM, "p pause, resume  a cancel  / filter  s sort  ? help  q quit");
	else
		add(l, TOP_DIM, "enter open  a abort  f force  +/- priority  d drain  / filter  s sort  ? help  q quit");
}

/* Plans are no part of a fleet that has none. */
static bool is_shown(const struct top_model *t, enum top_pane pane)
{
	return pane != TOP_PLANS || json_array_size(t->plans) > 0;
}

/* How many rows each pane gets: at first an equal part each, what one does not need to the others. */
static void allot(const struct top_model *t, int room, int got[TOP_PANE_N])
{
	static const enum top_pane order[TOP_PANE_N] = { TOP_RUNNING, TOP_QUEUE, TOP_PLANS, TOP_HOSTS };
	int shown = is_shown(t, TOP_PLANS) ? TOP_PANE_N : TOP_PANE_N - 1, left = MAX(room - shown, 0), part = left / shown;

	for (size_t i = 0; i < TOP_PANE_N; i++) {
		got[i] = MIN((int)json_array_size(t->rows[i]), part);
		left -= got[i];
	}
	for (size_t i = 0; i < TOP_PANE_N; i++) {
		int more = MIN((int)json_array_size(t->rows[order[i]]) - got[order[i]], left);

		got[order[i]] += more;
		left -= more;
	}
}

static void draw_pane(struct top_screen *s, enum top_pane pane, int n, const struct place *p)
{
	const struct top_model *t = p->t;
	int all = (int)json_array_size(t->rows[pane]), cursor = (int)t->cursor[pane], first = CLAMP(cursor - n / 2, 0, MAX(all - n, 0));
	struct top_line *head = add_line(s);

	add(head, TOP_HEAD, "%s", panes[pane].head);
	if (n < all)
		add(head, TOP_DIM, "  %d to %d of %d", n ? first + 1 : 0, first + n, all);
	for (int i = first; i < first + n; i++) {
		struct top_line *l = add_line(s);

		panes[pane].draw(l, json_array_get(t->rows[pane], (size_t)i), p);
		l->cursor = t->pane == pane && i == cursor;
	}
}

static void draw_fleet(struct top_screen *s, const struct place *p, int rows)
{
	int got[TOP_PANE_N];

	allot(p->t, rows ? rows - FIXED_LINES : G_MAXINT / 2, got);
	draw_title(s, p->t);
	for (size_t i = 0; i < TOP_PANE_N; i++)
		if (is_shown(p->t, (enum top_pane)i))
			draw_pane(s, (enum top_pane)i, got[i], p);
}

/* ---- one migration ---- */

static void draw_copy(struct top_screen *s, const json_t *m, const struct place *p)
{
	g_autofree char *sent = render_bytes(num(m, "progress.memory_processed_bytes") + num(m, "progress.disk_processed_bytes"));
	g_autofree char *left = render_bytes(num(m, "progress.memory_remaining_bytes") + num(m, "progress.disk_remaining_bytes"));
	struct top_line *l;
	struct place wide = *p;

	wide.cols = WIDE;
	if (top_percent(m) < 0)
		return;
	l = add_line(s);
	add_bar(l, TOP_GOOD, top_percent(m), p->bar * 2);
	add(l, TOP_PLAIN, "  %s sent, %s left, pass %d", sent, left, (int)num(m, "progress.iteration"));
	add_rates(add_line(s), m, &wide);
}

/* The newest that fit. */
static void draw_decisions(struct top_screen *s, const struct top_model *t, int room)
{
	size_t n = json_array_size(t->decisions), first = room > 0 && n > (size_t)room ? n - (size_t)room : 0;

	for (size_t i = first; i < n && room != 0; i++) {
		const json_t *d = json_array_get(t->decisions, i);
		const char *at = render_str(d, "at") ? strchr(render_str(d, "at"), 'T') : NULL, *why = render_str(d, "why");
		struct top_line *l = add_line(s);

		add(l, TOP_DIM, "%.8s  ", at ? at + 1 : "        ");
		add(l, TOP_PLAIN, "%s", why ? why : "-");
	}
}

static void draw_one(struct top_screen *s, const struct place *p, int rows)
{
	const struct top_model *t = p->t;
	const json_t *m = top_migration(t);
	struct top_line *l = add_line(s);

	add(l, TOP_TITLE, "migration %" G_GINT64_FORMAT, t->open_id);
	if (!m) {
		add(l, TOP_TITLE, " has ended");
	} else {
		add(l, TOP_TITLE, " of %s", render_str(m, "server_name") ? render_str(m, "server_name") : "-");
		l = add_line(s);
		add(l, TOP_PLAIN, "%s (%s)  %s -> %s  priority %d", render_str(m, "status") ? render_str(m, "status") : "-",
		    render_str(m, "phase") ? render_str(m, "phase") : "-", render_str(m, "source") ? render_str(m, "source") : "-",
		    render_str(m, "dest") ? render_str(m, "dest") : "?", (int)num(m, "priority"));
		if (render_str(m, "waits_for"))
			add(add_line(s), TOP_WARN, "waits for: %s", render_str(m, "waits_for"));
		draw_copy(s, m, p);
	}
	add(add_line(s), TOP_HEAD, "WHAT WAS DECIDED");
	draw_decisions(s, t, rows ? MAX(rows - (int)s->lines->len - 1, 0) : -1);
}

static void draw_help(struct top_screen *s)
{
	static const char *const lines[] = {
		"up, down, j, k   the row above or below        tab      the next part",
		"enter            open a migration              q, esc   back; quit",
		"a                abort the migration           f        finish its copy now",
		"a                cancel the plan               p        pause it, or go on with it",
		"+, -             its priority, up or down      d        drain the host",
		"/                show only rows with a text    s        sort by name, load, age",
	};

	add(add_line(s), TOP_TITLE, "drover top: the keys");
	for (size_t i = 0; i < G_N_ELEMENTS(lines); i++)
		add(add_line(s), TOP_PLAIN, "%s", lines[i]);
}

/* ---- all of it ---- */

struct top_screen *top_draw(const struct top_model *t, int rows, int cols)
{
	struct top_screen *s = g_new0(struct top_screen, 1);
	struct place p = { .t = t, .cols = cols, .name = CLAMP(cols / 6, CELL_MIN, CELL_MAX), .bar = CLAMP(cols / 8, BAR_MIN, BAR_MAX) };

	s->lines = g_ptr_array_new_with_free_func(free_line);
	if (t->help)
		draw_help(s);
	else if (t->open_id)
		draw_one(s, &p, rows);
	else
		draw_fleet(s, &p, rows);
	while (rows && (int)s->lines->len < rows - 1)
		(void)add_line(s);
	if (rows) {
		g_ptr_array_set_size(s->lines, rows - 1);
		draw_last(s, t);
	}
	for (guint i = 0; i < s->lines->len; i++)
		cut_line(s->lines->pdata[i], cols);
	return s;
}

void top_screen_free(struct top_screen *s)
{
	if (!s)
		return;
	g_ptr_array_unref(s->lines);
	g_free(s);
}

char *top_screen_text(const struct top_screen *s)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < s->lines->len; i++) {
		const struct top_line *l = s->lines->pdata[i];

		for (guint k = 0; k < l->parts->len; k++)
			g_string_append(text, g_array_index(l->parts, struct top_part, k).text);
		while (text->len && text->str[text->len - 1] == ' ')
			g_string_truncate(text, text->len - 1);
		g_string_append_c(text, '\n');
	}
	return g_string_free(text, FALSE);
}

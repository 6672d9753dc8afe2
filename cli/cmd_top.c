/* SPDX-License-Identifier: Apache-2.0
 *
 * drover top: the fleet on one screen, as it changes.
 *
 * The terminal is ncurses'. The main loop waits for keys, events and time; what
 * they change is drawn at most ten times a second.
 */
#include <curses.h>
#include <glib-unix.h>
#include <locale.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "cli.h"
#include "client.h"
#include "find.h"
#include "follow.h"
#include "plan_api.h"
#include "top_data.h"
#include "top_draw.h"
#include "top_model.h"

#define DRAW_MS 100
#define RELOAD_MS 500    /* lists are read again at most this often */
#define TICK_MS 1000     /* a look whether the stream is away */
#define ONCE_COLS 120
#define KEY_ESC 27
#define ABORT_MV 24
#define FORCE_MV 22

struct top {
	struct cli *cli;
	struct top_model *model;
	struct top_feed *feed;
	void (*act)(struct top *t);  /* what a yes does; NULL: nothing is asked */
	int64_t act_id;              /* ... to this migration, or plan */
	char *act_on;                /* ... or of this server, or to this host; owned */
	bool dirty, may_draw, may_reload, quit;
};

/* ---- the terminal ---- */

static const struct {
	short colour;
	attr_t bold, plain; /* with colours, without */
} styles[TOP_STYLE_N] = {
	[TOP_PLAIN] = { -1, 0, 0 },
	[TOP_TITLE] = { COLOR_CYAN, A_BOLD, A_BOLD },
	[TOP_HEAD]  = { -1, A_BOLD | A_UNDERLINE, A_BOLD | A_UNDERLINE },
	[TOP_GOOD]  = { COLOR_GREEN, 0, 0 },
	[TOP_WARN]  = { COLOR_YELLOW, 0, 0 },
	[TOP_BAD]   = { COLOR_RED, A_BOLD, A_BOLD },
	[TOP_DIM]   = { -1, A_DIM, A_DIM },
};

static void open_terminal(void)
{
	setlocale(LC_CTYPE, "");
	initscr();
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(25);
	(void)curs_set(0); /* not every terminal can */
	if (!has_colors() || g_getenv("NO_COLOR"))
		return;
	start_color();
	use_default_colors();
	for (short i = 1; i < TOP_STYLE_N; i++)
		init_pair(i, styles[i].colour, -1);
}

static attr_t attributes(enum top_style style)
{
	bool colours = has_colors() && !g_getenv("NO_COLOR");

	return colours ? styles[style].bold | (attr_t)(style ? COLOR_PAIR(style) : 0) : styles[style].plain;
}

static void draw(struct top *t)
{
	struct top_screen *s = top_draw(t->model, LINES, COLS);

	erase();
	for (guint i = 0; i < s->lines->len; i++) {
		const struct top_line *l = s->lines->pdata[i];

		move((int)i, 0);
		for (guint k = 0; k < l->parts->len; k++) {
			const struct top_part *p = &g_array_index(l->parts, struct top_part, k);

			attrset(attributes(p->style) | (l->cursor ? A_REVERSE : 0));
			addstr(p->text);
		}
	}
	attrset(A_NORMAL);
	refresh();
	top_screen_free(s);
	t->dirty = t->may_draw = false;
}

/* ---- what the keys do ---- */

static void say_result(struct top *t, bool ok, const char *done, const GError *why)
{
	if (ok)
		top_say(t->model, "%s", done);
	else
		top_say(t->model, "%s", why->message);
}

static void call(struct top *t, struct client_call *q, const char *done)
{
	g_autoptr(GError) why = NULL;
	bool ok = client_call(t->cli->client, q, NULL, &why);

	say_result(t, ok, done, why);
}

static void do_abort(struct top *t)
{
	g_autofree char *id = g_strdup_printf("%" G_GINT64_FORMAT, t->act_id), *path = client_path("servers", t->act_on, "migrations", id, NULL);
	struct client_call q = { .method = "DELETE", .path = path, .mv_min = ABORT_MV, .mv_max = FIND_MIGRATION_MV };

	call(t, &q, "it is asked to abort");
}

static void do_force(struct top *t)
{
	g_autofree char *id = g_strdup_printf("%" G_GINT64_FORMAT, t->act_id), *path = client_path("servers", t->act_on, "migrations", id, "action", NULL);
	g_autoptr(json_t) body = json_pack("{s:n}", "force_complete");
	struct client_call q = { .method = "POST", .path = path, .body = body, .mv_min = FORCE_MV, .mv_max = FIND_MIGRATION_MV };

	call(t, &q, "it is asked to finish its copy now");
}

static void act_on_plan(struct top *t, const char *action, const char *done)
{
	g_autoptr(GError) why = NULL;
	g_autoptr(json_t) plan = plan_act(t->cli, t->act_id, action, NULL, &why);

	say_result(t, plan, done, why);
	t->model->reload = true;
}

static void do_cancel(struct top *t)
{
	act_on_plan(t, "cancel", "it is asked to cancel; what runs ends");
}

static void do_drain(struct top *t)
{
	g_autoptr(json_t) request = json_pack("{s:s, s:[s], s:b}", "kind", "drain", "hosts", t->act_on, "start", 1), plan = NULL;
	g_autoptr(GError) why = NULL;

	plan = plan_make(t->cli, request, NULL, &why);
	if (plan)
		top_say(t->model, "%s is drained: see drover plan show %" JSON_INTEGER_FORMAT, t->act_on, json_integer_value(json_object_get(plan, "id")));
	else
		top_say(t->model, "%s", why->message);
}

static void ask_of_migration(struct top *t, void (*act)(struct top *t), const char *what)
{
	const json_t *m = top_migration(t->model);

	if (!m)
		return;
	t->act = act;
	t->act_id = json_integer_value(json_object_get(m, "id"));
	g_free(t->act_on);
	t->act_on = g_strdup(render_str(m, "server_uuid"));
	top_ask(t->model, "%s migration %" G_GINT64_FORMAT " of %s?", what, t->act_id, render_str(m, "server_name") ? render_str(m, "server_name") : t->act_on);
}

static void key_abort(struct top *t)
{
	const json_t *plan = top_plan(t->model);

	if (!plan) {
		ask_of_migration(t, do_abort, "abort");
		return;
	}
	t->act = do_cancel;
	t->act_id = json_integer_value(json_object_get(plan, "id"));
	top_ask(t->model, "cancel plan %" G_GINT64_FORMAT "?", t->act_id);
}

static void key_pause(struct top *t)
{
	const json_t *plan = top_plan(t->model);
	bool paused = g_strcmp0(render_str(plan, "state"), "paused") == 0;

	if (!plan)
		return;
	t->act_id = json_integer_value(json_object_get(plan, "id"));
	act_on_plan(t, paused ? "resume" : "pause", paused ? "it goes on" : "it is paused; what runs ends");
}

static void key_force(struct top *t)
{
	ask_of_migration(t, do_force, "force-complete");
}

static void key_drain(struct top *t)
{
	const json_t *h = top_host(t->model);

	if (!h || !render_str(h, "name"))
		return;
	t->act = do_drain;
	g_free(t->act_on);
	t->act_on = g_strdup(render_str(h, "name"));
	top_ask(t->model, "disable %s and migrate its servers away?", t->act_on);
}

static void change_priority(struct top *t, int by)
{
	const json_t *m = top_migration(t->model);
	int64_t id = json_integer_value(json_object_get(m, "id")), priority = json_integer_value(json_object_get(m, "priority")) + by;
	g_autofree char *path = g_strdup_printf("/drover/v1/migrations/%" G_GINT64_FORMAT, id), *done = g_strdup_printf("its priority is %d", (int)priority);
	g_autoptr(json_t) body = json_pack("{s:I}", "priority", (json_int_t)priority);
	struct client_call q = { .method = "POST", .path = path, .drovers = "priorities", .body = body };

	if (!m)
		return;
	call(t, &q, done);
	t->model->reload = true;
}

static void key_more(struct top *t)
{
	change_priority(t, 1);
}

static void key_less(struct top *t)
{
	change_priority(t, -1);
}

static void key_down(struct top *t)
{
	top_move(t->model, 1);
}

static void key_up(struct top *t)
{
	top_move(t->model, -1);
}

static void key_page_down(struct top *t)
{
	top_move(t->model, 10);
}

static void key_page_up(struct top *t)
{
	top_move(t->model, -10);
}

static void key_tab(struct top *t)
{
	top_next_pane(t->model);
}

static void key_open(struct top *t)
{
	const json_t *m = top_migration(t->model);
	int64_t id = json_integer_value(json_object_get(m, "id"));
	g_autofree char *path = g_strdup_printf("/drover/v1/migrations/%" G_GINT64_FORMAT, id);
	struct client_call q = { .method = "GET", .path = path, .drovers = "it" };
	g_autoptr(json_t) body = NULL;

	if (!m || t->model->open_id)
		return;
	(void)client_call(t->cli->client, &q, &body, NULL);
	top_open(t->model, id, render_get(body, "migration.events"));
}

static void key_back(struct top *t)
{
	if (t->model->help)
		t->model->help = false;
	else if (t->model->open_id)
		top_open(t->model, 0, NULL);
	else
		t->quit = true;
}

static void key_help(struct top *t)
{
	t->model->help = true;
}

static void key_sort(struct top *t)
{
	t->model->sort = (enum top_sort)((t->model->sort + 1) % TOP_SORT_N);
	top_arrange(t->model);
}

static void key_filter(struct top *t)
{
	t->model->typing = true;
}

static void key_redraw(struct top *t)
{
	(void)t;
	clearok(stdscr, TRUE);
}

static const struct {
	int key;
	void (*fn)(struct top *t);
} keys[] = {
	{ KEY_DOWN, key_down }, { 'j', key_down }, { KEY_UP, key_up }, { 'k', key_up }, { KEY_NPAGE, key_page_down }, { KEY_PPAGE, key_page_up },
	{ '\t', key_tab }, { '\n', key_open }, { KEY_ENTER, key_open }, { '\r', key_open }, { 'q', key_back }, { KEY_ESC, key_back },
	{ 'a', key_abort }, { 'f', key_force }, { '+', key_more }, { '-', key_less }, { 'd', key_drain }, { 'p', key_pause }, { '/', key_filter }, { 's', key_sort },
	{ '?', key_help }, { 'L' - 64, key_redraw }, { KEY_RESIZE, key_redraw },
};

/* A question is open. */
static void answer(struct top *t, int key)
{
	void (*act)(struct top *t) = t->act;

	t->act = NULL;
	top_ask(t->model, NULL);
	if (key == 'y' || key == 'Y')
		act(t);
	else
		top_say(t->model, "nothing was done");
}

static void type_filter(struct top *t, int key)
{
	GString *f = t->model->filter;

	if (key == '\n' || key == '\r' || key == KEY_ENTER)
		t->model->typing = false;
	else if (key == KEY_ESC)
		g_string_truncate(f, 0), t->model->typing = false;
	else if ((key == KEY_BACKSPACE || key == 127 || key == '\b') && f->len)
		g_string_truncate(f, f->len - 1);
	else if (key >= ' ' && key < 127)
		g_string_append_c(f, (char)key);
	top_arrange(t->model);
}

static void on_key(struct top *t, int key)
{
	t->dirty = true;
	if (key == KEY_RESIZE) {
		key_redraw(t);
		return;
	}
	if (t->act) {
		answer(t, key);
		return;
	}
	if (t->model->typing) {
		type_filter(t, key);
		return;
	}
	g_clear_pointer(&t->model->message, g_free);
	for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
		if (keys[i].key == key)
			keys[i].fn(t);
}

/* ---- the loop ---- */

static gboolean on_stdin(int fd, GIOCondition condition, void *user)
{
	struct top *t = user;

	(void)fd;
	if (condition & (G_IO_HUP | G_IO_ERR))
		t->quit = true;
	return G_SOURCE_CONTINUE;
}

static gboolean on_end(void *user)
{
	((struct top *)user)->quit = true;
	return G_SOURCE_CONTINUE;
}

static void allow_draw(void *user)
{
	((struct top *)user)->may_draw = true;
	(void)clock_after(DRAW_MS, allow_draw, user);
}

static void allow_reload(void *user)
{
	((struct top *)user)->may_reload = true;
	(void)clock_after(RELOAD_MS, allow_reload, user);
}

static void take_events(struct top *t)
{
	bool stale;
	json_t *event;

	while ((event = top_feed_take(t->feed, &stale))) {
		top_event(t->model, event);
		json_decref(event);
		t->dirty = true;
	}
	t->dirty |= stale != t->model->stale;
	t->model->stale = stale;
}

static void reload(struct top *t)
{
	g_autoptr(GError) why = NULL;

	t->model->reload = t->may_reload = false;
	t->dirty = true;
	if (top_load_lists(t->cli, t->model, &why))
		return;
	t->model->reload = true;
	top_say(t->model, "%s", why->message);
}

static void loop(struct top *t)
{
	int key;

	while (!t->quit) {
		while ((key = getch()) != ERR)
			on_key(t, key);
		take_events(t);
		if (t->model->reload && t->may_reload)
			reload(t);
		if (t->dirty && t->may_draw)
			draw(t);
		g_main_context_iteration(NULL, TRUE);
	}
}

static bool run_screen(struct top *t, GError **err)
{
	t->feed = top_feed_start(t->cli, err);
	if (!t->feed)
		return false;
	g_unix_fd_add(STDIN_FILENO, G_IO_IN | G_IO_HUP | G_IO_ERR, on_stdin, t);
	g_unix_signal_add(SIGINT, on_end, t);
	g_unix_signal_add(SIGTERM, on_end, t);
	t->dirty = true;
	allow_draw(t);
	allow_reload(t);
	open_terminal();
	loop(t);
	endwin();
	top_feed_stop(t->feed);
	return true;
}

static bool run_once(struct top *t)
{
	struct top_screen *s = top_draw(t->model, 0, ONCE_COLS);
	g_autofree char *text = top_screen_text(s);

	cli_put(t->cli, text);
	top_screen_free(s);
	return true;
}

static bool run_top(struct cli *c, GError **err)
{
	struct top t = { .cli = c };
	const char *cloud = cli_opt(c, "os-cloud") ? cli_opt(c, "os-cloud") : g_getenv("OS_CLOUD");
	bool ok = false;

	t.model = top_new(cloud ? cloud : "");
	if (top_load_lists(c, t.model, err))
		ok = cli_on(c, "once") || !isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO) ? run_once(&t) : run_screen(&t, err);
	g_free(t.act_on);
	top_free(t.model);
	return ok;
}

static const struct opt opts[] = {
	{ "once", 0, NULL, "print it once, and end: for pipes, where it is the default" },
};

static const char more[] = "Hosts with their load, plans that are under way, migrations that run and what they still need, the queue and what each waits for, as they\n"
	"change. ? shows the keys. Needs Drover and the role admin. NO_COLOR turns colours off.\n";

static const struct command rows[] = {
	{ "top", "", "", 0, 0, run_top, CLI_OPTS(opts), .help = "watch the fleet on one screen", .more = more },
};

const struct command_table top_commands = { "top", "watch the fleet on one screen", rows, G_N_ELEMENTS(rows), .otherwise = "", .alone = true };

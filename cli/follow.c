/* SPDX-License-Identifier: Apache-2.0 */
#include "follow.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "client.h"
#include "find.h"
#include "progress.h"
#include "prompt.h"
#include "reason.h"
#include "stage.h"
#include "wait.h"

#define IN_PROGRESS_MV 23   /* the first with /servers/{id}/migrations */
#define ABORT_MV 24
#define START_POLLS 20      /* for the record of a migration to appear */

enum outcome { GOING_ON, COMPLETED, FAILED };

static const struct {
	const char *status;
	enum outcome outcome;
} ends[] = {
	{ "completed", COMPLETED },
	{ "finished",  COMPLETED }, /* of a cold one: it waits for its user */
	{ "confirmed", COMPLETED },
	{ "reverted",  FAILED },
	{ "failed",    FAILED },
	{ "error",     FAILED },
	{ "cancelled", FAILED },
};

static enum outcome outcome_of(const json_t *record)
{
	const char *status = render_str(record, "status");

	for (size_t i = 0; status && i < G_N_ELEMENTS(ends); i++)
		if (strcmp(status, ends[i].status) == 0)
			return ends[i].outcome;
	return GOING_ON;
}

bool follow_pause(struct cli *c)
{
	wait_signals(c->client);
	return wait_ms(WAIT_POLL_MS);
}

/* ---- the line on the terminal ---- */

struct screen {
	bool terminal;
	bool drawn;   /* a line stands there, without its end */
};

/* What one poll has found. */
struct view {
	bool changed;  /* the status or a host */
	bool ended;
	bool silent;   /* the API did not answer */
};

static size_t columns(void)
{
	struct winsize size;

	return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/* Cuts a line so that it leaves the last column free: a full line would wrap and could not be drawn over. */
static void cut(char *line, size_t width)
{
	size_t used = 0;

	for (char *c = line; *c; c = g_utf8_next_char(c)) {
		g_autofree char *one = g_strndup(c, (gsize)(g_utf8_next_char(c) - c));

		used += render_width(one);
		if (used >= width) {
			*c = '\0';
			return;
		}
	}
}

static void draw(struct screen *s, const struct progress *p, const struct view *v)
{
	bool bytes = s->terminal && !v->ended && !v->silent; /* otherwise they are old */
	g_autofree char *text = !*p->status ? g_strdup("waiting for it to start") : bytes ? progress_line(p, clock_now_ms()) : progress_short(p);
	g_autofree char *line = g_strconcat(text, v->silent ? "  (no answer from the API)" : "", NULL);

	if (s->terminal) {
		cut(line, columns());
		fprintf(stderr, "\r%s\033[K", line);
		s->drawn = true;
	} else if (v->changed) {
		fprintf(stderr, "%s\n", text);
	}
}

static void end_line(struct screen *s)
{
	if (s->drawn)
		fputc('\n', stderr);
	s->drawn = false;
}

/* ---- asking ---- */

static bool ours(const struct follow *f, const json_t *m)
{
	int64_t id = json_integer_value(json_object_get(m, "id"));

	return f->id ? id == f->id : id > f->above_id;
}

struct pick {
	const struct follow *f;
	json_t *best;   /* owned */
};

static bool pick_row(json_t *row, void *user)
{
	struct pick *p = user;
	const char *type = render_str(row, "migration_type");
	int64_t id = json_integer_value(json_object_get(row, "id"));

	if (!ours(p->f, row) || (type && strcmp(type, p->f->type) != 0))
		return true;
	if (!p->best || id > json_integer_value(json_object_get(p->best, "id"))) {
		json_decref(p->best);
		p->best = json_incref(row);
	}
	return !(p->f->id && p->best);
}

/* Our migration in a list; @ret_found, owned, is NULL if it is not there. */
static bool look(const struct follow *f, const struct client_list *l, json_t **ret_found, GError **err)
{
	struct pick p = { .f = f };

	if (!client_each(f->cli->client, l, pick_row, &p, err)) {
		json_decref(p.best);
		return false;
	}
	*ret_found = p.best;
	return true;
}

static bool look_all(const struct follow *f, json_t **ret_found, GError **err)
{
	g_autoptr(GString) query = g_string_new(NULL);
	struct client_list l = find_migrations_list(NULL);

	client_query(query, "instance_uuid", f->server_id);
	l.query = query->str;
	return look(f, &l, ret_found, err);
}

static bool look_running(const struct follow *f, json_t **ret_found, GError **err)
{
	g_autofree char *path = client_path("servers", f->server_id, "migrations", NULL);
	struct client_list l = { .path = path, .name = "migrations", .mv_min = IN_PROGRESS_MV, .mv_max = FIND_MIGRATION_MV };

	return look(f, &l, ret_found, err);
}

int64_t follow_last_id(struct cli *c, const char *server_id, const char *type)
{
	struct follow f = { .cli = c, .server_id = server_id, .type = type };
	g_autoptr(json_t) last = NULL;

	/* a user not allowed to list them all follows the one in progress */
	(void)look_all(&f, &last, NULL);
	return json_integer_value(json_object_get(last, "id"));
}

static void keep(struct follow *f, json_t *record)
{
	f->id = json_integer_value(json_object_get(record, "id"));
	json_decref(f->record);
	f->record = record;
}

static bool is_cold(const struct follow *f)
{
	return strcmp(f->type, FOLLOW_COLD) == 0;
}

/* One question, or two: what is in progress and live has bytes, all else is only in the list of all. */
static bool ask(struct follow *f, GError **err)
{
	bool has_bytes = !is_cold(f) && client_version(f->cli->client, IN_PROGRESS_MV, FIND_MIGRATION_MV, NULL) >= 0;
	json_t *found = NULL;

	if ((has_bytes && !look_running(f, &found, err)) || (!found && !look_all(f, &found, err)))
		return false;
	if (found)
		keep(f, found);
	return true;
}

/*
 * True if the server is no longer migrating: a migration that is refused before it has a record leaves only its action.
 * Without the word of the server it is taken to go on.
 */
static bool is_over(const struct follow *f)
{
	g_autofree char *path = client_path("servers", f->server_id, NULL);
	struct client_call call = { .method = "GET", .path = path, .mv_min = 1, .mv_max = FIND_SERVER_MV };
	g_autoptr(json_t) body = NULL;

	return client_call(f->cli->client, &call, &body, NULL) && json_is_null(render_get(body, "server.OS-EXT-STS:task_state"));
}

/* ---- waiting ---- */

bool follow_may_pass(const GError *err)
{
	return g_error_matches(err, CLI_ERR, CLI_NET) || (err->domain == CLI_HTTP && err->code >= 500);
}

json_t *follow_until(struct cli *c, const struct client_call *call, follow_over_f *over, void *user, const char *what, GError **err)
{
	int64_t heard_ms = clock_now_ms();

	do {
		g_autoptr(json_t) body = NULL;
		GError *why = NULL;

		if (client_call(c->client, call, &body, &why)) {
			heard_ms = clock_now_ms();
			if (over(body, user))
				return g_steal_pointer(&body);
		} else if (!follow_may_pass(why) || clock_now_ms() - heard_ms > FOLLOW_SILENT_MS) {
			g_propagate_error(err, why);
			return NULL;
		} else {
			g_error_free(why);
		}
	} while (follow_pause(c));
	g_set_error(err, CLI_ERR, CLI_INTERRUPTED, "no longer waiting; %s goes on", what);
	return NULL;
}

/* The wait is over, the migration is not. */
static void say_goes_on(const struct follow *f)
{
	g_autofree char *name = render_safe(f->server_name, false);

	fprintf(stderr, "drover: no longer waiting; the migration of %s continues\n", name);
	if (f->id)
		fprintf(stderr, "  see it:   drover migration show %s %" G_GINT64_FORMAT "\n"
			"  abort it: drover migration abort %s %" G_GINT64_FORMAT "\n", f->server_id, f->id, f->server_id, f->id);
	else
		fprintf(stderr, "  see it:   drover migration list --server %s\n", f->server_id);
}

static bool conclude(struct follow *f, enum outcome o, GError **err)
{
	g_autofree char *status = render_safe(f->record ? render_str(f->record, "status") : "", false);

	if (o == COMPLETED)
		return true;
	f->reason = reason_find(f->cli->client, f->server_id, f->request_id, render_str(f->record, "created_at"));
	if (!f->record) {
		g_set_error(err, CLI_ERR, CLI_FAILED, "%s is not migrating, and there is no record that it was%s%s", f->server_name,
			    f->reason ? ": " : "", f->reason ? f->reason : "");
		return false;
	}
	g_set_error(err, CLI_ERR, CLI_FAILED, "migration %" G_GINT64_FORMAT " of %s ended as %s%s%s", f->id, f->server_name, status,
		    f->reason ? ": " : "", f->reason ? f->reason : "");
	return false;
}

bool follow_start(struct follow *f, GError **err)
{
	wait_signals(f->cli->client);
	for (int i = 0; i < START_POLLS; i++) {
		if (i > 0 && !wait_ms(WAIT_POLL_MS))
			break;
		if (!ask(f, err))
			return false;
		if (f->id)
			return outcome_of(f->record) == FAILED ? conclude(f, FAILED, err) : true;
	}
	return true;
}

static void abort_it(const struct follow *f)
{
	g_autofree char *id = g_strdup_printf("%" G_GINT64_FORMAT, f->id), *path = client_path("servers", f->server_id, "migrations", id, NULL);
	struct client_call call = { .method = "DELETE", .path = path, .mv_min = ABORT_MV, .mv_max = FIND_MIGRATION_MV };
	g_autoptr(GError) why = NULL;

	if (!f->id)
		fprintf(stderr, "drover: it cannot be aborted yet: it has no number\n");
	else if (client_call(f->cli->client, &call, NULL, &why))
		fprintf(stderr, "drover: it is asked to abort\n");
	else
		fprintf(stderr, "drover: it is not aborted: %s\n", why->message);
}

/* Ctrl-C has come. Return: whether the migration is watched further. */
static bool ask_at_break(const struct follow *f, struct screen *s)
{
	g_autofree char *name = render_safe(f->server_name, false), *what = g_strdup_printf("the migration of %s", name);
	enum prompt_break answer;

	end_line(s);
	answer = prompt_break(what);
	if (answer == BREAK_ABORT)
		abort_it(f);
	return answer != BREAK_LEAVE;
}

/* Another look at it. Return: false with @err if the wait ends by that. */
static bool look_again(struct follow *f, struct progress *p, struct view *v, int64_t *answered_ms, GError **err)
{
	GError *why = NULL;

	if (ask(f, &why)) {
		*answered_ms = clock_now_ms();
		if (f->record && is_cold(f) && outcome_of(f->record) == GOING_ON)
			stage_add(f->cli, f->server_id, f->record, &f->no_drover);
		v->changed = f->record && progress_feed(p, f->record, *answered_ms);
	} else if (!g_error_matches(why, CLI_ERR, CLI_INTERRUPTED) && (!follow_may_pass(why) || clock_now_ms() - *answered_ms > FOLLOW_SILENT_MS)) {
		g_propagate_error(err, why);
		return false;
	}
	v->silent = why && !g_error_matches(why, CLI_ERR, CLI_INTERRUPTED);
	v->ended = outcome_of(f->record) != GOING_ON;
	g_clear_error(&why);
	return true;
}

/* The loop of follow_wait(). Return: GOING_ON with @err. */
static enum outcome watch(struct follow *f, struct screen *s, struct progress *p, GError **err)
{
	int64_t since_ms = clock_now_ms(), answered_ms = since_ms;

	for (int polls = 1;; polls++) {
		struct view v = { 0 };

		if (!look_again(f, p, &v, &answered_ms, err))
			return GOING_ON;
		draw(s, p, &v);
		if (v.ended)
			return outcome_of(f->record);
		if (!f->record && polls % START_POLLS == 0 && is_over(f))
			return FAILED;
		if (f->limit_ms && clock_now_ms() - since_ms > f->limit_ms) {
			g_set_error(err, CLI_ERR, CLI_TIMEOUT, "the migration of %s has not ended within %d s", f->server_name, (int)(f->limit_ms / 1000));
			return GOING_ON;
		}
		if (!wait_ms(WAIT_POLL_MS) && !ask_at_break(f, s)) {
			g_set_error(err, CLI_ERR, CLI_INTERRUPTED, "interrupted");
			return GOING_ON;
		}
	}
}

bool follow_wait(struct follow *f, GError **err)
{
	struct screen s = { .terminal = isatty(STDERR_FILENO) && g_strcmp0(g_getenv("TERM"), "dumb") != 0 };
	struct progress p = { 0 };
	int64_t since_ms = clock_now_ms();
	GError *why = NULL;
	enum outcome o;

	wait_signals(f->cli->client);
	o = watch(f, &s, &p, &why);
	end_line(&s);
	f->took_ms = clock_now_ms() - since_ms;
	f->sent_bytes = p.n ? p.sample[p.newest].sent : 0;
	if (!why)
		return conclude(f, o, err);
	say_goes_on(f);
	g_propagate_error(err, why);
	return false;
}

void follow_clear(struct follow *f)
{
	json_decref(f->record);
	g_free(f->reason);
}

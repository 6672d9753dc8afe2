/* SPDX-License-Identifier: Apache-2.0 */
#include "plan_follow.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "client.h"
#include "follow.h"
#include "plan_api.h"
#include "plan_view.h"
#include "progress.h"
#include "prompt.h"
#include "wait.h"

#define MANY_STEPS 200
#define MANY_POLL_MS 2000 /* of a plan whose answer is long */
#define NAMED_MAX 2       /* running steps that the line names */

struct seen {
	char *state;      /* what was told last */
	int64_t since_ms; /* it runs; 0: it does not */
};

struct watched {
	struct cli *c;
	int64_t id, limit_ms, heard_ms;
	GHashTable *steps;    /* n -> struct seen */
	bool terminal, drawn;
	size_t n_steps;
};

static void free_seen(void *p)
{
	g_free(((struct seen *)p)->state);
	g_free(p);
}

/* ---- what is written ---- */

static void end_line(struct watched *w)
{
	if (w->drawn)
		fputs("\r\033[K", stderr);
	w->drawn = false;
}

static void tell_step(struct watched *w, const json_t *step, const char *state)
{
	const char *reason = render_str(step, "reason");
	g_autofree char *line = g_strdup_printf("%s: %s -> %s: %s%s%s", plan_str(step, "server_name"), plan_str(step, "from"), plan_str(step, "to"), state,
						reason ? ": " : "", reason ? reason : "");
	g_autofree char *safe = render_safe(line, false);

	end_line(w);
	fprintf(stderr, "%s\n", safe);
}

/* A step that waits is not worth a line, nor one that runs where the line below shows it. */
static bool is_news(const struct watched *w, const char *state)
{
	return strcmp(state, "waiting") != 0 && !(w->terminal && strcmp(state, "running") == 0);
}

static void look_at_step(struct watched *w, const json_t *step)
{
	const char *state = plan_str(step, "state");
	struct seen *seen = g_hash_table_lookup(w->steps, GINT_TO_POINTER(json_integer_value(json_object_get(step, "n"))));
	bool runs = strcmp(state, "running") == 0;

	if (!seen) {
		seen = g_new0(struct seen, 1);
		g_hash_table_insert(w->steps, GINT_TO_POINTER(json_integer_value(json_object_get(step, "n"))), seen);
	}
	if (!runs)
		seen->since_ms = 0;
	else if (!seen->since_ms)
		seen->since_ms = clock_now_ms();
	if (g_strcmp0(seen->state, state) == 0)
		return;
	if (is_news(w, state))
		tell_step(w, step, state);
	g_free(seen->state);
	seen->state = g_strdup(state);
}

/* Of one running step: how far its migration is. */
static void put_copy(struct watched *w, GString *line, const json_t *step)
{
	g_autofree char *path = g_strdup_printf("/drover/v1/migrations/%" JSON_INTEGER_FORMAT, json_integer_value(json_object_get(step, "migration")));
	struct client_call call = { .method = "GET", .path = path, .drovers = "migrations" };
	g_autoptr(json_t) body = NULL;
	const json_t *ms, *sent, *total;

	if (!json_is_integer(json_object_get(step, "migration")) || !client_call(w->c->client, &call, &body, NULL))
		return;
	sent = render_get(body, "migration.progress.memory_processed_bytes");
	total = render_get(body, "migration.progress.memory_total_bytes");
	if (json_integer_value(total) > 0) {
		g_autofree char *a = render_bytes(json_integer_value(sent)), *b = render_bytes(json_integer_value(total));

		g_string_append_printf(line, " %s of %s", a, b);
	}
	ms = render_get(body, "migration.eta.ms");
	if (json_is_integer(ms)) {
		g_autofree char *left = progress_duration(json_integer_value(ms) / 1000);

		g_string_append_printf(line, ", ~%s left", left);
	}
}

static void draw(struct watched *w, const json_t *plan)
{
	g_autofree char *counts = plan_counts_text(json_object_get(plan, "counts")), *safe = NULL;
	g_autoptr(GString) line = g_string_new(NULL);
	const json_t *step;
	int named = 0;
	size_t i;

	if (!w->terminal)
		return;
	g_string_printf(line, "plan %" G_GINT64_FORMAT " %s: %s", w->id, plan_str(plan, "state"), counts ? counts : "");
	json_array_foreach(json_object_get(plan, "steps"), i, step) {
		if (strcmp(plan_str(step, "state"), "running") != 0 || named++ >= NAMED_MAX)
			continue;
		g_string_append_printf(line, "; %s -> %s", plan_str(step, "server_name"), plan_str(step, "to"));
		if (named == 1)
			put_copy(w, line, step);
	}
	safe = render_safe(line->str, false);
	fprintf(stderr, "\r\033[?7l%s\033[K\033[?7h", safe);
	w->drawn = true;
}

static void say_goes_on(const struct watched *w)
{
	fprintf(stderr, "drover: no longer waiting; plan %" G_GINT64_FORMAT " goes on\n  see it:    drover plan show %" G_GINT64_FORMAT
		"\n  cancel it: drover plan cancel --abort-running %" G_GINT64_FORMAT "\n", w->id, w->id, w->id);
}

/* ---- the loop ---- */

static bool has_ended(const json_t *plan)
{
	static const char *const ends[] = { "done", "partly", "failed", "cancelled" };

	for (size_t i = 0; i < G_N_ELEMENTS(ends); i++)
		if (strcmp(plan_str(plan, "state"), ends[i]) == 0)
			return true;
	return false;
}

/* The step that runs for longer than it may. Return: borrowed; NULL. */
static const json_t *late_step(const struct watched *w, const json_t *plan)
{
	const json_t *step;
	size_t i;

	json_array_foreach(json_object_get(plan, "steps"), i, step) {
		const struct seen *seen = g_hash_table_lookup(w->steps, GINT_TO_POINTER(json_integer_value(json_object_get(step, "n"))));

		if (w->limit_ms && seen && seen->since_ms && clock_now_ms() - seen->since_ms > w->limit_ms)
			return step;
	}
	return NULL;
}

/* Ctrl-C. Return: whether it is watched further. */
static bool ask_at_break(struct watched *w)
{
	g_autofree char *what = g_strdup_printf("plan %" G_GINT64_FORMAT, w->id);
	g_autoptr(json_t) args = json_pack("{s:b}", "abort_running", 1), body = NULL;
	g_autoptr(GError) why = NULL;
	enum prompt_break answer;

	end_line(w);
	answer = prompt_break(what);
	if (answer == BREAK_ABORT) {
		body = plan_act(w->c, w->id, "cancel", args, &why);
		fprintf(stderr, "drover: %s\n", body ? "it is asked to cancel, and what runs to abort" : why->message);
	}
	return answer != BREAK_LEAVE;
}

/* Return: the plan, owned; NULL, with @err if that ends the wait. */
static json_t *look(struct watched *w, GError **err)
{
	GError *why = NULL;
	json_t *plan = plan_get(w->c, w->id, &why);
	const json_t *step;
	size_t i;

	if (!plan && (g_error_matches(why, CLI_ERR, CLI_INTERRUPTED) || (follow_may_pass(why) && clock_now_ms() - w->heard_ms <= FOLLOW_SILENT_MS))) {
		g_error_free(why);
		return NULL;
	}
	if (!plan) {
		g_propagate_error(err, why);
		return NULL;
	}
	w->heard_ms = clock_now_ms();
	json_array_foreach(json_object_get(plan, "steps"), i, step)
		look_at_step(w, step);
	w->n_steps = i;
	draw(w, plan);
	return plan;
}

/* Whether it is looked at once more. Return: false with @err. */
static bool go_on(struct watched *w, const json_t *plan, GError **err)
{
	const json_t *late = late_step(w, plan);

	if (late) {
		g_set_error(err, CLI_ERR, CLI_TIMEOUT, "the migration of %s has not ended within %d s", plan_str(late, "server_name"), (int)(w->limit_ms / 1000));
		return false;
	}
	if (wait_ms(w->n_steps > MANY_STEPS ? MANY_POLL_MS : WAIT_POLL_MS) || ask_at_break(w))
		return true;
	g_set_error(err, CLI_ERR, CLI_INTERRUPTED, "interrupted");
	return false;
}

static json_t *watch(struct watched *w, GError **err)
{
	GError *why = NULL;

	for (;;) {
		g_autoptr(json_t) plan = look(w, &why);

		if (plan && has_ended(plan))
			return g_steal_pointer(&plan);
		if (why || !go_on(w, plan, &why)) {
			g_propagate_error(err, why);
			return NULL;
		}
	}
}

json_t *plan_follow(struct cli *c, int64_t id, int64_t limit_ms, GError **err)
{
	struct watched w = {
		.c = c, .id = id, .limit_ms = limit_ms, .heard_ms = clock_now_ms(), .steps = g_hash_table_new_full(NULL, NULL, NULL, free_seen),
		.terminal = isatty(STDERR_FILENO) && g_strcmp0(g_getenv("TERM"), "dumb") != 0,
	};
	json_t *plan;

	wait_signals(c->client);
	plan = watch(&w, err);
	end_line(&w);
	if (!plan)
		say_goes_on(&w);
	g_hash_table_unref(w.steps);
	return plan;
}

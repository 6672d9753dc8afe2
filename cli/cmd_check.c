/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd_check.h"

#include <string.h>

#include "client.h"
#include "follow.h"

#define PATH "/drover/v1/checks"

enum { NOTHING_FOUND = 0, FOUND = 1, NOT_RUN = 2 };

const struct opt check_opts[3] = {
	{ "deep", 0, NULL, "send an empty guest from each host to each other" },
	{ "last", 0, NULL, "show the last check, and begin none" },
	{ "long", 0, NULL, "more columns" },
};

const struct col check_cols[8] = {
	{ "Severity", "severity" },
	{ "Check",    "check" },
	{ "Host",     "host" },
	{ "To",       "to" },
	{ "Found",    "found" },
	{ "Change",   "change" },
	{ "Where",    "where" },
	{ "Breaks",   "breaks", .longer = true },
};

/* ---- asking ---- */

static json_t *wanted(const struct cli *c)
{
	json_t *hosts = c->args->words->len ? json_array() : json_null();

	for (guint i = 0; i < c->args->words->len; i++)
		json_array_append_new(hosts, json_string(cli_word(c, (int)i)));
	return json_pack("{s:{s:o, s:b}}", "check", "hosts", hosts, "deep", cli_on(c, "deep"));
}

static json_t *call(struct cli *c, const char *method, json_t *body, GError **err)
{
	struct client_call q = { .method = method, .path = PATH, .drovers = "checks", .body = body };
	json_t *answer = NULL;

	return client_call(c->client, &q, &answer, err) ? answer : NULL;
}

static bool is_over(const json_t *body, void *since)
{
	return g_strcmp0(render_str(body, "checks.running_since"), since) != 0;
}

/* Return: the answer with this run as the last one, owned; NULL. */
static json_t *run(struct cli *c, GError **err)
{
	struct client_call poll = { .method = "GET", .path = PATH, .drovers = "checks" };
	g_autoptr(json_t) body = wanted(c), begun = body ? call(c, "POST", body, err) : NULL, ended = NULL;
	g_autofree char *since = g_strdup(begun ? render_str(begun, "checks.running_since") : NULL);

	if (!begun)
		return NULL;
	ended = since ? follow_until(c, &poll, is_over, since, "the check", err) : json_incref(begun);
	if (!ended)
		return NULL;
	if (!since || g_strcmp0(render_str(ended, "checks.last.began_at"), since) == 0)
		return g_steal_pointer(&ended);
	g_set_error(err, CLI_ERR, CLI_FAILED, "the check did not end: the controller was started again");
	return NULL;
}

/* ---- showing ---- */

static void say_pair(GString *s, const json_t *row)
{
	const char *host = render_str(row, "host"), *to = render_str(row, "to");

	if (host)
		g_string_append_printf(s, ": %s%s%s", host, to ? " -> " : "", to ? to : "");
}

static void say_member(GString *s, const json_t *row, const char *name)
{
	const char *text = render_str(row, name);

	if (text)
		g_string_append_printf(s, "  %-7s %s\n", name, text);
}

static void say_finding(GString *s, const json_t *row)
{
	static const char *const members[] = { "found", "breaks", "change", "where" };
	const char *severity = render_str(row, "severity"), *check = render_str(row, "check");

	g_string_append_printf(s, "%s: %s", severity ? severity : "?", check ? check : "?");
	say_pair(s, row);
	g_string_append_c(s, '\n');
	for (size_t i = 0; i < G_N_ELEMENTS(members); i++)
		say_member(s, row, members[i]);
	g_string_append_c(s, '\n');
}

static void say_unchecked(GString *s, const json_t *row)
{
	const char *check = render_str(row, "check"), *reason = render_str(row, "reason");

	g_string_append_printf(s, "not checked: %s", check ? check : "?");
	say_pair(s, row);
	g_string_append_printf(s, ": %s\n", reason ? reason : "?");
}

static json_int_t number(const json_t *last, const char *name)
{
	return json_integer_value(json_object_get(last, name));
}

static void say_sum(GString *s, const json_t *last)
{
	g_string_append_printf(s, "%s%" JSON_INTEGER_FORMAT " hosts, %" JSON_INTEGER_FORMAT " errors, %" JSON_INTEGER_FORMAT " warnings, %zu not checked\n",
			       s->len && s->str[s->len - 2] != '\n' ? "\n" : "", number(last, "hosts_checked"), number(last, "errors"), number(last, "warnings"),
			       json_array_size(json_object_get(last, "not_checked")));
	if (number(last, "left_out"))
		g_string_append_printf(s, "%" JSON_INTEGER_FORMAT " more are left out\n", number(last, "left_out"));
}

static void print_text(const json_t *last)
{
	g_autoptr(GString) s = g_string_new(NULL);
	g_autofree char *safe = NULL;
	const json_t *row;
	size_t i;

	json_array_foreach(json_object_get(last, "findings"), i, row)
		say_finding(s, row);
	json_array_foreach(json_object_get(last, "not_checked"), i, row)
		say_unchecked(s, row);
	say_sum(s, last);
	safe = render_safe(s->str, true);
	fputs(safe, stdout);
}

static bool print(struct cli *c, const json_t *last, GError **err)
{
	if (c->format != RENDER_TABLE || args_all(c->args, "column"))
		return cli_print_list(c, json_object_get(last, "findings"), err);
	print_text(last);
	return true;
}

bool check_run(struct cli *c, GError **err)
{
	g_autoptr(json_t) answer = NULL;
	const json_t *last;

	c->failed_status = NOT_RUN;
	if (cli_client(c, err))
		answer = cli_on(c, "last") ? call(c, "GET", NULL, err) : run(c, err);
	if (!answer)
		return false;
	last = render_get(answer, "checks.last");
	if (!json_is_object(last)) {
		g_set_error(err, CLI_ERR, CLI_FAILED, "nothing was checked yet");
		return false;
	}
	c->done_status = json_array_size(json_object_get(last, "findings")) ? FOUND : NOTHING_FOUND;
	return print(c, last, err);
}

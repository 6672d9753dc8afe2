/* SPDX-License-Identifier: Apache-2.0
 *
 * What a scenario expects.
 */
#include "scn.h"

#include <string.h>

#include "base/err.h"
#include "fleet/action.h"

/* ---- looking ---- */

struct mig *check_mig(struct run *r, const struct guest *g)
{
	struct mig_filter f = { .server_uuid = g->uuid, .limit = 1 };
	g_autoptr(GPtrArray) list = r->engine ? engine_list(r->engine, &f, NULL) : NULL;

	return list && list->len > 0 ? g_ptr_array_steal_index(list, 0) : NULL;
}

guint check_log(struct run *r, guint from, const char *event, const char *text)
{
	for (guint i = from; i < r->log->len; i++) {
		const char *line = strchr(g_ptr_array_index(r->log, i), ' ');
		size_t n = strlen(event);

		if (strncmp(line + 1, event, n) == 0 && (line[n + 1] == ' ' || line[n + 1] == '\0') && (!text || strstr(line, text)))
			return i + 1;
	}
	return 0;
}

/* ---- expect ---- */

static void want_text(struct run *r, const char *what, const char *got, const char *want)
{
	if (g_strcmp0(got ? got : "-", want) != 0)
		run_fail(r, "%s is \"%s\", want \"%s\"", what, got ? got : "-", want);
}

static void want_part(struct run *r, const char *what, const char *got, const char *want)
{
	if (!got || !strstr(got, want))
		run_fail(r, "%s is \"%s\", which has no \"%s\"", what, got ? got : "-", want);
}

/* expect server S host|status|vm|task|power|name|fault|libvirt-name VALUE ... */
static void expect_server(struct run *r, const struct scn_line *l)
{
	struct server *s = r->fleet ? fleet_server(r->fleet, run_guest(r, l->w[2])->uuid) : NULL;

	if (!s) {
		if (!g_str_equal(l->w[3], "gone"))
			run_fail(r, "there is no server %s", l->w[2]);
		return;
	}
	for (int i = 3; i + 1 < l->n; i += 2) {
		const char *what = l->w[i], *want = l->w[i + 1];
		g_autofree char *power = g_strdup_printf("%d", s->power);

		if (g_str_equal(what, "host"))
			want_text(r, what, s->host, want);
		else if (g_str_equal(what, "status"))
			want_text(r, what, server_status(s), want);
		else if (g_str_equal(what, "vm"))
			want_text(r, what, server_vm_name(s->vm), want);
		else if (g_str_equal(what, "task"))
			want_text(r, what, server_task_name(s->task), want);
		else if (g_str_equal(what, "power"))
			want_text(r, what, power, want);
		else if (g_str_equal(what, "name"))
			want_text(r, what, s->name, want);
		else if (g_str_equal(what, "libvirt-name"))
			want_text(r, what, s->libvirt_name, want);
		else if (g_str_equal(what, "autostart"))
			want_text(r, what, s->autostart ? "yes" : "no", want);
		else if (g_str_equal(what, "fault"))
			(s->fault ? want_part : want_text)(r, what, s->fault, want);
		else
			g_error("%s.scn:%d: %s", r->scn->name, r->line, what);
	}
}

/* expect migration S status|phase|dest|error|attempt|post-copy|waits|position VALUE ... */
static void expect_migration(struct run *r, const struct scn_line *l)
{
	struct mig *m = check_mig(r, run_guest(r, l->w[2]));

	if (!m) {
		run_fail(r, "%s has no migration", l->w[2]);
		return;
	}
	for (int i = 3; i + 1 < l->n; i += 2) {
		const char *what = l->w[i], *want = l->w[i + 1];
		g_autofree char *attempt = g_strdup_printf("%d", m->attempt);
		g_autofree char *position = g_strdup_printf("%d", m->position);

		if (g_str_equal(what, "status"))
			want_text(r, what, mig_status(m), want);
		else if (g_str_equal(what, "phase"))
			want_text(r, what, mig_phase_name(m), want);
		else if (g_str_equal(what, "dest"))
			want_text(r, what, m->dest, want);
		else if (g_str_equal(what, "waits"))
			(m->waits_for ? want_part : want_text)(r, what, m->waits_for, want);
		else if (g_str_equal(what, "position"))
			want_text(r, what, position, want);
		else if (g_str_equal(what, "attempt"))
			want_text(r, what, attempt, want);
		else if (g_str_equal(what, "post-copy"))
			want_text(r, what, m->postcopy ? "yes" : "no", want);
		else if (g_str_equal(what, "error"))
			want_part(r, what, m->error, want);
		else
			g_error("%s.scn:%d: %s", r->scn->name, r->line, what);
	}
	mig_free(m);
}

/* expect story S PHASE PHASE ...: the phases that the last migration's history has, in order. */
static void expect_story(struct run *r, const struct scn_line *l)
{
	const struct guest *g = run_guest(r, l->w[2]);
	struct mig *m = g->power && r->engine ? engine_get(r->engine, g->id, NULL) : check_mig(r, g);
	g_autoptr(GPtrArray) events = m ? engine_events(r->engine, m->id, NULL) : NULL;
	g_autoptr(GString) got = g_string_new(NULL);
	g_autofree char *want = g_strjoinv(" ", l->w + 3);

	for (guint i = 0; events && i < events->len; i++) {
		const struct mig_event *ev = g_ptr_array_index(events, i);

		if (g_strcmp0(ev->old_phase, ev->new_phase) != 0)
			g_string_append_printf(got, "%s%s", got->len > 0 ? " " : "", ev->new_phase);
	}
	want_text(r, "the story", got->str, want);
	mig_free(m);
}

static void expect_code(struct run *r, const char *what, int code, const char *text, const char *want, const char *part)
{
	const char *got = code < 0 ? "ok" : err_name((enum err_code)code);

	if (!g_str_equal(got, want))
		run_fail(r, "%s is %s (%s), want %s", what, got, text ? text : "", want);
	else if (part)
		want_part(r, what, text, part);
}

/* expect answer S ok|CODE [TEXT]: of the last "migrate" */
static void expect_answer(struct run *r, const struct scn_line *l)
{
	struct guest *g = run_guest(r, l->w[2]);

	if (!g->answered)
		run_fail(r, "the request for %s is not answered", g->name);
	else
		expect_code(r, "the answer", g->code, g->text, l->w[3], l->n > 4 ? l->w[4] : NULL);
}

/* expect result ok|CODE [TEXT]: of the last "abort", "force", "mark" */
static void expect_result(struct run *r, const struct scn_line *l)
{
	expect_code(r, "the result", r->result_code, r->result_text, l->w[2], l->n > 3 ? l->w[3] : NULL);
}

static void expect_log(struct run *r, const struct scn_line *l)
{
	if (!check_log(r, 0, l->w[2], l->n > 3 ? l->w[3] : NULL))
		run_fail(r, "the log has no %s %s", l->w[2], l->n > 3 ? l->w[3] : "");
}

static void expect_no_log(struct run *r, const struct scn_line *l)
{
	guint at = check_log(r, 0, l->w[2], l->n > 3 ? l->w[3] : NULL);

	if (at)
		run_fail(r, "the log has: %s", (const char *)g_ptr_array_index(r->log, at - 1));
}

/* expect dom S on H STATE [REASON] */
static void expect_dom(struct run *r, const struct scn_line *l)
{
	g_autoptr(GArray) there = sim_dom_list(r->world, l->w[4], run_guest(r, l->w[2])->uuid);
	const struct sim_dom_view *v = there->len > 0 ? &g_array_index(there, struct sim_dom_view, 0) : NULL;

	want_text(r, "the domain", hv_state_name(v ? v->state : HV_ABSENT), l->w[5]);
	if (v && l->n > 6)
		want_text(r, "its reason", hv_reason_name(v->reason), l->w[6]);
}

/* expect definition S on H TEXT: its description */
static void expect_definition(struct run *r, const struct scn_line *l)
{
	const char *xml = sim_dom_definition(r->world, l->w[4], run_guest(r, l->w[2])->uuid), *at = xml ? strstr(xml, "<description>") : NULL;
	g_autofree char *got = at ? g_strndup(at + 13, strcspn(at + 13, "<")) : g_strdup(xml ? "" : NULL);

	want_text(r, "the definition's description", got, l->w[5]);
}

/* expect autostart S on H yes|no */
static void expect_autostart(struct run *r, const struct scn_line *l)
{
	g_autoptr(GArray) there = sim_dom_list(r->world, l->w[4], run_guest(r, l->w[2])->uuid);
	bool on = there->len > 0 && g_array_index(there, struct sim_dom_view, 0).kept.autostart;

	want_text(r, "autostart", on ? "yes" : "no", l->w[5]);
}

/* expect place S on H TEXT */
static void expect_place(struct run *r, const struct scn_line *l)
{
	g_autofree char *have = sim_dom_pins(r->world, l->w[4], run_guest(r, l->w[2])->uuid);

	want_text(r, "the place", have, l->w[5]);
}

/* expect addresses S TEXT */
static void expect_addresses(struct run *r, const struct scn_line *l)
{
	g_autofree char *have = run_addresses(r, l->w[2]);

	want_text(r, "the addresses", have, l->w[3]);
}

/* absent; a guest's disk: newest or old; else there. */
static const char *file_state(struct run *r, const char *path, const char *host)
{
	g_autoptr(GArray) files = sim_file_list(r->world, host);

	for (guint i = 0; i < files->len; i++) {
		const struct sim_file_view *v = &g_array_index(files, struct sim_file_view, i);

		if (g_str_equal(v->path, path))
			return !v->uuid || v->stranger ? "there" : v->newest ? "newest" : "old";
	}
	return "absent";
}

/* expect file PATH on H STATE */
static void expect_file(struct run *r, const struct scn_line *l)
{
	want_text(r, "the file", file_state(r, word_path(r, l->w[2]), l->w[4]), l->w[5]);
}

static int log_times(struct run *r, const char *event)
{
	int n = 0;

	for (guint at = 0; (at = check_log(r, at, event, NULL)) > 0;)
		n++;
	return n;
}

/* expect claims H N, expect active N, expect calls OP N, expect statements NAME N, expect logs EVENT N: numbers */
static void expect_number(struct run *r, const struct scn_line *l)
{
	struct host *h;
	int64_t got = 0, want;

	if (!util_parse_int(l->w[l->n - 1], 0, INT32_MAX, &want))
		g_error("%s.scn:%d: %s is no number", r->scn->name, r->line, l->w[l->n - 1]);
	if (g_str_equal(l->w[1], "claims")) {
		h = fleet_host(r->fleet, l->w[2]);
		got = h ? host_claimed(h).servers : -1;
	} else if (g_str_equal(l->w[1], "active")) {
		got = engine_active(r->engine)->len;
	} else if (g_str_equal(l->w[1], "statements")) {
		got = scn_store_times(l->w[2]);
	} else if (g_str_equal(l->w[1], "logs")) {
		got = log_times(r, l->w[2]);
	} else {
		for (int op = 0; op < HV_OP_N; op++)
			got += g_str_equal(l->w[2], hv_op_name((enum hv_op)op)) ? r->op_calls[op] : 0;
	}
	if (got != want)
		run_fail(r, "%s are %d, want %d", l->w[1], (int)got, (int)want);
}

static bool is_told(struct run *r, const struct action *a, const char *text)
{
	g_autoptr(GPtrArray) events = action_events(r->store, a->id, NULL);

	for (guint i = 0; events && i < events->len; i++) {
		const struct action_event *e = g_ptr_array_index(events, i);

		if (e->details && strstr(e->details, text))
			return true;
	}
	return false;
}

/* @name: of the newest with it; NULL: the one that began or decided a migration. @list: newest first. Return: borrowed; NULL, which is a failure. */
static const struct action *action_of(struct run *r, const struct scn_line *l, GPtrArray *list, const char *name)
{
	static const char *const begun[] = { "live-migration", "migrate", "confirmResize", "revertResize", NULL };

	for (guint i = 0; list && i < list->len; i++) {
		const struct action *a = g_ptr_array_index(list, i);

		if (name ? g_str_equal(a->action, name) : g_strv_contains(begun, a->action))
			return a;
	}
	run_fail(r, "%s has no action", l->w[2]);
	return NULL;
}

static GPtrArray *actions_of(struct run *r, const struct scn_line *l)
{
	return action_list(r->store, run_guest(r, l->w[2])->uuid, 0, 0, 0, 1000, NULL);
}

/* expect steps S ACTION EVENT...: those of the newest action of that name, in order; "..." behind one that has not ended */
static void expect_steps(struct run *r, const struct scn_line *l)
{
	g_autoptr(GPtrArray) list = actions_of(r, l);
	const struct action *a = action_of(r, l, list, l->w[3]);
	g_autoptr(GPtrArray) events = a ? action_events(r->store, a->id, NULL) : NULL;
	g_autoptr(GString) got = g_string_new(NULL);
	g_autofree char *want = g_strjoinv(" ", l->w + 4);

	for (guint i = events ? events->len : 0; i > 0; i--) {
		const struct action_event *e = g_ptr_array_index(events, i - 1);

		g_string_append_printf(got, "%s%s%s", got->len > 0 ? " " : "", e->event, e->finish_us ? "" : "...");
	}
	want_text(r, "the action's steps", got->str, want);
}

/* expect action S ok|error [PART]: the last action that began or decided a migration, and its events */
static void expect_action(struct run *r, const struct scn_line *l)
{
	g_autoptr(GPtrArray) list = actions_of(r, l);
	const struct action *a = action_of(r, l, list, word_after(l, "of"));

	if (a)
		want_text(r, "the action's message", a->message, g_str_equal(l->w[3], "ok") ? "-" : "Error");
	if (a && l->n > 4 && !g_str_equal(l->w[4], "of") && !is_told(r, a, l->w[4]))
		run_fail(r, "no event of the action has \"%s\"", l->w[4]);
}

static const struct {
	const char *what;
	void (*check)(struct run *r, const struct scn_line *l);
	int words;
} expects[] = {
	{ "server", expect_server, 4 },
	{ "migration", expect_migration, 5 },
	{ "story", expect_story, 4 },
	{ "answer", expect_answer, 4 },
	{ "result", expect_result, 3 },
	{ "log", expect_log, 3 },
	{ "no-log", expect_no_log, 3 },
	{ "logs", expect_number, 4 },
	{ "dom", expect_dom, 6 },
	{ "definition", expect_definition, 6 },
	{ "autostart", expect_autostart, 6 },
	{ "place", expect_place, 6 },
	{ "file", expect_file, 6 },
	{ "addresses", expect_addresses, 4 },
	{ "plan", plan_expect, 3 },
	{ "console", scn_console_expect, 4 },
	{ "step", plan_expect_step, 4 },
	{ "mistake", plan_expect_mistake, 3 },
	{ "precheck", check_precheck_says, 4 },
	{ "remains", check_remains_says, 4 },
	{ "check", setup_found, 3 },
	{ "unchecked", setup_unchecked, 5 },
	{ "claims", expect_number, 4 },
	{ "active", expect_number, 3 },
	{ "calls", expect_number, 4 },
	{ "statements", expect_number, 4 },
	{ "action", expect_action, 4 },
	{ "steps", expect_steps, 5 },
};

void check_expect(struct run *r, const struct scn_line *l)
{
	for (size_t i = 0; i < G_N_ELEMENTS(expects); i++) {
		if (l->n < expects[i].words || !g_str_equal(l->w[1], expects[i].what))
			continue;
		expects[i].check(r, l);
		return;
	}
	g_error("%s.scn:%d: expect what?", r->scn->name, r->line);
}

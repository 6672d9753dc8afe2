/* SPDX-License-Identifier: Apache-2.0
 *
 * What a domain's state means for a power action: rows, and every combination; in which states each is
 * permitted; how long a guest has to shut off.
 */
#include <assert.h>
#include <string.h>

#include "base/log.h"
#include "fleet/server.h"
#include "power/decide.h"
#include "power/power.h"

/* "wait", "act dom_start", "end dom_reset", "go power_done", "fail". Return: owned. */
static char *said(const struct power_step *s)
{
	switch (s->verdict) {
	case POWER_WAITS:
		return g_strdup("wait");
	case POWER_ACTS:
		return g_strdup_printf("act %s%s", hv_op_name(s->op), s->boot && s->op == HV_DOM_START ? " boot" : "");
	case POWER_ENDS:
		return g_strdup_printf("end %s", hv_op_name(s->op));
	case POWER_GOES:
		return g_strdup_printf("go %s", power_kind.stages[s->next].name);
	case POWER_FAILS:
	default:
		return g_strdup("fail");
	}
}

#define TRANSIENT .transient = true

static const struct {
	enum power_what what;
	enum power_stage stage;
	enum hv_state state;
	const char *want;
	enum hv_reason reason;
	bool transient, saved, late, rebooted;
} rows[] = {
	{ POWER_OS_START, POWER_LOOK,  HV_SHUTOFF, "go power_start" },
	{ POWER_OS_START, POWER_LOOK,  HV_SHUTOFF, "fail", .saved = true },
	{ POWER_OS_START, POWER_LOOK,  HV_ABSENT,  "fail" },
	{ POWER_OS_START, POWER_START, HV_SHUTOFF, "act dom_start" },
	{ POWER_OS_START, POWER_START, HV_CRASHED, "act dom_start" },
	{ POWER_OS_START, POWER_LOOK,  HV_SHUTDOWN, "go power_start" },
	{ POWER_OS_START, POWER_START, HV_SHUTDOWN, "wait" },
	{ POWER_OS_START, POWER_START, HV_RUNNING, "go power_done" },
	{ POWER_OS_START, POWER_START, HV_PAUSED,  "wait", HV_R_STARTING },
	{ POWER_OS_START, POWER_START, HV_PAUSED,  "act dom_resume", HV_R_USER },
	{ POWER_OS_START, POWER_START, HV_ABSENT,  "fail" },
	{ POWER_OS_STOP,  POWER_LOOK,  HV_RUNNING, "go power_ask" },
	{ POWER_OS_STOP,  POWER_LOOK,  HV_RUNNING, "fail", TRANSIENT },
	{ POWER_OS_STOP,  POWER_ASK,   HV_RUNNING, "act dom_shutdown" },
	{ POWER_OS_STOP,  POWER_ASK,   HV_RUNNING, "go power_stop", .late = true },
	{ POWER_OS_STOP,  POWER_ASK,   HV_PAUSED,  "go power_stop", HV_R_IOERROR },
	{ POWER_OS_STOP,  POWER_ASK,   HV_PAUSED,  "go power_stop", HV_R_OTHER },
	{ POWER_OS_STOP,  POWER_LOOK,  HV_SHUTDOWN, "go power_ask" },
	{ POWER_OS_STOP,  POWER_ASK,   HV_SHUTDOWN, "wait" },
	{ POWER_OS_STOP,  POWER_ASK,   HV_SHUTDOWN, "go power_stop", .late = true },
	{ POWER_OS_STOP,  POWER_STOP,  HV_SHUTDOWN, "act dom_destroy" },
	{ POWER_OS_STOP,  POWER_ASK,   HV_PAUSED,  "fail", HV_R_MIGRATION },
	{ POWER_OS_STOP,  POWER_ASK,   HV_SHUTOFF, "go power_done" },
	{ POWER_OS_STOP,  POWER_ASK,   HV_SHUTOFF, "go power_done", .late = true },
	{ POWER_OS_STOP,  POWER_STOP,  HV_RUNNING, "act dom_destroy" },
	{ POWER_OS_STOP,  POWER_STOP,  HV_RUNNING, "fail", HV_R_POSTCOPY },
	{ POWER_OS_STOP,  POWER_STOP,  HV_PAUSED,  "fail", HV_R_POSTCOPY_FAILED },
	{ POWER_OS_STOP,  POWER_STOP,  HV_PAUSED,  "act dom_destroy", HV_R_SAVED },
	{ POWER_OS_STOP,  POWER_STOP,  HV_SHUTOFF, "go power_done" },
	{ POWER_SOFT,     POWER_ASK,   HV_SHUTOFF, "go power_start" },
	{ POWER_SOFT,     POWER_ASK,   HV_RUNNING, "act dom_reboot", TRANSIENT },
	{ POWER_SOFT,     POWER_ASK,   HV_RUNNING, "go power_done", TRANSIENT, .rebooted = true },
	{ POWER_SOFT,     POWER_ASK,   HV_RUNNING, "go power_stop", TRANSIENT, .late = true },
	{ POWER_SOFT,     POWER_ASK,   HV_SHUTDOWN, "wait", TRANSIENT },
	{ POWER_SOFT,     POWER_ASK,   HV_SHUTDOWN, "go power_stop", TRANSIENT, .late = true },
	{ POWER_SOFT,     POWER_STOP,  HV_RUNNING, "end dom_reset", TRANSIENT },
	{ POWER_SOFT,     POWER_START, HV_SHUTOFF, "act dom_start" },
	{ POWER_HARD,     POWER_LOOK,  HV_SHUTOFF, "go power_stop", .saved = true },
	{ POWER_HARD,     POWER_LOOK,  HV_RUNNING, "go power_stop", TRANSIENT },
	{ POWER_HARD,     POWER_STOP,  HV_SUSPENDED, "act dom_destroy" },
	{ POWER_HARD,     POWER_STOP,  HV_SHUTDOWN, "act dom_destroy" },
	{ POWER_HARD,     POWER_STOP,  HV_SHUTOFF, "go power_start" },
	{ POWER_HARD,     POWER_START, HV_RUNNING, "go power_done", TRANSIENT },
	{ POWER_HARD,     POWER_START, HV_SHUTOFF, "act dom_start boot", .saved = true },
	{ POWER_PAUSE,    POWER_CHANGE, HV_RUNNING, "act dom_suspend" },
	{ POWER_PAUSE,    POWER_CHANGE, HV_PAUSED, "go power_done", HV_R_USER },
	{ POWER_PAUSE,    POWER_CHANGE, HV_SHUTOFF, "fail" },
	{ POWER_PAUSE,    POWER_CHANGE, HV_SHUTDOWN, "fail" },
	{ POWER_UNPAUSE,  POWER_CHANGE, HV_PAUSED, "act dom_resume", HV_R_USER },
	{ POWER_UNPAUSE,  POWER_CHANGE, HV_PAUSED, "fail", HV_R_POSTCOPY },
	{ POWER_UNPAUSE,  POWER_CHANGE, HV_SHUTDOWN, "fail" },
	{ POWER_UNPAUSE,  POWER_CHANGE, HV_RUNNING, "go power_done" },
	{ POWER_SUSPEND,  POWER_LOOK,  HV_RUNNING, "fail", TRANSIENT },
	{ POWER_SUSPEND,  POWER_CHANGE, HV_RUNNING, "act dom_save" },
	{ POWER_SUSPEND,  POWER_CHANGE, HV_PAUSED, "wait", HV_R_SAVED },
	{ POWER_SUSPEND,  POWER_CHANGE, HV_SHUTOFF, "go power_done", .saved = true },
	{ POWER_SUSPEND,  POWER_CHANGE, HV_SHUTOFF, "fail" },
	{ POWER_SUSPEND,  POWER_CHANGE, HV_SHUTDOWN, "fail" },
	{ POWER_RESUME,   POWER_CHANGE, HV_SHUTOFF, "act dom_start", .saved = true },
	{ POWER_RESUME,   POWER_CHANGE, HV_RUNNING, "go power_done" },
	{ POWER_RESUME,   POWER_CHANGE, HV_SHUTDOWN, "wait" },
	{ POWER_RESUME,   POWER_CHANGE, HV_UNKNOWN, "wait" },
};

static void test_rows(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct hv_dom d = { .state = rows[i].state, .reason = rows[i].reason, .persistent = !rows[i].transient, .kept.managed_save = rows[i].saved };
		struct power_view v = { rows[i].stage, rows[i].what, &d, rows[i].late, rows[i].rebooted };
		struct power_step s = power_decide(&v);
		g_autofree char *got = said(&s);

		g_test_message("%s in %s, %s/%s", power_kind.actions[rows[i].what].name, power_kind.stages[rows[i].stage].name,
			       hv_state_name(d.state), hv_reason_name(d.reason));
		g_assert_cmpstr(got, ==, rows[i].want);
	}
}

/* Whatever is asked, in whatever stage and state: what must never be done. */
static void check(const struct power_view *v)
{
	struct power_step s = power_decide(v);
	const struct hv_dom *d = v->dom;
	bool acts = s.verdict == POWER_ACTS || s.verdict == POWER_ENDS;

	g_assert_true(s.why || acts || s.verdict == POWER_WAITS);
	if (d->reason == HV_R_POSTCOPY || d->reason == HV_R_POSTCOPY_FAILED)
		g_assert_false(acts);
	if (acts && s.op == HV_DOM_DESTROY)
		g_assert_true(v->stage == POWER_STOP && d->persistent);
	if (acts && s.op == HV_DOM_START)
		g_assert_true((v->stage == POWER_START || v->what == POWER_RESUME) && (d->state == HV_SHUTOFF || d->state == HV_CRASHED));
	if (acts && s.op == HV_DOM_SAVE)
		g_assert_true(v->what == POWER_SUSPEND && d->persistent);
	/* The stages of its way follow each other, and its end is the state that was asked for. */
	if (s.verdict == POWER_GOES)
		g_assert_true(kind_follows(&power_kind, (int)v->stage, (int)s.next) && s.next != v->stage);
	if (s.verdict == POWER_GOES && s.next == POWER_DONE && v->what == POWER_OS_STOP)
		g_assert_true(d->state == HV_SHUTOFF || d->state == HV_CRASHED);
}

static void check_states(struct power_view *v)
{
	for (int state = 0; state < HV_STATE_N; state++)
		for (int reason = 0; reason < HV_REASON_N; reason++)
			for (int bits = 0; bits < 16; bits++) {
				struct hv_dom d = { .state = (enum hv_state)state, .reason = (enum hv_reason)reason, .persistent = bits & 1,
						    .kept.managed_save = bits & 2 };

				v->dom = &d;
				v->late = bits & 4;
				v->rebooted = bits & 8;
				check(v);
			}
}

/* The stages that an action has. */
static bool has(enum power_what what, enum power_stage stage)
{
	if (stage == POWER_LOOK)
		return true;
	if (what == POWER_OS_STOP)
		return stage == POWER_ASK || stage == POWER_STOP;
	if (what == POWER_HARD)
		return stage == POWER_STOP || stage == POWER_START;
	if (what == POWER_SOFT)
		return stage != POWER_CHANGE;
	return stage == (what == POWER_OS_START ? POWER_START : POWER_CHANGE);
}

static void test_all(void)
{
	for (int what = 0; what < POWER_WHAT_N; what++)
		for (int stage = 0; stage < POWER_DONE; stage++) {
			struct power_view v = { .stage = (enum power_stage)stage, .what = (enum power_what)what };

			if (has(v.what, v.stage))
				check_states(&v);
		}
}

/* Nova's compute/api.py: in which states each may be asked for: vm_states, and task_states beside none. */
static const struct {
	enum power_what what;
	const char *name, *action, *task, *vm, *over;
} rules[] = {
	{ POWER_OS_START, "os-start", "start",   "powering-on",    "stopped" },
	{ POWER_OS_STOP,  "os-stop",  "stop",    "powering-off",   "active error" },
	{ POWER_SOFT,     "reboot",   "reboot",  "rebooting",      "active" },
	{ POWER_HARD,     "reboot",   "reboot",  "rebooting_hard", "active paused suspended stopped error",
	  "rebooting reboot_started rebooting_hard pausing unpausing suspending resuming" },
	{ POWER_PAUSE,    "pause",    "pause",   "pausing",        "active" },
	{ POWER_UNPAUSE,  "unpause",  "unpause", "unpausing",      "paused" },
	{ POWER_SUSPEND,  "suspend",  "suspend", "suspending",     "active" },
	{ POWER_RESUME,   "resume",   "resume",  "resuming",       "suspended" },
};
static_assert(G_N_ELEMENTS(rules) == POWER_WHAT_N, "rules is missing one");

static char *words_of(unsigned bits, int n, const char *(*name)(int))
{
	GString *s = g_string_new(NULL);

	for (int i = 0; i < n; i++)
		if (bits & 1u << i)
			g_string_append_printf(s, "%s%s", s->len ? " " : "", name(i));
	return g_string_free(s, FALSE);
}

static const char *vm_name(int i)
{
	return server_vm_name((enum server_vm)i);
}

static const char *task_name(int i)
{
	return server_task_name((enum server_task)i);
}

static void test_rules(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rules); i++) {
		const struct task_action *a = &power_kind.actions[rules[i].what];
		g_autofree char *vm = words_of(a->vm, SERVER_VM_N, vm_name), *over = words_of(a->over, SERVER_TASK_N, task_name);

		g_test_message("%s", a->name);
		g_assert_cmpstr(a->verb && strcmp(a->name, "reboot-hard") == 0 ? a->verb : a->name, ==, rules[i].name);
		g_assert_cmpstr(a->action, ==, rules[i].action);
		g_assert_cmpstr(server_task_name(a->task), ==, rules[i].task);
		g_assert_cmpstr(vm, ==, rules[i].vm);
		g_assert_cmpstr(over, ==, rules[i].over ? rules[i].over : "");
	}
}

/* os_shutdown_timeout of a guest's metadata, where 60 s is what all have. */
static const struct {
	const char *text;
	int64_t want_s;
} limits[] = {
	{ NULL, 60 }, { "0", 0 }, { "1", 1 }, { "86400", 86400 },
	{ "86401", 60 }, { "-1", 60 }, { "ten", 60 }, { "10s", 60 }, { " 10", 60 }, { "1e3", 60 }, { "0x10", 60 }, { "99999999999999999999", 60 },
};

static void test_limits(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(limits); i++) {
		const struct server s = { .uuid = "11111111-0000-4000-8000-000000000001", .host = (char *)"h1" };
		const struct hv_dom d = { .shutdown_timeout = (char *)limits[i].text };

		g_test_message("%s", limits[i].text ? limits[i].text : "none");
		g_assert_cmpint(server_shutdown_timeout_s(&s, &d, 60), ==, limits[i].want_s);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	log_init(LOG_ERROR, LOG_TEXT);
	g_test_add_func("/power/rows", test_rows);
	g_test_add_func("/power/all", test_all);
	g_test_add_func("/power/rules", test_rules);
	g_test_add_func("/power/limits", test_limits);
	return g_test_run();
}

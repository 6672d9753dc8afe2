/* SPDX-License-Identifier: Apache-2.0
 *
 * Hosts that are switched off: what agents say, what hosts say, and what the record says then. Two simulated hosts, agents by a script.
 */
#include "base/clock.h"
#include "base/err.h"
#include "fence/fence.h"
#include "fleet/host_fence.h"
#include "hv/sim/sim.h"

struct world {
	struct conf *conf;
	struct sim *sim;
	struct store *store;
	struct fleet *fleet;
	struct fences *fences;
	GString *ends;
};

/* ---- agents that say what a test has them say ---- */

/* A word a run: "off:ok" "off:failed" do it and say so or not, "off:nothing" says it did; "is-off" "is-on" "is?" of a status; "on:ok". */
static GQueue *script = &(GQueue)G_QUEUE_INIT;
static GString *asked;
static struct sim *current;

struct agent_run {
	struct clock_timer *timer;
	agent_f *done;
	void *user;
	const char *word;
	enum agent_act act;
};

static void answer(void *user)
{
	struct agent_run *r = user;
	struct agent_answer a = { .ok = !g_str_has_suffix(r->word, "failed") && !g_str_equal(r->word, "is?") };

	a.why = a.ok ? NULL : r->word;
	a.power = g_str_equal(r->word, "is-on") ? AGENT_POWER_ON : g_str_equal(r->word, "is-off") ? AGENT_POWER_OFF : AGENT_POWER_UNKNOWN;
	if (g_str_equal(r->word, "off:ok") || g_str_equal(r->word, "off:failed"))
		sim_host_power(current, "h1", false);
	if (g_str_equal(r->word, "on:ok"))
		sim_host_power(current, "h1", true);
	r->done(&a, r->user);
	g_free(r);
}

static struct agent_run *start(const struct agent *a, enum agent_act act, int64_t limit_ms, agent_f *done, void *user)
{
	struct agent_run *r = g_new0(struct agent_run, 1);

	g_assert_cmpint(limit_ms, ==, 7000);
	g_string_append_printf(asked, "%s %s %s\n", a->program, a->options ? a->options : "-", agent_act_name(act));
	r->done = done;
	r->user = user;
	r->act = act;
	r->word = g_queue_pop_head(script);
	g_assert_nonnull(r->word);
	r->timer = clock_after(500, answer, r);
	return r;
}

static void cancel(struct agent_run **r)
{
	struct agent_run *run = g_steal_pointer(r);

	if (!run)
		return;
	clock_cancel(&run->timer);
	g_free(run);
}

static const struct fence_ops scripted = { start, cancel };

/* ---- the world ---- */

static void on_end(struct host *h, const char *why, void *user)
{
	g_string_append_printf(((struct world *)user)->ends, "%s %s\n", h->name, why ? why : "done");
}

static void open_fleet_for(struct world *w, int64_t ms)
{
	static const struct hv_ops *const ops[] = { &sim_ops, NULL };
	g_autoptr(GError) err = NULL;

	w->fleet = fleet_new(w->conf, w->store, ops, &err);
	g_assert_no_error(err);
	w->fences = fences_new(w->fleet, &scripted);
	fences_on_end(w->fences, on_end, w);
	fleet_start(w->fleet);
	fences_start(w->fences);
	clock_advance_ms(ms);
}

static void open_fleet(struct world *w)
{
	open_fleet_for(w, 1000);
}

static struct world *world_new(void)
{
	static const char text[] = "[DEFAULT]\n[workarounds]\nallow_any_uri = true\n[fencing]\nfence_timeout = 7\nfence_retries = 1\nmax_concurrent_agents = 2\n"
				   "[host h1]\nuri = sim://h1\nfence_agent = fence_a\nfence_options = /a\nfallback_fence_agent = fence_b\n"
				   "[host h2]\nuri = sim://h2\n";
	g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
	struct world *w = g_new0(struct world, 1);
	g_autoptr(GError) err = NULL;

	clock_manual(INT64_C(1700000000000000));
	w->conf = conf_parse(text, sizeof text - 1, "test", mistakes);
	g_assert_cmpuint(mistakes->len, ==, 0);
	w->sim = current = sim_new(1);
	sim_host_add(w->sim, "h1", &(struct sim_host_spec){ .vcpus = 8, .mem_mib = 8192 });
	sim_host_add(w->sim, "h2", &(struct sim_host_spec){ .vcpus = 8, .mem_mib = 8192 });
	w->store = store_open("sqlite://:memory:", &err);
	g_assert_no_error(err);
	w->ends = g_string_new(NULL);
	asked = g_string_new(NULL);
	open_fleet(w);
	return w;
}

static void close_fleet(struct world *w)
{
	fences_free(w->fences);
	fleet_free(w->fleet);
}

static void world_free(struct world *w)
{
	g_assert_cmpuint(g_queue_get_length(script), ==, 0);
	close_fleet(w);
	store_close(w->store);
	sim_free(w->sim);
	conf_free(w->conf);
	g_string_free(w->ends, TRUE);
	g_string_free(asked, TRUE);
	g_free(w);
}

static struct host *host(const struct world *w, const char *name)
{
	return fleet_host(w->fleet, name);
}

static void say(const char *words)
{
	g_auto(GStrv) all = g_strsplit(words, " ", -1);

	for (char **word = all; *word; word++)
		g_queue_push_tail(script, (void *)g_intern_string(*word));
}

/* ---- off ---- */

struct off_case {
	const char *script;  /* what the agents say */
	bool up;             /* the host is up when it begins */
	const char *asked;   /* of which agent for what, in short: a is the first, b the fallback */
	const char *why;     /* NULL: it is fenced */
	bool off;            /* it was switched off */
};

#define LIES "the fence agent says that the host is off, and its libvirtd answers: the agent's options lead to another machine, or it is not to be believed"
#define STILL "the agent was asked to switch it off, and says that it is on"

static const struct off_case off_cases[] = {
	{ "off:ok is-off", true, "a.off a.status", NULL, true },
	{ "off:ok is-off", false, "a.off a.status", NULL, true },
	/* what a failure has done is seen */
	{ "off:failed is-off", true, "a.off a.status", NULL, true },
	{ "off:failed is? off:ok is-off", true, "a.off a.status a.off a.status", NULL, true },
	/* the second agent */
	{ "off:nothing is-on off:nothing is-on off:ok is-off", true, "a.off a.status a.off a.status b.off b.status", NULL, true },
	/* none */
	{ "off:nothing is-on off:nothing is? off:nothing is-on off:nothing is-on", true,
	  "a.off a.status a.off a.status b.off b.status b.off b.status", STILL, false },
	/* what it is about says more than what was seen */
	{ "no-failed is-on no-failed is-on no-failed is? no-failed is-on", true,
	  "a.off a.status a.off a.status b.off b.status b.off b.status", "no-failed", false },
	/* "off" of another machine */
	{ "off:nothing is-off", true, "a.off a.status", LIES, false },
};

/* "fence_a /a off\n" as "a.off" */
static char *short_of(const char *text)
{
	GString *s = g_string_new(text);

	g_string_replace(s, "fence_a /a ", "a.", 0);
	g_string_replace(s, "fence_b - ", "b.", 0);
	g_string_replace(s, "\n", " ", 0);
	if (s->len)
		g_string_truncate(s, s->len - 1);
	return g_string_free(s, FALSE);
}

static void test_off(const void *data)
{
	const struct off_case *c = data;
	struct world *w = world_new();
	g_autoptr(GError) err = NULL;
	g_autofree char *runs = NULL, *want = NULL;

	if (!c->up) {
		sim_host_power(w->sim, "h1", false);
		clock_advance_ms(30000);
	}
	g_assert_true(host_is_up(w->fleet, host(w, "h1")) == c->up);
	say(c->script);
	g_assert_true(fence_off(w->fences, host(w, "h1"), "it burns", &err));
	g_assert_true(fence_is_busy(w->fences, host(w, "h1")));
	g_assert_true(host(w, "h1")->fence.fencing);
	/* asked twice is asked once */
	g_assert_true(fence_off(w->fences, host(w, "h1"), "again", &err));
	clock_advance_ms(20000);
	runs = short_of(asked->str);
	g_assert_cmpstr(runs, ==, c->asked);
	want = g_strdup_printf("h1 %s\n", c->why ? c->why : "done");
	g_assert_cmpstr(w->ends->str, ==, want);
	g_assert_false(fence_is_busy(w->fences, host(w, "h1")));
	g_assert_false(host(w, "h1")->fence.fencing);
	g_assert_true(host_is_fenced(host(w, "h1")) == !c->why);
	g_assert_cmpstr(host(w, "h1")->fence.reason, ==, c->why ? c->why : "it burns");
	g_assert_true(host_is_up(w->fleet, host(w, "h1")) == !c->off);
	world_free(w);
}

/* What is under way goes on to its end, and then it is over; it can be asked for again. */
static void test_no_more(void)
{
	struct world *w = world_new();
	g_autoptr(GError) err = NULL;

	say("off:failed is? off:ok is-off");
	fence_no_more(w->fences, host(w, "h1")); /* nothing is */
	g_assert_true(fence_off(w->fences, host(w, "h1"), NULL, &err));
	clock_advance_ms(100);
	fence_no_more(w->fences, host(w, "h1"));
	clock_advance_ms(20000);
	g_assert_cmpstr(asked->str, ==, "fence_a /a off\nfence_a /a status\n");
	g_assert_false(fence_is_busy(w->fences, host(w, "h1")) || host_is_fenced(host(w, "h1")));
	g_assert_true(fence_off(w->fences, host(w, "h1"), NULL, &err));
	clock_advance_ms(20000);
	g_assert_true(host_is_fenced(host(w, "h1")));
	world_free(w);
}

/* A libvirtd that refuses to say what the host is lives, as one that says it. */
static void test_refusal_is_an_answer(void)
{
	struct world *w = world_new();
	g_autoptr(GError) err = NULL;

	say("off:nothing is-off");
	sim_fault_add(w->sim, &(struct sim_fault){ .kind = SIM_REFUSE, .op = HV_HOST_GET, .host = "h1", .nth = 0 });
	g_assert_true(fence_off(w->fences, host(w, "h1"), NULL, &err));
	clock_advance_ms(2000);
	g_assert_cmpstr(w->ends->str, ==, "h1 " LIES "\n");
	g_assert_false(host_is_fenced(host(w, "h1")));
	world_free(w);
}

/* It is down at once, not when its silence has lasted, and stays fenced over a restart, until it answers. */
static void test_until_it_answers(void)
{
	struct world *w = world_new();
	g_autoptr(GError) err = NULL;

	say("off:ok is-off");
	g_assert_true(fence_off(w->fences, host(w, "h1"), NULL, &err));
	clock_advance_ms(1000 + 3000 + 100);
	g_assert_true(host_is_fenced(host(w, "h1")));
	g_assert_false(host_is_up(w->fleet, host(w, "h1")));
	close_fleet(w);
	open_fleet(w);
	g_assert_true(host_is_fenced(host(w, "h1")));
	g_assert_true(fence_off(w->fences, host(w, "h1"), NULL, &err)); /* it is already: no agent is asked */
	sim_host_power(w->sim, "h1", true);
	clock_advance_ms(60000);
	g_assert_true(host_is_up(w->fleet, host(w, "h1")));
	g_assert_false(host_is_fenced(host(w, "h1")));
	close_fleet(w);
	open_fleet(w);
	g_assert_false(host_is_fenced(host(w, "h1")));
	world_free(w);
}

/* A controller that starts again looks, and switches nothing off. */
static void test_restart(const void *power)
{
	struct world *w = world_new();
	g_autoptr(GError) err = NULL;
	bool off = g_str_equal(power, "is-off");

	say("off:ok");
	g_assert_true(fence_off(w->fences, host(w, "h1"), "it burns", &err));
	clock_advance_ms(200);
	close_fleet(w);
	g_string_truncate(asked, 0);
	if (off)
		sim_host_power(w->sim, "h1", false);
	say(power);
	open_fleet(w);
	clock_advance_ms(5000);
	g_assert_cmpstr(asked->str, ==, "fence_a /a status\n");
	g_assert_true(host_is_fenced(host(w, "h1")) == off);
	g_assert_false(host(w, "h1")->fence.fencing);
	g_assert_true(g_str_has_prefix(host(w, "h1")->fence.reason, off ? "it burns" : "the controller was started again"));
	world_free(w);
}

static void got_status(const struct agent_answer *a, void *user)
{
	g_string_append_printf(user, "%d %d %s;", a->ok, a->power, a->why ? a->why : "-");
}

/* What is asked for while it looks follows the look: a host that is off already is fenced by it, another one is switched off. */
static void test_asked_while_it_looks(const void *power)
{
	struct world *w = world_new();
	g_autoptr(GError) err = NULL;
	bool off = g_str_equal(power, "is-off");

	say("off:nothing");
	g_assert_true(fence_off(w->fences, host(w, "h1"), "it burns", &err));
	clock_advance_ms(200);
	close_fleet(w);
	g_string_truncate(asked, 0);
	if (off)
		sim_host_power(w->sim, "h1", false);
	say(power);
	open_fleet_for(w, 100);
	if (!off)
		say("off:ok is-off");
	g_assert_true(fence_off(w->fences, host(w, "h1"), "it burns again", &err));
	clock_advance_ms(30000);
	g_assert_cmpstr(asked->str, ==, off ? "fence_a /a status\n" : "fence_a /a status\nfence_a /a off\nfence_a /a status\n");
	g_assert_true(host_is_fenced(host(w, "h1")));
	g_assert_cmpstr(host(w, "h1")->fence.reason, ==, "it burns again");
	g_assert_cmpstr(w->ends->str, ==, "h1 done\n");
	g_assert_cmpuint(fences_stats(w->fences)->asked, ==, 1);
	g_assert_cmpuint(fences_stats(w->fences)->failed, ==, 0);
	g_assert_cmpuint(metric_count(&fences_stats(w->fences)->seconds), ==, 1);
	world_free(w);
}

/* Not more agents at once than may be; those that switch a host go first. */
static void test_at_once(void)
{
	struct world *w = world_new();
	g_autoptr(GError) err = NULL;
	g_autoptr(GString) got = g_string_new(NULL);

	say("is-on is-on off:ok is-off is-off is-off");
	for (int i = 0; i < 4; i++)
		g_assert_true(fence_status(w->fences, host(w, "h1"), got_status, got, &err));
	g_assert_true(fence_off(w->fences, host(w, "h1"), NULL, &err));
	g_assert_cmpstr(asked->str, ==, "fence_a /a status\nfence_a /a status\n");
	clock_advance_ms(550);
	g_assert_cmpstr(got->str, ==, "1 1 -;1 1 -;");
	g_assert_true(g_str_has_suffix(asked->str, "fence_a /a off\nfence_a /a status\n"));
	clock_advance_ms(20000);
	g_assert_cmpstr(got->str, ==, "1 1 -;1 1 -;1 2 -;1 2 -;");
	g_assert_true(host_is_fenced(host(w, "h1")));
	/* those that wait are told of the end as well */
	say("is-off is-off");
	for (int i = 0; i < 3; i++)
		g_assert_true(fence_status(w->fences, host(w, "h1"), got_status, got, &err));
	world_free(w);
	g_assert_cmpstr(got->str, ==, "1 1 -;1 1 -;1 2 -;1 2 -;0 0 the controller stops;0 0 the controller stops;0 0 the controller stops;");
}

/* ---- on ---- */

static void test_on(void)
{
	struct world *w = world_new();
	g_autoptr(GError) err = NULL;

	say("off:ok is-off on:ok is-on");
	g_assert_true(fence_off(w->fences, host(w, "h1"), NULL, &err));
	g_assert_false(fence_on(w->fences, host(w, "h1"), &err));
	g_assert_error(err, ERR, ERR_CONFLICT);
	g_clear_error(&err);
	clock_advance_ms(5000);
	g_assert_true(fence_on(w->fences, host(w, "h1"), &err));
	/* it may start its guests from now on */
	g_assert_false(host_is_fenced(host(w, "h1")));
	g_assert_false(fence_off(w->fences, host(w, "h1"), NULL, &err));
	g_assert_error(err, ERR, ERR_CONFLICT);
	clock_advance_ms(60000);
	g_assert_cmpstr(w->ends->str, ==, "h1 done\nh1 done\n");
	g_assert_true(host_is_up(w->fleet, host(w, "h1")));
	world_free(w);
}

static void test_status(void)
{
	struct world *w = world_new();
	g_autoptr(GError) err = NULL;
	g_autoptr(GString) got = g_string_new(NULL);

	say("is-on is? is-off");
	g_assert_true(fence_status(w->fences, host(w, "h1"), got_status, got, &err));
	g_assert_true(fence_status(w->fences, host(w, "h1"), got_status, got, &err));
	clock_advance_ms(1000);
	g_assert_cmpstr(got->str, ==, "1 1 -;0 0 is?;");
	g_assert_true(fence_status(w->fences, host(w, "h1"), got_status, got, &err));
	world_free(w); /* who waits is told */
	g_assert_cmpstr(got->str, ==, "1 1 -;0 0 is?;0 0 the controller stops;");
}

static void test_no_agent(void)
{
	struct world *w = world_new();
	g_autoptr(GError) err = NULL;

	g_assert_null(fence_agent_of(w->fences, host(w, "h2")));
	g_assert_cmpstr(fence_agent_of(w->fences, host(w, "h1")), ==, "fence_a");
	g_assert_false(fence_off(w->fences, host(w, "h2"), NULL, &err));
	g_assert_error(err, ERR, ERR_BAD_REQUEST);
	g_assert_cmpstr(err->message, ==, "Host h2 has no fence agent. Set fence_agent in its section of the configuration file.");
	world_free(w);
}

/* ---- the file of options ---- */

static const struct {
	const char *program, *text, *out; /* out: what the agent reads, or what is wrong */
} options[] = {
	{ "fence_x", "", "action=off\n" },
	{ "fence_x", "ip=10.0.0.1\n# of the rack\n\n  ipport = 623 \npassword=a=b c#d\n", "ip=10.0.0.1\nipport = 623\npassword=a=b c#d\naction=off\n" },
	{ "fence_x", "ip", "line 1: expected NAME=VALUE, with a name of small letters, digits, '_' and '-'" },
	{ "fence_x", "a=1\n=2", "line 2: expected NAME=VALUE, with a name of small letters, digits, '_' and '-'" },
	{ "fence_x", "action=reboot", "line 1: action is not for this file: the controller sets the action, and no option may run a program or write a file" },
	{ "fence_x", "ipmitool_path=/tmp/x", "line 1: ipmitool_path is not for this file: the controller sets the action, and no option may run a program or write a file" },
	{ "fence_x", "password_script=/tmp/x", "line 1: password_script is not for this file: the controller sets the action, and no option may run a program or write a file" },
	{ "fence_x", "a=1\na=2", "line 2: a is there twice; keep one" },
	{ "fence_x", "a=1\rb=2", "line 1: a carriage return is not allowed in it" },
	{ "fence_x", "a=\xff", "it must be UTF-8 text of at most 16384 bytes" },
	{ "fence_ipmilan", "ip=h\nusername=u", "fence_ipmilan needs password=; without it the agent asks without a login" },
	{ "/usr/sbin/fence_ipmilan", "login=u\npasswd=p", "login=u\npasswd=p\naction=off\n" },
	{ "fence_idrac", "ip=h", "fence_idrac needs username=; without it the agent asks without a login" },
};

static void test_options(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(options); i++) {
		g_autoptr(GError) err = NULL;
		g_autofree char *out = agent_options_stdin(options[i].program, options[i].text, strlen(options[i].text), AGENT_OFF, &err);

		g_assert_true(out != NULL || g_error_matches(err, ERR, ERR_CONF));
		g_assert_cmpstr(out ? out : err->message, ==, options[i].out);
	}
}

/* ---- asked for many at a time ---- */

static void heard(enum host_said said, const char *why, void *user)
{
	static const char *const words[] = { [HOST_SAID_NOTHING] = "nothing", [HOST_SAID_ON] = "on", [HOST_SAID_OFF] = "off" };

	g_assert_true((said == HOST_SAID_NOTHING) == (why != NULL));
	g_string_append_printf(user, "%s ", words[said]);
}

/* What was asked while an agent ran is answered by the next run, once for all. */
static void test_inquiries(void)
{
	struct world *w = world_new();
	g_autoptr(GString) got = g_string_new(NULL);
	g_autofree char *runs = NULL;

	say("is-off is-on is? is-off");
	g_assert_false(host_fence_ask(w->fleet, host(w, "h2"), heard, got));
	g_assert_true(host_fence_ask(w->fleet, host(w, "h1"), heard, got));
	clock_advance_ms(100);
	g_assert_true(host_fence_ask(w->fleet, host(w, "h1"), heard, got));
	g_assert_true(host_fence_ask(w->fleet, host(w, "h1"), heard, got));
	g_assert_cmpstr(got->str, ==, "");
	clock_advance_ms(500);
	g_assert_cmpstr(got->str, ==, "off ");
	clock_advance_ms(1000);
	g_assert_cmpstr(got->str, ==, "off on on ");
	g_assert_true(host_fence_ask(w->fleet, host(w, "h1"), heard, got));
	clock_advance_ms(1000);
	g_assert_cmpstr(got->str, ==, "off on on nothing ");
	runs = short_of(asked->str);
	g_assert_cmpstr(runs, ==, "a.status a.status a.status");
	/* one that is under way at the end, and one that waits for it */
	g_string_truncate(got, 0);
	g_assert_true(host_fence_ask(w->fleet, host(w, "h1"), heard, got));
	g_assert_true(host_fence_ask(w->fleet, host(w, "h1"), heard, got));
	world_free(w);
	g_assert_cmpstr(got->str, ==, "nothing nothing ");
}

/* Its agent says that it is on: it is not fenced any more, also for the next controller. */
static void test_doubted(void)
{
	struct world *w = world_new();
	g_autoptr(GError) err = NULL;

	say("off:ok is-off");
	g_assert_true(fence_off(w->fences, host(w, "h1"), "it burns", &err));
	clock_advance_ms(20000);
	g_assert_true(host_is_fenced(host(w, "h1")));
	host_fence_doubted(w->fleet, host(w, "h1"));
	g_assert_false(host_is_fenced(host(w, "h1")));
	close_fleet(w);
	open_fleet(w);
	g_assert_false(host_is_fenced(host(w, "h1")));
	world_free(w);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(off_cases); i++) {
		g_autofree char *name = g_strdup_printf("/fence/off/%zu", i);

		g_test_add_data_func(name, &off_cases[i], test_off);
	}
	g_test_add_func("/fence/refusal-is-an-answer", test_refusal_is_an_answer);
	g_test_add_func("/fence/no-more", test_no_more);
	g_test_add_func("/fence/until-it-answers", test_until_it_answers);
	g_test_add_data_func("/fence/restart/is-off", "is-off", test_restart);
	g_test_add_data_func("/fence/restart/is-on", "is-on", test_restart);
	g_test_add_data_func("/fence/asked-while-it-looks/is-off", "is-off", test_asked_while_it_looks);
	g_test_add_data_func("/fence/asked-while-it-looks/is-on", "is-on", test_asked_while_it_looks);
	g_test_add_func("/fence/at-once", test_at_once);
	g_test_add_func("/fence/on", test_on);
	g_test_add_func("/fence/status", test_status);
	g_test_add_func("/fence/inquiries", test_inquiries);
	g_test_add_func("/fence/doubted", test_doubted);
	g_test_add_func("/fence/no-agent", test_no_agent);
	g_test_add_func("/fence/options", test_options);
	return g_test_run();
}

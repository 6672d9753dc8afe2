/* SPDX-License-Identifier: Apache-2.0
 *
 * Hosts that die, and are fenced and evacuated without a person: told as stories, and then schedules of all that can go wrong, drawn by a lot. Whatever happens,
 * no agent is asked to switch off a host that is not dead, nor one of many that fell silent at once. DROVER_TEST_ROUNDS=10000 runs that many.
 */
#include "ha/ha.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "fleet/host_fence.h"
#include "hv/sim/sim.h"
#include "task/kind.h"
#include "task/step.h"

#define HOSTS_MAX 12
#define DELAY_S 30
#define DOWN_S 15
#define WINDOW_S 120

/* What is true of a host, whatever the controller believes. */
struct truth {
	bool power, link, libvirtd;
	int64_t dark_ms;  /* since when nothing of it can be reached; -1: it can */
	int64_t light_ms; /* since when it can */
	bool disabled;
};

struct world {
	int n;            /* hosts */
	struct conf *conf;
	struct sim *sim;
	struct store *store;
	struct fleet *fleet;
	struct engine *engine;
	struct fences *fences;
	struct ha *ha;
	struct truth is[HOSTS_MAX];
	bool blind;       /* the controller's own address has no carrier */
	int64_t blind_ms; /* since when */
	bool agents_fail;
	int max_hosts;
	GString *log, *asked; /* servers that were asked to be evacuated, by their names */
	int fenced;
	char *wrong;
};

static struct world *current;

static void wrong(const char *fmt, ...) G_GNUC_PRINTF(1, 2);

static void wrong(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	if (!current->wrong)
		current->wrong = g_strdup_vprintf(fmt, args);
	va_end(args);
}

static void host_name(char out[static 8], int i)
{
	g_snprintf(out, 8, "h%d", i + 1);
}

/* ---- the kind that "evacuates" ---- */

enum { MOVING, MOVED, LOST };

static void move(struct mig *m)
{
	const struct server *s = mig_server(m);

	if (s)
		g_string_append_printf(current->asked, "%s ", s->name);
	step_end(m, MOVED, NULL);
}

static const struct task_stage stages[] = {
	[MOVING] = { "moving", .next = 1 << MOVED | 1 << LOST, .task = SERVER_TASK_REBUILDING, .enter = move, .stop = TASK_STOP_NOT },
	[MOVED] = { "moved", .end = TASK_DONE },
	[LOST] = { "lost", .end = TASK_ERROR },
};

static const struct task_action actions[] = {
	{ .name = "evacuate", .action = "evacuate", .vm = TASK_VM_BIT(SERVER_ACTIVE) | TASK_VM_BIT(SERVER_STOPPED) | TASK_VM_BIT(SERVER_ERROR) },
};

static const struct task_kind evacuation = {
	.type = "evacuation", .stages = stages, .n = G_N_ELEMENTS(stages), .actions = actions, .n_actions = 1,
};
static const struct task_kind *const kinds[] = { &evacuation, NULL };

/* ---- agents, which do what they say; and the one thing that must be true when they are asked ---- */

struct agent_run {
	struct clock_timer *timer;
	agent_f *done;
	void *user;
	int host;
	enum agent_act act;
};

static struct host *host_of(const struct world *w, int i)
{
	char name[8];

	host_name(name, i);
	return fleet_host(w->fleet, name);
}

static bool is_dark(const struct truth *t)
{
	return !t->power || !t->link;
}

#define SEEN_MS 5000
#define KNOWN_MS ((DOWN_S + 7) * 1000) /* so long after it fell silent the controller knows it, but while its loop stands */

/* Hosts that cannot be reached, which the controller can know, and were not fenced; a person's do not count. */
static int dark_hosts(const struct world *w)
{
	int n = 0;

	for (int i = 0; i < w->n; i++)
		n += is_dark(&w->is[i]) && clock_now_ms() - w->is[i].dark_ms > KNOWN_MS && !host_is_fenced(host_of(w, i)) && !w->is[i].disabled;
	return n;
}

static void judge_off(struct world *w, int i)
{
	const struct truth *t = &w->is[i];
	int may = MIN(w->max_hosts, MAX(w->n / 10, 1));

	/* back since the last look: no controller can know */
	if (!is_dark(t) && clock_now_ms() - t->light_ms < SEEN_MS)
		return;
	if (!is_dark(t))
		wrong("h%d is fenced, and can be reached", i + 1);
	else if (clock_now_ms() - t->dark_ms < DELAY_S * 1000)
		wrong("h%d is fenced, and is silent for %d ms", i + 1, (int)(clock_now_ms() - t->dark_ms));
	else if (dark_hosts(w) > may)
		wrong("h%d is fenced, one of %d of %d hosts that are silent", i + 1, dark_hosts(w), w->n);
	else if (w->blind && clock_now_ms() - w->blind_ms >= SEEN_MS) /* it went since the last look: it cannot know */
		wrong("h%d is fenced by a controller that has no carrier", i + 1);
	else if (t->disabled)
		wrong("h%d is fenced, and is a person's", i + 1);
}

static void answer(void *user)
{
	struct agent_run *r = user;
	struct world *w = current;
	struct truth *t = &w->is[r->host];
	struct agent_answer a = { .ok = !w->agents_fail };
	char name[8];

	host_name(name, r->host);
	a.why = a.ok ? NULL : "no route to the management controller";
	if (a.ok && r->act == AGENT_OFF) {
		w->fenced++;
		t->power = false;
		sim_host_power(w->sim, name, false);
	}
	a.power = !a.ok ? AGENT_POWER_UNKNOWN : t->power ? AGENT_POWER_ON : AGENT_POWER_OFF;
	r->done(&a, r->user);
	g_free(r);
}

static struct agent_run *start(const struct agent *a, enum agent_act act, int64_t limit_ms, agent_f *done, void *user)
{
	struct agent_run *r = g_new0(struct agent_run, 1);

	(void)limit_ms;
	*r = (struct agent_run){ .done = done, .user = user, .host = atoi(a->options + 1) - 1, .act = act };
	if (act == AGENT_OFF)
		judge_off(current, r->host);
	r->timer = clock_after(2000, answer, r);
	return r;
}

static void cancel_run(struct agent_run **r)
{
	struct agent_run *run = g_steal_pointer(r);

	if (!run)
		return;
	clock_cancel(&run->timer);
	g_free(run);
}

static const struct fence_ops agents = { start, cancel_run };

/* ---- the network, as it is ---- */

struct look {
	struct clock_timer *timer;
	int host;
	look_f *done;
	void *user;
};

static void seen(void *user)
{
	struct look *l = user;
	const struct truth *t = &current->is[l->host];

	l->done(current->blind ? HA_BLIND : is_dark(t) ? HA_DARK : HA_LIVES, l->user);
	g_free(l);
}

static struct look *look(const char *uri, look_f *done, void *user)
{
	struct look *l = g_new0(struct look, 1);

	*l = (struct look){ .host = atoi(uri + strlen("sim://h")) - 1, .done = done, .user = user };
	l->timer = clock_after(300, seen, l);
	return l;
}

static void look_away(struct look **l)
{
	struct look *look = g_steal_pointer(l);

	if (!look)
		return;
	clock_cancel(&look->timer);
	g_free(look);
}

static const struct ha_ops network = { look, look_away };

/* ---- the world ---- */

static void hear(enum log_level level, const char *line, void *user)
{
	(void)level;
	g_string_append_printf(((struct world *)user)->log, "%s\n", line);
}

static int logged(const struct world *w, const char *what)
{
	int n = 0;

	for (const char *at = w->log->str; (at = strstr(at, what)); at++)
		n++;
	return n;
}

static void open_controller(struct world *w)
{
	static const struct hv_ops *const ops[] = { &sim_ops, NULL };
	g_autoptr(GError) err = NULL;

	w->fleet = fleet_new(w->conf, w->store, ops, &err);
	g_assert_no_error(err);
	w->engine = engine_new(w->fleet, kinds, &err);
	g_assert_no_error(err);
	w->fences = fences_new(w->fleet, &agents);
	w->ha = ha_new(w->engine, w->fences, &evacuation, &network, &err);
	g_assert_no_error(err);
	fleet_start(w->fleet);
	fences_start(w->fences);
	ha_start(w->ha);
}

static void close_controller(struct world *w)
{
	ha_free(w->ha);
	fences_free(w->fences);
	engine_free(w->engine);
	fleet_free(w->fleet);
}

static struct conf *make_conf(int n, int max_hosts, bool enabled)
{
	g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GString) text = g_string_new(NULL);

	g_string_printf(text, "[DEFAULT]\naddress_refresh_interval = 0\nservice_down_time = %d\n[workarounds]\nallow_any_uri = true\n"
			"[evacuation]\nstorage_markers = false\n[fencing]\nfence_retries = 0\n[ha]\nenabled = %s\ndelay = %d\nmax_hosts = %d\nwindow = %d\n",
			DOWN_S, enabled ? "true" : "false", DELAY_S, max_hosts, WINDOW_S);
	for (int i = 0; i < n; i++)
		g_string_append_printf(text, "[host h%d]\nuri = sim://h%d\nfence_agent = fence_a\nfence_options = /%d\n", i + 1, i + 1, i + 1);
	return conf_parse(text->str, text->len, "test", mistakes);
}

/* @servers: of each host but the last, which has none */
static struct world *world_new(int n, int servers, int max_hosts, bool enabled)
{
	struct world *w = current = g_new0(struct world, 1);
	g_autoptr(GError) err = NULL;

	clock_manual(INT64_C(1700000000000000));
	w->n = n;
	w->max_hosts = max_hosts;
	w->log = g_string_new(NULL);
	w->asked = g_string_new(NULL);
	log_init(LOG_INFO, LOG_TEXT);
	log_hook(hear, w);
	w->conf = make_conf(n, max_hosts, enabled);
	w->sim = sim_new(1);
	for (int i = 0; i < n; i++) {
		char name[8];

		host_name(name, i);
		sim_host_add(w->sim, name, &(struct sim_host_spec){ .vcpus = 8, .mem_mib = 65536 });
		w->is[i] = (struct truth){ .power = true, .link = true, .libvirtd = true, .dark_ms = -1 };
		for (int k = 0; k < servers && i < n - 1; k++) {
			g_autofree char *guest = g_strdup_printf("%s-%c", name, 'a' + k);

			sim_dom_add(w->sim, name, &(struct sim_dom_spec){ .name = guest, .mem_mib = 512, .priority = k == 1 ? 10 : k == 2 ? -1 : 0 });
		}
	}
	w->store = store_open("sqlite://:memory:", &err);
	g_assert_no_error(err);
	open_controller(w);
	clock_advance_ms(20000);
	return w;
}

static void world_free(struct world *w)
{
	close_controller(w);
	store_close(w->store);
	sim_free(w->sim);
	conf_free(w->conf);
	log_hook(NULL, NULL);
	g_string_free(w->log, TRUE);
	g_string_free(w->asked, TRUE);
	g_free(w->wrong);
	g_free(w);
}

static void note_dark(struct world *w, int i)
{
	if (!is_dark(&w->is[i]) && w->is[i].dark_ms >= 0)
		w->is[i].light_ms = clock_now_ms();
	if (!is_dark(&w->is[i]))
		w->is[i].dark_ms = -1;
	else if (w->is[i].dark_ms < 0)
		w->is[i].dark_ms = clock_now_ms();
}

static void set_power(struct world *w, int i, bool on)
{
	char name[8];

	host_name(name, i);
	sim_host_power(w->sim, name, on);
	w->is[i].power = on;
	note_dark(w, i);
}

static void set_link(struct world *w, int i, bool on)
{
	char name[8];

	host_name(name, i);
	sim_host_link(w->sim, name, on);
	w->is[i].link = on;
	note_dark(w, i);
}

static void set_libvirtd(struct world *w, int i, bool on)
{
	char name[8];

	host_name(name, i);
	sim_host_libvirtd(w->sim, name, on);
	w->is[i].libvirtd = on;
}

static char *phase_of(struct world *w)
{
	char *row = NULL;

	(void)store_word(w->store, Q_HA_ALL, STORE_NO_ARGS, &row, NULL);
	return row;
}

/* ---- stories ---- */

/* A host dies: it is fenced once it was silent for long enough, its servers go by their priority, and one is left to a person. */
static void test_story(void)
{
	struct world *w = world_new(3, 3, 1, true);
	struct ha_stats st;

	set_power(w, 0, false);
	clock_advance_ms(DELAY_S * 1000);
	g_assert_cmpint(w->fenced, ==, 0);
	clock_advance_ms(60000);
	g_assert_cmpint(w->fenced, ==, 1);
	g_assert_true(host_is_fenced(host_of(w, 0)));
	g_assert_cmpstr(w->asked->str, ==, "h1-b h1-a ");
	g_assert_cmpint(logged(w, "ha_done host=h1 left=3"), ==, 1);
	st = ha_stats(w->ha);
	g_assert_cmpuint(st.fenced, ==, 1);
	g_assert_cmpuint(st.evacuated, ==, 2);
	g_assert_cmpuint(st.held + st.given_up, ==, 0);
	/* once */
	clock_advance_ms(600000);
	g_assert_cmpint(w->fenced, ==, 1);
	g_assert_cmpstr(w->asked->str, ==, "h1-b h1-a ");
	/* it is back, and dies again */
	set_power(w, 0, true);
	clock_advance_ms(60000);
	g_assert_null(phase_of(w));
	set_power(w, 0, false);
	clock_advance_ms(120000);
	g_assert_cmpint(w->fenced, ==, 2);
	g_assert_cmpstr(w->wrong, ==, NULL);
	world_free(w);
}

static void test_off(void)
{
	struct world *w = world_new(3, 1, 1, false);

	set_power(w, 0, false);
	clock_advance_ms(600000);
	g_assert_cmpint(w->fenced, ==, 0);
	g_assert_null(phase_of(w));
	world_free(w);
}

/* Two at once are too many, once told; when one of them is a person's, the other is not. */
static void test_held(void)
{
	struct world *w = world_new(5, 1, 1, true);
	g_autoptr(GError) err = NULL;

	set_power(w, 0, false);
	set_power(w, 1, false);
	clock_advance_ms(900000);
	g_assert_cmpint(w->fenced, ==, 0);
	g_assert_cmpint(logged(w, "ha_held host=h1"), ==, 1);
	g_assert_cmpint(logged(w, "ha_held host=h2"), ==, 1);
	g_assert_cmpuint(ha_stats(w->ha).held, ==, 2);
	g_assert_true(fleet_host_set(w->fleet, host_of(w, 1), true, "dead for good", false, &err));
	w->is[1].disabled = true;
	clock_advance_ms(60000);
	g_assert_cmpint(w->fenced, ==, 1);
	g_assert_cmpstr(w->asked->str, ==, "h1-a ");
	g_assert_cmpuint(ha_stats(w->ha).held, ==, 0);
	g_assert_cmpstr(w->wrong, ==, NULL);
	world_free(w);
}

/* One after the other, with more than the window between, are no many. */
static void test_one_after_the_other(void)
{
	struct world *w = world_new(5, 1, 1, true);

	set_power(w, 0, false);
	clock_advance_ms(70000);
	g_assert_cmpint(w->fenced, ==, 1);
	set_power(w, 1, false);
	clock_advance_ms(50000);
	g_assert_cmpint(w->fenced, ==, 1); /* within the window */
	clock_advance_ms(WINDOW_S * 1000);
	g_assert_cmpint(w->fenced, ==, 2);
	g_assert_cmpstr(w->wrong, ==, NULL);
	world_free(w);
}

/* libvirtd alone, the cable of the controller, a host without servers, its agent. */
static void test_not_fenced(void)
{
	struct world *w = world_new(3, 1, 1, true);

	set_libvirtd(w, 0, false);
	clock_advance_ms(300000);
	g_assert_cmpint(w->fenced, ==, 0);
	g_assert_cmpint(logged(w, "ha_held host=h1 reason=\"the host answers on the network"), ==, 1);
	set_libvirtd(w, 0, true);
	clock_advance_ms(WINDOW_S * 1000 + 60000);
	g_assert_cmpuint(ha_stats(w->ha).held, ==, 0);
	w->blind = true;
	w->blind_ms = clock_now_ms();
	set_link(w, 0, false);
	clock_advance_ms(300000);
	g_assert_cmpint(w->fenced, ==, 0);
	g_assert_cmpint(logged(w, "ha_held host=h1 reason=\"the controller's own address"), ==, 1);
	w->blind = false;
	set_link(w, 0, true);
	clock_advance_ms(WINDOW_S * 1000 + 60000);
	set_power(w, 2, false);
	clock_advance_ms(300000);
	g_assert_cmpint(w->fenced, ==, 0);
	set_power(w, 2, true);
	clock_advance_ms(WINDOW_S * 1000 + 60000);
	/* and then by a person */
	w->agents_fail = true;
	set_power(w, 1, false);
	clock_advance_ms(300000);
	g_assert_cmpint(logged(w, "ha_given_up host=h2 reason=\"it could not be fenced\""), ==, 1);
	g_assert_cmpuint(ha_stats(w->ha).given_up, ==, 1);
	g_assert_cmpstr(w->asked->str, ==, "");
	w->agents_fail = false;
	g_assert_true(fence_off(w->fences, host_of(w, 1), "by hand", NULL));
	clock_advance_ms(60000);
	g_assert_cmpstr(w->asked->str, ==, "h2-a ");
	g_assert_cmpuint(ha_stats(w->ha).given_up, ==, 0);
	g_assert_cmpstr(w->wrong, ==, NULL);
	world_free(w);
}

/* The controller ends at any second of it: the host is fenced once it was silent for as long again, and all is asked for. */
static void test_restart(void)
{
	for (int at_s = 16; at_s < 80; at_s += 3) {
		struct world *w = world_new(3, 2, 1, true);

		set_power(w, 0, false);
		clock_advance_ms(at_s * 1000);
		close_controller(w);
		open_controller(w);
		clock_advance_ms(300000);
		g_test_message("ended after %d s: fenced %d, asked %s", at_s, w->fenced, w->asked->str);
		/* an agent that was ended with the controller is asked whether the host is off, which it is */
		g_assert_cmpint(w->fenced, <=, 1);
		g_assert_true(host_is_fenced(host_of(w, 0)));
		g_assert_nonnull(strstr(w->asked->str, "h1-b "));
		g_assert_nonnull(strstr(w->asked->str, "h1-a "));
		g_assert_cmpint(logged(w, "ha_done host=h1"), >=, 1);
		g_assert_cmpstr(w->wrong, ==, NULL);
		world_free(w);
	}
}

/* The loop stands for a minute while all is well: what is known of the hosts begins again. */
static void test_stall(void)
{
	struct world *w = world_new(4, 1, 1, true);

	for (int i = 0; i < 5; i++) {
		clock_stall(60000);
		clock_advance_ms(7000);
	}
	clock_advance_ms(300000);
	g_assert_cmpint(w->fenced, ==, 0);
	g_assert_cmpint(logged(w, "ha_held"), ==, 0);
	world_free(w);
}

/* ---- schedules ---- */

static void partition(struct world *w, int n, bool on)
{
	for (int i = 0; i < n; i++)
		set_link(w, i, on);
}

static void restart(struct world *w)
{
	close_controller(w);
	open_controller(w);
}

static void toggle_disabled(struct world *w, int i)
{
	w->is[i].disabled = !w->is[i].disabled;
	if (!fleet_host_set(w->fleet, host_of(w, i), w->is[i].disabled, NULL, false, NULL))
		g_assert_not_reached();
}

static void happen(struct world *w, GRand *lot)
{
	int i = g_rand_int_range(lot, 0, w->n);

	switch (g_rand_int_range(lot, 0, 14)) {
	case 0:
	case 1:
		set_power(w, i, false);
		break;
	case 2:
		set_power(w, i, true);
		break;
	case 3:
		set_link(w, i, !w->is[i].link);
		break;
	case 4:
		set_libvirtd(w, i, !w->is[i].libvirtd);
		break;
	case 5: /* the controller alone, and it sees that, or does not */
		if (!w->blind)
			w->blind_ms = clock_now_ms();
		w->blind = g_rand_boolean(lot);
		partition(w, w->n, false);
		break;
	case 6:
		partition(w, (w->n + 1) / 2, false);
		break;
	case 7:
	case 8:
		w->blind = false;
		partition(w, w->n, true);
		break;
	case 9:
		clock_stall(g_rand_int_range(lot, 1000, 70000));
		break;
	case 10:
		clock_set_wall(g_rand_int_range(lot, -7200000, 7200000));
		break;
	case 11:
		restart(w);
		break;
	case 12:
		toggle_disabled(w, i);
		break;
	case 13:
		w->agents_fail = !w->agents_fail;
		break;
	}
}

static bool run_schedule(guint32 seed, int *ret_fenced)
{
	g_autoptr(GRand) lot = g_rand_new_with_seed(seed);
	int n = g_rand_int_range(lot, 2, HOSTS_MAX + 1);
	struct world *w = world_new(n, 1, g_rand_int_range(lot, 1, 4), true);
	bool good;

	for (int k = g_rand_int_range(lot, 1, 12); k > 0 && !w->wrong; k--) {
		happen(w, lot);
		clock_advance_ms(g_rand_int_range(lot, 100, 90000));
	}
	clock_advance_ms(100000);
	good = !w->wrong;
	*ret_fenced += w->fenced;
	if (!good)
		g_test_message("schedule %u: %s", seed, w->wrong);
	if (!good && g_getenv("DROVER_TEST_SCHEDULE"))
		g_test_message("%s", w->log->str);
	world_free(w);
	return good;
}

static void test_schedules(void)
{
	const char *rounds = g_getenv("DROVER_TEST_ROUNDS"), *only = g_getenv("DROVER_TEST_SCHEDULE");
	int n = rounds ? atoi(rounds) : 150, fenced = 0, bad = 0;

	for (int i = 0; i < n; i++)
		bad += !run_schedule(only ? (guint32)atoi(only) : (guint32)i, &fenced);
	g_test_message("%d schedules, %d hosts fenced, %d schedules wrong", n, fenced, bad);
	g_assert_cmpint(bad, ==, 0);
	g_assert_cmpint(fenced, >, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/ha/story", test_story);
	g_test_add_func("/ha/off", test_off);
	g_test_add_func("/ha/held", test_held);
	g_test_add_func("/ha/one-after-the-other", test_one_after_the_other);
	g_test_add_func("/ha/not-fenced", test_not_fenced);
	g_test_add_func("/ha/restart", test_restart);
	g_test_add_func("/ha/stall", test_stall);
	g_test_add_func("/ha/schedules", test_schedules);
	return g_test_run();
}

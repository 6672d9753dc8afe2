/* SPDX-License-Identifier: Apache-2.0 */
#include "ha_world.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "fleet/host_fence.h"
#include "ha_look.h"
#include "scn.h"
#include "task/step.h"

#define AGENT_MS 2000
#define SEEN_MS 5000                      /* what has happened since the last look at the network, no controller can know */
#define KNOWN_MS ((HA_DOWN_S + 7) * 1000) /* so long after it fell silent the controller knows it, but while its loop stands */
#define FIRST_MS 20000

static struct ha_world *current;

static void wrong(const char *fmt, ...) G_GNUC_PRINTF(1, 2);

static void wrong(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	if (!current->wrong)
		current->wrong = g_strdup_vprintf(fmt, args);
	va_end(args);
}

static void name_of(char out[static 8], int i)
{
	g_snprintf(out, 8, "h%d", i + 1);
}

struct host *ha_world_host(const struct ha_world *w, int i)
{
	char name[8];

	name_of(name, i);
	return fleet_host(w->fleet, name);
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
static const struct task_kind *const noting[] = { &evacuation, NULL };

/* ---- agents, which do what they say; and what must be true when they are asked ---- */

struct agent_run {
	struct clock_timer *timer;
	agent_f *done;
	void *user;
	int host;
	enum agent_act act;
};

static bool is_dark(const struct ha_truth *t)
{
	return !t->power || !t->link;
}

static void note_dark(struct ha_truth *t)
{
	if (!is_dark(t) && t->dark_ms >= 0)
		t->light_ms = clock_now_ms();
	if (!is_dark(t))
		t->dark_ms = -1;
	else if (t->dark_ms < 0)
		t->dark_ms = clock_now_ms();
}

/* Hosts that cannot be reached, which the controller can know, and were not fenced; a person's do not count. */
static int dark_hosts(const struct ha_world *w)
{
	int n = 0;

	for (int i = 0; i < w->spec.n; i++)
		n += is_dark(&w->is[i]) && clock_now_ms() - w->is[i].dark_ms > KNOWN_MS && !host_is_fenced(ha_world_host(w, i)) && !w->is[i].disabled;
	return n;
}

/* Its agent has failed, and is run once more. */
static bool is_again(struct ha_truth *t)
{
	bool again = t->asked;

	t->asked = true;
	return again;
}

static void judge_off(const struct ha_world *w, int i)
{
	const struct ha_truth *t = &w->is[i];
	int may = MIN(w->spec.max_hosts, MAX(w->spec.n / 10, 1));
	bool again = is_again(&w->is[i]);

	if (!is_dark(t) && clock_now_ms() - t->light_ms < SEEN_MS)
		return;
	if (!is_dark(t))
		wrong("h%d is fenced, and can be reached", i + 1);
	else if (t->disabled && !again)
		wrong("h%d is fenced, and is a person's", i + 1);
	else if (again)
		return; /* the others were looked at when it began */
	else if (clock_now_ms() - t->dark_ms < HA_DELAY_S * 1000)
		wrong("h%d is fenced, and is silent for %d ms", i + 1, (int)(clock_now_ms() - t->dark_ms));
	else if (dark_hosts(w) > may)
		wrong("h%d is fenced, one of %d of %d hosts that are silent", i + 1, dark_hosts(w), w->spec.n);
	else if (w->blind && clock_now_ms() - w->blind_ms >= SEEN_MS)
		wrong("h%d is fenced by a controller that has no carrier", i + 1);
}

static void answer(void *user)
{
	struct agent_run *r = user;
	struct ha_world *w = current;
	struct ha_truth *t = &w->is[r->host];
	struct agent_answer a = { .ok = !w->agents_fail };
	char name[8];

	name_of(name, r->host);
	a.why = a.ok ? NULL : "no route to the management controller";
	if (a.ok && r->act == AGENT_OFF) {
		w->fenced++;
		t->power = false;
		note_dark(t);
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
	r->timer = clock_after(AGENT_MS, answer, r);
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

static void fence_ended(struct host *h, const char *why, void *user)
{
	struct ha_world *w = user;

	(void)why;
	w->is[atoi(h->name + 1) - 1].asked = false;
}

/* ---- the network, as it is ---- */

static enum ha_sight seen(const char *uri)
{
	const struct ha_truth *t = &current->is[atoi(uri + strlen("sim://h")) - 1];

	return current->blind ? HA_BLIND : is_dark(t) ? HA_DARK : HA_LIVES;
}

/* ---- the world ---- */

static void hear(enum log_level level, const char *line, void *user)
{
	struct ha_world *w = user;

	(void)level;
	w->lines++;
	g_string_append_printf(w->log, "%s\n", line);
}

int ha_world_logged(const struct ha_world *w, const char *what)
{
	int n = 0;

	for (const char *at = w->log->str; (at = strstr(at, what)); at++)
		n++;
	return n;
}

static void open_controller(struct ha_world *w)
{
	static const struct hv_ops *const ops[] = { &sim_ops, NULL };
	const struct task_kind *const *kinds = w->spec.kinds ? w->spec.kinds : noting;
	g_autoptr(GError) err = NULL;

	w->fleet = fleet_new(w->conf, w->store, ops, &err);
	g_assert_no_error(err);
	w->engine = engine_new(w->fleet, kinds, &err);
	g_assert_no_error(err);
	w->fences = fences_new(w->fleet, &agents);
	fences_on_end(w->fences, fence_ended, w);
	w->ha = ha_new(w->engine, w->fences, kind_find(kinds, "evacuation"), ha_looks(seen), &err);
	g_assert_no_error(err);
	fleet_start(w->fleet);
	fences_start(w->fences);
	ha_start(w->ha);
}

static void close_controller(struct ha_world *w)
{
	ha_free(w->ha);
	fences_free(w->fences);
	engine_free(w->engine);
	fleet_free(w->fleet);
}

void ha_world_restart(struct ha_world *w)
{
	close_controller(w);
	for (int i = 0; i < w->spec.n; i++)
		w->is[i].asked = false;
	open_controller(w);
}

static struct conf *make_conf(const struct ha_spec *spec)
{
	g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GString) text = g_string_new(NULL);

	g_string_printf(text, "[DEFAULT]\naddress_refresh_interval = 0\nservice_down_time = %d\n[workarounds]\nallow_any_uri = true\n"
			"[api]\nevent_history = 64\n[evacuation]\nstorage_markers = false\n[fencing]\nfence_retries = 3\n[ha]\nenabled = %s\ndelay = %d\nmax_hosts = %d\nwindow = %d\n",
			HA_DOWN_S, spec->disabled ? "false" : "true", HA_DELAY_S, spec->max_hosts, HA_WINDOW_S);
	for (int i = 0; i < spec->n; i++)
		g_string_append_printf(text, "[host h%d]\nuri = sim://h%d\nfence_agent = fence_a\nfence_options = /%d\n", i + 1, i + 1, i + 1);
	return conf_parse(text->str, text->len, "test", mistakes);
}

static void add_host(struct ha_world *w, int i)
{
	char name[8];

	name_of(name, i);
	sim_host_add(w->sim, name, &(struct sim_host_spec){ .vcpus = 64, .mem_mib = 65536 });
	w->is[i] = (struct ha_truth){ .power = true, .link = true, .libvirtd = true, .dark_ms = -1 };
	for (int k = 0; k < w->spec.servers && i < w->spec.with; k++) {
		g_autofree char *guest = g_strdup_printf("%s-%d", name, k);

		sim_dom_add(w->sim, name, &(struct sim_dom_spec){
			.name = guest, .mem_mib = 512, .network_disks = true, .priority = w->spec.alike ? 0 : k == 1 ? 10 : k == 2 ? -1 : 0,
		});
	}
}

struct ha_world *ha_world_new(const struct ha_spec *spec)
{
	struct ha_world *w = current = g_new0(struct ha_world, 1);

	clock_manual(INT64_C(1700000000000000));
	w->spec = *spec;
	w->log = g_string_new(NULL);
	w->asked = g_string_new(NULL);
	log_init(spec->quiet ? LOG_ERROR : LOG_INFO, LOG_TEXT);
	log_hook(hear, w);
	w->conf = make_conf(spec);
	w->sim = sim_new(1);
	w->is = g_new0(struct ha_truth, spec->n);
	for (int i = 0; i < spec->n; i++)
		add_host(w, i);
	w->store = scn_store(NULL, NULL);
	open_controller(w);
	clock_advance_ms(FIRST_MS);
	return w;
}

void ha_world_free(struct ha_world *w)
{
	close_controller(w);
	sim_free(w->sim);
	conf_free(w->conf);
	log_hook(NULL, NULL);
	g_string_free(w->log, TRUE);
	g_string_free(w->asked, TRUE);
	g_free(w->wrong);
	g_free(w->is);
	g_free(w);
}

bool ha_world_has_row(const struct ha_world *w)
{
	g_autofree char *host = NULL;

	(void)store_word(w->store, Q_HA_ALL, STORE_NO_ARGS, &host, NULL);
	return host != NULL;
}

/* ---- what happens in it ---- */

void ha_world_power(struct ha_world *w, int i, bool on)
{
	char name[8];

	name_of(name, i);
	sim_host_power(w->sim, name, on);
	w->is[i].power = on;
	note_dark(&w->is[i]);
}

void ha_world_link(struct ha_world *w, int i, bool on)
{
	char name[8];

	name_of(name, i);
	sim_host_link(w->sim, name, on);
	w->is[i].link = on;
	note_dark(&w->is[i]);
}

void ha_world_libvirtd(struct ha_world *w, int i, bool on)
{
	char name[8];

	name_of(name, i);
	sim_host_libvirtd(w->sim, name, on);
	w->is[i].libvirtd = on;
}

void ha_world_blind(struct ha_world *w, bool blind)
{
	if (blind && !w->blind)
		w->blind_ms = clock_now_ms();
	w->blind = blind;
}

void ha_world_disable(struct ha_world *w, int i, bool disabled)
{
	w->is[i].disabled = disabled;
	if (!fleet_host_set(w->fleet, ha_world_host(w, i), disabled, NULL, false, NULL))
		g_assert_not_reached();
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Fence agents of the simulated hosts. They switch the hosts' power, and tell the truth, unless the file says else.
 */
#include "scn.h"

#include <string.h>

#include "base/clock.h"
#include "hv/sim/outage.h"
#include "hv/sim/world.h"

#define RUN_MS 400

struct agent_run {
	struct clock_timer *timer;
	agent_f *done;
	void *user;
	char *host;
	enum agent_act act;
};

static struct run *current; /* an agent has nothing but its options */

static const char *word_of(const char *host)
{
	const char *word = g_hash_table_lookup(current->agents, host);

	return word ? word : "works";
}

static enum agent_power power_of(const char *host)
{
	const char *word = word_of(host);

	if (g_str_has_prefix(word, "says-"))
		return g_str_equal(word, "says-on") ? AGENT_POWER_ON : AGENT_POWER_OFF;
	return sim_host_must_find(current->world, host)->on ? AGENT_POWER_ON : AGENT_POWER_OFF;
}

static void free_run(struct agent_run *x)
{
	g_free(x->host);
	g_free(x);
}

static void answer(void *user)
{
	struct agent_run *x = user;
	struct agent_answer a = { .ok = !g_str_equal(word_of(x->host), "mute") };

	if (!a.ok)
		a.why = "Connection timed out";
	else if (x->act == AGENT_STATUS)
		a.power = power_of(x->host);
	else if (!g_str_has_prefix(word_of(x->host), "says-"))
		sim_host_power(current->world, x->host, x->act == AGENT_ON);
	x->done(&a, x->user);
	free_run(x);
}

/* The path of its options is its host's name. */
static struct agent_run *start(const struct agent *a, enum agent_act act, int64_t limit_ms, agent_f *done, void *user)
{
	struct agent_run *x = g_new0(struct agent_run, 1);

	(void)limit_ms;
	*x = (struct agent_run){ .done = done, .user = user, .host = g_strdup(strrchr(a->options, '/') + 1), .act = act };
	if (act == AGENT_OFF)
		scn_ha_off(current, x->host);
	x->timer = clock_after(RUN_MS, answer, x);
	return x;
}

static void cancel(struct agent_run **r)
{
	struct agent_run *x = g_steal_pointer(r);

	if (!x)
		return;
	clock_cancel(&x->timer);
	free_run(x);
}

struct fences *agent_fences(struct run *r)
{
	static const struct fence_ops ops = { start, cancel };

	current = r;
	return fences_new(r->fleet, &ops);
}

static const char *arg(struct run *r, const struct scn_line *l, int i)
{
	if (i >= l->n)
		run_bad_line(r, "words are missing");
	return l->w[i];
}

void agent_set(struct run *r, const struct scn_line *l)
{
	const char *word = arg(r, l, 2);

	if (!g_strv_contains((const char *const[]){ "works", "mute", "says-on", "says-off", NULL }, word))
		run_bad_line(r, word);
	g_hash_table_replace(r->agents, g_strdup(arg(r, l, 1)), g_strdup(word));
}

void agent_ask(struct run *r, const struct scn_line *l)
{
	struct host *h = fleet_host(r->fleet, arg(r, l, 1));
	g_autoptr(GError) err = NULL;
	bool ok = h && (g_str_equal(l->w[0], "fence") ? fence_off(r->fences, h, "by the scenario", &err) : fence_on(r->fences, h, &err));

	run_keep_result(r, ok, err);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The command "wait": a table of conditions, looked at after every timer.
 */
#include "scn.h"

#include <string.h>

static bool phase_is(struct run *r, void *user)
{
	const struct scn_line *l = user;
	struct guest *g = run_guest(r, l->w[2]);
	struct mig *active = r->engine ? engine_active_of(r->engine, g->uuid) : NULL;
	struct mig *row;
	bool yes;

	if (!r->engine)
		return false;
	if (active)
		return g_str_equal(mig_phase_name(active), l->w[3]);
	row = check_mig(r, g);
	yes = row && g_str_equal(mig_phase_name(row), l->w[3]);
	mig_free(row);
	return yes;
}

static bool is_final(struct run *r, void *user)
{
	const struct scn_line *l = user;
	struct guest *g = run_guest(r, l->w[2]);

	return r->engine && !engine_active_of(r->engine, g->uuid) && g->answered;
}

static bool has_logged(struct run *r, void *user)
{
	const struct scn_line *l = user;
	guint at = check_log(r, r->log_seen, l->w[2], word_after(l, "with"));

	if (at)
		r->log_seen = at;
	return at > 0;
}

static bool was_killed(struct run *r, void *unused)
{
	(void)unused;
	return r->was_killed;
}

static bool held(struct run *r, void *user)
{
	const struct scn_line *l = user;

	return sim_held(r->world, l->w[2]) > 0;
}

static bool host_up(struct run *r, void *user)
{
	const struct scn_line *l = user;
	struct host *h = r->fleet ? fleet_host(r->fleet, l->w[2]) : NULL;

	return h && host_is_up(r->fleet, h);
}

static bool host_down(struct run *r, void *user)
{
	return r->fleet && !host_up(r, user);
}

static bool server_known(struct run *r, void *user)
{
	const struct scn_line *l = user;

	return run_server(r, run_guest(r, l->w[2])) != NULL;
}

static bool server_gone(struct run *r, void *user)
{
	return r->fleet && !server_known(r, user);
}

static bool has_iterated(struct run *r, void *user)
{
	const struct scn_line *l = user;
	struct mig *m = r->engine ? engine_active_of(r->engine, run_guest(r, l->w[2])->uuid) : NULL;

	return m && m->progress.iteration >= 1 && m->progress.mem_total > 0;
}

/* The guest runs at the destination and its memory is not there. */
static bool in_postcopy(struct run *r, void *user)
{
	const struct scn_line *l = user;
	g_autoptr(GArray) doms = sim_dom_list(r->world, NULL, run_guest(r, l->w[2])->uuid);

	for (guint i = 0; i < doms->len; i++)
		if (g_array_index(doms, struct sim_dom_view, i).incoming &&
		    g_array_index(doms, struct sim_dom_view, i).reason == HV_R_POSTCOPY)
			return true;
	return false;
}

static bool dom_is(struct run *r, void *user)
{
	const struct scn_line *l = user;
	g_autoptr(GArray) doms = sim_dom_list(r->world, l->w[4], run_guest(r, l->w[2])->uuid);

	return g_str_equal(l->w[5], doms->len > 0 ? hv_state_name(g_array_index(doms, struct sim_dom_view, 0).state) : "absent");
}

/* "10.0.0.5/24,2001:db8::5/64"; "-" without one. */
char *run_addresses(struct run *r, const char *guest)
{
	const struct server *s = run_server(r, run_guest(r, guest));
	g_autoptr(GString) text = g_string_new(NULL);

	for (guint i = 0; s && s->addrs && i < s->addrs->len; i++) {
		const struct hv_addr *a = &g_array_index(s->addrs, struct hv_addr, i);

		g_string_append_printf(text, "%s%s/%d", i ? "," : "", a->text, a->prefix);
	}
	return g_strdup(text->len ? text->str : "-");
}

static bool addresses_are(struct run *r, void *user)
{
	const struct scn_line *l = user;
	g_autofree char *have = run_addresses(r, l->w[2]);

	return g_str_equal(have, l->w[3]);
}

static const struct {
	const char *what;
	run_cond_f *cond;
	int words;
} waits[] = {
	{ "phase", phase_is, 4 },          /* wait phase SERVER PHASE */
	{ "final", is_final, 3 },          /* wait final SERVER */
	{ "log", has_logged, 3 },          /* wait log EVENT [with TEXT] */
	{ "killed", was_killed, 2 },
	{ "held", held, 3 },               /* wait held NAME */
	{ "up", host_up, 3 },              /* wait up HOST */
	{ "down", host_down, 3 },
	{ "server", server_known, 3 },     /* wait server SERVER */
	{ "gone", server_gone, 3 },
	{ "copying", has_iterated, 3 },    /* wait copying SERVER: the first sample is in */
	{ "postcopy", in_postcopy, 3 },
	{ "addresses", addresses_are, 4 }, /* wait addresses SERVER TEXT */
	{ "plan", plan_is, 3 },            /* wait plan STATE */
	{ "console", scn_console_has, 4 }, /* wait console SERVER TEXT */
	{ "step", plan_step_is, 4 },       /* wait step SERVER STATE */
	{ "dom", dom_is, 6 },              /* wait dom SERVER on HOST STATE */
};

void wait_run(struct run *r, const struct scn_line *l)
{
	const char *in = word_after(l, "in");
	int64_t ms = in ? word_duration(r, in) : WAIT_MS;

	for (size_t i = 0; i < G_N_ELEMENTS(waits); i++) {
		if (l->n < 2 || !g_str_equal(l->w[1], waits[i].what))
			continue;
		if (l->n < waits[i].words)
			run_bad_line(r, "words are missing");
		if (!run_until(r, ms, waits[i].cond, (void *)l) && !r->opt->sweep)
			run_fail(r, "waited in vain for %s %s %s", l->w[1], l->n > 2 ? l->w[2] : "", l->n > 3 ? l->w[3] : "");
		return;
	}
	run_bad_line(r, "wait for what?");
}

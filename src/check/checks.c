/* SPDX-License-Identifier: Apache-2.0 */
#include "check/checks.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "check/gather.h"
#include "check/rules.h"

struct checks {
	struct fleet *fleet;
	struct gather *gather;   /* NULL: nothing is asked */
	struct judging *judging; /* NULL: nothing is judged */
	struct check_run now, last;
};

/* A survey on its way through the table, on another thread. */
struct judging {
	struct checks *checks;   /* NULL: gone */
	struct survey *s;
	struct report *report;
};

static void run_clear(struct check_run *r)
{
	g_strfreev(r->hosts);
	report_free(r->report);
	*r = (struct check_run){ 0 };
}

struct checks *checks_new(struct fleet *f)
{
	struct checks *c = g_new0(struct checks, 1);

	c->fleet = f;
	return c;
}

void checks_free(struct checks *c)
{
	if (!c)
		return;
	gather_cancel(c->gather);
	if (c->judging)
		c->judging->checks = NULL;
	run_clear(&c->now);
	run_clear(&c->last);
	g_free(c);
}

/* ---- the end ---- */

static void judge(void *user)
{
	struct judging *j = user;

	j->report = rules_judge(j->s);
}

static void take(struct checks *c, struct judging *j)
{
	c->judging = NULL;
	c->now.report = g_steal_pointer(&j->report);
	c->now.checked = j->s->hosts->len;
	c->now.ended_us = clock_wall_us();
	run_clear(&c->last);
	c->last = c->now;
	c->now = (struct check_run){ 0 };
	log_info("check_ended", LOG_D("hosts", c->last.checked), LOG_D("deep", c->last.deep), LOG_D("errors", c->last.report->counts[FINDING_ERROR]),
		 LOG_D("warnings", c->last.report->counts[FINDING_WARNING]), LOG_D("not_checked", c->last.report->unchecked->len));
}

static void judged(void *user)
{
	struct judging *j = user;

	if (j->checks)
		take(j->checks, j);
	report_free(j->report);
	survey_free(j->s);
	g_free(j);
}

static void gathered(struct survey *s, void *user)
{
	struct checks *c = user;
	struct judging *j = g_new0(struct judging, 1);

	c->gather = NULL;
	c->judging = j;
	*j = (struct judging){ .checks = c, .s = s };
	loop_job(judge, judged, j);
}

/* ---- the begin ---- */

static bool all_known(struct checks *c, const char *const *hosts, GError **err)
{
	for (guint n = 0; hosts && hosts[n]; n++) {
		if (fleet_host(c->fleet, hosts[n]) && n < CHECKS_HOSTS_MAX)
			continue;
		if (n >= CHECKS_HOSTS_MAX)
			g_set_error(err, ERR, ERR_BAD_REQUEST, "A check names at most %d hosts.", CHECKS_HOSTS_MAX);
		else
			g_set_error(err, ERR, ERR_BAD_REQUEST, "Compute host %.255s could not be found.", hosts[n]);
		return false;
	}
	return true;
}

bool checks_begin(struct checks *c, const char *const *hosts, bool deep, GError **err)
{
	if (!all_known(c, hosts, err))
		return false;
	if (checks_running_since(c)) {
		g_set_error(err, ERR, ERR_CONFLICT, "A check is under way.");
		return false;
	}
	c->now = (struct check_run){ .hosts = g_strdupv((char **)hosts), .deep = deep, .began_us = clock_wall_us() };
	c->gather = gather_begin(c->fleet, hosts, deep, gathered, c);
	log_info("check_began", LOG_D("deep", deep));
	return true;
}

int64_t checks_running_since(const struct checks *c)
{
	return c->gather || c->judging ? c->now.began_us : 0;
}

const struct check_run *checks_last(const struct checks *c)
{
	return &c->last;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * flaw HOST WHAT VALUE: something of it is not as it should be (hv/sim/facts.h).
 * check [HOST...] [deep] [begin]: check how hosts are set up, and wait for the report; "begin": do not wait.
 * expect check nothing
 * expect check CHECK HOST OTHER [TEXT]: it was found, '-' for no host; TEXT is in what was found, in what to change, or where
 * expect unchecked CHECK HOST OTHER [TEXT]
 */
#include <string.h>

#include "check/checks.h"
#include "scn.h"

#define CHECK_MS 600000 /* hosts may fall silent one after the other */

static bool is_done(struct run *r, void *unused)
{
	(void)unused;
	return !r->checks || !checks_running_since(r->checks);
}

bool setup_rests(struct run *r)
{
	return is_done(r, NULL);
}

void setup_flaw(struct run *r, const struct scn_line *l)
{
	if (l->n != 4)
		run_bad_line(r, "flaw HOST WHAT VALUE");
	sim_host_flaw(r->world, world_host(r, l->w[1]), l->w[2], l->w[3]);
}

static bool is_option(const char *word)
{
	return g_str_equal(word, "deep") || g_str_equal(word, "begin");
}

void setup_check(struct run *r, const struct scn_line *l)
{
	g_autoptr(GPtrArray) hosts = g_ptr_array_new();
	g_autoptr(GError) err = NULL;
	bool deep = g_strv_contains((const char *const *)l->w, "deep"), begin = g_strv_contains((const char *const *)l->w, "begin");

	for (int i = 1; i < l->n; i++)
		if (!is_option(l->w[i]))
			g_ptr_array_add(hosts, l->w[i]);
	g_ptr_array_add(hosts, NULL);
	if (!checks_begin(r->checks, hosts->len > 1 ? (const char *const *)hosts->pdata : NULL, deep, &err))
		run_fail(r, "the check does not begin: %s", err->message);
	else if (!begin && !run_until(r, CHECK_MS, is_done, NULL) && !r->opt->sweep)
		run_fail(r, "the check does not end");
}

/* @want: CHECK HOST OTHER [TEXT] */
static bool fits(char *const *want, const char *check, const char *host, const char *other, const char *text)
{
	return g_str_equal(check, want[0]) && g_str_equal(host ? host : "-", want[1]) && g_str_equal(other ? other : "-", want[2]) &&
	       (!want[3] || strstr(text, want[3]));
}

static const struct report *report_of(struct run *r)
{
	const struct report *report = r->checks ? checks_last(r->checks)->report : NULL;

	if (!report)
		run_fail(r, "nothing was checked");
	return report;
}

void setup_found(struct run *r, const struct scn_line *l)
{
	const struct report *report = report_of(r);
	g_autoptr(GString) have = g_string_new(NULL);

	for (guint i = 0; report && i < report->findings->len; i++) {
		const struct finding *f = g_ptr_array_index(report->findings, i);

		g_autofree char *text = g_strjoin("; ", f->what, f->change, f->where, NULL);

		if (l->n >= 5 && fits(l->w + 2, f->check, f->host, f->other, text))
			return;
		g_string_append_printf(have, "; %s %s %s: %s", f->check, f->host ? f->host : "-", f->other ? f->other : "-", f->what);
	}
	if (l->n < 5 && report && !report->findings->len)
		return;
	run_fail(r, "check: not %s%s", l->w[2], have->str);
}

void setup_unchecked(struct run *r, const struct scn_line *l)
{
	const struct report *report = report_of(r);
	g_autoptr(GString) have = g_string_new(NULL);

	for (guint i = 0; report && i < report->unchecked->len; i++) {
		const struct finding_unchecked *u = g_ptr_array_index(report->unchecked, i);

		if (fits(l->w + 2, u->check, u->host, u->other, u->why))
			return;
		g_string_append_printf(have, "; %s %s %s: %s", u->check, u->host ? u->host : "-", u->other ? u->other : "-", u->why);
	}
	run_fail(r, "check: not unchecked: %s%s", l->w[2], have->str);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "check/finding.h"

#include <assert.h>

static const char *const severity_names[] = { [FINDING_ERROR] = "error", [FINDING_WARNING] = "warning" };
static_assert(G_N_ELEMENTS(severity_names) == FINDING_SEVERITY_N, "severity_names is missing one");

const char *finding_severity_name(enum finding_severity s)
{
	return severity_names[s];
}

static void finding_free(void *data)
{
	struct finding *f = data;

	g_free(f->host);
	g_free(f->other);
	g_free(f->what);
	g_free(f->change);
	g_free(f->where);
	g_free(f);
}

static void unchecked_free(void *data)
{
	struct finding_unchecked *u = data;

	g_free(u->host);
	g_free(u->other);
	g_free(u->why);
	g_free(u);
}

struct report *report_new(void)
{
	struct report *r = g_new0(struct report, 1);

	r->findings = g_ptr_array_new_with_free_func(finding_free);
	r->unchecked = g_ptr_array_new_with_free_func(unchecked_free);
	return r;
}

void report_free(struct report *r)
{
	if (!r)
		return;
	g_ptr_array_unref(r->findings);
	g_ptr_array_unref(r->unchecked);
	g_free(r);
}

void report_find(struct report *r, const char *check, enum finding_severity s, const char *breaks, const struct finding_text *t)
{
	struct finding *f;

	r->counts[s]++;
	if (r->findings->len >= FINDINGS_MAX) {
		r->left_out++;
		return;
	}
	f = g_new(struct finding, 1);
	*f = (struct finding){ check, s, g_strdup(t->host), g_strdup(t->other), g_strdup(t->what), breaks, g_strdup(t->change), g_strdup(t->where) };
	g_ptr_array_add(r->findings, f);
}

void report_unchecked(struct report *r, const char *check, const char *host, const char *other, const char *why)
{
	struct finding_unchecked *u;

	if (r->unchecked->len >= FINDINGS_MAX) {
		r->left_out++;
		return;
	}
	u = g_new(struct finding_unchecked, 1);
	*u = (struct finding_unchecked){ check, g_strdup(host), g_strdup(other), g_strdup(why) };
	g_ptr_array_add(r->unchecked, u);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * checks: /drover/v1/checks: the check of the set-up, its last run and a new one.
 *
 *	GET               the last run that has ended
 *	POST              {"check": {"hosts": ["h1", "h2"], "deep": true}}; no hosts: all
 *
 * A run takes seconds, so a POST is answered when it begins: "running_since" is null when none does any more.
 */
#include "api/drover/drover.h"
#include "api/http/view.h"
#include "check/checks.h"

struct wanted {
	GPtrArray *hosts; /* char *, NULL-terminated; NULL: all */
	bool deep;
};

static bool take_hosts(const json_t *v, void *obj, const char *where, GError **err)
{
	struct wanted *w = obj;
	const json_t *name;
	size_t i;

	if (json_is_null(v))
		return true;
	if (!json_is_array(v) || json_array_size(v) == 0 || json_array_size(v) > CHECKS_HOSTS_MAX) {
		g_set_error(err, ERR, ERR_BAD_REQUEST, "Invalid input for field/attribute %s: it is a list of 1 to %d names of hosts.", where, CHECKS_HOSTS_MAX);
		return false;
	}
	w->hosts = g_ptr_array_new_with_free_func(g_free);
	json_array_foreach(v, i, name) {
		if (!json_is_string(name)) {
			g_set_error(err, ERR, ERR_BAD_REQUEST, "Invalid input for field/attribute %s: a host's name is a string.", where);
			return false;
		}
		g_ptr_array_add(w->hosts, g_strdup(json_string_value(name)));
	}
	g_ptr_array_add(w->hosts, NULL);
	return true;
}

static const struct json_field wanted_fields[] = {
	{ "hosts", JSON_EMIT, .take = take_hosts, .form = "list of names, or null", .nullable = true },
	{ "deep",  JSON_BOOL, offsetof(struct wanted, deep) },
};
static const struct api_body check_body = { "check", wanted_fields, G_N_ELEMENTS(wanted_fields), .nullable = true };

/* ---- a run ---- */

static void put_severity(struct jout *o, const void *obj)
{
	jout_str(o, finding_severity_name(((const struct finding *)obj)->severity));
}

#define FOUND(member) offsetof(struct finding, member)

static const struct json_field finding_fields[] = {
	{ "check",    JSON_STR,  FOUND(check) },
	{ "severity", JSON_EMIT, .emit = put_severity },
	{ "host",     JSON_STR,  FOUND(host) },
	{ "to",       JSON_STR,  FOUND(other) },
	{ "found",    JSON_STR,  FOUND(what) },
	{ "breaks",   JSON_STR,  FOUND(breaks) },
	{ "change",   JSON_STR,  FOUND(change) },
	{ "where",    JSON_STR,  FOUND(where) },
};

#define NOT(member) offsetof(struct finding_unchecked, member)

static const struct json_field unchecked_fields[] = {
	{ "check",  JSON_STR, NOT(check) },
	{ "host",   JSON_STR, NOT(host) },
	{ "to",     JSON_STR, NOT(other) },
	{ "reason", JSON_STR, NOT(why) },
};

static void put_list(struct jout *o, const char *name, const struct json_field *fields, size_t n, const GPtrArray *all)
{
	jout_key(o, name);
	jout_open(o, '[');
	for (guint i = 0; all && i < all->len; i++)
		jout_object(o, fields, n, g_ptr_array_index(all, i));
	jout_close(o, ']');
}

static void put_hosts(struct jout *o, char **hosts)
{
	jout_key(o, "hosts");
	if (!hosts) {
		jout_null(o);
		return;
	}
	jout_open(o, '[');
	for (; *hosts; hosts++)
		jout_str(o, *hosts);
	jout_close(o, ']');
}

static void put_last(struct jout *o, const struct check_run *r)
{
	const struct report *found = r->report;

	if (!found) {
		jout_null(o);
		return;
	}
	jout_open(o, '{');
	put_hosts(o, r->hosts);
	jout_kv(o, "deep", bool, r->deep);
	jout_kv(o, "began_at", time_us, r->began_us);
	jout_kv(o, "ended_at", time_us, r->ended_us);
	jout_kv(o, "hosts_checked", int, r->checked);
	jout_kv(o, "errors", int, found->counts[FINDING_ERROR]);
	jout_kv(o, "warnings", int, found->counts[FINDING_WARNING]);
	jout_kv(o, "left_out", int, found->left_out);
	put_list(o, "findings", finding_fields, G_N_ELEMENTS(finding_fields), found->findings);
	put_list(o, "not_checked", unchecked_fields, G_N_ELEMENTS(unchecked_fields), found->unchecked);
	jout_close(o, '}');
}

static void answer(struct api_req *r, int status)
{
	const struct checks *c = api_checks(r);
	const struct check_run *last = checks_last(c);
	struct jout o;

	view_open(&o, r, 1024 + (last->report ? last->report->findings->len * 1024 + last->report->unchecked->len * 256 : 0));
	jout_key(&o, "checks");
	jout_open(&o, '{');
	jout_kv(&o, "running_since", time_us, checks_running_since(c));
	jout_key(&o, "last");
	put_last(&o, last);
	jout_close(&o, '}');
	view_close(&o, r, status);
}

static void show(struct api_req *r)
{
	answer(r, 200);
}

static void begin(struct api_req *r)
{
	struct wanted w = { .hosts = NULL };
	GError *err = NULL;

	if (api_decode(r, &w, &err) && checks_begin(api_checks(r), w.hosts ? (const char *const *)w.hosts->pdata : NULL, w.deep, &err))
		answer(r, 202);
	else
		api_fail(r, err);
	if (w.hosts)
		g_ptr_array_unref(w.hosts);
}

static const struct route routes[] = {
	{ "GET",  "/drover/v1/checks", "drover:checks:show",   show },
	{ "POST", "/drover/v1/checks", "drover:checks:create", begin, .body = &check_body },
};
const struct route_table checks_routes = { routes, G_N_ELEMENTS(routes) };

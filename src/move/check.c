/* SPDX-License-Identifier: Apache-2.0 */
#include "move/check.h"

#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"

#define SETTLE_MS 1000 /* between looks whether the hosts are known */
#define BUSY_MS 1000
#define BUSY_MAX 15 /* in all: a client may wait for the answer */

static const char *const result_names[] = {
	[CHECK_PASSED] = "passed", [CHECK_FAILED] = "failed", [CHECK_SKIPPED] = "skipped", [CHECK_ASKED] = "asked",
};
static_assert(G_N_ELEMENTS(result_names) == CHECK_RESULT_N, "result_names is missing one");

struct check_set {
	struct fleet *fleet;
	struct volumes *volumes;
	GHashTable *runs; /* struct check *, a set */
	bool stopping;
};

/* What a file of rows keeps. */
struct kept {
	const struct check_part *part;
	void *what;
};

const char *check_result_name(enum check_result r)
{
	return result_names[r];
}

const struct check_finding *check_first_failed(const GPtrArray *checks)
{
	for (guint i = 0; i < checks->len; i++) {
		const struct check_finding *c = g_ptr_array_index(checks, i);

		if (c->result == CHECK_FAILED)
			return c;
	}
	return NULL;
}

void check_look(struct check *p)
{
	p->server = fleet_server(p->fleet, p->server_uuid);
	p->source = p->server ? fleet_host(p->fleet, p->server->host) : NULL;
	p->dest = fleet_host(p->fleet, p->dest_name);
}

enum check_result check_skip(struct check *p, const char *why)
{
	if (p->req.to_the_end) /* else no finding has it */
		util_replace(&p->brief, why);
	return CHECK_SKIPPED;
}

enum check_result check_fail(GError **err, const char *fmt, ...)
{
	g_autofree char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = g_strdup_vprintf(fmt, ap);
	va_end(ap);
	g_set_error_literal(err, ERR, ERR_PRECHECK, text);
	return CHECK_FAILED;
}

/* ---- a run's parts ---- */

static void kept_free(void *data)
{
	struct kept *k = data;

	if (k->part->clear)
		k->part->clear(k->what);
	g_free(k->what);
	g_free(k);
}

void *check_part(struct check *p, const struct check_part *what)
{
	struct kept *k;

	for (guint i = 0; i < p->parts->len; i++) {
		k = g_ptr_array_index(p->parts, i);
		if (k->part == what)
			return k->what;
	}
	k = g_new(struct kept, 1);
	*k = (struct kept){ what, g_malloc0(what->size) };
	g_ptr_array_add(p->parts, k);
	return k->what;
}

/* ---- rows that every table needs ---- */

/* Whatever follows is judged by the description. */
enum check_result check_description(struct check *p, GError **err)
{
	g_autofree char *why = server_unreadable_text(p->server);

	if (!why)
		return CHECK_PASSED;
	p->report.hopeless = true;
	util_replace(&p->brief, why);
	return check_fail(err, "Instance %s cannot be migrated: %s", p->server_uuid, why);
}

static enum check_result tied(struct check *p, check_rule_f *rule, GError **err)
{
	const struct server *s = p->server;
	const struct host *dest = p->dest;
	struct check_tied t = {
		.words = &p->req.kind->checks->words, .uuid = s->uuid, .ties = s->ties, .nics = s->dom ? s->dom->nics : NULL, .source = s->host, .dest = p->dest_name,
		.src = p->source->info, .dst = dest ? dest->info : NULL,
	};
	g_autofree char *why = NULL;

	if (!t.ties)
		return check_skip(p, "the host has not reported the guest yet");
	if (dest && (!t.src || !t.dst))
		return check_skip(p, "a host has not reported its capabilities yet");
	why = rule(&t);
	return why ? check_fail(err, "%s", why) : CHECK_PASSED;
}

/* ---- a run ---- */

static void finding_free(void *data)
{
	struct check_finding *c = data;

	g_free(c->reason);
	g_free(c);
}

static void init(struct check *p, struct check_set *set, const struct check_request *r)
{
	p->set = set;
	p->fleet = set->fleet;
	p->volumes = set->volumes;
	p->req = *r;
	p->server_uuid = g_strdup(r->server_uuid);
	p->dest_name = g_strdup(r->dest);
	p->parts = g_ptr_array_new_with_free_func(kept_free);
	p->report.checks = g_ptr_array_new_with_free_func(finding_free);
}

static void clear(struct check *p)
{
	clock_cancel(&p->turn);
	g_ptr_array_unref(p->parts);
	g_clear_pointer(&p->dom, hv_dom_free);
	g_clear_pointer(&p->report.copies, g_ptr_array_unref);
	g_free(p->server_uuid);
	g_free(p->dest_name);
	g_free(p->brief);
	g_clear_pointer(&p->report.checks, g_ptr_array_unref);
	g_clear_error(&p->report.err);
	g_free(p->report.xml);
	g_free(p->report.xml_inactive);
	g_clear_pointer(&p->report.listeners, g_ptr_array_unref);
}

static void drop(struct check *p)
{
	g_hash_table_remove(p->set->runs, p);
	if (p->req.free_user)
		p->req.free_user(p->user);
	clear(p);
	g_free(p);
}

static const struct check_row *row_of(const struct check *p)
{
	return p->req.kind->checks->rows[p->at];
}

static void keep_finding(struct check *p, enum check_result v, const GError *err)
{
	struct check_finding *c = g_new0(struct check_finding, 1);

	c->name = row_of(p)->name;
	c->result = v;
	c->reason = p->brief ? g_steal_pointer(&p->brief) : err ? g_strdup(err->message) : NULL;
	g_ptr_array_add(p->report.checks, c);
}

static void note(struct check *p, enum check_result v, GError *err)
{
	if (err || p->req.to_the_end)
		keep_finding(p, v, err);
	g_clear_pointer(&p->brief, g_free);
	/* An answer that was lost while the loop stood is none. */
	p->report.source_lost |= err && !p->quick && !fleet_settled(p->fleet);
	if (err && !p->report.err)
		p->report.err = err;
	else
		g_clear_error(&err);
}

static bool is_over(const struct check *p)
{
	return p->at >= p->req.kind->checks->n || (p->report.err && !p->req.to_the_end) || p->report.source_lost;
}

/* The one row that p->at says. */
static enum check_result check_row(struct check *p, GError **err)
{
	const struct check_row *row = row_of(p);

	if (!p->source)
		return check_fail(err, "Instance %s could not be found.", p->server_uuid);
	if (p->dest_name && !p->dest)
		return check_fail(err, "Compute host %s could not be found.", p->dest_name);
	/* It may have become so since its row passed. */
	if (server_unreadable(p->server))
		return p->report.err ? check_skip(p, "the description of the domain cannot be read") : check_description(p, err);
	if (row->rule)
		return tied(p, row->rule, err);
	if (row->asks && p->dest == p->source)
		return check_skip(p, "it is the same host");
	/* A precheck that goes on to the end must not ask a host that is known not to answer. */
	if (row->asks && p->report.err && !(host_is_up(p->fleet, p->source) && host_is_up(p->fleet, p->dest)))
		return check_skip(p, "a host is down");
	return row->check(p, err);
}

static bool belongs(const struct check *p)
{
	return (p->dest_name || !row_of(p)->of_dest) && !(p->quick && row_of(p)->asks);
}

static void end(struct check *p)
{
	if (!p->cancelled)
		p->done(&p->report, p->user);
	drop(p);
}

/* Which hosts are up is not known right after a start, and after a time in which the loop stood. */
static bool is_too_early(const struct check *p)
{
	return !p->quick && !fleet_settled(p->fleet);
}

void check_run(struct check *p)
{
	while (!is_over(p)) {
		GError *err = NULL;
		enum check_result v;

		if (is_too_early(p)) {
			p->turn = clock_after(SETTLE_MS, check_turn, p);
			return;
		}
		v = belongs(p) ? check_row(p, &err) : CHECK_PASSED;
		if (v == CHECK_ASKED)
			return;
		if (belongs(p))
			note(p, v, err);
		p->at++;
	}
	if (!p->quick)
		end(p);
}

/* An answer said it. */
void check_decided(struct check *p, enum check_result v, GError *err)
{
	note(p, v, err);
	p->at++;
	check_run(p);
}

static void answered(struct hv_reply *r, void *user)
{
	struct check *p = user;
	check_answer_f *answer = p->answer;

	p->answer = NULL;
	if (p->cancelled) {
		drop(p);
		return;
	}
	if (p->set->stopping)
		return; /* its caller cancels, or check_set_free() does */
	check_look(p);
	answer(p, r);
}

bool check_ask(struct check *p, struct host *h, const struct hv_req *req, check_answer_f *answer)
{
	g_assert(!p->answer); /* one question at a time: its answer is the end of the row, or of the run */
	if (!host_connected(h) || !host_call(h, req, answered, p))
		return false;
	p->answer = answer;
	return true;
}

enum check_result check_ask_source(struct check *p, const struct hv_req *req, check_answer_f *answer, GError **err)
{
	if (check_ask(p, p->source, req, answer))
		return CHECK_ASKED;
	p->report.source_lost = true;
	return check_fail(err, "Compute service of %s is unavailable at this time.", p->source->name);
}

enum check_result check_ask_dest(struct check *p, const struct hv_req *req, check_answer_f *answer, GError **err)
{
	if (check_ask(p, p->dest, req, answer))
		return CHECK_ASKED;
	return check_fail(err, "Compute service of %s is unavailable at this time.", p->dest_name);
}

void check_turn(void *check)
{
	struct check *p = check;

	p->turn = NULL;
	check_look(p);
	check_run(p);
}

struct check *check_begin(struct check_set *set, const struct check_request *r, check_done_f *done, void *user)
{
	struct check *p = g_new0(struct check, 1);

	init(p, set, r);
	p->done = done;
	p->user = user;
	p->turn = clock_after(0, check_turn, p);
	g_hash_table_add(set->runs, p);
	return p;
}

void check_cancel(struct check *p)
{
	if (!p)
		return;
	p->cancelled = true;
	if (!p->answer)
		drop(p);
}

bool check_quick(struct check_set *set, const struct check_request *r, GError **err)
{
	struct check p = { .quick = true };
	bool ok;

	init(&p, set, r);
	check_look(&p);
	check_run(&p);
	ok = !p.report.err;
	if (!ok)
		g_propagate_error(err, g_steal_pointer(&p.report.err));
	clear(&p);
	return ok;
}

/* ---- what many rows need ---- */

/* The source did not say it: that is nothing about the destination. */
void check_source_failed(struct check *p, const GError *why)
{
	p->report.source_lost = err_code(why) == ERR_HV_LOST;
	p->report.hopeless = true;
	check_decided(p, CHECK_FAILED, g_error_copy(why));
}

const struct hv_dom *check_dom(const struct check *p)
{
	return p->dom ? p->dom : p->server->dom;
}

static void got_dom(struct check *p, struct hv_reply *r)
{
	GError *err = NULL;

	if (r->err) {
		check_source_failed(p, r->err);
	} else if (r->dom->state == HV_ABSENT) {
		(void)check_fail(&err, "Instance %s could not be found.", p->server_uuid);
		check_decided(p, CHECK_FAILED, err);
	} else if (r->dom->unreadable) {
		p->report.hopeless = true;
		(void)check_fail(&err, "Instance %s cannot be migrated: the description of the domain on %s cannot be read: %s", p->server_uuid,
				 p->source->name, r->dom->unreadable);
		check_decided(p, CHECK_FAILED, err);
	} else {
		p->dom = g_steal_pointer(&r->dom);
		check_run(p);
	}
}

enum check_result check_fetch_dom(struct check *p, GError **err)
{
	struct hv_req req = { .op = HV_DOM_GET, .uuid = p->server_uuid };

	return check_ask_source(p, &req, got_dom, err);
}

bool check_busy(struct check *p, const struct hv_reply *r, void (*again)(void *user))
{
	if (!r->err || err_code(r->err) != ERR_HV_BUSY || p->busy >= BUSY_MAX)
		return false;
	p->busy++;
	p->turn = clock_after(BUSY_MS, again, p);
	return true;
}

static void got_xml(struct check *p, struct hv_reply *r)
{
	if (r->err) {
		check_source_failed(p, r->err);
		return;
	}
	g_free(p->report.xml);
	g_free(p->report.xml_inactive);
	p->report.xml = g_steal_pointer(&r->xml);
	p->report.xml_inactive = g_steal_pointer(&r->xml_inactive);
	check_run(p); /* the same row again */
}

enum check_result check_fetch_xml(struct check *p, GError **err)
{
	struct hv_req req = { .op = HV_DOM_XML, .uuid = p->server_uuid };

	return check_ask_source(p, &req, got_xml, err);
}

/* ---- the set ---- */

struct check_set *check_set_new(struct fleet *f, struct volumes *volumes)
{
	struct check_set *set = g_new0(struct check_set, 1);

	set->fleet = f;
	set->volumes = volumes;
	set->runs = g_hash_table_new(NULL, NULL);
	return set;
}

void check_set_stop(struct check_set *set)
{
	set->stopping = true;
}

void check_set_free(struct check_set *set)
{
	g_autoptr(GList) left = set ? g_hash_table_get_keys(set->runs) : NULL;

	if (!set)
		return;
	for (GList *l = left; l; l = l->next)
		drop(l->data);
	g_hash_table_unref(set->runs);
	g_free(set);
}

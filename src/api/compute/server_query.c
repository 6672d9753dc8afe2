/* SPDX-License-Identifier: Apache-2.0 */
#include "api/compute/server_query.h"

#include <assert.h>
#include <string.h>

#include "api/compute/pattern.h"
#include "api/http/slice.h"
#include "api/http/view.h"
#include "fleet/addr.h"
#include "fleet/flavor.h"
#include "fleet/server_row.h"

#define FILTERS_MAX 24
#define SORTS_MAX 16
#define DELETED_MAX 10000 /* of one answer, before its page is cut: they are read from the database */
#define DELETED_PIECE 200

typedef bool match_f(const struct server *s, const char *want);
typedef int compare_f(const struct server *a, const struct server *b);

struct filter {
	match_f *match;
	const char *want;
};

struct sort {
	compare_f *compare;
	bool down;
};

enum { NAME, IP, IP6, PATTERN_N };
static const char *const pattern_params[PATTERN_N] = { [NAME] = "name", [IP] = "ip", [IP6] = "ip6" };
static_assert((int)PATTERN_N <= PATTERNS_MAX, "pattern_match() takes all at once");

struct server_query {
	struct fleet *fleet;
	struct filter filters[FILTERS_MAX];
	size_t n_filters;
	struct sort sorts[SORTS_MAX + 2];
	size_t n_sorts;
	struct pattern *patterns[PATTERN_N]; /* NULL: not asked for */
	bool matched;       /* the regular expressions among them were tried */
	bool by_status;
	bool vms[SERVER_VM_N], tasks[SERVER_TASK_N]; /* with by_status */
	bool nothing;       /* asks for what cannot be */
	bool living, deleted; /* which of them */
	GPtrArray *gone;    /* struct server *: deleted ones that match */
	int64_t gone_us, gone_id; /* the last one that was looked at */
	int64_t since_us, before_us;
	int limit;
	const char *marker;
	const struct server *after; /* the marker's, in this turn of the loop */
	server_query_done_f *done;
	void *user;
	struct api_req *r;
};

/* ---- filters ---- */

static bool equal(const char *have, const char *want)
{
	return have && strcmp(have, want) == 0;
}

static bool never(const struct server *s, const char *want)
{
	(void)s, (void)want;
	return false;
}

static bool is_uuid(const struct server *s, const char *want)
{
	return g_ascii_strcasecmp(s->uuid, want) == 0;
}

static bool is_host(const struct server *s, const char *want)
{
	return equal(s->host, want);
}

static bool is_user(const struct server *s, const char *want)
{
	return equal(s->user_id, want);
}

static bool is_project(const struct server *s, const char *want)
{
	return equal(s->project_id, want);
}

static bool is_vm(const struct server *s, const char *want)
{
	return equal(server_vm_name(s->vm), want);
}

static bool is_task(const struct server *s, const char *want)
{
	return equal(server_task_name(s->task), want);
}

static bool is_number(int64_t have, const char *want)
{
	int64_t v;

	return util_parse_int(want, G_MININT, G_MAXINT, &v) && v == have;
}

static bool is_power(const struct server *s, const char *want)
{
	return is_number(s->power, want);
}

static bool is_progress(const struct server *s, const char *want)
{
	return is_number(s->progress, want);
}

static bool is_flavor(const struct server *s, const char *want)
{
	struct flavor f;

	flavor_of(&f, s);
	return strcmp(f.id, want) == 0;
}

static bool is_locked(const struct server *s, const char *want)
{
	return s->locked == (want[0] == '1');
}

/* An adopted server has no tag: it has not all or any of some, and lacks any or all of some. */
static bool always(const struct server *s, const char *want)
{
	(void)s, (void)want;
	return true;
}

#define ANY_USER 1

/* @user: the microversion from which users may filter by it; 0: administrators only. */
static const struct {
	const char *name;
	match_f *match;
	int user, since;
} filter_table[] = {
	{ "uuid",              is_uuid },
	{ "host",              is_host },
	{ "node",              is_host },
	{ "user_id",           is_user, 83 },
	{ "vm_state",          is_vm, 83 },
	{ "task_state",        is_task, 83 },
	{ "power_state",       is_power, 83 },
	{ "progress",          is_progress, 83 },
	{ "flavor",            is_flavor, ANY_USER },
	/* what no server here has: */
	{ "image",             never, ANY_USER },
	{ "image_ref",         never },
	{ "key_name",          never, 83 },
	{ "reservation_id",    never, ANY_USER },
	{ "access_ip_v4",      never },
	{ "access_ip_v6",      never },
	{ "locked_by",         never },
	{ "tags",              never, 26, 26 },
	{ "tags-any",          never, 26, 26 },
	{ "not-tags",          always, 26, 26 },
	{ "not-tags-any",      always, 26, 26 },
};

/* Every parameter that there is. */
static const char *const known[] = {
	"all_tenants", "changes-since", "changes-before", "deleted", "soft_deleted", "limit", "locked", "marker", "name", "project_id",
	"sort_dir", "sort_key", "status", "tenant_id", "access_ip_v4", "access_ip_v6", "auto_disk_config", "availability_zone",
	"config_drive", "created_at", "description", "display_description", "display_name", "flavor", "host", "hostname", "image",
	"image_ref", "ip", "ip6", "kernel_id", "key_name", "launch_index", "launched_at", "locked_by", "node", "not-tags",
	"not-tags-any", "power_state", "progress", "ramdisk_id", "reservation_id", "root_device_name", "tags", "tags-any",
	"task_state", "terminated_at", "user_id", "uuid", "vm_state", NULL
};

static void add_filter(struct server_query *q, match_f *match, const char *want)
{
	g_assert(q->n_filters < FILTERS_MAX);
	q->filters[q->n_filters++] = (struct filter){ match, want };
}

static void parse_filters(struct server_query *q, const struct api_req *r)
{
	for (size_t i = 0; i < G_N_ELEMENTS(filter_table); i++) {
		const char *want = api_query(r, filter_table[i].name);

		if (!want || r->mv < filter_table[i].since)
			continue;
		if (r->auth->admin || (filter_table[i].user && r->mv >= filter_table[i].user))
			add_filter(q, filter_table[i].match, want);
	}
}

static bool parse_pattern(struct server_query *q, int which, const char *text, GError **err)
{
	if (!text || !*text)
		return true;
	/* Nova compares from the beginning of an address on. */
	q->patterns[which] = pattern_new(text, which != NAME, fleet_servers(q->fleet)->len);
	if (!q->patterns[which])
		g_set_error(err, ERR, ERR_BAD_REQUEST, "Invalid input for query parameters %s. Value: %.255s. '%.255s' is not a 'regex'",
			    pattern_params[which], text, text);
	return q->patterns[which] != NULL;
}

static const char *name_asked(const struct api_req *r)
{
	const char *text = api_query(r, "name");

	return text || !r->auth->admin ? text : api_query(r, "display_name");
}

static bool parse_patterns(struct server_query *q, const struct api_req *r, GError **err)
{
	bool six = r->auth->admin || r->mv >= 5; /* Nova: users may filter by ip6 from 2.5 on */

	return parse_pattern(q, NAME, name_asked(r), err) && parse_pattern(q, IP, api_query(r, "ip"), err) &&
	       (!six || parse_pattern(q, IP6, api_query(r, "ip6"), err));
}

/* Nova's way from a status to states: every pair of states that has this status counts. */
static void states_of(struct server_query *q, const char *status)
{
	struct server s = { .task = SERVER_TASK_NONE };

	for (int vm = 0; vm < SERVER_VM_N; vm++)
		for (int task = 0; task < SERVER_TASK_N; task++) {
			s.vm = (enum server_vm)vm;
			s.task = (enum server_task)task;
			if (g_ascii_strcasecmp(server_status(&s), status) == 0)
				q->vms[vm] = q->tasks[task] = true;
		}
}

static bool only_deleted(const struct server_query *q)
{
	for (int vm = 0; vm < SERVER_VM_N; vm++)
		if (q->vms[vm] != (vm == SERVER_DELETED))
			return false;
	return true;
}

static bool parse_status(struct server_query *q, const struct api_req *r, GError **err)
{
	for (guint i = 0; r->query && i < r->query->len; i++) {
		const struct api_pair *p = g_ptr_array_index(r->query, i);

		if (strcmp(p->name, "status") != 0)
			continue;
		q->by_status = true;
		states_of(q, p->value);
	}
	if (!q->by_status)
		return true;
	if (!memchr(q->vms, true, sizeof q->vms)) {
		if (r->mv >= 38) {
			g_set_error(err, ERR, ERR_BAD_REQUEST, "Invalid status value");
			return false;
		}
		q->nothing = true;
	}
	if (only_deleted(q) && !r->auth->admin) {
		g_set_error(err, ERR, ERR_FORBIDDEN, "Only administrators may list deleted instances");
		return false;
	}
	return true;
}

static bool parse_times(struct server_query *q, const struct api_req *r, GError **err)
{
	if (!view_query_time(r, "changes-since", &q->since_us, err))
		return false;
	if (r->mv >= 66 && !view_query_time(r, "changes-before", &q->before_us, err))
		return false;
	if (q->since_us && q->before_us && q->before_us < q->since_us) {
		g_set_error(err, ERR, ERR_BAD_REQUEST, "The value of changes-since must be less than or equal to changes-before.");
		return false;
	}
	return true;
}

static bool parse_bools(struct server_query *q, const struct api_req *r, GError **err)
{
	bool deleted = false, locked = false;

	/* Nova takes what is no truth value for false. A list of changes has deletions too, unless an administrator asks for the ones or the others. */
	if (r->auth->admin && api_query(r, "deleted"))
		(void)api_query_bool(r, "deleted", false, &deleted, NULL);
	else
		q->deleted = q->since_us != 0;
	if (deleted || (q->by_status && only_deleted(q))) {
		q->deleted = true;
		q->living = false;
	}
	if (r->mv < 73 || !api_query(r, "locked"))
		return true;
	if (!api_query_bool(r, "locked", false, &locked, err))
		return false;
	add_filter(q, is_locked, locked ? "1" : "0");
	return true;
}

/* Whose servers: the token's project's, unless an administrator asks for all of them. */
static bool parse_project(struct server_query *q, const struct api_req *r, const char *rule, GError **err)
{
	const char *text = api_query(r, "all_tenants"), *project;
	bool all = text != NULL;

	if (text && *text && !api_query_bool(r, "all_tenants", true, &all, err))
		return false;
	if (!all) {
		if (r->auth->project_id)
			add_filter(q, is_project, r->auth->project_id);
		q->nothing |= !r->auth->project_id; /* a token without a project owns nothing */
		return true;
	}
	if (!r->auth->admin) {
		g_set_error(err, ERR, ERR_FORBIDDEN, "Policy doesn't allow os_compute_api:servers:%s:get_all_tenants to be performed.", rule);
		return false;
	}
	project = api_query(r, "tenant_id");
	if (!project)
		project = api_query(r, "project_id");
	if (project)
		add_filter(q, is_project, project);
	return true;
}

/* ---- order ---- */

#define COMPARE_NUMBER(name, member) \
	static int by_##name(const struct server *a, const struct server *b) { return (a->member > b->member) - (a->member < b->member); }
#define COMPARE_TEXT(name, expr_a, expr_b) \
	static int by_##name(const struct server *a, const struct server *b) { return g_strcmp0(expr_a, expr_b); }

COMPARE_NUMBER(id, id)
COMPARE_NUMBER(created, created_us)
COMPARE_NUMBER(updated, updated_us)
COMPARE_NUMBER(launched, launched_us)
COMPARE_NUMBER(power, power)
COMPARE_NUMBER(progress, progress)
COMPARE_TEXT(uuid, a->uuid, b->uuid)
COMPARE_TEXT(name, a->name, b->name)
COMPARE_TEXT(host, a->host, b->host)
COMPARE_TEXT(user, a->user_id, b->user_id)
COMPARE_TEXT(project, a->project_id, b->project_id)
COMPARE_TEXT(vm, server_vm_name(a->vm), server_vm_name(b->vm))
COMPARE_TEXT(task, server_task_name(a->task), server_task_name(b->task))

/* A key without a function is one that Nova knows and that is the same for every server here. */
static const struct {
	const char *name;
	compare_f *compare;
	bool admin;
} sort_table[] = {
	{ "created_at", by_created }, { "updated_at", by_updated }, { "launched_at", by_launched }, { "uuid", by_uuid },
	{ "display_name", by_name }, { "hostname", by_name }, { "host", by_host, true }, { "node", by_host, true },
	{ "user_id", by_user }, { "project_id", by_project }, { "vm_state", by_vm }, { "task_state", by_task },
	{ "power_state", by_power }, { "progress", by_progress },
	{ "access_ip_v4" }, { "access_ip_v6" }, { "auto_disk_config" }, { "availability_zone" }, { "config_drive" },
	{ "display_description" }, { "image_ref" }, { "instance_type_id" }, { "kernel_id" }, { "key_name" }, { "launch_index" },
	{ "locked" }, { "locked_by" }, { "ramdisk_id" }, { "root_device_name" }, { "terminated_at" },
};

static bool parse_sort_key(struct server_query *q, const char *key, bool admin, GError **err)
{
	for (size_t i = 0; i < G_N_ELEMENTS(sort_table); i++) {
		if (strcmp(sort_table[i].name, key) != 0)
			continue;
		if (sort_table[i].admin && !admin) {
			g_set_error(err, ERR, ERR_FORBIDDEN, "Only administrators can sort servers by %s", key);
			return false;
		}
		if (q->n_sorts < SORTS_MAX)
			q->sorts[q->n_sorts++].compare = sort_table[i].compare;
		return true;
	}
	g_set_error(err, ERR, ERR_BAD_REQUEST, "Invalid input for query parameters sort_key. Value: %.60s. '%.60s' is not a sort key", key, key);
	return false;
}

static bool parse_sort_dir(const char *dir, bool *ret_down, GError **err)
{
	*ret_down = strcmp(dir, "desc") == 0;
	if (*ret_down || strcmp(dir, "asc") == 0)
		return true;
	g_set_error(err, ERR, ERR_BAD_REQUEST, "Unknown sort direction, must be 'desc' or 'asc'");
	return false;
}

/* Keys and directions come in pairs by their order; what has no direction takes the first one's. */
static bool parse_sort(struct server_query *q, const struct api_req *r, GError **err)
{
	bool down[SORTS_MAX] = { true }, one;
	size_t dirs = 0;

	for (guint i = 0; r->query && i < r->query->len; i++) {
		const struct api_pair *p = g_ptr_array_index(r->query, i);

		if (strcmp(p->name, "sort_key") == 0 && !parse_sort_key(q, p->value, r->auth->admin, err))
			return false;
		if (strcmp(p->name, "sort_dir") != 0)
			continue;
		if (!parse_sort_dir(p->value, &one, err))
			return false;
		if (dirs < SORTS_MAX)
			down[dirs++] = one;
	}
	q->sorts[q->n_sorts++].compare = by_created;
	q->sorts[q->n_sorts++].compare = by_id;
	for (size_t i = 0; i < q->n_sorts; i++)
		q->sorts[i].down = down[i < dirs ? i : 0];
	return true;
}

static const struct server *find_gone(const struct server_query *q, const char *uuid)
{
	for (guint i = 0; i < q->gone->len; i++) {
		const struct server *s = g_ptr_array_index(q->gone, i);

		if (g_ascii_strcasecmp(s->uuid, uuid) == 0)
			return s;
	}
	return NULL;
}

static bool find_marker(struct server_query *q, const struct api_req *r, GError **err)
{
	q->after = q->marker ? fleet_server(q->fleet, q->marker) : NULL;
	if (q->marker && !q->after)
		q->after = find_gone(q, q->marker);
	/* D28: a server of another project is as none. */
	if (q->after && !r->auth->admin && g_strcmp0(q->after->project_id, r->auth->project_id) != 0)
		q->after = NULL;
	if (q->marker && !q->after)
		g_set_error(err, ERR, ERR_BAD_REQUEST, "marker [%.60s] not found", q->marker);
	return !q->marker || q->after;
}

static bool parse_page(struct server_query *q, const struct api_req *r, GError **err)
{
	struct api_page page;

	if (!api_page(r, &page, err))
		return false;
	q->limit = page.limit;
	q->marker = page.marker;
	return q->deleted || find_marker(q, r, err); /* it may be a deleted one */
}

struct server_query *server_query_parse(const struct api_req *r, const char *rule, GError **err)
{
	struct server_query *q = g_new0(struct server_query, 1);

	q->fleet = api_fleet(r);
	q->living = true;
	q->gone = g_ptr_array_new_with_free_func((GDestroyNotify)server_free);
	if ((r->mv < 75 || view_only_query(r, known, err)) && parse_status(q, r, err) && parse_times(q, r, err) && parse_bools(q, r, err) &&
	    parse_project(q, r, rule, err) && parse_patterns(q, r, err) && parse_sort(q, r, err) && parse_page(q, r, err)) {
		parse_filters(q, r);
		return q;
	}
	server_query_free(q);
	return NULL;
}

void server_query_free(struct server_query *q)
{
	if (!q)
		return;
	for (int i = 0; i < PATTERN_N; i++)
		pattern_free(q->patterns[i]);
	g_ptr_array_unref(q->gone);
	g_free(q);
}

/* ---- the page ---- */

/* <0: a comes before b */
static int compare(const struct server_query *q, const struct server *a, const struct server *b)
{
	for (size_t i = 0; i < q->n_sorts; i++) {
		int c = q->sorts[i].compare ? q->sorts[i].compare(a, b) : 0;

		if (c != 0)
			return q->sorts[i].down ? -c : c;
	}
	return 0;
}

/* What a regular expression's finds are kept under, of servers of the fleet and of deleted ones. */
static int64_t key_of(const struct server *s)
{
	return s->nth ? s->nth : -s->id;
}

/* A regular expression that was not tried yet may fit. */
static bool may_fit(const struct server_query *q, const struct pattern *p, const struct server *s, const char *text)
{
	if (!pattern_is_regex(p))
		return pattern_fits(p, text);
	return !q->matched || pattern_found(p, key_of(s));
}

static struct pattern *pattern_of(const struct server_query *q, const struct hv_addr *a)
{
	return q->patterns[hv_addr_version(a) == 4 ? IP : IP6];
}

/* Nova: one address that fits the pattern of its version is enough. */
static bool matches_address(const struct server_query *q, const struct server *s)
{
	for (guint i = 0; s->addrs && i < s->addrs->len; i++) {
		const struct hv_addr *a = &g_array_index(s->addrs, struct hv_addr, i);

		if (pattern_of(q, a) && may_fit(q, pattern_of(q, a), s, a->text))
			return true;
	}
	return false;
}

static const char *name_of(const struct server *s)
{
	return s->name ? s->name : "";
}

static bool matches(const struct server_query *q, const struct server *s)
{
	if (q->by_status && (!q->vms[s->vm] || (!q->tasks[SERVER_TASK_NONE] && !q->tasks[s->task])))
		return false;
	if ((q->since_us && s->updated_us < q->since_us) || (q->before_us && s->updated_us > q->before_us))
		return false;
	for (size_t i = 0; i < q->n_filters; i++)
		if (!q->filters[i].match(s, q->filters[i].want))
			return false;
	if ((q->patterns[IP] || q->patterns[IP6]) && !matches_address(q, s))
		return false;
	return !q->patterns[NAME] || may_fit(q, q->patterns[NAME], s, name_of(s));
}

struct heap {
	const struct server_query *q;
	GPtrArray *a; /* [0] is the one that comes last */
};

static void sift_down(struct heap *h, guint i)
{
	for (;;) {
		guint child = 2 * i + 1;
		gpointer *at = h->a->pdata;

		if (child >= h->a->len)
			return;
		if (child + 1 < h->a->len && compare(h->q, at[child + 1], at[child]) > 0)
			child++;
		if (compare(h->q, at[child], at[i]) <= 0)
			return;
		gpointer t = at[child];
		at[child] = at[i];
		at[i] = t;
		i = child;
	}
}

static void sift_up(struct heap *h, guint i)
{
	gpointer *at = h->a->pdata;

	for (; i > 0 && compare(h->q, at[i], at[(i - 1) / 2]) > 0; i = (i - 1) / 2) {
		gpointer t = at[i];

		at[i] = at[(i - 1) / 2];
		at[(i - 1) / 2] = t;
	}
}

static void offer(struct heap *h, const struct server *s)
{
	if (h->a->len < (guint)h->q->limit) {
		g_ptr_array_add(h->a, (gpointer)s);
		sift_up(h, h->a->len - 1);
	} else if (h->a->len > 0 && compare(h->q, s, h->a->pdata[0]) < 0) {
		h->a->pdata[0] = (gpointer)s;
		sift_down(h, 0);
	}
}

static int compare_sorted(gconstpointer a, gconstpointer b, gpointer q)
{
	return compare(q, *(const struct server *const *)a, *(const struct server *const *)b);
}

typedef void each_f(struct server_query *q, const struct server *s, void *user);

/* From the newest: in the default order the heap then holds the page at once. */
static void each_match(struct server_query *q, each_f *fn, void *user)
{
	GPtrArray *const both[] = { q->living ? fleet_servers(q->fleet) : NULL, q->gone };

	for (size_t k = 0; k < G_N_ELEMENTS(both); k++) {
		for (guint i = q->nothing || !both[k] ? 0 : both[k]->len; i-- > 0;) {
			const struct server *s = g_ptr_array_index(both[k], i);

			if ((!q->after || compare(q, q->after, s) < 0) && matches(q, s))
				fn(q, s, user);
		}
	}
}

static void offer_to(struct server_query *q, const struct server *s, void *user)
{
	(void)q;
	offer(user, s);
}

static void finish(struct server_query *q, GError *why)
{
	g_autoptr(GPtrArray) page = g_ptr_array_sized_new((guint)q->limit);
	struct heap h = { q, page };

	if (why) {
		q->done(q->r, NULL, false, why, q->user);
	} else {
		each_match(q, offer_to, &h);
		g_ptr_array_sort_with_data(page, compare_sorted, q);
		q->done(q->r, page, page->len > 0 && page->len == (guint)q->limit, NULL, q->user);
	}
	server_query_free(q);
}

/* ---- regular expressions: the texts are taken, a worker tries them, then the page is found among what fits ---- */

static void add_text(struct pattern *p, const struct server *s, const char *text)
{
	if (p && pattern_is_regex(p))
		pattern_add(p, key_of(s), text);
}

static void add_texts(struct server_query *q, const struct server *s, void *unused)
{
	(void)unused;
	add_text(q->patterns[NAME], s, name_of(s));
	for (guint i = 0; s->addrs && i < s->addrs->len; i++) {
		const struct hv_addr *a = &g_array_index(s->addrs, struct hv_addr, i);

		add_text(pattern_of(q, a), s, a->text);
	}
}

static void on_matched(const struct pattern *failed, const char *text, void *user)
{
	struct server_query *q = user;
	GError *why = NULL;

	q->matched = true;
	for (int i = 0; failed && i < PATTERN_N; i++)
		if (q->patterns[i] == failed)
			g_set_error(&why, ERR, ERR_BAD_REQUEST, "Invalid input for query parameters %s. It takes too long to match: %s",
				    pattern_params[i], text);
	if (!why)
		(void)find_marker(q, q->r, &why); /* it may be gone meanwhile */
	finish(q, why);
}

/* What is asked for is there. */
static void run(struct server_query *q)
{
	GError *why = NULL;
	bool any = false;

	for (int i = 0; i < PATTERN_N; i++)
		any |= q->patterns[i] && pattern_is_regex(q->patterns[i]);
	if (!any) {
		finish(q, NULL);
		return;
	}
	each_match(q, add_texts, NULL);
	if (!pattern_match(q->patterns, PATTERN_N, q->r->auth->user_id, on_matched, q, &why))
		finish(q, why);
}

/* ---- deleted ones: read from the database, in pieces ---- */

static void take_deleted(struct server *s, void *user)
{
	struct server_query *q = user;

	q->gone_us = s->deleted_us;
	q->gone_id = s->id;
	/* The marker need not match. */
	if (matches(q, s) || g_strcmp0(s->uuid, q->marker) == 0)
		g_ptr_array_add(q->gone, s);
	else
		server_free(s);
}

/* Return: they are all there, or @why; false: there are more to read. */
static bool read_deleted(struct server_query *q, GError **why)
{
	int64_t before = q->gone_id;

	if (!server_row_deleted(q->fleet, MAX(q->since_us, 1), q->gone_us, q->gone_id, DELETED_PIECE, take_deleted, q, why))
		return true;
	if (q->gone->len <= DELETED_MAX)
		return q->gone_id == before;
	g_set_error(why, ERR, ERR_BAD_REQUEST, "More than %d deleted servers match: ask for fewer by changes-since, or archive some", DELETED_MAX);
	return true;
}

static bool deleted_piece(struct api_req *r, void *user)
{
	struct server_query *q = user;
	GError *why = NULL;

	if (!q->nothing && !read_deleted(q, &why))
		return false;
	if (!why)
		(void)find_marker(q, r, &why);
	if (why)
		finish(q, why);
	else
		run(q);
	return true;
}

void server_query_run(struct server_query *q, struct api_req *r, server_query_done_f *done, void *user)
{
	q->r = r;
	q->done = done;
	q->user = user;
	if (q->deleted)
		slice_run(r, deleted_piece, q, NULL);
	else
		run(q);
}

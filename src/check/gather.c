/* SPDX-License-Identifier: Apache-2.0 */
#include "check/gather.h"

#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "check/ask.h"
#include "check/deep.h"
#include "check/take.h"

#define STALE_S 3600     /* of a file that an earlier run has left */
#define MARKER_BYTES 65536
#define SETTLE_MS 100    /* after a start, until each host has answered, or failed once */

struct gather {
	struct fleet *fleet;
	struct survey *s;
	gather_done_f *done;
	void *user;
	guint host;              /* which one is taken in next */
	struct clock_timer *timer;
	size_t phase;
	struct asks *asks;       /* of the phase */
	struct deep *deep;
	GPtrArray *scratch;      /* texts of requests that are not answered; freed with the phase */
	GPtrArray *stale;        /* struct stale *: files of earlier runs */
};

struct stale {
	guint host;
	char *path;
};

static void stale_free(void *data)
{
	g_free(((struct stale *)data)->path);
	g_free(data);
}

/* It lives until the phase ends. */
static const char *keep(struct gather *g, char *text)
{
	g_ptr_array_add(g->scratch, text);
	return text;
}

static struct survey_folder *folder_of(const struct gather *g, const struct ask *a)
{
	return &survey_host(g->s, a->host)->folders[a->what];
}

static const char *path_of(const struct gather *g, guint folder)
{
	return g_ptr_array_index(g->s->folders, folder);
}

static void note(char **why, const struct hv_reply *r)
{
	if (r->err && !*why)
		*why = g_strdup(r->err->message);
}

/* ---- facts ---- */

static void plan_hosts(struct gather *g)
{
	for (guint i = 0; i < g->s->hosts->len; i++)
		if (survey_host(g->s, i)->up)
			asks_add(g->asks, &(struct ask){ .host = i });
}

static void make_facts(struct gather *g, const struct ask *a, struct hv_req *req)
{
	*req = (struct hv_req){ .op = HV_FACTS_GET, .migrate.dest_uri = survey_host(g->s, a->host)->peer_uri };
}

static void take_facts(struct gather *g, const struct ask *a, struct hv_reply *r)
{
	struct survey_host *h = survey_host(g->s, a->host);

	note(&h->facts_why, r);
	h->facts = g_steal_pointer(&r->facts);
	if (r->err)
		g_clear_pointer(&h->facts, hv_facts_free);
	if (h->facts)
		take_told(g->fleet, g->s, a->host);
}

/* ---- folders ---- */

static void plan_folders(struct gather *g)
{
	survey_begin_folders(g->s);
	for (guint i = 0; i < g->s->hosts->len; i++)
		for (guint k = 0; survey_host(g->s, i)->up && k < g->s->folders->len; k++)
			asks_add(g->asks, &(struct ask){ .host = i, .what = k });
}

static void make_look(struct gather *g, const struct ask *a, struct hv_req *req)
{
	*req = (struct hv_req){ .op = HV_FOLDER_GET, .vol.path = keep(g, g_build_filename(path_of(g, a->what), GATHER_MARKER, NULL)) };
}

/* "drover-check-1700000000-0a1b2c3d-4" of long ago: whatever made it is over. */
static bool is_stale(const char *name)
{
	size_t n = strlen(GATHER_MARKER);
	g_autofree char *seconds = g_str_has_prefix(name, GATHER_MARKER) ? g_strndup(name + n, strcspn(name + n, "-")) : NULL;
	int64_t at;

	return seconds && util_parse_int(seconds, 0, INT64_MAX, &at) && at < clock_wall_us() / G_USEC_PER_SEC - STALE_S;
}

static void take_look(struct gather *g, const struct ask *a, struct hv_reply *r)
{
	struct survey_folder *f = folder_of(g, a);

	note(&f->why, r);
	f->seen = r->err ? NULL : g_steal_pointer(&r->folder);
	for (guint i = 0; f->seen && i < f->seen->markers->len; i++) {
		const struct hv_marker *m = g_ptr_array_index(f->seen->markers, i);
		struct stale *x = is_stale(m->name) ? g_new(struct stale, 1) : NULL;

		if (!x)
			continue;
		*x = (struct stale){ a->host, g_build_filename(path_of(g, a->what), m->name, NULL) };
		g_ptr_array_add(g->stale, x);
	}
}

static void plan_there(struct gather *g)
{
	for (guint i = 0; i < g->s->hosts->len; i++)
		for (guint k = 0; survey_host(g->s, i)->up && k < g->s->folders->len; k++)
			if (survey_host(g->s, i)->folders[k].seen && survey_host(g->s, i)->folders[k].seen->exists)
				asks_add(g->asks, &(struct ask){ .host = i, .what = k });
}

static const char *marker_path(struct gather *g, const struct ask *a)
{
	g_autofree char *name = survey_marker(g->s, a->host);

	return keep(g, g_build_filename(path_of(g, a->what), name, NULL));
}

static void make_mark(struct gather *g, const struct ask *a, struct hv_req *req)
{
	*req = (struct hv_req){ .op = HV_VOL_CREATE, .vol = { .path = marker_path(g, a), .format = "raw", .capacity_bytes = MARKER_BYTES } };
}

static void marking(struct gather *g, const struct ask *a)
{
	folder_of(g, a)->before_us = clock_wall_us();
}

static void take_mark(struct gather *g, const struct ask *a, struct hv_reply *r)
{
	struct survey_folder *f = folder_of(g, a);

	f->after_us = clock_wall_us();
	f->marked = !r->err;
	f->refused = r->err && !g_error_matches(r->err, ERR, ERR_HV_LOST) && !g_error_matches(r->err, ERR, ERR_HV_BUSY);
	note(&f->why, r);
}

static void make_see(struct gather *g, const struct ask *a, struct hv_req *req)
{
	*req = (struct hv_req){ .op = HV_FOLDER_GET, .vol.path = keep(g, g_build_filename(path_of(g, a->what), g->s->marker, NULL)) };
}

static void take_see(struct gather *g, const struct ask *a, struct hv_reply *r)
{
	struct survey_folder *f = folder_of(g, a);

	note(&f->why, r);
	g_clear_pointer(&f->seen, hv_folder_free);
	f->seen = r->err ? NULL : g_steal_pointer(&r->folder);
}

/* What a lost answer may have made, too. */
static void plan_unmark(struct gather *g)
{
	for (guint i = 0; i < g->s->hosts->len; i++)
		for (guint k = 0; survey_host(g->s, i)->up && k < g->s->folders->len; k++)
			if (survey_host(g->s, i)->folders[k].before_us)
				asks_add(g->asks, &(struct ask){ .host = i, .what = k, .k = G_MAXUINT });
	for (guint n = 0; n < g->stale->len; n++)
		asks_add(g->asks, &(struct ask){ .host = ((const struct stale *)g_ptr_array_index(g->stale, n))->host, .k = n });
}

static void make_unmark(struct gather *g, const struct ask *a, struct hv_req *req)
{
	const char *path = a->k == G_MAXUINT ? marker_path(g, a) : ((const struct stale *)g_ptr_array_index(g->stale, a->k))->path;

	*req = (struct hv_req){ .op = HV_VOL_DELETE, .vol.path = path };
}

/* ---- pairs ---- */

/* Each host the next ones behind it, as many as fit: so all are tried in both directions where all fit. */
static void plan_pairs(struct gather *g)
{
	struct survey *s = g->s;
	guint n = s->hosts->len, most = n ? MIN(n - 1, MAX(SURVEY_PAIRS_MAX / n, 1)) : 0;

	s->pairs_left_out = n > 1 && most < n - 1;
	for (guint i = 0; i < n; i++)
		for (guint step = 1; step <= most; step++) {
			guint k = (i + step) % n;

			if (!survey_host(s, i)->up || !survey_host(s, k)->up)
				continue;
			(void)survey_add_pair(s, i, k);
			asks_add(g->asks, &(struct ask){ .host = i, .what = s->pairs->len - 1 });
		}
}

static struct survey_pair *pair_of(const struct gather *g, const struct ask *a)
{
	return &g_array_index(g->s->pairs, struct survey_pair, a->what);
}

/* The same for the same pair in each run: what a killed one has left is gone with the next. */
static char *trial_uuid(const struct survey_host *from, const struct survey_host *to)
{
	g_autofree char *both = g_strjoin(" ", "drover-peer", from->uuid, to->uuid, NULL);
	g_autofree char *sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, both, -1);

	return g_strdup_printf("%.8s-%.4s-5%.3s-a%.3s-%.12s", sum, sum + 8, sum + 12, sum + 15, sum + 18);
}

static void make_peer(struct gather *g, const struct ask *a, struct hv_req *req)
{
	const struct survey_pair *p = pair_of(g, a);
	const struct survey_host *from = survey_host(g->s, p->from), *to = survey_host(g->s, p->to);

	*req = (struct hv_req){
		.op = HV_PEER_TRY, .uuid = keep(g, trial_uuid(from, to)), .migrate = { .dest_uri = to->peer_uri, .dest_host = to->name },
	};
}

static void take_peer(struct gather *g, const struct ask *a, struct hv_reply *r)
{
	struct survey_pair *p = pair_of(g, a);

	note(&p->why, r);
	/* One that is gone itself says nothing of the other. */
	if (!g_error_matches(r->err, ERR, ERR_HV_LOST) || host_connected(fleet_host(g->fleet, survey_host(g->s, p->from)->name)))
		p->peer = r->err ? SURVEY_NO : SURVEY_YES;
}

/* ---- CPUs ---- */

static void plan_cpus(struct gather *g)
{
	struct survey *s = g->s;

	take_cpus(s);
	for (guint i = 0; i < s->cpus->len; i++)
		for (guint k = 0; k < s->cpus->len; k++) {
			struct survey_cpu_way w = { .from = i, .to = k };
			const struct survey_cpu *to = g_ptr_array_index(s->cpus, k);

			if (i == k)
				continue;
			g_array_append_val(s->ways, w);
			asks_add(g->asks, &(struct ask){ .host = to->host, .what = s->ways->len - 1 });
		}
}

static void make_compare(struct gather *g, const struct ask *a, struct hv_req *req)
{
	const struct survey_cpu_way *w = &g_array_index(g->s->ways, struct survey_cpu_way, a->what);
	const struct survey_cpu *from = g_ptr_array_index(g->s->cpus, w->from);

	*req = (struct hv_req){ .op = HV_CPU_COMPARE, .xml = TAKE_PASSTHROUGH, .host_cpu_xml = from->xml };
}

static void take_compare(struct gather *g, const struct ask *a, struct hv_reply *r)
{
	struct survey_cpu_way *w = &g_array_index(g->s->ways, struct survey_cpu_way, a->what);

	note(&w->why, r);
	if (r->err)
		return;
	w->fits = r->cpu_ok ? SURVEY_YES : SURVEY_NO;
	if (!w->why)
		w->why = g_strdup(r->cpu_why);
}

static void plan_baseline(struct gather *g)
{
	guint at = take_baseline_host(g->s);

	if (at != G_MAXUINT)
		asks_add(g->asks, &(struct ask){ .host = at });
}

static void make_baseline(struct gather *g, const struct ask *a, struct hv_req *req)
{
	(void)a;
	*req = (struct hv_req){ .op = HV_CPU_BASELINE, .xml = keep(g, take_all_cpus(g->s)) };
}

static void take_baseline(struct gather *g, const struct ask *a, struct hv_reply *r)
{
	(void)a;
	note(&g->s->baseline_why, r);
	g->s->baseline = g_steal_pointer(&r->definition);
}

/* ---- the phases ---- */

static const struct {
	void (*plan)(struct gather *g);
	void (*make)(struct gather *g, const struct ask *a, struct hv_req *req);
	void (*asking)(struct gather *g, const struct ask *a);
	void (*answer)(struct gather *g, const struct ask *a, struct hv_reply *r);
} phases[] = {
	{ plan_hosts,    make_facts,    NULL,    take_facts },
	{ plan_folders,  make_look,     NULL,    take_look },
	{ plan_there,    make_mark,     marking, take_mark },
	{ plan_there,    make_see,      NULL,    take_see },
	{ plan_unmark,   make_unmark,   NULL,    NULL },
	{ plan_pairs,    make_peer,     NULL,    take_peer },
	{ plan_cpus,     make_compare,  NULL,    take_compare },
	{ plan_baseline, make_baseline, NULL,    take_baseline },
};

static void gather_free(struct gather *g)
{
	clock_cancel(&g->timer);
	asks_free(g->asks);
	deep_free(g->deep);
	survey_free(g->s);
	g_ptr_array_unref(g->scratch);
	g_ptr_array_unref(g->stale);
	g_free(g);
}

static const char *host_name(guint host, void *user)
{
	return survey_host(((struct gather *)user)->s, host)->name;
}

static void make(const struct ask *a, struct hv_req *req, void *user)
{
	struct gather *g = user;

	phases[g->phase].make(g, a, req);
}

static void asking(const struct ask *a, void *user)
{
	struct gather *g = user;

	if (phases[g->phase].asking)
		phases[g->phase].asking(g, a);
}

static void answer(const struct ask *a, struct hv_reply *r, void *user)
{
	struct gather *g = user;

	if (phases[g->phase].answer)
		phases[g->phase].answer(g, a, r);
}

static void next_phase(struct gather *g);

static void phase_over(void *user)
{
	struct gather *g = user;

	if (!g->done) {
		gather_free(g);
		return;
	}
	g_clear_pointer(&g->asks, asks_free);
	g_ptr_array_set_size(g->scratch, 0);
	g->phase++;
	next_phase(g);
}

static void finish(void *user)
{
	struct gather *g = user;
	struct survey *s;

	if (g->done) {
		s = g_steal_pointer(&g->s);
		s->now_us = clock_wall_us();
		g->done(s, g->user);
	}
	gather_free(g);
}

static void next_phase(struct gather *g)
{
	static const struct ask_calls calls = { host_name, make, asking, answer, phase_over };

	if (g->phase < G_N_ELEMENTS(phases)) {
		g->asks = asks_new(g->fleet, &calls, GATHER_OPEN, g);
		phases[g->phase].plan(g);
		asks_start(g->asks);
	} else if (g->s->deep) {
		g->deep = deep_begin(g->fleet, g->s, finish, g);
	} else {
		finish(g);
	}
}

/* ---- begin and end ---- */

/* One host a turn: what its guests have is looked through. */
static void take_in(void *user)
{
	struct gather *g = user;

	g->timer = NULL;
	if (!fleet_settled(g->fleet)) {
		g->timer = clock_after(SETTLE_MS, take_in, g);
		return;
	}
	if (g->host < g->s->hosts->len) {
		take_host(g->fleet, g->s, g->host++);
		g->timer = clock_after(0, take_in, g);
		return;
	}
	g->s->of_guests = g->s->folders->len;
	next_phase(g);
}

static char *new_marker(void)
{
	g_autofree char *uuid = util_uuid_new();

	return g_strdup_printf(GATHER_MARKER "%" G_GINT64_FORMAT "-%.8s", clock_wall_us() / G_USEC_PER_SEC, uuid);
}

struct gather *gather_begin(struct fleet *f, const char *const *hosts, bool deep, gather_done_f *done, void *user)
{
	struct gather *g = g_new0(struct gather, 1);
	GPtrArray *all = fleet_hosts(f);

	*g = (struct gather){ .fleet = f, .s = survey_new(), .done = done, .user = user };
	g->scratch = g_ptr_array_new_with_free_func(g_free);
	g->stale = g_ptr_array_new_with_free_func(stale_free);
	g->s->deep = deep;
	g->s->native_tls = fleet_conf(f)->live_migration_with_native_tls;
	g->s->marker = new_marker();
	(void)survey_add_unique(g->s->folders, SURVEY_IMAGES, SURVEY_FOLDERS_MAX);
	for (guint i = 0; i < all->len; i++) {
		const struct host *h = g_ptr_array_index(all, i);

		if (!hosts || g_strv_contains(hosts, h->name))
			(void)survey_host_add(g->s, h->name);
	}
	g->timer = clock_after(0, take_in, g);
	return g;
}

void gather_cancel(struct gather *g)
{
	if (!g)
		return;
	g->done = NULL;
	if ((g->asks && asks_stop(g->asks)) || (g->deep && deep_stop(g->deep)))
		return;
	gather_free(g);
}

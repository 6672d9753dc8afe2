/* SPDX-License-Identifier: Apache-2.0 */
#include "manage/care.h"

#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "base/cron.h"
#include "base/log.h"
#include "base/loop.h"
#include "manage/care_work.h"
#include "store/columns.h"
#include "store/row.h"
#include "store/store.h"

#define FIRST_LOOK_MS 1000
#define LOOK_MS 30000

struct plan {
	int64_t base_us;  /* it is due at the first time after this */
	bool unsaved;     /* ... which has no row yet */
	char *text;       /* the schedule that it is of; NULL: not looked at yet */
	int64_t due_us;   /* what comes of both; 0: not looked at yet */
	int64_t seen_us;  /* when it was seen to be due; 0: it is not */
	int64_t start_us; /* when it begins then */
};

struct care {
	const struct conf *conf;
	struct store *store;
	char *url;
	struct plan plans[CARE_N];
	struct clock_timer *look;
	struct care_work *work; /* NULL: nothing is under way */
	GThread *thread;
};

static const char *const names[] = { [CARE_ARCHIVE] = "archive_deleted_rows", [CARE_PURGE] = "purge_shadow_tables" };
static_assert(G_N_ELEMENTS(names) == CARE_N, "names[] is missing one");

static const struct conf_schedule *schedule_of(const struct care *c, enum care_kind k)
{
	return k == CARE_ARCHIVE ? &c->conf->archive : &c->conf->purge;
}

/* ---- when they ran last ---- */

struct run {
	const char *name;
	int64_t planned_us;
};

#define RUN_FIELD(n, col, type, f) ROW_FIELD_##type(run, col, f),
static const struct row_field run_fields[] = { CARE_RUN_ROW(RUN_FIELD, RUN_FIELD) };

static bool load_run(const struct store_row *row, void *user)
{
	struct care *c = user;
	struct run r = { .name = NULL };

	g_free(row_read(row, run_fields, G_N_ELEMENTS(run_fields), &r)); /* it has no words that could be unknown */
	for (size_t k = 0; k < CARE_N; k++)
		if (g_strcmp0(r.name, names[k]) == 0)
			c->plans[k].base_us = r.planned_us;
	return true;
}

/* While there is no row, a start of the daemon begins a run again: there is less to do then. */
static void save_run(struct care *c, enum care_kind k)
{
	g_autoptr(GError) err = NULL;

	c->plans[k].unsaved = !store_run(c->store, Q_CARE_RAN, STORE_ARGS(SV_S(names[k]), SV_I(c->plans[k].base_us)), NULL, &err);
	if (err)
		log_error("database_care_failed", LOG_S("schedule", names[k]), LOG_S("reason", err->message));
}

struct care *care_new(const struct conf *conf, struct store *store, const char *url, GError **err)
{
	struct care *c = g_new0(struct care, 1);
	bool ok;

	c->conf = conf;
	c->store = store;
	c->url = g_strdup(url);
	ok = store_each(store, Q_CARE_RUNS, STORE_NO_ARGS, load_run, c, err);
	for (enum care_kind k = 0; k < CARE_N; k++) {
		if (c->plans[k].base_us)
			continue;
		c->plans[k].base_us = clock_wall_us();
		c->plans[k].unsaved = true;
	}
	if (ok)
		return c;
	care_free(c);
	return NULL;
}

/* ---- one run ---- */

#define ROWS(n) \
	LOG_D("rows", archive_total(n)), LOG_D("servers", (n)->rows[ARCHIVE_SERVERS]), LOG_D("migrations", (n)->rows[ARCHIVE_MIGS]), \
		LOG_D("actions", (n)->rows[ARCHIVE_ACTIONS])

static void tell(const struct care_work *w)
{
	if (w->kind == CARE_ARCHIVE)
		log_info("database_archived", ROWS(&w->archived));
	if (w->kind == CARE_PURGE || w->purge)
		log_info("database_purged", ROWS(&w->purged));
	if (w->failed)
		log_error("database_care_failed", LOG_S("schedule", names[w->kind]), LOG_S("reason", w->failed->message));
	if (w->file_failed)
		log_error("database_care_not_logged", LOG_S("schedule", names[w->kind]), LOG_S("file", w->destination), LOG_S("reason", w->file_failed->message));
}

static void ended(void *user)
{
	struct care *c = user;
	struct care_work *w = g_steal_pointer(&c->work);
	struct plan *p = &c->plans[w->kind];

	if (c->thread)
		g_thread_join(g_steal_pointer(&c->thread));
	tell(w);
	p->base_us = p->seen_us;
	p->seen_us = p->due_us = 0;
	save_run(c, w->kind);
	care_work_free(w);
}

static void *work(void *user)
{
	struct care *c = user;

	care_work_do(c->work);
	loop_post(ended, c);
	return NULL;
}

/* Midnight here, so many days ago. */
static int64_t days_ago_us(int64_t days)
{
	g_autoptr(GDateTime) now = g_date_time_new_from_unix_local(clock_wall_us() / G_USEC_PER_SEC);
	g_autoptr(GDateTime) day = g_date_time_add_days(now, -(gint)days);
	g_autoptr(GDateTime) midnight =
		g_date_time_new_local(g_date_time_get_year(day), g_date_time_get_month(day), g_date_time_get_day_of_month(day), 0, 0, 0);

	return g_date_time_to_unix(midnight) * G_USEC_PER_SEC;
}

static void begin(struct care *c, enum care_kind k)
{
	const struct conf_schedule *s = schedule_of(c, k);
	struct care_work *w = g_new0(struct care_work, 1);

	w->kind = k;
	w->url = g_strdup(c->url);
	w->before_us = days_ago_us(s->age);
	w->max_rows = c->conf->archive_max_rows;
	w->until_complete = c->conf->archive_until_complete;
	w->purge = c->conf->archive_purge && k == CARE_ARCHIVE;
	w->verbose = k == CARE_ARCHIVE || c->conf->purge_verbose;
	w->all_cells = s->all_cells;
	w->destination = g_strdup(s->destination);
	w->user = g_strdup(s->user);
	c->work = w;
	if (loop_main()) {
		c->thread = g_thread_new("database care", work, c);
	} else {
		care_work_do(w);
		ended(c);
	}
}

/* ---- looking ---- */

/* Another schedule than before is not due for what it would have missed. */
static void take_text(struct plan *p, const struct conf_schedule *s, int64_t now_us)
{
	char *text = g_strjoin(" ", s->minute, s->hour, s->monthday, s->month, s->weekday, NULL);

	if (g_strcmp0(p->text, text) != 0) {
		p->due_us = 0;
		if (p->text)
			p->base_us = MAX(p->base_us, now_us);
	}
	g_free(p->text);
	p->text = text;
}

static bool is_due(struct plan *p, const struct conf_schedule *s, int64_t now_us)
{
	const struct cron_text text = { s->minute, s->hour, s->monthday, s->month, s->weekday };
	g_autoptr(GTimeZone) zone = p->due_us ? NULL : g_time_zone_new_local();
	struct cron cron;

	if (zone)
		p->due_us = cron_parse(&text, &cron) ? cron_next(&cron, p->base_us, zone) : G_MAXINT64;
	return p->due_us <= now_us;
}

static void look_at(struct care *c, enum care_kind k, int64_t now_us)
{
	const struct conf_schedule *s = schedule_of(c, k);
	struct plan *p = &c->plans[k];

	if (p->unsaved)
		save_run(c, k);
	take_text(p, s, now_us);
	if (!s->enabled || (c->work && c->work->kind == k))
		return;
	if (!p->seen_us && is_due(p, s, now_us)) {
		p->seen_us = now_us;
		p->start_us = now_us + (int64_t)g_random_int_range(0, (gint32)s->max_delay + 1) * G_USEC_PER_SEC;
	}
	if (p->seen_us && p->start_us <= now_us && !c->work)
		begin(c, k);
}

static void look(void *user)
{
	struct care *c = user;
	int64_t now_us = clock_wall_us();

	c->look = clock_after(LOOK_MS, look, c);
	for (enum care_kind k = 0; k < CARE_N; k++)
		look_at(c, k, now_us);
}

void care_start(struct care *c)
{
	c->look = clock_after(FIRST_LOOK_MS, look, c);
}

void care_free(struct care *c)
{
	if (!c)
		return;
	clock_cancel(&c->look);
	if (c->thread) {
		g_atomic_int_set(&c->work->stop, 1);
		g_thread_join(c->thread);
	}
	care_work_free(c->work);
	for (size_t k = 0; k < CARE_N; k++)
		g_free(c->plans[k].text);
	g_free(c->url);
	g_free(c);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "task/news.h"

#include "base/clock.h"
#include "task/progress.h"
#include "task/samples.h"
#include "task/task.h"

struct news {
	const struct mig *m;
	const struct task_stage *old; /* NULL: there was none */
	char *why;
};

static const struct mig *mig_of(const void *obj)
{
	return ((const struct news *)obj)->m;
}

static void put_from(struct jout *o, const void *obj)
{
	const struct news *n = obj;

	jout_str(o, n->old ? n->old->name : NULL);
}

static void put_to(struct jout *o, const void *obj)
{
	jout_str(o, mig_phase_name(mig_of(obj)));
}

static void put_status(struct jout *o, const void *obj)
{
	jout_str(o, mig_status(mig_of(obj)));
}

static void put_final(struct jout *o, const void *obj)
{
	jout_bool(o, mig_is_final(mig_of(obj)));
}

static void put_type(struct jout *o, const void *obj)
{
	jout_str(o, mig_of(obj)->kind->type);
}

static void put_source(struct jout *o, const void *obj)
{
	jout_str(o, mig_of(obj)->source);
}

static void put_dest(struct jout *o, const void *obj)
{
	jout_str(o, mig_of(obj)->dest);
}

static void put_error(struct jout *o, const void *obj)
{
	jout_str(o, mig_of(obj)->error);
}

static void put_request(struct jout *o, const void *obj)
{
	jout_str(o, mig_of(obj)->request_id);
}

static const struct json_field phase_fields[] = {
	{ "migration_type", JSON_EMIT, .emit = put_type },
	{ "from",           JSON_EMIT, .emit = put_from },
	{ "to",             JSON_EMIT, .emit = put_to },
	{ "status",         JSON_EMIT, .emit = put_status },
	{ "final",          JSON_EMIT, .emit = put_final },
	{ "why",            JSON_STR,  offsetof(struct news, why) },
	{ "source",         JSON_EMIT, .emit = put_source },
	{ "dest",           JSON_EMIT, .emit = put_dest },
	{ "error",          JSON_EMIT, .emit = put_error },
	{ "request_id",     JSON_EMIT, .emit = put_request },
};

static const struct json_field decision_fields[] = {
	{ "phase",  JSON_EMIT, .emit = put_to },
	{ "status", JSON_EMIT, .emit = put_status },
	{ "why",    JSON_STR,  offsetof(struct news, why) },
};

static void put_progress(struct jout *o, const void *obj)
{
	mig_put_progress(o, mig_of(obj));
}

static void put_eta(struct jout *o, const void *obj)
{
	mig_put_eta(o, mig_of(obj));
}

static const struct json_field progress_fields[] = {
	{ "status",   JSON_EMIT, .emit = put_status },
	{ "source",   JSON_EMIT, .emit = put_source },
	{ "dest",     JSON_EMIT, .emit = put_dest },
	{ "progress", JSON_EMIT, .emit = put_progress },
	{ "eta",      JSON_EMIT, .emit = put_eta },
};

static const struct {
	const struct json_field *fields;
	size_t n;
} tables[EVENT_TYPE_N] = {
	[EVENT_MIGRATION] = { phase_fields, G_N_ELEMENTS(phase_fields) },
	[EVENT_DECISION]  = { decision_fields, G_N_ELEMENTS(decision_fields) },
	[EVENT_PROGRESS]  = { progress_fields, G_N_ELEMENTS(progress_fields) },
};

static void tell(enum event_type type, const struct news *n)
{
	const struct event_about about = { .type = type, .server = n->m->server_uuid, .migration = n->m->id };

	event_emit(fleet_events(n->m->task->engine->fleet), &about, tables[type].fields, tables[type].n, n);
}

/* ---- what is counted ---- */

#define GIB (1ull << 30)

static const struct metric_bounds life_seconds = { { 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 14400 }, 12 };
static const struct metric_bounds sent_bytes = {
	{ GIB / 16, GIB / 4, GIB, 4 * GIB, 16 * GIB, 64 * GIB, 256 * GIB, 1024 * GIB, 4096 * GIB }, 9,
};
static const struct metric_bounds pause_seconds = { { 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60 }, 12 };

void news_init(struct mig_counts *s)
{
	s->seconds.bounds = &life_seconds;
	s->bytes.bounds = &sent_bytes;
	s->downtime_seconds.bounds = &pause_seconds;
}

static void failure_clear(struct mig_failure *f)
{
	g_free(f->source);
	g_free(f->dest);
	g_free(f->error);
	*f = (struct mig_failure){ .id = 0 };
}

void news_clear(struct mig_counts *s)
{
	for (size_t i = 0; i < G_N_ELEMENTS(s->failures); i++)
		failure_clear(&s->failures[i]);
}

static void keep_failure(struct mig_counts *s, const struct mig *m)
{
	struct mig_failure *f = &s->failures[s->failed++ % MIG_FAILURES_KEPT];

	failure_clear(f);
	f->id = m->id;
	f->at_us = m->updated_us;
	g_strlcpy(f->server_uuid, m->server_uuid, sizeof f->server_uuid);
	f->type = m->kind->type;
	f->status = mig_status(m);
	f->source = g_strdup(m->source);
	f->dest = g_strdup(m->dest);
	f->error = g_strdup(m->error);
}

static void count_end(struct mig_counts *s, const struct mig *m)
{
	s->ended[mig_stage(m)->end]++;
	if (mig_stage(m)->end == TASK_ERROR || mig_stage(m)->end == TASK_FAILED)
		keep_failure(s, m);
	if (mig_stage(m)->end != TASK_DONE)
		return;
	metric_observe(&s->seconds, (double)(m->updated_us - m->created_us) / 1e6);
	metric_observe(&s->bytes, (double)(m->progress.mem_processed + m->progress.disk_processed));
	metric_observe(&s->downtime_seconds, (double)m->progress.downtime_ms / 1e3);
}

void news_phase(const struct mig *m, const struct task_stage *old, const char *why)
{
	const struct news n = { .m = m, .old = old, .why = (char *)why };

	if (!m->kind->migration)
		return; /* its server tells */
	if (mig_is_final(m))
		count_end(&m->task->engine->stats, m);
	tell(old == mig_stage(m) ? EVENT_DECISION : EVENT_MIGRATION, &n);
}

void news_progress(const struct mig *m)
{
	const struct news n = { .m = m };
	const struct mig_progress *p = &m->progress;
	const struct sample s = {
		.at_us = clock_wall_us(), .sent_bytes = p->mem_processed + p->disk_processed, .left_bytes = p->mem_remaining + p->disk_remaining, .bps = p->bps,
		.dirty_bps = p->dirty_rate_bps, .iteration = p->iteration, .permitted_ms = p->permitted_ms, .throttle = p->throttle, .postcopy = m->postcopy,
	};

	samples_add(m->task->engine->samples, m->id, &s);
	tell(EVENT_PROGRESS, &n);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Job statistics of a hostile host, sample after sample, and what is decided on them.
 *
 * Input: a byte of options; then samples: the job's type, the number of parameters,
 * and for each a name (an index into names[], or one of its own: its length and
 * bytes), a type and eight bytes of value.
 */
#include <stdint.h>
#include <string.h>

#include "hv/libvirt/state.h"
#include "live/converge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PARAMS_MAX 24

/* New ones at the end: the corpus counts them. */
static const char *const names[] = {
	VIR_DOMAIN_JOB_OPERATION,          VIR_DOMAIN_JOB_TIME_ELAPSED,       VIR_DOMAIN_JOB_DOWNTIME,
	VIR_DOMAIN_JOB_SETUP_TIME,         VIR_DOMAIN_JOB_MEMORY_TOTAL,       VIR_DOMAIN_JOB_MEMORY_PROCESSED,
	VIR_DOMAIN_JOB_MEMORY_REMAINING,   VIR_DOMAIN_JOB_MEMORY_BPS,         VIR_DOMAIN_JOB_MEMORY_DIRTY_RATE,
	VIR_DOMAIN_JOB_MEMORY_PAGE_SIZE,   VIR_DOMAIN_JOB_MEMORY_ITERATION,   VIR_DOMAIN_JOB_MEMORY_POSTCOPY_REQS,
	VIR_DOMAIN_JOB_DISK_TOTAL,         VIR_DOMAIN_JOB_DISK_PROCESSED,     VIR_DOMAIN_JOB_DISK_REMAINING,
	VIR_DOMAIN_JOB_DISK_BPS,           VIR_DOMAIN_JOB_AUTO_CONVERGE_THROTTLE,
};

/* ---- input ---- */

struct input {
	const uint8_t *at, *end;
};

static uint8_t byte(struct input *in)
{
	return in->at < in->end ? *in->at++ : 0;
}

static void bytes(struct input *in, void *ret, size_t n)
{
	size_t have = MIN(n, (size_t)(in->end - in->at));

	memset(ret, 0, n);
	memcpy(ret, in->at, have);
	in->at += have;
}

static void read_param(struct input *in, virTypedParameter *p)
{
	uint8_t name = byte(in);

	memset(p, 0, sizeof(*p));
	if (name < G_N_ELEMENTS(names))
		g_strlcpy(p->field, names[name], sizeof(p->field));
	else
		bytes(in, p->field, byte(in) % sizeof(p->field));
	p->type = byte(in) % (VIR_TYPED_PARAM_STRING + 2);
	bytes(in, &p->value, sizeof(p->value));
	if (p->type == VIR_TYPED_PARAM_STRING)
		p->value.s = (char *)"text";
}

static void read_job(struct input *in, struct hv_job *ret)
{
	virTypedParameter params[PARAMS_MAX];
	int type = (int8_t)byte(in), n = byte(in) % (PARAMS_MAX + 1);

	for (int i = 0; i < n; i++)
		read_param(in, &params[i]);
	lv_job(type, params, n, ret);
}

/* ---- what must hold ---- */

static void check_field(int64_t v, int64_t max)
{
	g_assert_cmpint(v, >=, 0);
	g_assert_cmpint(v, <=, max);
}

static void check_job(const struct hv_job *j)
{
	const int64_t amounts[] = { j->mem_total, j->mem_processed, j->mem_remaining, j->disk_total, j->disk_processed, j->disk_remaining,
		                    j->mem_bps, j->disk_bps };
	const int64_t times[] = { j->elapsed_ms, j->downtime_ms, j->setup_ms };
	const int64_t counts[] = { j->iteration, j->postcopy_requests };

	for (size_t i = 0; i < G_N_ELEMENTS(amounts); i++)
		check_field(amounts[i], LV_JOB_BYTES_MAX);
	for (size_t i = 0; i < G_N_ELEMENTS(times); i++)
		check_field(times[i], LV_JOB_MS_MAX);
	for (size_t i = 0; i < G_N_ELEMENTS(counts); i++)
		check_field(counts[i], LV_JOB_COUNT_MAX);
	check_field(j->dirty_rate, LV_JOB_PAGES_MAX);
	check_field(j->page_size, LV_JOB_PAGE_MAX);
	check_field(j->throttle, 100);
}

static void check_eta(const struct converge_eta *e)
{
	g_assert_true(!e->known || e->ms >= 0);
	/* -1: it does not end if things are a little worse */
	g_assert_true(e->ms >= -1 && e->low_ms >= -1 && e->high_ms >= -1);
	g_assert_true(e->ms <= CONVERGE_MS_MAX && e->low_ms <= CONVERGE_MS_MAX && e->high_ms <= CONVERGE_MS_MAX);
}

static void check_decision(const struct converge_params *p, const struct converge_decision *d)
{
	g_assert_true(d->action >= 0 && d->action < CONVERGE_ACTION_N);
	g_assert_true(memchr(d->reason, '\0', sizeof(d->reason)));
	if (d->action == CONVERGE_SET_DOWNTIME)
		g_assert_true(d->value > 0 && d->value <= p->downtime_ms);
}

/* As tune.c makes it. */
static struct converge_sample sample_of(const struct hv_job *j, bool postcopy)
{
	return (struct converge_sample){
		.at_ms = j->elapsed_ms,
		.iteration = j->iteration,
		.processed = j->mem_processed + j->disk_processed,
		.remaining = j->mem_remaining + j->disk_remaining,
		.total = j->mem_total + j->disk_total,
		.bps = j->mem_bps + j->disk_bps,
		.dirty_bps = j->dirty_rate * j->page_size,
		.throttle = j->throttle,
		.postcopy = postcopy,
	};
}

static struct converge_params params_of(uint8_t options)
{
	return (struct converge_params){
		.policy = options & 1 ? CONVERGE_NOVA : CONVERGE_ADAPTIVE,
		.timeout_action = options & 2 ? CONVERGE_TIMEOUT_ABORT : CONVERGE_TIMEOUT_FORCE,
		.permit_post_copy = options & 4,
		.permit_auto_converge = options & 8,
		.downtime_ms = options & 16 ? 500 : 100,
		.downtime_steps = options & 16 ? 10 : 3,
		.downtime_delay_s = options & 32 ? 75 : 3,
		.completion_timeout_s = options & 32 ? 800 : 0,
		.progress_timeout_s = options & 64 ? 60 : 0,
		.data_gb = options & 64 ? 2 : 3000,
	};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, data + size };
	uint8_t options = byte(&in);
	const struct converge_params params = params_of(options);
	struct converge_history history = { .any = false };

	while (in.at < in.end) {
		struct converge_decision d;
		struct converge_sample s;
		struct converge_eta eta;
		struct hv_job job;

		read_job(&in, &job);
		check_job(&job);
		s = sample_of(&job, options & 128);
		converge_note(&history, &s);
		eta = converge_eta(&params, &history, &s);
		check_eta(&eta);
		d = converge_decide(&params, &history, &s);
		check_decision(&params, &d);
		converge_took(&history, &d);
	}
	return 0;
}

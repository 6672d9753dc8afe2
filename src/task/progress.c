/* SPDX-License-Identifier: Apache-2.0 */
#include "task/progress.h"

#define PROGRESS(member) offsetof(struct mig_progress, member)

static const struct json_field progress_fields[] = {
	{ "memory_total_bytes",     JSON_INT64, PROGRESS(mem_total) },
	{ "memory_processed_bytes", JSON_INT64, PROGRESS(mem_processed) },
	{ "memory_remaining_bytes", JSON_INT64, PROGRESS(mem_remaining) },
	{ "disk_total_bytes",       JSON_INT64, PROGRESS(disk_total) },
	{ "disk_processed_bytes",   JSON_INT64, PROGRESS(disk_processed) },
	{ "disk_remaining_bytes",   JSON_INT64, PROGRESS(disk_remaining) },
	{ "downtime_ms",            JSON_INT64, PROGRESS(downtime_ms) },
	{ "bytes_per_second",       JSON_INT64, PROGRESS(bps) },
	{ "dirty_bytes_per_second", JSON_INT64, PROGRESS(dirty_rate_bps) },
	{ "iteration",              JSON_INT64, PROGRESS(iteration) },
};

void mig_put_eta(struct jout *o, const struct mig *m)
{
	if (!mig_stage(m)->sends || !m->progress.eta_known) {
		jout_null(o);
		return;
	}
	jout_open(o, '{');
	jout_kv(o, "ms", int, m->progress.eta_ms);
	jout_key(o, "low_ms");
	jout_int_if(o, m->progress.eta_low_ms >= 0, m->progress.eta_low_ms);
	jout_key(o, "high_ms");
	jout_int_if(o, m->progress.eta_high_ms >= 0, m->progress.eta_high_ms);
	jout_close(o, '}');
}

void mig_put_progress(struct jout *o, const struct mig *m)
{
	jout_object(o, progress_fields, G_N_ELEMENTS(progress_fields), &m->progress);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/half.h"

#include <assert.h>

static const char *const half_names[] = {
	[HV_HALF_UNKNOWN] = "unknown",   [HV_HALF_ABSENT] = "absent",
	[HV_HALF_NO_TRACE] = "absent, without a trace", [HV_HALF_OFF] = "off",
	[HV_HALF_MIGRATED] = "migrated", [HV_HALF_FAILED] = "failed",
	[HV_HALF_CRASHED] = "crashed",   [HV_HALF_ENDING] = "shutting off", [HV_HALF_RUN] = "running",
	[HV_HALF_PAUSED] = "paused",     [HV_HALF_SWITCH] = "switching",  [HV_HALF_INCOMING] = "incoming",
	[HV_HALF_POSTCOPY] = "postcopy", [HV_HALF_BROKEN] = "postcopy-failed",
};
static_assert(G_N_ELEMENTS(half_names) == HV_HALF_N, "half_names is missing one");

static enum hv_half common_half(const struct hv_dom *d, enum hv_half in_migration)
{
	switch (d->state) {
	case HV_UNKNOWN:
	case HV_STATE_N:
		break;
	case HV_ABSENT:
		return HV_HALF_ABSENT;
	case HV_SHUTOFF:
		if (d->reason == HV_R_CRASHED)
			return HV_HALF_CRASHED;
		return d->reason == HV_R_MIGRATED ? HV_HALF_MIGRATED : HV_HALF_OFF;
	case HV_CRASHED:
		return HV_HALF_CRASHED;
	case HV_SHUTDOWN:
		return HV_HALF_ENDING;
	case HV_SUSPENDED:
	case HV_RUNNING:
	case HV_PAUSED:
		if (d->reason == HV_R_POSTCOPY)
			return HV_HALF_POSTCOPY;
		if (d->reason == HV_R_POSTCOPY_FAILED)
			return HV_HALF_BROKEN;
		if (d->state != HV_PAUSED)
			return HV_HALF_RUN;
		return d->reason == HV_R_MIGRATION || d->reason == HV_R_STARTING ? in_migration : HV_HALF_PAUSED;
	}
	return HV_HALF_UNKNOWN;
}

enum hv_half hv_source_half(const struct hv_dom *d)
{
	return d ? common_half(d, HV_HALF_SWITCH) : HV_HALF_UNKNOWN;
}

enum hv_half hv_dest_half(const struct hv_dom *d)
{
	enum hv_half h = d ? common_half(d, HV_HALF_INCOMING) : HV_HALF_UNKNOWN;

	if (h == HV_HALF_OFF && d->reason == HV_R_FAILED)
		return HV_HALF_FAILED;
	/* A guest that was paused before the migration is "paused" on both sides; the job tells the waiting half. */
	return h == HV_HALF_PAUSED && d->job_incoming ? HV_HALF_INCOMING : h;
}

bool hv_half_is_over(enum hv_half h)
{
	return h == HV_HALF_ABSENT || h == HV_HALF_OFF || h == HV_HALF_FAILED || h == HV_HALF_MIGRATED;
}

const char *hv_half_name(enum hv_half h)
{
	return half_names[h];
}

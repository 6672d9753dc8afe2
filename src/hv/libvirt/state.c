/* SPDX-License-Identifier: Apache-2.0
 *
 * libvirt's states, reasons, events and job parameters in the seam's terms.
 * Numbers that are not in a table (a newer libvirt's) become HV_UNKNOWN or
 * HV_R_OTHER.
 */
#include "hv/libvirt/state.h"

#include <assert.h>
#include <string.h>

/* ---- states ---- */

static const enum hv_state states[] = {
	[VIR_DOMAIN_NOSTATE]     = HV_UNKNOWN,
	[VIR_DOMAIN_RUNNING]     = HV_RUNNING,
	[VIR_DOMAIN_BLOCKED]     = HV_RUNNING,
	[VIR_DOMAIN_PAUSED]      = HV_PAUSED,
	[VIR_DOMAIN_SHUTDOWN]    = HV_SHUTDOWN,
	[VIR_DOMAIN_SHUTOFF]     = HV_SHUTOFF,
	[VIR_DOMAIN_CRASHED]     = HV_CRASHED,
	[VIR_DOMAIN_PMSUSPENDED] = HV_SUSPENDED,
};
static_assert(G_N_ELEMENTS(states) == VIR_DOMAIN_PMSUSPENDED + 1, "states is missing one");

static const enum hv_reason running_reasons[] = {
	[VIR_DOMAIN_RUNNING_MIGRATED]        = HV_R_MIGRATED,
	[VIR_DOMAIN_RUNNING_POSTCOPY]        = HV_R_POSTCOPY,
	[VIR_DOMAIN_RUNNING_POSTCOPY_FAILED] = HV_R_POSTCOPY_FAILED,
};
static_assert(G_N_ELEMENTS(running_reasons) == VIR_DOMAIN_RUNNING_POSTCOPY_FAILED + 1, "running_reasons is missing one");

static const enum hv_reason paused_reasons[] = {
	[VIR_DOMAIN_PAUSED_USER]            = HV_R_USER,
	[VIR_DOMAIN_PAUSED_MIGRATION]       = HV_R_MIGRATION,
	[VIR_DOMAIN_PAUSED_SAVE]            = HV_R_SAVED,
	[VIR_DOMAIN_PAUSED_IOERROR]         = HV_R_IOERROR,
	[VIR_DOMAIN_PAUSED_CRASHED]         = HV_R_CRASHED,
	[VIR_DOMAIN_PAUSED_STARTING_UP]     = HV_R_STARTING,
	[VIR_DOMAIN_PAUSED_POSTCOPY]        = HV_R_POSTCOPY,
	[VIR_DOMAIN_PAUSED_POSTCOPY_FAILED] = HV_R_POSTCOPY_FAILED,
};
static_assert(G_N_ELEMENTS(paused_reasons) == VIR_DOMAIN_PAUSED_POSTCOPY_FAILED + 1, "paused_reasons is missing one");

static const enum hv_reason shutoff_reasons[] = {
	[VIR_DOMAIN_SHUTOFF_UNKNOWN]  = HV_R_UNSEEN,
	[VIR_DOMAIN_SHUTOFF_CRASHED]  = HV_R_CRASHED,
	[VIR_DOMAIN_SHUTOFF_MIGRATED] = HV_R_MIGRATED,
	[VIR_DOMAIN_SHUTOFF_SAVED]    = HV_R_SAVED,
	[VIR_DOMAIN_SHUTOFF_FAILED]   = HV_R_FAILED,
	[VIR_DOMAIN_SHUTOFF_DAEMON]   = HV_R_OTHER,
};
static_assert(G_N_ELEMENTS(shutoff_reasons) == VIR_DOMAIN_SHUTOFF_DAEMON + 1, "shutoff_reasons is missing one");

static const enum hv_reason crashed_reasons[] = {
	[VIR_DOMAIN_CRASHED_UNKNOWN]  = HV_R_CRASHED,
	[VIR_DOMAIN_CRASHED_PANICKED] = HV_R_CRASHED,
};

static const struct {
	const enum hv_reason *reasons;
	size_t n;
} reasons[] = {
	[VIR_DOMAIN_RUNNING]     = { running_reasons, G_N_ELEMENTS(running_reasons) },
	[VIR_DOMAIN_PAUSED]      = { paused_reasons, G_N_ELEMENTS(paused_reasons) },
	[VIR_DOMAIN_SHUTOFF]     = { shutoff_reasons, G_N_ELEMENTS(shutoff_reasons) },
	[VIR_DOMAIN_CRASHED]     = { crashed_reasons, G_N_ELEMENTS(crashed_reasons) },
	[VIR_DOMAIN_PMSUSPENDED] = { NULL, 0 },
};
static_assert(G_N_ELEMENTS(reasons) == G_N_ELEMENTS(states), "reasons and states differ");

void lv_state(int vir_state, int vir_reason, enum hv_state *ret_state, enum hv_reason *ret_reason)
{
	bool known = vir_state >= 0 && (size_t)vir_state < G_N_ELEMENTS(states);

	*ret_state = known ? states[vir_state] : HV_UNKNOWN;
	*ret_reason = HV_R_OTHER;
	if (known && vir_reason >= 0 && (size_t)vir_reason < reasons[vir_state].n)
		*ret_reason = reasons[vir_state].reasons[vir_reason];
}

/* ---- lifecycle events ---- */

#define ANY_DETAIL (-1)

/*
 * The first row that fits decides. DEFINED and UNDEFINED also happen to domains that run, and say nothing of them. A migration that undefines its source
 * has no UNDEFINED event, STOPPED is the last one.
 */
static const struct {
	int event, detail;
	enum hv_state state;
	enum hv_reason reason;
} events[] = {
	{ VIR_DOMAIN_EVENT_DEFINED,     ANY_DETAIL,                               HV_SHUTOFF,   HV_R_OTHER },
	{ VIR_DOMAIN_EVENT_UNDEFINED,   ANY_DETAIL,                               HV_ABSENT,    HV_R_OTHER },
	{ VIR_DOMAIN_EVENT_STARTED,     VIR_DOMAIN_EVENT_STARTED_MIGRATED,        HV_PAUSED,    HV_R_MIGRATION },
	{ VIR_DOMAIN_EVENT_STARTED,     ANY_DETAIL,                               HV_RUNNING,   HV_R_OTHER },
	{ VIR_DOMAIN_EVENT_SUSPENDED,   VIR_DOMAIN_EVENT_SUSPENDED_PAUSED,        HV_PAUSED,    HV_R_USER },
	{ VIR_DOMAIN_EVENT_SUSPENDED,   VIR_DOMAIN_EVENT_SUSPENDED_MIGRATED,      HV_PAUSED,    HV_R_MIGRATION },
	{ VIR_DOMAIN_EVENT_SUSPENDED,   VIR_DOMAIN_EVENT_SUSPENDED_IOERROR,       HV_PAUSED,    HV_R_IOERROR },
	{ VIR_DOMAIN_EVENT_SUSPENDED,   VIR_DOMAIN_EVENT_SUSPENDED_POSTCOPY,      HV_PAUSED,    HV_R_POSTCOPY },
	{ VIR_DOMAIN_EVENT_SUSPENDED,   VIR_DOMAIN_EVENT_SUSPENDED_POSTCOPY_FAILED, HV_PAUSED,  HV_R_POSTCOPY_FAILED },
	{ VIR_DOMAIN_EVENT_SUSPENDED,   ANY_DETAIL,                               HV_PAUSED,    HV_R_OTHER },
	{ VIR_DOMAIN_EVENT_RESUMED,     VIR_DOMAIN_EVENT_RESUMED_MIGRATED,        HV_RUNNING,   HV_R_MIGRATED },
	{ VIR_DOMAIN_EVENT_RESUMED,     VIR_DOMAIN_EVENT_RESUMED_POSTCOPY,        HV_RUNNING,   HV_R_POSTCOPY },
	{ VIR_DOMAIN_EVENT_RESUMED,     VIR_DOMAIN_EVENT_RESUMED_POSTCOPY_FAILED, HV_RUNNING,   HV_R_POSTCOPY_FAILED },
	{ VIR_DOMAIN_EVENT_RESUMED,     ANY_DETAIL,                               HV_RUNNING,   HV_R_OTHER },
	{ VIR_DOMAIN_EVENT_STOPPED,     VIR_DOMAIN_EVENT_STOPPED_CRASHED,         HV_SHUTOFF,   HV_R_CRASHED },
	{ VIR_DOMAIN_EVENT_STOPPED,     VIR_DOMAIN_EVENT_STOPPED_MIGRATED,        HV_SHUTOFF,   HV_R_MIGRATED },
	{ VIR_DOMAIN_EVENT_STOPPED,     VIR_DOMAIN_EVENT_STOPPED_FAILED,          HV_SHUTOFF,   HV_R_FAILED },
	{ VIR_DOMAIN_EVENT_STOPPED,     VIR_DOMAIN_EVENT_STOPPED_SAVED,           HV_SHUTOFF,   HV_R_SAVED },
	{ VIR_DOMAIN_EVENT_STOPPED,     ANY_DETAIL,                               HV_SHUTOFF,   HV_R_OTHER },
	/* Also of an incoming half that is being destroyed: not a word about where the guest runs. */
	{ VIR_DOMAIN_EVENT_SHUTDOWN,    ANY_DETAIL,                               HV_UNKNOWN,   HV_R_OTHER },
	{ VIR_DOMAIN_EVENT_PMSUSPENDED, ANY_DETAIL,                               HV_SUSPENDED, HV_R_OTHER },
	{ VIR_DOMAIN_EVENT_CRASHED,     ANY_DETAIL,                               HV_CRASHED,   HV_R_CRASHED },
};

void lv_event_state(int event, int detail, bool active, enum hv_state *ret_state, enum hv_reason *ret_reason)
{
	*ret_state = HV_UNKNOWN;
	*ret_reason = HV_R_OTHER;
	if (active && (event == VIR_DOMAIN_EVENT_DEFINED || event == VIR_DOMAIN_EVENT_UNDEFINED))
		return;
	for (size_t i = 0; i < G_N_ELEMENTS(events); i++) {
		if (events[i].event != event || (events[i].detail != ANY_DETAIL && events[i].detail != detail))
			continue;
		*ret_state = events[i].state;
		*ret_reason = events[i].reason;
		return;
	}
}

/* ---- jobs ---- */

static bool param_number(const virTypedParameter *p, int64_t *ret)
{
	switch (p->type) {
	case VIR_TYPED_PARAM_INT:
		*ret = p->value.i;
		return true;
	case VIR_TYPED_PARAM_UINT:
		*ret = p->value.ui;
		return true;
	case VIR_TYPED_PARAM_LLONG:
		*ret = p->value.l;
		return true;
	case VIR_TYPED_PARAM_ULLONG:
		*ret = (int64_t)MIN(p->value.ul, (unsigned long long)INT64_MAX);
		return true;
	case VIR_TYPED_PARAM_BOOLEAN:
		*ret = p->value.b;
		return true;
	default:
		return false;
	}
}

bool lv_param(virTypedParameterPtr params, int n, const char *name, int64_t *ret)
{
	for (int i = 0; i < n; i++) {
		if (!strcmp(params[i].field, name))
			return param_number(&params[i], ret);
	}
	return false;
}

const char *lv_param_string(virTypedParameterPtr params, int n, const char *name)
{
	for (int i = 0; i < n; i++) {
		if (params[i].type == VIR_TYPED_PARAM_STRING && !strcmp(params[i].field, name))
			return params[i].value.s;
	}
	return NULL;
}

static const struct {
	const char *name;
	size_t offset;
	int64_t max;
} job_fields[] = {
	{ VIR_DOMAIN_JOB_TIME_ELAPSED,         offsetof(struct hv_job, elapsed_ms),        LV_JOB_MS_MAX },
	{ VIR_DOMAIN_JOB_DOWNTIME,             offsetof(struct hv_job, downtime_ms),       LV_JOB_MS_MAX },
	{ VIR_DOMAIN_JOB_SETUP_TIME,           offsetof(struct hv_job, setup_ms),          LV_JOB_MS_MAX },
	{ VIR_DOMAIN_JOB_MEMORY_TOTAL,         offsetof(struct hv_job, mem_total),         LV_JOB_BYTES_MAX },
	{ VIR_DOMAIN_JOB_MEMORY_PROCESSED,     offsetof(struct hv_job, mem_processed),     LV_JOB_BYTES_MAX },
	{ VIR_DOMAIN_JOB_MEMORY_REMAINING,     offsetof(struct hv_job, mem_remaining),     LV_JOB_BYTES_MAX },
	{ VIR_DOMAIN_JOB_MEMORY_BPS,           offsetof(struct hv_job, mem_bps),           LV_JOB_BYTES_MAX },
	{ VIR_DOMAIN_JOB_MEMORY_DIRTY_RATE,    offsetof(struct hv_job, dirty_rate),        LV_JOB_PAGES_MAX },
	{ VIR_DOMAIN_JOB_MEMORY_PAGE_SIZE,     offsetof(struct hv_job, page_size),         LV_JOB_PAGE_MAX },
	{ VIR_DOMAIN_JOB_MEMORY_ITERATION,     offsetof(struct hv_job, iteration),         LV_JOB_COUNT_MAX },
	{ VIR_DOMAIN_JOB_MEMORY_POSTCOPY_REQS, offsetof(struct hv_job, postcopy_requests), LV_JOB_COUNT_MAX },
	{ VIR_DOMAIN_JOB_DISK_TOTAL,           offsetof(struct hv_job, disk_total),        LV_JOB_BYTES_MAX },
	{ VIR_DOMAIN_JOB_DISK_PROCESSED,       offsetof(struct hv_job, disk_processed),    LV_JOB_BYTES_MAX },
	{ VIR_DOMAIN_JOB_DISK_REMAINING,       offsetof(struct hv_job, disk_remaining),    LV_JOB_BYTES_MAX },
	{ VIR_DOMAIN_JOB_DISK_BPS,             offsetof(struct hv_job, disk_bps),          LV_JOB_BYTES_MAX },
};

void lv_job(int vir_type, virTypedParameterPtr params, int n, struct hv_job *ret)
{
	int64_t v = 0;

	memset(ret, 0, sizeof(*ret));
	ret->active = vir_type == VIR_DOMAIN_JOB_BOUNDED || vir_type == VIR_DOMAIN_JOB_UNBOUNDED;
	for (size_t i = 0; i < G_N_ELEMENTS(job_fields); i++) {
		if (lv_param(params, n, job_fields[i].name, &v))
			*(int64_t *)((char *)ret + job_fields[i].offset) = CLAMP(v, 0, job_fields[i].max);
	}
	if (lv_param(params, n, VIR_DOMAIN_JOB_OPERATION, &v))
		ret->outgoing = v == VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT;
	if (lv_param(params, n, VIR_DOMAIN_JOB_AUTO_CONVERGE_THROTTLE, &v))
		ret->throttle = (int)CLAMP(v, 0, 100);
}

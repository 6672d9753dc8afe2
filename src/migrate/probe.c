/* SPDX-License-Identifier: Apache-2.0 */
#include "migrate/probe.h"

#include <assert.h>

static const char *const half_names[] = {
	[PROBE_H_UNKNOWN] = "unknown",   [PROBE_H_ABSENT] = "absent",
	[PROBE_H_NO_TRACE] = "absent, without a trace", [PROBE_H_OFF] = "off",
	[PROBE_H_MIGRATED] = "migrated", [PROBE_H_FAILED] = "failed",
	[PROBE_H_CRASHED] = "crashed",   [PROBE_H_RUN] = "running",
	[PROBE_H_PAUSED] = "paused",     [PROBE_H_SWITCH] = "switching",  [PROBE_H_INCOMING] = "incoming",
	[PROBE_H_POSTCOPY] = "postcopy", [PROBE_H_BROKEN] = "postcopy-failed",
};
static_assert(G_N_ELEMENTS(half_names) == PROBE_H_N, "half_names is missing one");

static const char *const verdict_names[] = {
	[PROBE_WAIT] = "wait",
	[PROBE_COPYING] = "copying",
	[PROBE_NOT_MOVED] = "not-moved",
	[PROBE_NOT_MOVED_BLIND] = "not-moved-blind",
	[PROBE_LEFTOVER] = "leftover",
	[PROBE_RESUME_SOURCE] = "resume-source",
	[PROBE_MOVED] = "moved",
	[PROBE_STALE_SOURCE] = "stale-source",
	[PROBE_UNDECIDED] = "undecided",
	[PROBE_STOPPED] = "stopped",
	[PROBE_POSTCOPY_RUN] = "postcopy",
	[PROBE_POSTCOPY_BROKEN] = "postcopy-broken",
	[PROBE_POSTCOPY_RESUME] = "postcopy-resume",
	[PROBE_MEMORY_LOST] = "memory-lost",
	[PROBE_SPLIT] = "split-brain",
	[PROBE_LOST] = "lost",
};
static_assert(G_N_ELEMENTS(verdict_names) == PROBE_VERDICT_N, "verdict_names is missing one");

#define B(h) (1u << PROBE_H_##h)
#define LIVES (B(RUN) | B(PAUSED))
#define GONE (B(ABSENT) | B(NO_TRACE) | B(MIGRATED))
#define NONE_HERE (B(ABSENT) | B(NO_TRACE) | B(OFF) | B(MIGRATED) | B(FAILED) | B(CRASHED))
#define MAY_HAVE_RUN (B(NO_TRACE) | B(OFF) | B(MIGRATED) | B(CRASHED))
#define ANY ((1u << PROBE_H_N) - 1)

enum job { JOB_NO, JOB_YES, JOB_ANY };

/*
 * The first row that fits decides. Why the source alone can say "not moved"
 * while the destination is silent: libvirt's protocol (v3) runs the destination
 * only after the source has stopped, and a source whose end is not known stays
 * stopped. A source that runs without a job was never left.
 *
 * A source that stands stopped for the switch-over beside a shut-off definition
 * at the destination (PREPARE has removed older ones): libvirt writes the
 * definition just before it lets the guest run. Shut off as "failed", it did not
 * come to that (a disk's lock was not to be had), and the source may run on.
 * Otherwise it may have run and stopped since, because its host died; then the
 * source's memory is older than its disks. Running it would corrupt them,
 * destroying it could take the only copy: a person decides. So does it where a
 * guest has no definition, which leaves nothing either way.
 */
static const struct {
	unsigned source, dest;
	enum job job;
	enum probe_verdict verdict;
} table[] = {
	/* source                     destination               job */
	{ B(UNKNOWN),                 ANY,                      JOB_ANY, PROBE_WAIT },
	{ B(RUN),                     B(RUN),                   JOB_ANY, PROBE_SPLIT },
	{ B(POSTCOPY),                ANY,                      JOB_ANY, PROBE_POSTCOPY_RUN },
	{ B(BROKEN),                  NONE_HERE,                JOB_ANY, PROBE_MEMORY_LOST },
	{ B(BROKEN),                  B(BROKEN),                JOB_ANY, PROBE_POSTCOPY_RESUME },
	{ B(BROKEN),                  ANY,                      JOB_ANY, PROBE_POSTCOPY_BROKEN },
	{ ANY,                        B(BROKEN),                JOB_ANY, PROBE_MEMORY_LOST },
	{ B(OFF) | B(CRASHED),        B(POSTCOPY),              JOB_ANY, PROBE_MEMORY_LOST },
	{ ANY,                        ANY,                      JOB_YES, PROBE_COPYING },
	{ B(RUN),                     B(UNKNOWN),               JOB_NO,  PROBE_NOT_MOVED_BLIND },
	{ ANY,                        B(UNKNOWN),               JOB_NO,  PROBE_WAIT },
	{ LIVES,                      NONE_HERE,                JOB_NO,  PROBE_NOT_MOVED },
	{ LIVES | B(SWITCH) | B(OFF) | B(CRASHED), B(INCOMING), JOB_NO,  PROBE_LEFTOVER },
	{ B(RUN),                     B(PAUSED),                JOB_NO,  PROBE_SPLIT },
	{ B(PAUSED),                  LIVES,                    JOB_NO,  PROBE_SPLIT },
	{ B(SWITCH),                  B(ABSENT) | B(FAILED),    JOB_NO,  PROBE_RESUME_SOURCE },
	{ B(SWITCH),                  LIVES,                    JOB_NO,  PROBE_STALE_SOURCE },
	{ B(SWITCH),                  MAY_HAVE_RUN,             JOB_NO,  PROBE_UNDECIDED },
	{ GONE | B(OFF) | B(CRASHED), LIVES,                    JOB_NO,  PROBE_MOVED },
	{ GONE,                       B(OFF) | B(FAILED) | B(CRASHED), JOB_NO, PROBE_MOVED },
	{ B(OFF) | B(CRASHED),        NONE_HERE,                JOB_NO,  PROBE_STOPPED },
	{ GONE,                       GONE,                     JOB_NO,  PROBE_LOST },
};

static enum probe_half common_half(const struct hv_dom *d, enum probe_half in_migration)
{
	switch (d->state) {
	case HV_UNKNOWN:
	case HV_STATE_N:
		break;
	case HV_ABSENT:
		return PROBE_H_ABSENT;
	case HV_SHUTOFF:
		if (d->reason == HV_R_CRASHED)
			return PROBE_H_CRASHED;
		return d->reason == HV_R_MIGRATED ? PROBE_H_MIGRATED : PROBE_H_OFF;
	case HV_CRASHED:
		return PROBE_H_CRASHED;
	case HV_SUSPENDED:
	case HV_RUNNING:
	case HV_PAUSED:
		if (d->reason == HV_R_POSTCOPY)
			return PROBE_H_POSTCOPY;
		if (d->reason == HV_R_POSTCOPY_FAILED)
			return PROBE_H_BROKEN;
		if (d->state != HV_PAUSED)
			return PROBE_H_RUN;
		return d->reason == HV_R_MIGRATION || d->reason == HV_R_STARTING ? in_migration : PROBE_H_PAUSED;
	}
	return PROBE_H_UNKNOWN;
}

void probe_clear(struct probe *p)
{
	hv_dom_free(p->source);
	hv_dom_free(p->dest);
	*p = (struct probe){ .verdict = p->verdict };
}

enum probe_half probe_source_half(const struct hv_dom *d)
{
	return d ? common_half(d, PROBE_H_SWITCH) : PROBE_H_UNKNOWN;
}

enum probe_half probe_dest_half(const struct hv_dom *d)
{
	enum probe_half h = d ? common_half(d, PROBE_H_INCOMING) : PROBE_H_UNKNOWN;

	if (h == PROBE_H_OFF && d->reason == HV_R_FAILED)
		return PROBE_H_FAILED;
	/* A guest that was paused before the migration is "paused" on both sides; the job tells the waiting half. */
	return h == PROBE_H_PAUSED && d->job_incoming ? PROBE_H_INCOMING : h;
}

enum probe_verdict probe_decide(enum probe_half source, enum probe_half dest, bool job)
{
	for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
		if ((table[i].source & 1u << source) && (table[i].dest & 1u << dest) &&
		    (table[i].job == JOB_ANY || (table[i].job == JOB_YES) == job))
			return table[i].verdict;
	}
	return PROBE_WAIT;
}

const char *probe_half_name(enum probe_half h)
{
	return half_names[h];
}

const char *probe_verdict_name(enum probe_verdict v)
{
	return verdict_names[v];
}

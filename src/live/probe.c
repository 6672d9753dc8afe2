/* SPDX-License-Identifier: Apache-2.0 */
#include "live/probe.h"

#include <assert.h>

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
	[PROBE_ORPHANED] = "orphaned",
	[PROBE_SPLIT] = "split-brain",
	[PROBE_LOST] = "lost",
};
static_assert(G_N_ELEMENTS(verdict_names) == PROBE_VERDICT_N, "verdict_names is missing one");

#define B(h) (1u << HV_HALF_##h)
#define LIVES (B(RUN) | B(PAUSED))
#define GONE (B(ABSENT) | B(NO_TRACE) | B(MIGRATED))
#define NONE_HERE (B(ABSENT) | B(NO_TRACE) | B(OFF) | B(MIGRATED) | B(FAILED) | B(CRASHED))
#define MAY_HAVE_RUN (B(NO_TRACE) | B(OFF) | B(MIGRATED) | B(CRASHED))
#define ANY ((1u << HV_HALF_N) - 1)

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
 *
 * A source that is gone altogether, of a guest without a definition, beside a half that waits: it died in the copy, and the half
 * is worth nothing; or all was sent, and its host died before the destination was told to go on. Then the half is the guest.
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
	{ B(ABSENT),                  B(INCOMING),              JOB_NO,  PROBE_ORPHANED },
};

enum probe_verdict probe_decide(enum hv_half source, enum hv_half dest, bool job)
{
	for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
		if ((table[i].source & 1u << source) && (table[i].dest & 1u << dest) &&
		    (table[i].job == JOB_ANY || (table[i].job == JOB_YES) == job))
			return table[i].verdict;
	}
	return PROBE_WAIT;
}

const char *probe_verdict_name(enum probe_verdict v)
{
	return verdict_names[v];
}

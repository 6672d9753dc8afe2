/* SPDX-License-Identifier: Apache-2.0 */
#include "live/converge.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include <glib.h>

#define SMOOTH 0.3            /* weight of a new sample */
#define SHRINKS 0.9           /* an iteration that needs less than this of the one before is progress */
#define STALL_ITERATIONS 2    /* so many in a row that do not shrink are a stall */
#define SAMPLES_FINE 3        /* an iteration seen less often than this is not known well */
#define LOW_END 1.25          /* within this of the least that was left in an iteration is its low end */
#define ROOM 1.2              /* the pause asked for, against the one computed: speeds are estimates */
#define GROW 1.5
#define DOWNTIME_MIN_MS 50
#define FINISH_SHARE 0.85     /* of the deadline: what then has not ended is brought to an end */

static const char *const action_names[] = {
	[CONVERGE_NONE] = "none",   [CONVERGE_SET_DOWNTIME] = "set-downtime", [CONVERGE_POSTCOPY] = "postcopy",
	[CONVERGE_PAUSE] = "pause", [CONVERGE_ABORT] = "abort",
};
static_assert(G_N_ELEMENTS(action_names) == CONVERGE_ACTION_N, "action_names is missing one");

const char *converge_action_name(enum converge_action a)
{
	return action_names[a];
}

/* Nova, virt/libvirt/driver.py, _live_migration_data_gb (nova.md 4.3). */
double converge_data_gb(int64_t memory_mb, const int64_t *disk_bytes, int n)
{
	double gb = MAX(2.0, (double)memory_mb / 1024);

	for (int i = 0; i < n; i++)
		gb += MAX(2.0, (double)disk_bytes[i] / (1 << 30));
	return gb;
}

/* ---- history ---- */

static void smooth(double *mean, double *dev, double x)
{
	if (*mean <= 0) {
		*mean = x;
		return;
	}
	*dev += SMOOTH * (fabs(x - *mean) - *dev);
	*mean += SMOOTH * (x - *mean);
}

/*
 * What the present iteration has to send, at its first sample. Some of it is gone by then: what was sent since the sample
 * before, less what that had left of the iteration before; where several iterations passed, what one of them sent on the average.
 * Less was sent than was left where pages of zeros were, then the sample itself says more.
 */
static int64_t first_size(const struct converge_history *h, const struct converge_sample *s)
{
	int64_t sent = s->processed - h->processed, passed = s->iteration - h->iteration;

	if (h->iteration <= 0 || passed <= 0)
		return s->remaining;
	if (passed == 1)
		return MAX(s->remaining, MIN(s->remaining + sent - h->remaining, s->total));
	return MAX(s->remaining, MIN(sent / passed, s->total));
}

static void note_iteration(struct converge_history *h, const struct converge_sample *s)
{
	if (s->iteration != h->iteration && h->iteration > 0) {
		memmove(&h->sizes[1], &h->sizes[0], sizeof h->sizes - sizeof h->sizes[0]);
		h->sizes[0] = h->iteration_size;
		h->finished++;
		h->coarse = h->samples < SAMPLES_FINE;
	}
	if (s->iteration != h->iteration) {
		h->samples = 0;
		h->iteration_size = first_size(h, s);
		h->iteration_low = s->remaining;
		h->iteration = s->iteration;
		h->iteration_at_ms = s->at_ms;
	}
	h->samples++;
	h->iteration_size = MAX(h->iteration_size, s->remaining);
	h->iteration_low = MIN(h->iteration_low, s->remaining);
}

void converge_note(struct converge_history *h, const struct converge_sample *s)
{
	bool first = !h->any;

	note_iteration(h, s);
	if (s->bps > 0)
		smooth(&h->bps, &h->bps_dev, (double)s->bps);
	else if (!first && s->at_ms > h->at_ms && s->processed > h->processed)
		smooth(&h->bps, &h->bps_dev, (double)(s->processed - h->processed) * 1000 / (double)(s->at_ms - h->at_ms));
	if (s->dirty_bps > 0)
		smooth(&h->dirty_bps, &h->dirty_dev, (double)s->dirty_bps);
	if (first || s->remaining < h->low) {
		h->low = s->remaining;
		h->low_at_ms = s->at_ms;
	}
	h->any = true;
	h->processed = s->processed;
	h->remaining = s->remaining;
	h->at_ms = s->at_ms;
}

void converge_took(struct converge_history *h, const struct converge_decision *d)
{
	if (d->action != CONVERGE_SET_DOWNTIME)
		return;
	h->downtime_ms = d->value;
	h->downtime_iteration = h->iteration;
}

static int64_t largest(const int64_t *sizes, int n)
{
	int64_t most = 0;

	for (int i = 0; i < n; i++)
		most = MAX(most, sizes[i]);
	return most;
}

bool converge_stalled(const struct converge_history *h)
{
	const int half = CONVERGE_KEEP / 2;

	/* The first iteration sends all memory: it says nothing about what the guest dirties. */
	if (h->coarse)
		return h->finished > CONVERGE_KEEP && (double)largest(h->sizes, half) >= SHRINKS * (double)largest(h->sizes + half, half);
	if (h->finished < STALL_ITERATIONS + 2)
		return false;
	for (int i = 0; i < STALL_ITERATIONS; i++)
		if ((double)h->sizes[i] < SHRINKS * (double)h->sizes[i + 1])
			return false;
	return true;
}

/* ---- decisions ---- */

static struct converge_decision decide(enum converge_action action, int64_t value, const char *fmt, ...) G_GNUC_PRINTF(3, 4);

static struct converge_decision decide(enum converge_action action, int64_t value, const char *fmt, ...)
{
	struct converge_decision d = { .action = action, .value = value };
	va_list ap;

	va_start(ap, fmt);
	g_vsnprintf(d.reason, sizeof d.reason, fmt, ap);
	va_end(ap);
	return d;
}

static struct converge_decision nothing(void)
{
	return (struct converge_decision){ .action = CONVERGE_NONE };
}

static int64_t deadline_s(const struct converge_params *p)
{
	return (int64_t)((double)p->completion_timeout_s * p->data_gb);
}

/* Not completed, or stuck: the sentences are the seeds', operators grep for them. */
static struct converge_decision timed_out(const struct converge_params *p, const char *what, int64_t seconds)
{
	enum converge_action force = p->permit_post_copy ? CONVERGE_POSTCOPY : CONVERGE_PAUSE;

	return decide(p->timeout_action == CONVERGE_TIMEOUT_ABORT ? CONVERGE_ABORT : force, 0, "live migration %s %d sec", what, (int)seconds);
}

static bool check_timeouts(const struct converge_params *p, const struct converge_history *h, const struct converge_sample *s,
			   struct converge_decision *ret)
{
	int64_t deadline = deadline_s(p);

	if (deadline > 0 && s->at_ms > deadline * 1000) {
		*ret = timed_out(p, "not completed after", deadline);
		return true;
	}
	if (p->progress_timeout_s > 0 && s->at_ms - h->low_at_ms > p->progress_timeout_s * 1000) {
		*ret = decide(CONVERGE_ABORT, 0, "live migration stuck for %d sec", (int)((s->at_ms - h->low_at_ms) / 1000));
		return true;
	}
	return false;
}

/* Nova, virt/libvirt/migration.py, downtime_steps and update_downtime (nova.md 4.3). */
static struct converge_decision decide_nova(const struct converge_params *p, const struct converge_history *h, const struct converge_sample *s)
{
	int64_t delay_s = (int64_t)((double)p->downtime_delay_s * p->data_gb);
	double base = (double)p->downtime_ms / (double)p->downtime_steps;
	double offset = ((double)p->downtime_ms - base) / (double)p->downtime_steps;
	int64_t value = 0;

	for (int64_t i = 0; i <= p->downtime_steps && s->at_ms > delay_s * i * 1000; i++)
		value = (int64_t)(base + offset * (double)i);
	if (value == 0 || value == h->downtime_ms)
		return nothing();
	return decide(CONVERGE_SET_DOWNTIME, value, "step of Nova's ramp at %d sec", (int)(s->at_ms / 1000));
}

/* A speed can be next to nothing, and what follows from it no number of ms. */
static int64_t to_ms(double ms)
{
	return ms < CONVERGE_MS_MAX ? (int64_t)ms : CONVERGE_MS_MAX;
}

/* The pause that would send what is left, at the present speed. -1 while the speed is not known. */
static double pause_ms(const struct converge_history *h, int64_t bytes)
{
	return h->bps > 0 ? (double)bytes * 1000 / h->bps : -1;
}

/* What an iteration leaves to the next when it ends: as much as the last ones did. */
static int64_t floor_bytes(const struct converge_history *h)
{
	return h->coarse ? largest(h->sizes, CONVERGE_KEEP) : MIN(h->sizes[0], h->sizes[1]);
}

static struct converge_decision last_resort(const struct converge_params *p, const struct converge_sample *s, const char *why)
{
	if (p->permit_post_copy)
		return decide(CONVERGE_POSTCOPY, 0, "%s; post-copy is permitted", why);
	if (p->timeout_action == CONVERGE_TIMEOUT_FORCE)
		return decide(CONVERGE_PAUSE, 0, "%s at %d sec", why, (int)(s->at_ms / 1000));
	return nothing(); /* the deadline aborts */
}

static struct converge_decision stalled(const struct converge_params *p, const struct converge_history *h, const struct converge_sample *s)
{
	double need = pause_ms(h, floor_bytes(h)) * ROOM;
	bool low_end = (double)s->remaining <= LOW_END * (double)h->iteration_low;
	int64_t ask = MAX(DOWNTIME_MIN_MS, to_ms(ceil(need)));
	int64_t deadline = deadline_s(p);

	if (need < 0)
		return nothing();
	/* Iterations shorter than the time between two samples look smaller than they are: what was asked for did not do. */
	if (ask <= h->downtime_ms && h->iteration - h->downtime_iteration > STALL_ITERATIONS)
		ask = MAX(ask, MIN(p->downtime_ms, (int64_t)ceil((double)h->downtime_ms * GROW)));
	if (ask <= p->downtime_ms) {
		/* At the low end: raised at the high end it could stop the guest for the whole size. */
		if (ask <= h->downtime_ms || !low_end)
			return nothing();
		return decide(CONVERGE_SET_DOWNTIME, ask, "iterations stay at %d MiB; %d ms would send that", (int)(floor_bytes(h) >> 20), (int)ask);
	}
	/* Throttling still grows: it may do. */
	if (p->permit_auto_converge && !p->permit_post_copy && s->throttle < 99 &&
	    (deadline == 0 || (double)s->at_ms < FINISH_SHARE * 1000 * (double)deadline))
		return nothing();
	if (h->downtime_ms < p->downtime_ms && low_end)
		return decide(CONVERGE_SET_DOWNTIME, p->downtime_ms, "iterations stay at %d MiB, which needs %d ms; the limit is %d ms",
			      (int)(floor_bytes(h) >> 20), (int)ask, (int)p->downtime_ms);
	if (p->permit_post_copy)
		return last_resort(p, s, "the guest dirties memory faster than it can be sent");
	if (deadline > 0 && (double)s->at_ms + need > FINISH_SHARE * 1000 * (double)deadline)
		return last_resort(p, s, "the deadline is near");
	return nothing();
}

/* Too few iterations were seen to call it a stall, but it will not end by itself in time, and would if the guest stopped now. */
static bool too_late(const struct converge_params *p, const struct converge_history *h, const struct converge_sample *s)
{
	double deadline_ms = 1000 * (double)deadline_s(p), stopped_ms = (double)s->at_ms + pause_ms(h, s->remaining);
	struct converge_eta eta = converge_eta(p, h, s);

	if (h->bps <= 0 || stopped_ms <= FINISH_SHARE * deadline_ms || stopped_ms > deadline_ms)
		return false;
	return !eta.known || (double)(s->at_ms + eta.ms) > deadline_ms;
}

static struct converge_decision decide_adaptive(const struct converge_params *p, const struct converge_history *h, const struct converge_sample *s)
{
	int64_t first = MAX(DOWNTIME_MIN_MS, p->downtime_ms / p->downtime_steps);

	if (h->downtime_ms == 0)
		return decide(CONVERGE_SET_DOWNTIME, MIN(first, p->downtime_ms), "starting with the shortest pause");
	if (converge_stalled(h))
		return stalled(p, h, s);
	if (too_late(p, h, s))
		return last_resort(p, s, "the deadline is near");
	return nothing();
}

struct converge_decision converge_decide(const struct converge_params *p, const struct converge_history *h, const struct converge_sample *s)
{
	struct converge_decision d;

	if (s->postcopy) /* only forwards from here */
		return nothing();
	if (check_timeouts(p, h, s, &d))
		return d;
	return p->policy == CONVERGE_NOVA ? decide_nova(p, h, s) : decide_adaptive(p, h, s);
}

/* ---- the estimate ---- */

/*
 * Iterations are a geometric series: each lasts what the one before left, over
 * the speed. With speed b, dirtying d, left r and the size that fits into the
 * pause t, their sum is (r - t) / (b - d).
 */
static int64_t series_ms(double left, double target, double bps, double dirty_bps)
{
	if (left <= target)
		return 0;
	if (bps <= dirty_bps)
		return -1;
	return to_ms((left - target) * 1000 / (bps - dirty_bps));
}

struct converge_eta converge_eta(const struct converge_params *p, const struct converge_history *h, const struct converge_sample *s)
{
	double pause_s = (double)(h->downtime_ms ? h->downtime_ms : p->downtime_ms) / 1000;
	double target = h->bps * pause_s;
	struct converge_eta e = { .known = false };

	if (h->bps <= 0)
		return e;
	if (s->postcopy) {
		e.ms = series_ms((double)s->remaining, 0, h->bps, 0);
		e.low_ms = series_ms((double)s->remaining, 0, h->bps + h->bps_dev, 0);
		e.high_ms = series_ms((double)s->remaining, 0, MAX(1, h->bps - h->bps_dev), 0);
		e.known = true;
		return e;
	}
	e.ms = series_ms((double)s->remaining, target, h->bps, h->dirty_bps);
	e.low_ms = series_ms((double)s->remaining, target, h->bps + h->bps_dev, MAX(0, h->dirty_bps - h->dirty_dev));
	e.high_ms = series_ms((double)s->remaining, target, h->bps - h->bps_dev, h->dirty_bps + h->dirty_dev);
	e.known = e.ms >= 0 && !converge_stalled(h);
	return e;
}

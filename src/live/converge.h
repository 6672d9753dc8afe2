/* SPDX-License-Identifier: Apache-2.0
 *
 * converge: what to do so that a migration ends. Pure: no clock, no I/O, no log.
 *
 * Theory of operation
 * -------------------
 * Pre-copy sends the memory, then again what the guest wrote meanwhile, and so
 * on: iterations. It can end when what is left fits into the permitted pause
 * (max downtime) at the present speed. Within one iteration the remaining bytes
 * fall to nearly nothing and at its end jump up again: a saw-tooth, so nothing is
 * concluded from single samples. What tells is how much each iteration has to
 * send: its size.
 *
 * Two policies. "nova" is Nova's: the downtime climbs by fixed steps over a time
 * that goes by the guest's size; a timeout aborts or forces. "adaptive" works to
 * the same deadline but looks: while iterations shrink it waits; when they have
 * stopped shrinking it permits just the pause that the present size needs, no
 * more than the limit, and asks for it at the saw-tooth's low end; when that is
 * not enough it takes what is permitted, in the order of harm: auto-converge
 * (QEMU does it by itself from the start), post-copy, and near the deadline the
 * timeout's action.
 */
#ifndef CONVERGE_H
#define CONVERGE_H

#include <stdbool.h>
#include <stdint.h>

enum converge_policy { CONVERGE_NOVA, CONVERGE_ADAPTIVE, CONVERGE_POLICY_N };
enum converge_timeout { CONVERGE_TIMEOUT_ABORT, CONVERGE_TIMEOUT_FORCE, CONVERGE_TIMEOUT_N };

struct converge_params {
	enum converge_policy policy;
	int64_t downtime_ms;          /* the longest pause that is permitted */
	int64_t downtime_steps;
	int64_t downtime_delay_s;     /* per GiB */
	int64_t completion_timeout_s; /* per GiB; 0: none */
	int64_t progress_timeout_s;   /* 0: none */
	enum converge_timeout timeout_action;
	bool permit_post_copy, permit_auto_converge;
	double data_gb;               /* see converge_data_gb() */
};

struct converge_sample {
	int64_t at_ms;                /* since the copy began */
	int64_t iteration;            /* 0 while unknown */
	int64_t processed, remaining, total; /* bytes, memory and disks */
	int64_t bps;                  /* bytes a second now; 0 while unknown */
	int64_t dirty_bps;            /* bytes a second that the guest dirties; 0 while unknown */
	int throttle;                 /* auto-converge percent */
	bool postcopy;
};

#define CONVERGE_KEEP 8               /* finished iterations that are remembered */

/* What is remembered of the samples. All zero at the beginning; only converge_note() changes it. */
struct converge_history {
	int64_t iteration;            /* the present one */
	int64_t iteration_at_ms;      /* when it was first seen */
	int64_t iteration_size;       /* the most that was left in it */
	int64_t iteration_low;        /* the least */
	int64_t sizes[CONVERGE_KEEP]; /* of the finished ones, the last one first */
	int finished;                 /* how many were finished in all */
	int samples;                  /* of the present iteration */
	bool coarse;                  /* iterations pass between samples: sizes are samples of a saw-tooth, too small by chance */
	double bps, bps_dev;          /* smoothed, and its smoothed deviation */
	double dirty_bps, dirty_dev;
	int64_t low, low_at_ms;       /* the least that was ever left, and when */
	bool any;                     /* there was a sample */
	int64_t processed, remaining, at_ms; /* of the sample before */
	int64_t downtime_ms;          /* the last one that was asked for; 0: none yet */
	int64_t downtime_iteration;   /* when it was */
};

enum converge_action {
	CONVERGE_NONE,
	CONVERGE_SET_DOWNTIME, /* value: ms */
	CONVERGE_POSTCOPY,
	CONVERGE_PAUSE,        /* stop the guest until the copy is done */
	CONVERGE_ABORT,
	CONVERGE_ACTION_N
};

struct converge_decision {
	enum converge_action action;
	int64_t value;
	char reason[120];
};

#define CONVERGE_MS_MAX INT32_MAX     /* 24 days; no estimate is longer */

struct converge_eta {
	bool known;                   /* false: it does not end by itself at present */
	int64_t ms, low_ms, high_ms;  /* from now */
};

/** converge_action_name() - "set-downtime", "postcopy", ... */
const char *converge_action_name(enum converge_action a);

/**
 * converge_data_gb() - the size that Nova's times go by: memory, at least 2, and each copied disk, at least 2.
 * @disk_bytes: @n sizes
 */
double converge_data_gb(int64_t memory_mb, const int64_t *disk_bytes, int n);

/** converge_note() - take a sample into the history. Samples come in the order of their times. */
void converge_note(struct converge_history *h, const struct converge_sample *s);

/** converge_took() - @d was carried out. */
void converge_took(struct converge_history *h, const struct converge_decision *d);

/**
 * converge_decide() - what to do now.
 * @s: the last sample that was noted
 */
struct converge_decision converge_decide(const struct converge_params *p, const struct converge_history *h, const struct converge_sample *s);

/** converge_eta() - when it ends if all goes on as it does. */
struct converge_eta converge_eta(const struct converge_params *p, const struct converge_history *h, const struct converge_sample *s);

/** converge_stalled() - the iterations do not shrink any more. */
bool converge_stalled(const struct converge_history *h);

#endif

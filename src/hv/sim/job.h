/* SPDX-License-Identifier: Apache-2.0
 *
 * job: migrations under way. See the theory of operation in course.c.
 */
#ifndef SIM_JOB_H
#define SIM_JOB_H

#include "hv/sim/link.h"
#include "hv/sim/types.h"

#define SIM_DOWNTIME_MS     300 /* QEMU's default limit */
#define SIM_START_MS        100 /* the destination's QEMU starts */
#define SIM_SETUP_MS        100 /* the two connect */
#define SIM_SWITCH_MS       20  /* device state, beside the memory that remains */
#define SIM_CONFIRM_MS      200 /* from RESUMED at the destination to STOPPED at the source */

enum sim_part {
	SIM_PART_START, SIM_PART_SETUP, SIM_PART_DISKS, SIM_PART_PRECOPY, SIM_PART_SWITCH, SIM_PART_POSTCOPY, SIM_PART_CONFIRM,
	SIM_PART_CANCELLED, /* QEMU has let go, and libvirt's call waits until the destination answers or is given up */
};

#define SIM_CANCELLED "operation aborted: migration out job: canceled by client"

struct sim_job {
	struct sim_flow flow;       /* from its source to its destination; first */
	struct sim *w;
	char uuid[UTIL_UUID_LEN + 1];
	struct sim_dom *src, *dst;
	struct sim_call *call;      /* the call that waits for the end; NULL: none */
	enum sim_part part;
	bool postcopy, converge, persist;
	char *definition;      /* what becomes the destination's, if it is to be persistent */
	bool paused;                /* the guest was, at the start */
	bool stays_paused;          /* it does not run on at the destination */
	bool instant;
	bool refused;               /* the destination could not let the guest run; the source will */
	bool detached;
	bool postcopy_asked;        /* while nothing could be sent: QEMU's thread hangs in a write and has not seen it */
	GPtrArray *disks;           /* struct sim_disk * that are copied; NULL: none */
	double disk_processed, disk_remaining;
	/* post-copy */
	bool landing;               /* the guest's devices are on their way: it runs nowhere, and the destination's QEMU cannot wait yet */
	bool given_up;              /* the source's QEMU has closed the connection and waits to be resumed */
	bool noticed;               /* ... and so does the destination's */
	bool unwatched;             /* the destination's libvirtd is a new one: it does not tell how its QEMU fares */
	int64_t silent_ms, quiet_ms; /* since when nothing got through; until when TCP does not try again. 0: never */
	struct clock_timer *talk;   /* the next of these that the two need each other for */
	double cap;                 /* bytes a second by HV_JOB_TUNE; 0: none */
	int64_t limit_ms;           /* permitted downtime */
	int64_t start_ms, setup_ms, iter_ms, part_ms, seen_ms;
	double total, processed, remaining;
	double written;             /* by the guest in this iteration, to whatever place */
	double iter_size;           /* what this iteration had to send */
	double dirty_bps;           /* of the last iteration; 0 before there was one */
	double rate;                /* now; INFINITY at once */
	int64_t iteration, requests;
	int64_t expected_ms, downtime_ms;
	int64_t blackout_ms, postcopy_ms;
	double slowed_ms;
	int throttle, high;
	int64_t period_ms;          /* since when the next two count */
	double period_sent, period_dirty;
	struct clock_timer *step, *lost;
};

/* What a migration has cost so far, or did until its end. */
struct sim_job_report {
	bool ended, completed;
	int64_t total_ms;
	int64_t blackout_ms;      /* the guest ran on neither side */
	int64_t slowed_ms;        /* of the time that auto-converge took from it: 1 s at 20 % is 200 ms */
	int64_t postcopy_ms;      /* it ran with memory missing */
	int64_t sent_bytes;       /* memory and disks */
	int64_t iterations;
	int throttle;             /* the most, percent */
};

bool sim_job_incoming(const struct sim_dom *d);
/* Does its libvirt tell of a migration of it? Not of one that was cancelled and hangs on. */
bool sim_job_told(const struct sim_dom *d);
/* Do bytes of it flow now? */
bool sim_job_flows(const struct sim_job *j);
/* Can the two halves reach each other? */
bool sim_job_connected(const struct sim_job *j);
/* A carrier's, whose QEMU at the source waits for an answer of the other one. */
bool sim_job_hangs(const struct sim_job *j);
/* What the guest writes to disks that are copied, bytes a second. */
double sim_job_disk_writes(const struct sim_job *j);
/* The guest was suspended: it writes no more. */
void sim_job_account(struct sim_job *j);
/* The same on both links of a migration. */
void sim_job_replan(struct sim_job *j);
/* It is in that part now; the caller plans its end. */
void sim_job_set_part(struct sim_job *j, enum sim_part part);
/* A half leaves the job; calls that waited for its lock try again. */
void sim_job_let_go(struct sim_dom **half);
void sim_job_free(struct sim_job *j);
/** sim_job_report() - of the last migration of a guest. Return: false if there was none. */
bool sim_job_report(struct sim *w, const char *uuid, struct sim_job_report *ret);
/* The job is over; a waiting call gets the answer. @why: NULL for success. */
void sim_job_end(struct sim_job *j, const char *why);
/* It failed before the guest had moved: it runs on where it was. */
void sim_job_fail(struct sim_job *j, const char *why);
/* The same by an abort, at once only where the destination can be told. */
void sim_job_cancel(struct sim_job *j);
void sim_job_stats(const struct sim_job *j, struct hv_job *out);

#endif

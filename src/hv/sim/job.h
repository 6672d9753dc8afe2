/* SPDX-License-Identifier: Apache-2.0
 *
 * sim_job: what the simulator's files on migrations share. See the theory of
 * operation in job.c.
 */
#ifndef SIM_JOB_H
#define SIM_JOB_H

#include "hv/sim/int.h"

#define DOWNTIME_MS     300 /* QEMU's default limit */
#define START_MS        100 /* the destination's QEMU starts */
#define SETUP_MS        100 /* the two connect */
#define SWITCH_MS       20  /* device state, beside the memory that remains */
#define CONFIRM_MS      200 /* from RESUMED at the destination to STOPPED at the source */

enum part {
	PART_START, PART_SETUP, PART_DISKS, PART_PRECOPY, PART_SWITCH, PART_POSTCOPY, PART_CONFIRM,
	PART_CANCELLED, /* QEMU has let go, and libvirt's call waits until the destination answers or is given up */
};

#define CANCELLED "operation aborted: migration out job: canceled by client"

struct sim_job {
	struct sim *w;
	char uuid[UTIL_UUID_LEN + 1];
	struct sim_host *src_host, *dst_host;
	struct sim_dom *src, *dst;
	struct sim_call *call;      /* the call that waits for the end; NULL: none */
	enum part part;
	bool postcopy, converge, persist;
	char *definition;      /* what becomes the destination's, if it is to be persistent */
	bool paused;                /* the guest was, at the start */
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

/* A half leaves the job; calls that waited for its lock try again. */
void sim_job_let_go(struct sim_dom **half);
/* The job is over; a waiting call gets the answer. @why: NULL for success. */
void sim_job_end(struct sim_job *j, const char *why);
/* It failed before the guest had moved: it runs on where it was. */
void sim_job_fail(struct sim_job *j, const char *why);
/* The same by an abort, at once only where the destination can be told. */
void sim_job_cancel(struct sim_job *j);
/* Begin a part that lasts @ms. */
void sim_job_enter(struct sim_job *j, enum part part, int64_t ms);
/* The guest leaves for the destination, its memory follows. */
void sim_job_depart(struct sim_job *j);
/* libvirt's call is over, QEMU goes on by itself. */
void sim_job_detach(struct sim_job *j, const char *why);
void sim_act_postcopy_pause(struct sim_call *sc, struct sim_dom *d);
void sim_act_resume_postcopy(struct sim_call *sc, struct sim_dom *src);
/* Plan what comes next beside the flow of memory; true if memory flows. */
bool sim_job_plan_postcopy(struct sim_job *j);
/* A cable changed: since when the two are out of touch, or for how long they will go on not to notice. */
void sim_job_touch(struct sim_job *j);
/* One QEMU is gone: the one that is left is half of a guest. */
void sim_job_postcopy_broke(struct sim_job *j);
/* Can the two halves reach each other? */
bool sim_job_connected(const struct sim_job *j);
/* Go to post-copy if that was asked and the two halves can reach each other. */
void sim_job_take_postcopy(struct sim_job *j);
void sim_job_stats(const struct sim_job *j, struct hv_job *out);

#endif

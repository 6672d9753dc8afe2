/* SPDX-License-Identifier: Apache-2.0
 *
 * decide: what the state of a domain means for the action that was asked for. Pure.
 */
#ifndef DECIDE_H
#define DECIDE_H

#include <stdbool.h>

#include "hv/hv.h"

/* The stages: the indices of power_kind.stages. */
enum power_stage {
	POWER_LOOK,   /* nothing was asked of the host yet */
	POWER_ASK,    /* the guest is asked to shut off */
	POWER_STOP,   /* it is stopped hard */
	POWER_START,  /* it is started */
	POWER_CHANGE, /* one act that is neither */
	POWER_DONE, POWER_ERROR,
	POWER_STAGE_N
};

/* task_action.what */
enum power_what {
	POWER_OS_START, POWER_OS_STOP, POWER_SOFT, POWER_HARD, POWER_PAUSE, POWER_UNPAUSE, POWER_SUSPEND, POWER_RESUME,
	POWER_WHAT_N
};

enum power_verdict {
	POWER_WAITS,  /* ask again in a while */
	POWER_ACTS,   /* call .op, then ask again */
	POWER_ENDS,   /* call .op; its success is the end */
	POWER_GOES,   /* to stage .next */
	POWER_FAILS,  /* .why */
};

struct power_step {
	enum power_verdict verdict;
	enum hv_op op;
	bool boot;             /* HV_DOM_START: past a managed save image */
	enum power_stage next;
	const char *why;       /* for people; of POWER_GOES too */
};

/* What is known. */
struct power_view {
	enum power_stage stage;
	enum power_what what;
	const struct hv_dom *dom;
	bool late;             /* ASK: its time is up */
	bool rebooted;         /* ASK: HV_EV_REBOOT has come */
};

/** power_decide() - what is next. */
struct power_step power_decide(const struct power_view *v);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * fault: what a rule of the gate can do to a call.
 */
#ifndef SIM_FAULT_H
#define SIM_FAULT_H

#include <stdbool.h>
#include <stdint.h>

#include "hv/hv.h"

enum sim_fault_kind {
	SIM_REFUSE,            /* answer with ERR_HV, do not act */
	SIM_REFUSE_GUEST,      /* the same with ERR_HV_GUEST */
	SIM_BUSY,              /* the same with ERR_HV_BUSY */
	SIM_LOSE_REQUEST,      /* ERR_HV_LOST, not acted */
	SIM_LOSE_REPLY,        /* ERR_HV_LOST, acted */
	SIM_HANG,              /* never answered, not acted */
	SIM_HANG_REPLY,        /* never answered, acted */
	SIM_DELAY,             /* the request takes .ms longer */
	SIM_HOLD,              /* the request waits for sim_release() */
	SIM_HOLD_REPLY,        /* acted; the reply waits for sim_release() */
	SIM_LIBVIRTD_BEFORE,   /* libvirtd is killed instead of acting; back after .ms */
	SIM_LIBVIRTD_AFTER,    /* libvirtd is killed when it has acted; back after .ms */
	SIM_CONTROLLER_BEFORE, /* the controller is killed, the request was never sent */
	SIM_CONTROLLER_AFTER,  /* the controller is killed when the host has acted */
	SIM_CUT_LINK,          /* the host's cable is out before the request arrives; back after .ms */
	SIM_POWER_OFF,         /* the host dies before the request arrives; back after .ms */
	SIM_FAULT_N
};

struct sim_fault {
	const char *host;      /* NULL: any */
	enum hv_op op;         /* HV_OP_N: any */
	int64_t nth;           /* the how manieth call that fits, from 1; 0: each of them */
	enum sim_fault_kind kind;
	int64_t ms;            /* the length of a delay or of an outage; 0 with an outage: no end */
	const char *name;      /* for sim_release() and sim_held() */
};

/** sim_fault_name() - "lose-reply", ...; sim_fault_parse() is the way back, false for an unknown word. */
const char *sim_fault_name(enum sim_fault_kind k);
bool sim_fault_parse(const char *name, enum sim_fault_kind *ret);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * probe: what the states of both hosts mean for a cold migration. Pure.
 *
 * The rule of authority: before START the source's disks are the guest, from START on the destination's. What may be done at a
 * host follows from the stage, which is in the row, and from what both hosts say of the guest and of its carrier (hv/carrier.h).
 * After every doubt (a restart, a lost reply) both are asked again, and cold_decide() reads the answers. Every act that
 * it names can be repeated.
 */
#ifndef COLD_PROBE_H
#define COLD_PROBE_H

#include <stdbool.h>

#include "hv/carrier.h"
#include "hv/hv.h"

/* Where a cold migration stands, as far as hosts matter. */
enum cold_stage {
	COLD_STOP,    /* the guest is being shut off */
	COLD_CARRY,   /* its local disks go over */
	COLD_LAND,    /* it gets its definition at the destination */
	COLD_START,   /* written before it is started there: the destination has the authority from here on */
	COLD_VERIFY,  /* waits for a user's decision */
	COLD_CONFIRM, /* the source forgets it */
	COLD_REVERT,  /* the destination forgets it, and it goes on at the source */
	COLD_UNDO,    /* the same, before START */
	COLD_STAGE_N
};

/* The guest on one host. */
enum cold_half {
	COLD_H_UNKNOWN, /* the host did not answer */
	COLD_H_ABSENT,
	COLD_H_OFF,     /* defined, and no process has its disks */
	COLD_H_LIVES,   /* a process has its disks: it runs, is paused, starts, or has crashed and is kept */
	COLD_H_N
};

/* The carrier, by what both hosts say. */
enum cold_carrier {
	COLD_C_NEEDLESS, /* there is nothing to carry */
	COLD_C_UNKNOWN,  /* the source does not say */
	COLD_C_GONE,     /* none at the source, and the destination does not say */
	COLD_C_NONE,
	COLD_C_STUCK,    /* on one host or both, and no job: nothing will come of it */
	COLD_C_COPYING,
	COLD_C_LEAVING,  /* all of it is at the destination, and the source has not ended its own yet */
	COLD_C_ARRIVED,  /* all of it is at the destination */
	COLD_C_N
};

/* What is known. */
struct cold_sight {
	enum cold_stage stage;
	enum cold_half source, dest;
	enum cold_carrier carrier;
	bool ran;     /* the guest ran when it was asked for, and is to run again */
	bool landed;  /* LAND was reached: a definition at the destination may be ours. Else it has one of another origin, or none */
	bool pressed; /* it was asked to shut off, and may still heed that */
};

enum cold_verdict {
	COLD_WAIT,            /* nothing can be said or done now; ask again */
	/* what is done now; then both hosts are asked again */
	COLD_SHUT_OFF,        /* ask the guest to shut off; stop it hard when its time is over */
	COLD_DROP_CARRIER,    /* destroy the carrier, wherever it is */
	COLD_SEND,            /* make the files at the destination, again from nothing, and send a carrier */
	COLD_WATCH,           /* the copy runs */
	COLD_DEFINE,          /* give it its definition at the destination */
	COLD_START_DEST,
	COLD_DESTROY_DEST,    /* stop it hard at the destination */
	COLD_UNDEFINE_DEST,
	COLD_START_SOURCE,
	COLD_UNDEFINE_SOURCE,
	COLD_SETTLE,          /* it lives at the source, and may yet shut off because it was asked to: look again when its time is over */
	/* the stage is over */
	COLD_STOPPED,         /* on to CARRY */
	COLD_CARRIED,         /* on to LAND */
	COLD_LANDED,          /* on to START */
	COLD_ARRIVED,         /* on to VERIFY */
	COLD_REST,            /* VERIFY: nothing is done */
	COLD_CONFIRMED,
	COLD_CONFIRMED_BLIND, /* the same; what the source has must go when it is back */
	COLD_REVERTED,
	COLD_UNDONE,
	COLD_UNDONE_BLIND,    /* the same; what the destination has must go when it is back */
	/* it cannot go on */
	COLD_GIVE_UP,         /* the destination is silent: on to UNDO */
	COLD_SOURCE_STARTED,  /* the guest was started at the source by other hands, before START: on to UNDO, and it stays there */
	COLD_ELSEWHERE,       /* it was moved to the destination by other hands: an error; touch nothing */
	COLD_TWO_SIDES,       /* it lives at the source after START: two states of it, an operator decides. An error; touch nothing */
	COLD_ONE_SIDED,       /* what is to be left has the only definition: an error; touch nothing */
	COLD_SPLIT,           /* it lives on both: alarm, touch nothing */
	COLD_LOST,            /* it is nowhere */
	COLD_VERDICT_N
};

/** cold_half_of() - class of a host's answer; NULL is COLD_H_UNKNOWN. */
enum cold_half cold_half_of(const struct hv_dom *d);
/** cold_carrier_of() - of what each host says. @source, @dest: CARRIER_NOT_TOLD where it did not answer */
enum cold_carrier cold_carrier_of(enum carrier_state source, enum carrier_state dest);

/** cold_decide() - read the table. */
enum cold_verdict cold_decide(const struct cold_sight *s);

/** cold_half_name(), cold_carrier_name(), cold_verdict_name() - for the log and the record: "lives", "arrived", "start-dest". */
const char *cold_half_name(enum cold_half h);
const char *cold_carrier_name(enum cold_carrier c);
const char *cold_verdict_name(enum cold_verdict v);

#endif

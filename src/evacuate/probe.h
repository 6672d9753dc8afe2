/* SPDX-License-Identifier: Apache-2.0
 *
 * probe: what the states of both hosts mean for an evacuation. Pure.
 *
 * One rule is above all others: never two running copies. So the guest is started paused at its destination, its old host is looked for once
 * more, and only then it runs; what has never run there can be taken away again without a loss. Once it was told to run, it is never taken away.
 * After every doubt (a restart, a lost reply) the hosts are asked again, and evac_decide() reads the answers. Every act that it names can be repeated.
 */
#ifndef EVAC_PROBE_H
#define EVAC_PROBE_H

#include <stdbool.h>

#include "hv/hv.h"

/* Where an evacuation stands, as far as hosts matter. */
enum evac_stage {
	EVAC_SPAWN, /* it is defined and started at its destination */
	EVAC_UNDO,  /* the destination forgets it */
	EVAC_CLEAN, /* the host that it was evacuated from is back: "dest" is the server's own host, wherever that is by now */
	EVAC_STAGE_N
};

/* The guest on one host. */
enum evac_half {
	EVAC_H_UNKNOWN, /* the host did not answer */
	EVAC_H_SILENT,  /* of the old host: it is not connected, and could not be asked */
	EVAC_H_DEAD,    /* of the destination: the same, and it was fenced, or forced down by an administrator */
	EVAC_H_ABSENT,
	EVAC_H_OFF,     /* defined, and no process has its disks */
	EVAC_H_BUSY,    /* it is being started, or ends: the next answer tells */
	EVAC_H_PAUSED,
	EVAC_H_RUNS,
	EVAC_H_N
};

/* What is known. */
struct evac_sight {
	enum evac_stage stage;
	enum evac_half source, dest;
	bool runs;    /* it is to run at its destination */
	bool resumed; /* it was told to, and may have run there */
	bool looked;  /* its old host was looked for since it waits there, and is silent */
	bool lost;    /* SPAWN: its old host is silent, and neither fenced nor forced down any more: it was switched on, or has answered in between */
	bool off;     /* CLEAN: its old host was off since it was left: what runs there was started since */
};

enum evac_verdict {
	EVAC_WAIT,            /* nothing can be said or done now; ask again */
	/* what is done now; then the hosts are asked again */
	EVAC_DEFINE,          /* give it its definition at the destination */
	EVAC_START,           /* paused */
	EVAC_LOOK,            /* for its old host, once more */
	EVAC_RESUME,
	EVAC_DESTROY_DEST,    /* it waits there, and has never run */
	EVAC_UNDEFINE_DEST,
	EVAC_DESTROY_SOURCE,  /* the old copy was started when its host was, and the guest runs at its own */
	EVAC_UNDEFINE_SOURCE,
	/* the stage is over */
	EVAC_ARRIVED,         /* on to MOVED */
	EVAC_UNDONE,
	EVAC_AWAY,            /* CLEAN: the old host is silent again: back to MOVED */
	EVAC_COMPLETED,
	/* it cannot go on */
	EVAC_BACK,            /* SPAWN: the old host lives, and has the guest: on to UNDO */
	EVAC_DEST_DEAD,       /* SPAWN: the destination has died as well: on to UNDO, and the next one */
	EVAC_SPLIT,           /* it lives on both: alarm, touch nothing but fence the old host again */
	EVAC_CUT_OFF,         /* CLEAN: the old copy runs on, as its host was never off: [ha] returning says what follows */
	EVAC_LAST_COPY,       /* CLEAN: what is to go may be all that there is of the guest: alarm, touch nothing */
	EVAC_VERDICT_N
};

/** evac_half_of() - class of a host's answer; NULL is EVAC_H_UNKNOWN. No answer says EVAC_H_SILENT. */
enum evac_half evac_half_of(const struct hv_dom *d);
/** evac_decide() - read the table. */
enum evac_verdict evac_decide(const struct evac_sight *s);
/** evac_half_name(), evac_verdict_name() - for the log and the record: "paused", "host-back". */
const char *evac_half_name(enum evac_half h);
const char *evac_verdict_name(enum evac_verdict v);

#endif

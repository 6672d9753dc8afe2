/* SPDX-License-Identifier: Apache-2.0
 *
 * policy: when a silent host is fenced, and its servers are evacuated, without a person. Pure.
 *
 * A host that is fenced for nothing takes its guests down; a controller that is cut off sees all of its hosts dead. So everything here is about not acting:
 * nothing is fenced unless the rest of the fleet is seen to live, few hosts fell silent, and the controller's own network is well.
 */
#ifndef HA_POLICY_H
#define HA_POLICY_H

#include <stdbool.h>
#include <stdint.h>

/* What was done about a host; a row's word, but WATCHED has no row. */
enum ha_phase {
	HA_WATCHED,
	HA_SILENT,     /* it fell silent */
	HA_FENCING,    /* its fence agent was asked */
	HA_EVACUATING, /* it is fenced, and its servers are asked to be evacuated */
	HA_DONE,       /* all were */
	HA_GIVEN_UP,   /* nothing more is done without a person */
	HA_PHASE_N
};

/** ha_phase_name() - "silent". */
const char *ha_phase_name(enum ha_phase p);

/* What a look at the network has shown (look.h). */
enum ha_sight {
	HA_UNSEEN,     /* it was not looked */
	HA_BLIND,      /* the controller's own address, from which it reaches the host, has no carrier, or there is no way to the host at all */
	HA_LIVES,      /* the host's kernel has answered: its libvirtd is what is silent */
	HA_DARK,       /* the controller's address has a carrier, and nothing answers */
	HA_SIGHT_N
};

/* A host. */
struct ha_host {
	enum ha_phase phase;
	bool answers;          /* it is connected */
	bool left_alone;       /* disabled or forced down by a person, or it is not to be connected */
	bool has_servers;
	bool has_agent;
	bool fencing, fenced;
	int64_t silent_ms;     /* for how long it has been, without a break in which nothing was known, and in which nothing of it answered on the network */
	enum ha_sight sight;
	bool all_told;         /* EVACUATING: each of its servers has been asked for, and none is under way */
};

/* The others. */
struct ha_fleet {
	bool settled;          /* what is known of the hosts is worth judging by */
	int hosts;             /* all but those that are left alone */
	int fell;              /* ... that fell silent within the window, or did before and are neither back nor fenced; the host itself is one of them */
	int answering;         /* ... that answer */
};

struct ha_limits {
	int64_t delay_ms;
	int max_hosts;
};

enum ha_act {
	HA_NOTHING,
	HA_NOTE,       /* it fell silent: SILENT */
	HA_LOOK,       /* at the network; the answer is .sight */
	HA_FENCE,      /* FENCING */
	HA_SPARE,      /* something of it answers: if its agent fails, that is not run again */
	HA_EVACUATE,   /* EVACUATING: ask for those of its servers that were not asked for yet */
	HA_END,        /* DONE */
	HA_HOLD,       /* an alarm, and nothing; judged again all the time */
	HA_GIVE_UP,    /* an alarm, GIVEN_UP */
	HA_FORGET,     /* WATCHED */
	HA_ACT_N
};

struct ha_verdict {
	enum ha_act act;
	const char *why;  /* of HOLD and GIVE_UP: a sentence; static */
};

/** ha_act_name() - for tests: "fence". */
const char *ha_act_name(enum ha_act a);
/** ha_max() - how many hosts may have fallen silent: max_hosts, and a tenth of the fleet, but one at least. */
int ha_max(const struct ha_limits *l, const struct ha_fleet *f);
/** ha_decide() - what is done about a host now. */
struct ha_verdict ha_decide(const struct ha_limits *l, const struct ha_fleet *f, const struct ha_host *h);

#endif

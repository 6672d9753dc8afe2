/* SPDX-License-Identifier: Apache-2.0
 *
 * leftover: what a task left where it could not look.
 *
 * Theory of operation
 * -------------------
 * A migration whose destination is silent is undone without it: the guest runs
 * at its source, and is not kept waiting for a host that may be dead. A cold
 * one is confirmed without its source. When that
 * host is back it may still hold the waiting half, paused, with the guest's
 * memory taken, a definition, or a carrier (reap.c). leftover_decide(), a pure table, says what is
 * done about it, by what is seen there, by the row that explains it, and by
 * what the server's own host has said after it was first seen. What no row
 * explains stays.
 *
 * What a host has when it comes back is decided before it counts as up, as far as the server's own host answers
 * (leftovers_decided()); the rest as that is polled. Files go when no domain of the guest is there any more (volume.h).
 *
 * A server that a task owns has no leftovers: the task sees to them. What is not
 * seen at every poll is forgotten: one that comes later is another one. A
 * migration begun by hand at that moment is refused by libvirt, because the
 * domain exists at the destination.
 */
#ifndef LEFTOVER_H
#define LEFTOVER_H

#include "move/definition.h"

/* What is seen at a host that is not the server's own. */
enum leftover_seen {
	LEFTOVER_WAITING, /* the half of a migration, which never ran; without a job */
	LEFTOVER_OFF,     /* shut off, or otherwise not running */
	LEFTOVER_RUNNING,
	LEFTOVER_CARRIER, /* no guest: what carries the files of one */
	LEFTOVER_SEEN_N
};

/* The row that explains it. */
enum leftover_row {
	LEFTOVER_NO_ROW,
	LEFTOVER_UNDONE,  /* of a task that was to bring the guest to that host and ended without success */
	LEFTOVER_DEFINED, /* likewise, and another row says that it may have defined the guest there (definition.h) */
	LEFTOVER_LEFT,    /* of a task that moved the guest while it was off: it is not to be at that host any more, whether it runs or not */
	LEFTOVER_ACTIVE,  /* of a task that has not ended. Of carriers alone, like the next */
	LEFTOVER_OVER,    /* of one that has */
	LEFTOVER_ROW_N
};

/* What the server's own host has said since. */
enum leftover_home {
	LEFTOVER_HOME_SILENT,
	LEFTOVER_HOME_RUNS, /* the guest runs there, or is paused, and has no job */
	LEFTOVER_HOME_BUSY, /* likewise, with one */
	LEFTOVER_HOME_OFF,
	LEFTOVER_HOME_OTHER,
	LEFTOVER_HOME_N
};

enum leftover_act {
	LEFTOVER_KEEP,
	LEFTOVER_DESTROY,  /* the half that waits, or the carrier */
	LEFTOVER_UNDEFINE, /* what is defined as the row says; anything else is not ours, and stays */
	LEFTOVER_ACT_N
};

/** leftover_decide() - read the table. */
enum leftover_act leftover_decide(enum leftover_seen seen, enum leftover_row row, enum leftover_home home);

struct leftovers;

/* What is asked of the tasks. */
struct leftover_asks {
	/* Does one own that server, or may take it back to that host? */
	bool (*owned)(const char *server_uuid, const char *host, void *user);
	/* Was one to bring it to that host, and has ended without success? */
	bool (*undone)(const char *server_uuid, const char *host, void *user);
	/* Something that was left at a host that has come back is decided. */
	void (*decided)(struct host *h, void *user);
	void *user;
};

/**
 * leftovers_new()
 * @f, @definitions: borrowed, must outlive it
 * @asks: copied
 */
struct leftovers *leftovers_new(struct fleet *f, struct definitions *definitions, const struct leftover_asks *asks);
/** leftovers_stop() - from now on answers of hosts change nothing. */
void leftovers_stop(struct leftovers *set);
/** leftovers_free() - no call to a host may be under way. NULL is fine. */
void leftovers_free(struct leftovers *set);

/** leftovers_seen() - a host has @d, whose server is elsewhere. */
void leftovers_seen(struct leftovers *set, struct host *h, const struct hv_dom *d);
/** leftovers_decided() - nothing is asked or removed any more for what that host has said since its connection was made. */
bool leftovers_decided(const struct leftovers *set, const struct host *h);

#endif

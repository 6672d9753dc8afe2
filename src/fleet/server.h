/* SPDX-License-Identifier: Apache-2.0
 *
 * server: the record of a virtual machine.
 *
 * The fields above the line are a row of the store; changes go
 * through fleet_server_save(). The others are what the host last said.
 * What users see (status) is a function of the record: server_status().
 */
#ifndef SERVER_H
#define SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "base/due.h"
#include "base/util.h"
#include "hv/hv.h"

/* Nova's vm_state */
enum server_vm {
	SERVER_ACTIVE, SERVER_BUILDING, SERVER_PAUSED, SERVER_SUSPENDED, SERVER_STOPPED, SERVER_RESCUED, SERVER_RESIZED,
	SERVER_SOFT_DELETED, SERVER_DELETED, SERVER_ERROR, SERVER_SHELVED, SERVER_SHELVED_OFFLOADED, SERVER_VM_N
};

/* Nova's task_state; SERVER_TASK_NONE is null */
enum server_task {
	SERVER_TASK_NONE, SERVER_TASK_MIGRATING, SERVER_TASK_RESIZE_PREP, SERVER_TASK_RESIZE_MIGRATING,
	SERVER_TASK_RESIZE_MIGRATED, SERVER_TASK_RESIZE_FINISH, SERVER_TASK_RESIZE_REVERTING, SERVER_TASK_REBUILDING,
	SERVER_TASK_REBUILD_BLOCK_DEVICE_MAPPING, SERVER_TASK_REBUILD_SPAWNING,
	SERVER_TASK_POWERING_ON, SERVER_TASK_POWERING_OFF, SERVER_TASK_REBOOTING, SERVER_TASK_REBOOT_STARTED, SERVER_TASK_REBOOTING_HARD,
	SERVER_TASK_REBOOT_STARTED_HARD, SERVER_TASK_PAUSING, SERVER_TASK_UNPAUSING, SERVER_TASK_SUSPENDING, SERVER_TASK_RESUMING, SERVER_TASK_N
};

/*
 * What of a server is the record's, and what its hosts say (sync.c has the rules). Every server is adopted today: it was found on
 * a host. One that Drover makes is managed. (Evacuated: to come.)
 */
enum server_nature { SERVER_ADOPTED, SERVER_MANAGED, SERVER_NATURE_N };

/* Nova's power_state */
enum server_power {
	SERVER_POWER_NONE = 0, SERVER_POWER_RUNNING = 1, SERVER_POWER_PAUSED = 3, SERVER_POWER_SHUTDOWN = 4,
	SERVER_POWER_CRASHED = 6, SERVER_POWER_SUSPENDED = 7
};

#define FLEET_UNIT_GIB (INT64_C(1) << 30)
#define SERVER_SHUTDOWN_MAX_S 86400 /* as of the option */

/* Resources taken, or asked for. */
struct usage {
	int vcpus;
	int64_t memory_mb, disk_gb;
	int servers;
};


/* What subscribers know of a server (publish.c). */
struct server_published {
	char *name, *host;
	enum server_vm vm;
	enum server_task task;
	int power;
};

/* As what a server is counted (tally.c). */
struct server_counted {
	bool in;          /* it is counted at all */
	bool lost, duplicate, unreadable;
	enum server_vm vm;
	enum server_task task;
};

struct server {
	int64_t id;          /* of its row; 0 until it has one. In memory it is known by .nth */
	char uuid[UTIL_UUID_LEN + 1];
	char *name;
	char *host;          /* NULL when it is on none */
	char *libvirt_name;  /* OS-EXT-SRV-ATTR:instance_name */
	enum server_vm vm;
	enum server_task task;
	int power;           /* enum server_power */
	int vcpus;
	int64_t memory_mb, disk_gb;
	char *user_id, *project_id;
	int64_t created_us, updated_us, launched_us, deleted_us; /* 0 is null */
	bool locked;
	char *locked_by;     /* "owner": by a user of its project; "admin": by another; NULL: not locked, or not said */
	char *locked_reason; /* what the user said; NULL */
	char *fault;         /* why it is in error; NULL */
	bool fault_stays;    /* ... and an operator has to decide: it is no end of that when the guest runs */
	bool autostart;      /* it is to start when its host does; as its host last said, or as it is kept (autostart.h) */
	bool autostart_ours; /* ... and Drover starts it: libvirt's flag is switched off, or is about to be */
	bool autostart_off;  /* ... and was seen to be off */
	/* ---- not stored ---- */
	int64_t nth;         /* the number of its coming to the fleet, from 1, which no other one is given: fleet_servers() is in this order; 0: it is not the fleet's */
	enum server_nature nature;
	char *unknown;       /* what of its row means nothing to this version ("vm_state is idle"): it is shown, the row stays as it is; NULL */
	int progress;        /* percent, of a migration */
	int64_t dirty_bps;   /* bytes a second that it has dirtied, as the last live migration measured before it was slowed down; 0: none has */
	int64_t load_mcpu;   /* thousandths of a CPU that it uses, measured (load.h); 0 while .load_known is false */
	bool load_known;
	int64_t load_host, load_ns, load_us; /* the last answer: the id of the host, its CPU time there, and when */
	struct hv_dom *dom;  /* what the host last said; NULL before */
	struct hv_ties *ties; /* a reference: of .dom, and kept where that is not known for a moment; NULL: never known, or missing */
	bool unsaved;        /* the row may differ: the database refused a change, or its answer was lost */
	bool missing;        /* its host was asked and does not have it */
	uint64_t missing_ask;     /* fleet's questions when every host was up and none had it; 0 for not yet */
	char *duplicate_at;  /* another host that also says it lives there; NULL */
	int64_t duplicate_ms; /* when it was first seen there */
	bool duplicate_logged; /* the alarm was given */
	int64_t dom_ms;      /* when its host last said what .dom is */
	GPtrArray *nics;     /* struct server_nic *: its interfaces, last known (addr.h); NULL: never known */
	GArray *addrs;       /* struct hv_addr: what addresses they have, last known; NULL: none was */
	char *addrs_stored;  /* both as its row has them, or soon will; NULL: no address */
	int64_t addrs_due_ms; /* when they are to be asked for next; counts while it runs */
	unsigned addrs_asked; /* how often, since it started or moved */
	bool addrs_follow;   /* it runs */
	bool addrs_asking;   /* its host has the question */
	struct due *addrs_queue; /* of its host, which it is in as one to be asked; NULL: it is not */
	guint addrs_place;   /* in there */
	bool autostart_refused; /* the last attempt to switch libvirt's flag was refused */
	uint64_t autostart_ask; /* what was asked of its host before this says nothing of the flag: it was being switched. UINT64_MAX: it is; 0: never */
	int64_t autostart_lost_ms; /* when the answer of such a switch was lost last, which may act yet; 0: never */
	int priority;        /* in which order it is evacuated, the highest first; below 0: not without a person. As its definition that is kept has it */
	uint64_t keep_sum;   /* the number of its definition that is kept (keep.h), or soon will be; 0: none */
	int64_t keep_at;     /* the id of the host in whose queue it is as one whose definition is to be read; 0: in none */
	bool keep_seen;      /* it was read since its host was connected */
	uint64_t dom_ask;    /* the question to its host that this answers; what answers an earlier one is of the past (sync.c) */
	uint64_t first_ask;  /* what any host answers to an earlier question is from before a migration's end */
	struct server_published *published; /* NULL: nothing yet */
	bool unpublished;    /* it may have changed since */
	struct server_counted counted;
};

/** server_vm_name(), server_task_name() - the words of the API; the latter NULL for none. */
const char *server_vm_name(enum server_vm vm);
const char *server_task_name(enum server_task task);

/** server_status() - the API's status ("ACTIVE", "MIGRATING", ...) from the record. */
const char *server_status(const struct server *s);

/** server_refuse_task(), server_refuse_vm() - ERR_CONFLICT in Nova's words: @action cannot be done in this task_state, or vm_state. Return: false. */
bool server_refuse_task(const struct server *s, const char *action, GError **err);
bool server_refuse_vm(const struct server *s, const char *action, GError **err);

/** server_refuse_unknown() - ERR_CONFLICT: its row has what this version does not know (server.unknown). Return: false. */
bool server_refuse_unknown(const struct server *s, const char *action, GError **err);

/** server_is_taken() - its record is another's to change: a task's, or another version's. What hosts say of it is not followed. */
bool server_is_taken(const struct server *s);

/** server_is_lost() - a migration ended without the guest: the record and its fault stay, as the evidence, until the guest runs or an admin resets it. */
bool server_is_lost(const struct server *s);
/** server_ends_fault() - that is over once the guest is seen to run. */
bool server_ends_fault(const struct server *s);

/** server_unreadable() - why its host's description of it cannot be read; NULL: it can, or was not asked for yet. Borrowed. */
const char *server_unreadable(const struct server *s);
/** server_unreadable_text() - that, or what of its row is unknown, as a sentence. Return: owned; NULL: it can be read. */
char *server_unreadable_text(const struct server *s);

/** server_usage() - what it takes where it is. */
struct usage server_usage(const struct server *s);

/** server_power_of() - power_state of a domain's state. */
int server_power_of(enum hv_state state);

/**
 * server_shutdown_timeout_s() - how long it has to shut off by itself, in seconds, before it is stopped hard.
 * @d: what its host says of it. Its metadata goes first, as Nova's image property of that name does; what is no such number there is logged
 * @usual: [DEFAULT] shutdown_timeout
 */
int64_t server_shutdown_timeout_s(const struct server *s, const struct hv_dom *d, int64_t usual);

/** server_set_ties() - its ties are these now; NULL: not known. Takes a reference of its own. */
void server_set_ties(struct server *s, struct hv_ties *t);

/*
 * What a task changes of a record: a draft. It is written in the task's transaction, and the record becomes so after the commit:
 * fleet_server_write(), fleet_server_take(). Texts are borrowed.
 */
struct server_draft {
	const char *host, *fault;
	bool fault_stays;
	enum server_vm vm;
	enum server_task task;
	bool locked;
	const char *locked_by, *locked_reason;
};

/** server_draft() - @s as it is. */
struct server_draft server_draft(const struct server *s);
/** server_draft_differs() - the record would change. */
bool server_draft_differs(const struct server *s, const struct server_draft *d);

struct server *server_new(const char *uuid);
void server_free(struct server *s);

#endif

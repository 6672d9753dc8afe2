/* SPDX-License-Identifier: Apache-2.0
 *
 * host: the record of a host, and what is known of it now.
 *
 * The fields above the line are a row of the store (host_row.c writes it). Those
 * below are what its connection says (host_link.c) and what is taken of it (room.c).
 */
#ifndef HOST_H
#define HOST_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "base/util.h"
#include "fleet/server.h"
#include "fleet/task_class.h"
#include "hv/hv.h"

/*
 * The connection of a host. What may be done in each is a row of host_states[].
 *
 * SYNCING: it is asked what it is and what it has. CLEANING: that is known, and what tasks have left behind there is being
 * decided, before anything runs on it again. UP: it can be used.
 */
enum host_conn { HOST_CLOSED, HOST_CONNECTING, HOST_SYNCING, HOST_CLEANING, HOST_UP, HOST_CONN_N };

struct host_state {
	bool asked;        /* calls reach it */
	bool used;         /* it can be a source and a destination, and counts as up if it answers */
	const char *down;  /* why it is down, where that is no error; NULL */
};

extern const struct host_state host_states[HOST_CONN_N];

/* What a host says of all of its domains. */
struct host_list {
	GPtrArray *doms;  /* struct hv_dom *; NULL where it was stolen */
	guint taken;      /* of these so many, from the first one on */
	uint64_t ask;     /* the number of the question */
};

/* Whether it was switched off, so that nothing runs there. host_fence.c writes it. */
struct host_fence {
	int64_t fenced_us;    /* since when it is known to be off; 0: it is not. It ends when the host answers */
	bool fencing;         /* it is being switched off, and may be already */
	char *reason;         /* why it was to be; behind a failure, what went wrong; NULL */
};

struct host {
	int64_t id;
	char uuid[UTIL_UUID_LEN + 1]; /* of the compute service and of the hypervisor, ours, stable */
	char hv_uuid[UTIL_UUID_LEN + 1]; /* what its libvirt calls the machine (host_uuid.c); "": it has never said. Of one host only */
	char *name;
	char *uri;
	char *inbound_addr;
	char *migration_uri;  /* what other hosts use to reach its libvirtd */
	char *vnc_listen;
	char *cell;           /* NULL: the one that host_cell() says */
	struct cpuset shared_cpus, dedicated_cpus; /* cpu_shared_set, cpu_dedicated_set; not stored */
	bool shares_cpus;     /* cpu_shared_set is not empty */
	bool disabled;
	char *disabled_reason;
	bool forced_down;
	bool from_conf;
	bool booted;          /* it has booted, and guests of it are still to be started (autostart.h) */
	struct host_fence fence;
	int64_t created_us, updated_us;
	/* ---- not stored ---- */
	char *same_as;                /* the host that has its libvirt's UUID: it is then not connected; NULL */
	enum host_conn conn;
	char *down_reason;            /* why it is not connected */
	int64_t last_seen_us;         /* wall clock of its last answer, for display; 0 for never */
	int64_t waits_since_us;       /* monotonic: since when an answer of it is owed without a sign of life; HOST_OWES_NOTHING */
	struct hv_host *hv;
	struct hv_host_info *info;    /* NULL before the first answer */
	bool tried;                   /* it was reached, or could not be, since the start, or since the loop stood */
	uint64_t listed;              /* the number of the last question for all domains that was answered */
	bool told;                    /* it has said since its connection was made which domains it has, and all were taken */
	guint domains;                /* ... how many, last */
	bool refused;                 /* its row has a URI that may not be used: never connected */
	bool unsaved;                 /* its row may differ: see struct server */
	bool uuid_unsaved;            /* ... in its UUID */
	bool fence_unsaved;           /* ... in what was fenced */
	bool booted_unsaved;          /* ... in whether it has booted */
	bool duplicate_logged;        /* host_uuid.c: that it is the same machine as another */
	bool published_up;            /* publish.c: what subscribers know */
	struct fleet *fleet;
	struct host_link *link;       /* host_link.c */
	struct host_addrs *addrs;     /* addr.c */
	struct host_load *load;       /* load.c */
	struct host_keep *keep;       /* keep.c */
	struct host_marks *marks;     /* marker.c */
	GPtrArray *looks;             /* struct look *: questions whether it answers; NULL: none. host_look.c */
	struct host_autostart *autostart; /* autostart.c */
	bool has_agent;               /* a fence agent, by the configuration */
	bool was_fenced;              /* it was, and is not up again: it has booted since */
	/* ---- room.c writes these ---- */
	struct room *room;            /* of the fleet */
	guint index;                  /* in fleet_hosts(); HOST_NOWHERE */
	GHashTable *servers;          /* struct server * -> itself: those with host == name */
	GHashTable *claims;           /* struct claim * -> itself: those at it */
	struct usage used, claimed;   /* the sums of both */
	struct usage capacity;        /* of info */
	int inbound[TASK_CLASSES_MAX];    /* inbound slots that are taken */
	GQuark arch;                  /* of info; 0: not known */
};

#define HOST_OWES_NOTHING INT64_MAX
#define HOST_NOWHERE G_MAXUINT

struct host *host_new(const char *name, const char *uri);
/** host_free() - it has no link and no addresses any more, and is in no list. */
void host_free(struct host *h);

/** host_set_cpus() - which CPUs guests share and which they have for themselves; NULL: not said. */
void host_set_cpus(struct host *h, const char *shared, const char *dedicated);

/** host_cell() - its cell. Servers migrate within one only (Nova's cells). Borrowed. */
const char *host_cell(const struct host *h);

/** host_used() - what its servers take now; claims are beside. */
struct usage host_used(const struct host *h);
/** host_claimed() - what claims of running tasks hold. */
struct usage host_claimed(const struct host *h);
/** host_total() - what it has, without ratios and reserves. */
struct usage host_total(const struct host *h);
/** host_capacity() - what the scheduler may give out: (total - reserved) * allocation ratio. */
struct usage host_capacity(const struct host *h);

/** host_dest_uri() - the libvirt URI for a migration to it. Borrowed. */
const char *host_dest_uri(const struct host *h);
/** host_migrate_uri() - "tcp://ADDRESS" of it. Return: owned by the caller; NULL if no address is known. */
char *host_migrate_uri(const struct host *h);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * fleet_priv: what fleet.c (records), host_link.c (connections) and sync.c (adoption) share.
 */
#ifndef FLEET_PRIV_H
#define FLEET_PRIV_H

#include "base/due.h"
#include "fleet/fleet.h"

struct fleet {
	const struct conf *conf;
	struct store *store;
	struct hv *hv;
	struct fleet_listener listener;
	GPtrArray *hosts;          /* struct host *, by id */
	GHashTable *hosts_by_name; /* borrowed keys */
	struct room *room;
	GArray *candidates;        /* the scheduler's, while it chooses */
	GPtrArray *servers;        /* struct server *, by id */
	GHashTable *servers_by_uuid;
	char *owner_user, *owner_project; /* of adopted servers */
	guint missing;             /* how many servers are */
	uint64_t asks;             /* questions to hosts so far */
	bool started, settled;
	int64_t unsettled_ms;      /* since when, while it is not */
	struct events *events;
	GPtrArray *untold;         /* servers that may have changed since watchers were told of them */
	struct clock_timer *telling;
	GPtrArray *addrs_unsaved;  /* UUIDs, owned, of servers whose rows have other addresses (addr.c) */
	struct clock_timer *addrs_writing;
};

struct host_private {
	struct fleet *fleet;
	struct clock_timer *retry, *poll;
	int64_t backoff_ms;
	bool refused;     /* its row has a URI that may not be used: never connected */
	bool tried;       /* it was reached, or could not be, since the start */
	bool polling;     /* a poll is unanswered */
	uint64_t listed;  /* the number of the last question for all domains that was answered */
	bool unsaved;     /* its row may differ: see struct server */
	bool uuid_unsaved; /* ... in its UUID */
	bool told_up;     /* what watchers know */
	bool told_same;   /* that it is the same machine as another host */
	struct clock_timer *addrs; /* when a guest is to be asked for its addresses (addr.c), at addrs_at_ms */
	int64_t addrs_at_ms;
	unsigned addrs_busy; /* how many are being asked */
	struct due addrs_queue; /* struct server: those to be asked, by when */
	uint64_t turn;    /* counts connections; an answer of an older one is dropped */
};

/* ---- host_link.c ---- */

/** host_new() - a host record with its private part; not in any list yet. */
struct host *host_new(struct fleet *f, const char *name, const char *uri);
void host_free(struct host *h);
/** host_set_cpus() - which CPUs guests share and which they have for themselves; NULL: not said. */
void host_set_cpus(struct host *h, const char *shared, const char *dedicated);
/** host_connect() - begin to connect, and go on trying. */
void host_connect(struct host *h);
/** host_disconnect() - drop the connection and stop trying. */
void host_disconnect(struct host *h);
/** host_event() - an event of the hypervisor seam; @user is the fleet. */
void host_event(const struct hv_event *ev, void *user);

/** host_ask_again() - the loop stood: what is owed is owed from now on, and a host that is up is polled at once. */
void host_ask_again(struct host *h);

/** fleet_host_save_again() - if its row may differ from memory. */
void fleet_host_save_again(struct fleet *f, struct host *h);
/** host_refresh() - read one domain of it again, soon. */
void host_refresh(struct host *h, const char *uuid);

/* ---- fleet.c, for host_uuid.c and host_rename.c ---- */

/** fleet_conf_host() - the configuration's section of that name; NULL. Borrowed. */
const struct conf_host *fleet_conf_host(const struct fleet *f, const char *name);
/** fleet_host_configure() - what the configuration says of a host; memory only. */
void fleet_host_configure(struct fleet *f, struct host *h, const struct conf_host *ch);
/** fleet_host_save() - write its row. */
bool fleet_host_save(struct fleet *f, struct host *h, GError **err);

/* ---- host_uuid.c: a host is its libvirt's UUID, not its name ---- */

/**
 * host_uuid_take() - @h's libvirt has given its UUID.
 *
 * Return: NULL: it may go on. Else why not, for people: another host is that machine. Owned by the caller.
 */
char *host_uuid_take(struct fleet *f, struct host *h, const struct hv_host_info *info);

/** host_uuid_save() - write @h's UUID to its row; where the database refuses, again after its next list. */
void host_uuid_save(struct fleet *f, struct host *h);

/* ---- host_rename.c ---- */

/**
 * host_rename_sections() - a section of the configuration that was renamed renames its host, before any row is loaded.
 *
 * One transaction, if there is one to rename. Return: false with the store's error.
 */
bool host_rename_sections(struct fleet *f, GError **err);

/* ---- sync.c ---- */

/** sync_list() - take what a host says of all of its domains. @doms: struct hv_dom *; some are stolen. @ask: of fleet's, what it answers. */
void sync_list(struct fleet *f, struct host *h, GPtrArray *doms, uint64_t ask);
/** sync_one() - take what a host says of one domain, also that it is absent. @d may be stolen: *@d is then NULL. @ask: the same. */
void sync_one(struct fleet *f, struct host *h, struct hv_dom **d, uint64_t ask);
/** sync_missing() - forget those of a host's servers that no host has any more. */
void sync_missing(struct fleet *f, struct host *h);

/* ---- publish.c: what watchers are told ---- */

/** tell_later() - @s may have changed; if it has, it is told on a later turn, when no transaction is open. */
void tell_later(struct fleet *f, struct server *s);
/** tell_known() - what @s is now is no news: it was read from the store. */
void tell_known(struct server *s);
/** tell_removed() - @s is about to be freed. */
void tell_removed(struct fleet *f, struct server *s);
/** tell_host() - a host was "added", "removed" or "changed". */
void tell_host(struct host *h, const char *change);
/** tell_host_state() - it may have come up or gone down. */
void tell_host_state(struct host *h);

/* ---- fleet.c ---- */

/** fleet_server_resize() - it has another size; @size->servers is 1. */
void fleet_server_resize(struct fleet *f, struct server *s, const struct usage *size);
/** fleet_server_missing() - the one writer of server.missing. */
void fleet_server_missing(struct fleet *f, struct server *s, bool missing);

/** fleet_server_add() - take a new record into memory, after its commit. */
void fleet_server_add(struct fleet *f, struct server *s);
/** fleet_server_drop() - take it out of memory and free it. */
void fleet_server_drop(struct fleet *f, struct server *s);

#endif

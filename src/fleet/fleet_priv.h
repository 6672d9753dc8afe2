/* SPDX-License-Identifier: Apache-2.0
 *
 * fleet_priv: what the fleet is made of. registry.c keeps the lists; a field with
 * a file's name behind it is that file's alone.
 */
#ifndef FLEET_PRIV_H
#define FLEET_PRIV_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "fleet/host.h"
#include "fleet/listener.h"

/* Whether a part of a host's list is being taken (sync.c): no; yes, and nothing was written yet; yes, in one transaction. */
enum fleet_sync { FLEET_SYNC_NONE, FLEET_SYNC_ALONE, FLEET_SYNC_TOGETHER };

struct host_fence_calls;
struct server_counts;

struct fleet {
	const struct conf *conf;
	struct store *store;
	struct fleet_listener listener;
	hv_event_f *on_domain;     /* fleet_on_domain() */
	void *on_domain_user;
	GPtrArray *hosts;          /* struct host *, by id */
	GHashTable *hosts_by_name; /* borrowed keys */
	GPtrArray *servers;        /* struct server *, by .nth */
	GHashTable *servers_by_uuid;
	int64_t servers_came; /* so many, of which some may have gone: server.nth of the last one */
	struct server **found;     /* one, which may be NULL: the one that was looked for last */
	struct room *room;
	struct events *events;
	enum fleet_sync sync;
	uint64_t asks;             /* questions to hosts so far */
	guint missing;             /* how many servers are */
	/* tally.c */
	struct server_counts *tally;       /* of all servers */
	GHashTable *tallies;       /* project id -> struct server_counts *, both owned; "": of none */
	GHashTable *alarmed;       /* struct server * -> itself */
	char *owner_user, *owner_project; /* of adopted servers */
	/* fleet.c */
	struct hv *hv;
	bool started, settled;
	int64_t unsettled_ms;      /* since when, while it is not */
	/* sched.c */
	GArray *candidates;        /* kept from choice to choice */
	/* publish.c */
	GPtrArray *unpublished;    /* servers that may have changed since subscribers were told of them */
	struct clock_timer *publishing;
	/* addr.c */
	GPtrArray *addrs_unsaved;  /* UUIDs, owned, of servers whose rows have other addresses */
	struct clock_timer *addrs_writing;
	struct keep *keep;         /* keep.c */
	/* host_fence.c */
	const struct host_fence_calls *fence; /* NULL: none */
	void *fence_user;
};

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * view: what is true of domains and files, for tests.
 */
#ifndef SIM_VIEW_H
#define SIM_VIEW_H

#include "hv/sim/types.h"

/* What is true of a domain, whether or not its host can be asked. */
struct sim_dom_view {
	const char *host;          /* borrowed */
	const char *uuid, *name;   /* borrowed */
	enum hv_state state;
	enum hv_reason reason;
	bool persistent;
	struct hv_kept kept;
	bool incoming, outgoing;
	bool host_on;
};

/* What is true of a file. */
struct sim_file_view {
	const char *storage;       /* borrowed; of a host's own: the host's name */
	const char *path, *backing; /* borrowed */
	const char *format;        /* borrowed */
	int64_t capacity_bytes, allocation_bytes;
	const char *uuid;          /* borrowed: whose disk it is; NULL: no guest's */
	bool stranger;             /* not made by us */
	bool base;                 /* a whole copy of an image that was there before */
	bool used;                 /* a domain on a host that sees it has it as a disk, or under one */
	bool newest;               /* it has what the guest has last written */
	bool reachable;            /* some host that sees it answers */
};

/** sim_dom_list() - every domain, by host and then by UUID. @host, @uuid: NULL for any. Return: GArray of struct sim_dom_view, owned. */
GArray *sim_dom_list(struct sim *w, const char *host, const char *uuid);
/** sim_file_list() - every file, by storage and then by path. @host: NULL for any. Return: GArray of struct sim_file_view, owned. */
GArray *sim_file_list(struct sim *w, const char *host);

#endif

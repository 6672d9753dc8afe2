/* SPDX-License-Identifier: Apache-2.0
 *
 * marker: which folders a host that is dead shares with one that lives.
 *
 * Theory of operation
 * -------------------
 * A dead host cannot be asked, and a path says nothing: two hosts may each have an /srv/instances of their own. So the proof is made while the
 * host lives. Each folder of it in which guests have files of disks, or what those are laid over, gets a small file of its own, a marker,
 * through libvirt's storage API: FOLDER/drover-storage-HOST-UUID. Its row says when the host saw it change last (ctime, to the nanosecond).
 * A destination where a file of that path has that very time has the same folder: a copy of the folder, by rsync or from a backup, has the name but not
 * the time. Not told apart is what copies a file system block by block; it must not be mounted at the path of its original.
 *
 * The row is written before the file is made. Markers are made soon after the host told of its guests' disks, when no task is under way
 * there; each is looked at once after the host was connected and then once an hour: one that is gone is made again, and the row follows.
 * They go when the host has no guest in their folder any more. While the host is away nothing of this happens: its rows are what
 * is known of it.
 *
 * Where a marker cannot be made (a read-only folder, a pool that is no folder) the log has it once, and nothing is proved.
 */
#ifndef MARKER_H
#define MARKER_H

#include "fleet/host.h"

struct fleet;

#define MARKER_PREFIX "drover-storage-"

/* What a marker proves. */
struct marker_proof {
	const char *path;    /* of the marker; borrowed until the loop's next turn */
	int64_t changed_ns;  /* what a host that shares the folder says of it */
	int64_t known_ms;    /* for how long this process has known that: a host that lists the folder as it was then sees it */
};

/**
 * marker_of() - what proves that another host has the folder of @host in which that file lies. The host may be dead, not removed.
 * @file: a path of @host
 *
 * Return: false: nothing does; the folder counts as the host's own.
 */
bool marker_of(const struct fleet *f, const char *host, const char *file, struct marker_proof *ret);
/** marker_proves() - @v: what the other host's HV_VOL_GET of the marker's path has said. */
bool marker_proves(const struct marker_proof *p, const struct hv_vol *v);

enum marker_verdict {
	MARKER_SHARED,  /* it is the same folder */
	MARKER_APART,   /* the host that was asked has not the marker: another folder, or not mounted there */
	MARKER_NONE,    /* the dead host had no marker there: why says so */
	MARKER_UNKNOWN, /* the host that was asked could not tell: why has its words */
	MARKER_VERDICT_N
};

struct marker_question {
	const char *source;  /* the host whose folder it was */
	const char *dest;    /* the host that is asked */
	const char *file;    /* absolute path of a file of a disk: a volume of a pool by the path that HV_VOL_FIND says of it */
};

/* Lent to the callback. */
struct marker_answer {
	enum marker_verdict verdict;
	const char *why;     /* a sentence for people, of all verdicts but SHARED */
	const struct hv_vol *vol; /* the file at the host that was asked, as HV_VOL_GET says, whatever the verdict; NULL with UNKNOWN */
};

typedef void marker_done_f(const struct marker_answer *a, void *user);

/** marker_verdict_name() - "shared", for logs. */
const char *marker_verdict_name(enum marker_verdict v);

/**
 * marker_ask() - is the folder of a file the same at both hosts, and is the file there? Asks @dest twice at most, and @source never.
 * @q: copied
 * @done: called once, later, on the loop thread; before fleet_free() returns
 *
 * Return: false if @dest is not connected; @done is not called then.
 */
bool marker_ask(struct fleet *f, const struct marker_question *q, marker_done_f *done, void *user);

/* ---- for keep.c, fleet.c, server_row.c ---- */

/** marker_want() - guests of the host have other disks than before, or one has left: look soon. NULL is fine. */
void marker_want(struct host *h);
/** marker_load() - the rows, once each host has its part. */
bool marker_load(struct fleet *f, GError **err);
/** marker_host_up(), marker_host_down() */
void marker_host_up(struct host *h);
void marker_host_down(struct host *h);
/** marker_host_forget() - it is about to be removed: its rows go, in the caller's transaction. */
bool marker_host_forget(struct fleet *f, const struct host *h, GError **err);
/** marker_host_forgotten() - the same was committed: files of it in folders that others have too are removed by those. */
void marker_host_forgotten(struct fleet *f, const struct host *h);
/** marker_host_new(), marker_host_free() - make and free what a host has for this. */
void marker_host_new(struct host *h);
void marker_host_free(struct host *h);

#endif

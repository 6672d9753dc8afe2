/* SPDX-License-Identifier: Apache-2.0
 *
 * remains: what a destination has of the disks of a guest whose host is dead.
 *
 * Theory of operation
 * -------------------
 * The dead host is asked nothing: which disks there were and what they were laid over is kept with the guest's definition (fleet/keep.h), and that two
 * hosts share a folder is shown by its marker (fleet/marker.h). The destination is asked, disk by disk:
 *
 *  - a file in a folder that is proved to be the same is used as it is, if what it is laid over is proved to be the same too: over another image the
 *    guest would find its file systems in ruins;
 *  - a file that was the dead host's own is rebuilt: an empty one, over the nearest file of its chain that the destination has, with the size of before. What the guest
 *    had written to it is lost. It counts as the dead host's own only if it had a marker which neither the destination nor any other host of the cell that can be asked has:
 *    a destination where a shared folder is merely not mounted is no reason to begin from an image;
 *  - drives that are only read must be there, under the same path;
 *  - network disks are used as they are; what belongs to its host (a block device, a loopback address) only by the operator's promise
 *    ([libvirt] shared_block_devices).
 *
 * Anything else is lost at this destination, and the reason names the disk.
 */
#ifndef REMAINS_H
#define REMAINS_H

#include "fleet/fleet.h"
#include "move/block.h"

enum remains_kind {
	REMAINS_USED,     /* as it is */
	REMAINS_REBUILT,  /* to be made over .base */
	REMAINS_LOST,     /* .why */
	REMAINS_KIND_N
};

struct remains_disk {
	enum remains_kind kind;
	char *target;        /* "vda"; NULL: not told */
	char *path;          /* of a file, at the destination: what the domain names, or where its pool has it; else NULL */
	char *why;           /* a sentence that names the disk */
	/* REBUILT: a qcow2 of that size */
	char *base, *base_format;
	int64_t capacity_bytes;
};

struct remains {
	GPtrArray *disks;    /* struct remains_disk *, in the order of the guest's; drives without a medium are left out */
	const char *lost;    /* the first reason, borrowed from .disks; NULL: the guest can be started there */
	guint rebuilt;       /* how many are to be made */
	char *unknown;       /* the destination could not tell: nothing above counts, and it may be asked again; NULL */
};

struct remains_question {
	const char *server_uuid, *source, *dest;
	GPtrArray *disks;    /* struct hv_disk *: kept_definition.disks; a reference is taken */
};

/* @r: lent */
typedef void remains_f(const struct remains *r, void *user);

struct remains_run;

/**
 * remains_look() - find it out.
 * @q: copied
 * @done: called once, on the loop thread, before fleet_free() returns; perhaps before this does (all disks are network disks): what this returns is then gone
 *
 * Return: for remains_cancel(), until @done was called.
 */
struct remains_run *remains_look(struct fleet *f, const struct remains_question *q, remains_f *done, void *user);
/** remains_cancel() - @done is not called. @x: NULL afterwards; NULL is fine. */
void remains_cancel(struct remains_run **x);

/**
 * remains_items() - what is to be made, for move_copies() and block_prepare(), which makes each over its base, with a row before it.
 *
 * The rows are of the task, so a task that ends as VOLUME_MOVED has the old files removed when the dead host is back, and one that ends as VOLUME_STAYED what
 * was made.
 * Return: struct block_item *, owned; empty: nothing is to be made.
 */
GPtrArray *remains_items(const struct remains *r);

#endif

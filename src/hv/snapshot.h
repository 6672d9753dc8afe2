/* SPDX-License-Identifier: Apache-2.0
 *
 * snapshot: what a host has written down of a guest's snapshots. What is in an internal one is in the guest's disks, and goes where they go;
 * its description does not.
 */
#ifndef HV_SNAPSHOT_H
#define HV_SNAPSHOT_H

#include <stdbool.h>

#include <glib.h>

#define HV_SNAPSHOTS_MAX 1024

struct hv_snapshot {
	char *name;
	char *xml;      /* as libvirt writes it, with its secrets */
	bool current;   /* what the guest goes on from */
	bool external;  /* a disk of it, or its memory, is in a file beside the guest's disks */
};

/** hv_snapshots_new() - an empty list of struct hv_snapshot. Return: owned (g_ptr_array_unref). */
GPtrArray *hv_snapshots_new(void);
/** hv_snapshots_add() - one more. Return: borrowed from @all. */
struct hv_snapshot *hv_snapshots_add(GPtrArray *all, const char *name, const char *xml);
/** hv_snapshots_external() - the first external one. Return: borrowed; NULL: there is none. */
const struct hv_snapshot *hv_snapshots_external(const GPtrArray *all);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * snapshots: what is written down of the snapshots of a guest that is off comes to its destination.
 *
 * What is in them is in its disks, which go as the bytes that they are (hv/carry.h).
 */
#ifndef MOVE_SNAPSHOTS_H
#define MOVE_SNAPSHOTS_H

#include "move/part.h"

/** snapshots_refusal() - why they cannot go. @all: struct hv_snapshot *. Return: owned; NULL: they can. */
char *snapshots_refusal(const GPtrArray *all);

/** snapshots_bring() - the destination, which has the guest's definition, gets what it lacks of them. READY: it lacks nothing, as both hosts said last. */
struct part snapshots_bring(struct mig *m, part_done_f *done);

#endif

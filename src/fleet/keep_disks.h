/* SPDX-License-Identifier: Apache-2.0
 *
 * keep_disks: the disks of a guest as its host described them last, as text: what no definition has is what its files are laid over.
 */
#ifndef KEEP_DISKS_H
#define KEEP_DISKS_H

#include "hv/hv.h"

/** keep_disks_text() - @disks: struct hv_disk *; allocation is left out, since it changes all the time. Return: owned by the caller. */
char *keep_disks_text(const GPtrArray *disks);

/** keep_disks_read() - the same back. Return: struct hv_disk *, owned by the caller; NULL with ERR_INTERNAL: it is no such text. */
GPtrArray *keep_disks_read(const char *text, GError **err);

/**
 * keep_disks_recall() - what a guest that is off does not say of its disks, from what it said when it ran.
 * @disks: files that are not known to be laid over anything get what @before has for the same file
 */
void keep_disks_recall(GPtrArray *disks, const GPtrArray *before);

#endif

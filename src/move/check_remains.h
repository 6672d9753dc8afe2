/* SPDX-License-Identifier: Apache-2.0
 *
 * check_remains: of a guest whose host is dead: its disks are at the destination, or can be rebuilt there?
 */
#ifndef CHECK_REMAINS_H
#define CHECK_REMAINS_H

#include "move/check.h"

/**
 * check_remains() - for a row: ask the destination (remains.h).
 * @disks: struct hv_disk *, kept_definition.disks
 *
 * PASSED: report.copies has what is to be made, for move_copies() and block_prepare(); empty: all is there. FAILED names the disk.
 */
enum check_result check_remains(struct check *p, GPtrArray *disks, GError **err);

#endif

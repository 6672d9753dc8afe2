/* SPDX-License-Identifier: Apache-2.0
 *
 * check_snapshots: snapshots of a guest that is off go along, where they are in its disks.
 */
#ifndef COLD_CHECK_SNAPSHOTS_H
#define COLD_CHECK_SNAPSHOTS_H

#include "move/check.h"

check_row_f cold_check_snapshots;

#endif

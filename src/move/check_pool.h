/* SPDX-License-Identifier: Apache-2.0
 *
 * check_pool: disks that a domain names as volumes of storage pools become files, devices or network disks.
 */
#ifndef CHECK_POOL_H
#define CHECK_POOL_H

#include "move/check.h"

check_row_f check_pools;

/** check_volume_unknown() - the row has failed: where some disk is, is not known. */
bool check_volume_unknown(const struct check *p);

#endif

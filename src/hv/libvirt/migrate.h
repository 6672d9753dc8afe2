/* SPDX-License-Identifier: Apache-2.0
 *
 * migrate: HV_MIGRATE.
 */
#ifndef LV_MIGRATE_H
#define LV_MIGRATE_H

#include "hv/hv.h"
#include "hv/libvirt/conn.h"

/** lv_migrate() - submit HV_MIGRATE. Loop thread. */
void lv_migrate(struct lv_conn *c, struct hv_call *call);

#endif

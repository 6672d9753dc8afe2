/* SPDX-License-Identifier: Apache-2.0
 *
 * vol: HV_VOL_GET, HV_VOL_CREATE, HV_VOL_DELETE, HV_VOL_FIND: one volume of a host.
 */
#ifndef LV_VOL_H
#define LV_VOL_H

#include <libxml/tree.h>

#include "hv/hv.h"
#include "hv/libvirt/call.h"

lv_work_f lv_vol_get, lv_vol_create, lv_vol_delete, lv_vol_find;

struct lv_pool;

/**
 * lv_vol_read() - bytes of a volume.
 * @at: from there on
 * @what: for messages, "read the volume's head"
 *
 * Return: as many as there are, up to @max; NULL with @err.
 */
GByteArray *lv_vol_read(const struct lv_pool *p, virStorageVolPtr vol, uint64_t at, size_t max, const char *what, GError **err);

/**
 * lv_vol_kind() - what a volume of a pool is.
 * @type: virStorageVolType
 * @pool: the pool's description
 *
 * A volume of a pool of type logical, iscsi, scsi, mpath or disk is a block device, which is not shared before that is proved.
 */
enum hv_source lv_vol_kind(int type, const char *path, const xmlNode *pool);

#endif

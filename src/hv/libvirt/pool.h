/* SPDX-License-Identifier: Apache-2.0
 *
 * pool: the pool that holds a folder, for the time of one call.
 *
 * Theory of operation
 * -------------------
 * libvirt knows files as volumes of pools, by name. The pool of a folder is the
 * active one whose target it is. Where there is none, a transient pool stands in,
 * and its last user removes it: calls of this process that look into the
 * same folder of the same host count themselves, and one at a time asks for the
 * pool, changes it or takes it away (struct folder). The transient pool's name is
 * a function of the folder, so one that a crash left behind is found by its name,
 * used, and taken away like an own one.
 *
 * libvirt refuses a pool where another, though inactive, has the same target. An
 * inactive pool may have its reasons and is not started; the transient one's target
 * is spelled "FOLDER/.", which libvirt does not take for the same.
 *
 * A pool shows what was there at its last refresh, so each call begins with one. It
 * fails while a volume of the pool is being built.
 */
#ifndef LV_POOL_H
#define LV_POOL_H

#include <stdbool.h>

#include <glib.h>
#include <libvirt/libvirt.h>

#include "hv/hv.h"

struct lv_folder;

/* A path, and while it is entered its pool, for this call alone. */
struct lv_pool {
	virConnectPtr vir;       /* borrowed */
	char *folder, *name;     /* of the path */
	struct lv_folder *users; /* NULL: not entered */
	virStoragePoolPtr pool;  /* NULL: the folder does not exist */
	bool transient;
};

/**
 * lv_pool_init() - begin with a path: absolute, without "." or "..", of text that libvirt takes, and not among the kernel's
 * devices: a pool opens whatever its folder has, and some devices act upon that (/dev/watchdog resets the host).
 *
 * Return: false with ERR_BAD_REQUEST; lv_pool_leave() either way.
 */
bool lv_pool_init(struct lv_pool *p, virConnectPtr vir, const char *path, GError **err);

/**
 * lv_pool_enter() - find or make the pool, refresh it, and lock the folder.
 * @uri: of the host; users of the same folder are told apart by it
 * @build: make the folder if there is none; else p->pool stays NULL
 */
bool lv_pool_enter(struct lv_pool *p, const char *uri, bool build, GError **err);

/** lv_pool_unlock(), lv_pool_lock() - let others use the folder in between; the pool stays. */
void lv_pool_unlock(struct lv_pool *p);
void lv_pool_lock(struct lv_pool *p);

/** lv_pool_leave() - unlock it, remove the transient pool if nothing else uses it. Not entered: free the path alone. */
void lv_pool_leave(struct lv_pool *p);

/**
 * lv_pool_find() - look the file up in the pool.
 * @flags: of virStorageVolGetInfoFlags()
 * @ret: NULL if there is none; what is there but no file is an error
 */
bool lv_pool_find(const struct lv_pool *p, unsigned flags, virStorageVolPtr *ret, virStorageVolInfo *ret_info, GError **err);

/**
 * lv_pool_create() - make the file, empty and sparse.
 * @v: format, capacity, backing
 *
 * Return: the volume, or NULL; ERR_CONFLICT if it exists.
 */
virStorageVolPtr lv_pool_create(const struct lv_pool *p, const struct hv_vol_params *v, GError **err);

/**
 * lv_pool_refresh() - let an active pool look again at what it has.
 *
 * Return: false with ERR_HV_BUSY while a volume is being built in it; false without @err: its folder is gone, and libvirt has
 * stopped the pool.
 */
bool lv_pool_refresh(virConnectPtr vir, virStoragePoolPtr pool, GError **err);

static inline void lv_storage_pool_free(virStoragePoolPtr p)
{
	if (p)
		(void)virStoragePoolFree(p);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(virStoragePool, lv_storage_pool_free)

static inline void lv_vol_free(virStorageVolPtr v)
{
	if (v)
		(void)virStorageVolFree(v);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(virStorageVol, lv_vol_free)

#endif

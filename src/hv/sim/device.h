/* SPDX-License-Identifier: Apache-2.0
 *
 * device: block devices of hosts, and their storage pools.
 *
 * What a device really is, is its lun, of which hosts may share one or have each
 * their own. What a host says of it is what the test lets it say. A lun is a file
 * in a storage of all luns, so that a guest's disk on it has a content as any other.
 */
#ifndef SIM_DEVICE_H
#define SIM_DEVICE_H

#include "hv/sim/types.h"

struct sim_device {
	char *path, *looks, *id[HV_DEVICE_ID_N];
	struct sim_file *lun;
	bool hot, unreadable;
	int reads;
};

struct sim_pool {
	char *name, *target;
	bool active;
	GHashTable *seen; /* paths, owned: what it had when it was last refreshed */
};

struct sim_device_spec {
	const char *path;
	const char *lun;          /* hosts whose devices name the same one share it */
	int64_t size_mib;         /* of the lun, when it is named for the first time; 0: 1024 */
	const char *id[HV_DEVICE_ID_N]; /* what the host says of it, true or not; NULL: nothing */
	const char *looks;        /* what is read in it: two that look alike are copies of one image; NULL: the lun's name */
	bool hot;                 /* no two readings of its first block are equal */
	bool unreadable;
};

void sim_devices_new(struct sim_host *h);
void sim_devices_free(struct sim_host *h);
/** sim_device_add() - a host has a block device at that path, in the place of an earlier one. */
void sim_device_add(struct sim *w, const char *host, const struct sim_device_spec *spec);
void sim_device_remove(struct sim *w, const char *host, const char *path);
/* What a host has at a disk's path: the file, or the device's lun; NULL for nothing, and for a network disk. */
struct sim_file *sim_disk_file(const struct sim_host *h, const struct sim_disk *k);
/** sim_probes() - domains on a host that are there to read a device through. */
guint sim_probes(struct sim *w, const char *host);
/* A probe is undefined; another domain is none of them. */
void sim_probe_drop(struct sim_host *h, const char *uuid);
/* Through a probe. */
void sim_device_read(struct sim_device *d, struct hv_device *ret);
/** sim_pool_add() - a host has an active storage pool of that name, whose folder is in its storage. @target: NULL: /srv/NAME. */
void sim_pool_add(struct sim *w, const char *host, const char *name, const char *target);
/** sim_pool_stop() - it is defined, but not active. */
void sim_pool_stop(struct sim *w, const char *host, const char *name);
/* The folder of a pool. Return: owned; NULL if there is none, or if it is not active. */
char *sim_pool_target(const struct sim_host *h, const char *name);
void sim_pool_refresh(const struct sim_host *h, struct sim_pool *p);
/* A call has made that file: the pool of its folder is refreshed. */
void sim_pool_looked(struct sim_host *h, const char *path);
/* Does a host's pool list it? Not what came after its last refresh. */
bool sim_pool_lists(const struct sim_host *h, const char *name, const char *path);

#endif

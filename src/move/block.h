/* SPDX-License-Identifier: Apache-2.0
 *
 * block: block migration: what must be copied. Pure. block_make.h makes room for it.
 *
 * Only what the two hosts do not share is copied. The sharing is found by
 * experiment (check_storage.c), never assumed from a path: libvirt copies a
 * shared disk over itself without a word (libvirt.md 3). And a disk is only
 * copied into a file that was made for it a moment ago and was not there before.
 */
#ifndef BLOCK_H
#define BLOCK_H

#include "hv/carry.h"
#include "task/volume.h"

/* A file that must be at the destination before libvirt is called. */
struct block_item {
	enum volume_kind kind;   /* what its row will say */
	char *target;            /* "vda", of a disk */
	char *path;              /* the same at both hosts */
	char *format;
	char *backing, *backing_format;
	int64_t capacity_bytes, allocation_bytes; /* 0 where not known */
	bool volume;             /* the domain names it as a volume of a pool */
	bool filled;             /* made with its bytes; libvirt copies nothing into it */
	bool rebuilt;            /* its source is gone: it is made of what is here */
	bool changes;            /* .filled, and the guest writes to it: one that is there already is not good */
	bool noted;              /* .filled, and libvirt makes it: its row is written, so that what is left of it at either host is known to be Drover's */
	enum carry_mode mode;    /* of a guest that is off; known when it is made */
	bool ready;
};

/* Is the folder of this path shared? */
typedef bool block_shared_f(const char *path, void *user);

/**
 * block_items() - what has to be copied of a domain, in the order in which it has to be made: base images, media, disks.
 * Pure.
 *
 * Return: struct block_item *, owned; empty if all is shared.
 */
GPtrArray *block_items(const struct hv_dom *d, block_shared_f *shared, void *user);

/**
 * block_add_base() - one that the description of a guest that is off does not name; it is to be made before @over.
 *
 * Return: false if it is there already.
 */
bool block_add_base(GPtrArray *items, const struct block_item *over, const char *path, const char *format);

/** block_add_nvram() - the variables of the guest's firmware, which are no disk of its description. @live: QEMU brings what is in them. */
void block_add_nvram(GPtrArray *items, const char *path, bool live);

/** block_items_new() - none yet. Return: owned. */
GPtrArray *block_items_new(void);
/** block_add_rebuilt() - a qcow2 whose source is gone, over a base that is at the destination. */
void block_add_rebuilt(GPtrArray *items, const char *target, const char *path, const char *base, const char *base_format, int64_t capacity_bytes);

/** block_is_local() - a file that a folder's sharing decides about: no network disk, no device, no empty drive, no volume whose path is not known. */
bool block_is_local(const struct hv_disk *k);

/** block_targets() - the disks that libvirt copies. Return: NULL-terminated, owned (g_free), the words borrowed; NULL for none. */
const char **block_targets(const GPtrArray *items);

/** block_files() - those of them that are named as volumes: "vda", "/path", ...; as block_targets(). For domxml_rewrite(). */
const char **block_files(const GPtrArray *items);

/** block_bytes() - of the disks that libvirt copies, as guests see them. @ret: at most @max. Return: how many. */
int block_bytes(const GPtrArray *items, int64_t *ret, int max);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * disk: the disks of guests, and what is in them.
 */
#ifndef SIM_DISK_H
#define SIM_DISK_H

#include "hv/sim/spec.h"
#include "hv/sim/types.h"

void sim_disk_free(struct sim_disk *k);
/* The disks of a new domain: those of its other copies, or new ones with their files. */
GPtrArray *sim_disks_new(struct sim_host *h, const char *uuid, const struct sim_dom_spec *spec);
/** sim_disk_path() - the file of a guest's disk. Return: borrowed; NULL if it has no such disk. */
const char *sim_disk_path(struct sim *w, const char *uuid, const char *target);
/* The disk that this file is, on whatever host; NULL if it is none. @ret_uuid: whose; NULL if that is of no interest */
struct sim_disk *sim_disk_of_path(struct sim *w, const char *path, const char **ret_uuid);
/* Is a guest there that sees the file and has it, or is over it? @active: and has it open */
bool sim_disk_in_use(const struct sim *w, const struct sim_storage *s, const char *path, bool active);
/* Does a guest write to it now? */
bool sim_disk_written(const struct sim *w, const struct sim_storage *s, const char *path);
/* GiB of its local disks. */
int64_t sim_disks_gib(const struct sim_dom *d);
/* Into struct hv_dom.disks. */
void sim_disks_describe(const struct sim_dom *d, GPtrArray *out);
/* The guest is let run: on the newest content of its disks? From now on this is the newest. */
void sim_disks_run(struct sim_dom *d);
/* The same, by a test's hand: whatever was there. */
void sim_disks_force(struct sim_dom *d);
/* Its files go, where no other copy of the domain sees them. */
void sim_disks_remove(struct sim_dom *d);
/* What libvirt says against a migration for the disks' sake; @xml: of the destination's domain, or NULL. Return: the words, owned; NULL when there is nothing. */
char *sim_disks_say(const struct sim_dom *src, const struct sim_host *to, const char *const *copy, const char *xml);
/* The disks to copy; their files at the destination are being written from now on. Return: owned; NULL: none. */
GPtrArray *sim_disks_begin(const struct sim_dom *src, struct sim_host *to, const char *const *copy);
/* Bytes of them. */
double sim_disks_bytes(const struct sim_host *from, const GPtrArray *disks);
/* The last write to the source's file is in the destination's. */
void sim_disks_arrive(const struct sim_dom *src, struct sim_host *to, const GPtrArray *disks);

#endif

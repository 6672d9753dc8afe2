/* SPDX-License-Identifier: Apache-2.0
 *
 * file: files, and which storage has which. Whose disks they are is the business of disk.c.
 */
#ifndef SIM_FILE_H
#define SIM_FILE_H

#include "hv/sim/types.h"

#define SIM_LOCAL "local" /* the storage that each host has for itself */

struct sim_file_spec {
	const char *path;
	const char *format;       /* NULL: "qcow2" */
	int64_t capacity_mib;     /* 0: 1024 */
	int64_t content;          /* which one; 0: 1, as of any file that is there from the beginning */
};

/* The storage of that name; made if there is none. "local": @host's own. */
struct sim_storage *sim_storage_get(struct sim *w, const char *name, const char *host);
void sim_storage_free(struct sim_storage *s);
struct sim_file *sim_file_find(const struct sim_storage *s, const char *path);
/* A file like another one, with nothing in it; it replaces one of the same path. */
struct sim_file *sim_file_make(struct sim_storage *s, const char *path, const char *format, const char *backing, int64_t capacity);
void sim_file_drop(struct sim_storage *s, const char *path);
/** sim_file_add() - a file appears in a host's storage that is not ours: a call that removes it is a violation. */
void sim_file_add(struct sim *w, const char *host, const struct sim_file_spec *spec);
/* How long it is. */
int64_t sim_file_physical(const struct sim_file *f);
/* The same as a raw disk: in whole sectors. */
int64_t sim_file_sectors(const struct sim_file *f);
/** sim_file_head() - what else a file has in it from now on. */
void sim_file_head(struct sim *w, const char *host, const char *path, const struct qcow2_head *head);
/** sim_storage_full() - copies into a host's storage find no space from now on, or find some again. */
void sim_storage_full(struct sim *w, const char *host, bool full);
/** sim_file_remove() - a file goes, behind the controller's back. */
void sim_file_remove(struct sim *w, const char *host, const char *path);

#endif

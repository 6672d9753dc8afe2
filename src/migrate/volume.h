/* SPDX-License-Identifier: Apache-2.0
 *
 * volume: the files that migrations make on hosts, and the domains that checks read devices through, and their removal.
 *
 * Theory of operation
 * -------------------
 * A row is written before a file is made, so nothing that Drover made is ever
 * forgotten, and nothing else is ever removed. While a migration runs, its rows
 * name files at its destination. Its end decides what becomes of them, in the
 * transaction that ends it (volume_write_end()):
 *
 *  - it moved: the files belong to the guest. The disks that they were copied
 *    from, at the source, are doomed, and config drives; base images stay at both.
 *    So do other read-only drives, which may be shared, but for those that
 *    Drover itself once brought there: their rows stay, and when the guest leaves
 *    they are doomed;
 *  - it stayed: the files at the destination are doomed;
 *  - it is not known (the guest is lost, or was found where it should not be): the
 *    rows go, the files stay for an operator.
 *
 * What is doomed is removed as soon as its host can be asked, and the row after
 * it: at the end of the migration, when the host is back, after a start. First
 * the host must say that it has no domain of that server: files of a domain
 * that is there, whatever it is there for, are never touched. A base image that
 * another guest on that host has come to use meanwhile is left.
 *
 * A new migration to a host waits until what is doomed there of its server has
 * gone (volume_blocks()).
 */
#ifndef VOLUME_H
#define VOLUME_H

#include "migrate/mig.h"

enum volume_kind {
	VOLUME_MARKER, /* tells whether two hosts share a folder; doomed from the beginning */
	VOLUME_PROBE,  /* no file: a domain that is defined to read a device through; its path is its name. Likewise */
	VOLUME_DISK,   /* of the guest's own: it goes where the guest goes; a config drive too */
	VOLUME_MEDIA,  /* read-only, and perhaps of others too: a CD */
	VOLUME_BASE,   /* what disks are laid over */
	VOLUME_KIND_N
};

struct volume {
	struct engine *engine;
	int64_t id, migration_id; /* migration_id 0: a drive of the server that lives there, or a marker of no migration */
	char *server_uuid, *host, *path;
	enum volume_kind kind;
	bool doomed;
	bool ready;               /* all of its bytes are there; of those that libvirt does not fill */
	int calls;                /* calls about it that are under way */
	bool asked;               /* its removal is under way */
};

/** volume_load() - read the rows at a start; what no active migration owns any more is sorted out. */
bool volume_load(struct engine *e, GError **err);
void volume_stop(struct engine *e);

/** volume_find() - the file at that path of a host, if Drover made it. Borrowed. */
struct volume *volume_find(struct engine *e, const char *host, const char *path);

/**
 * volume_note() - write down that a file is about to be made.
 * @migration_id: 0 for none
 *
 * Return: borrowed; NULL with ERR_STORE. There must be none of that path yet.
 */
struct volume *volume_note(struct engine *e, int64_t migration_id, const char *server_uuid, const char *host, const char *path,
			   enum volume_kind kind, GError **err);

/** volume_ready() - all of its bytes are there: others may use it. Return: it was written. */
bool volume_ready(struct volume *v);

/** volume_take() - a migration needs what another one left to be removed. Return: it was written; else it is as it was. */
bool volume_take(struct volume *v, int64_t migration_id);

/** volume_forget() - it was not made, or is gone: drop the row. A row that the database does not drop is found again at the next start. */
void volume_forget(struct volume *v);

/** volume_blocks() - is anything doomed of this server on this host, so that nothing new can be made there yet? */
bool volume_blocks(struct engine *e, const char *host, const char *server_uuid);

enum volume_fate { VOLUME_MOVED, VOLUME_STAYED, VOLUME_UNKNOWN };

/** volume_write_end() - @m ends, or gives its destination up: the rows' part of the transaction. */
bool volume_write_end(struct mig *m, enum volume_fate fate, GError **err);
/** volume_ended() - the same in memory, after the commit; removes what is doomed. */
void volume_ended(struct mig *m, enum volume_fate fate);

/** volume_note_probe() - the same of a probe of a random UUID. Borrowed; volume_probe_uuid() says which. */
struct volume *volume_note_probe(struct engine *e, int64_t migration_id, const char *server_uuid, const char *host, GError **err);
const char *volume_probe_uuid(const struct volume *v);

/** volume_sweep() - remove what is doomed and can be. */
void volume_sweep(struct engine *e);

/** volume_doomed() - how many files are still to be removed. */
guint volume_doomed(struct engine *e);

#endif

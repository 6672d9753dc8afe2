/* SPDX-License-Identifier: Apache-2.0
 *
 * volume: the files that migrations make on hosts, and the domains that checks read devices through, and their removal.
 *
 * Theory of operation
 * -------------------
 * A row is written before a file is made, so nothing that Drover made is ever
 * forgotten, and nothing else is ever removed. A file belongs to the task that
 * makes it, or to a server. While a migration runs, its rows name files at its
 * destination. What becomes of them is decided when its outcome is known, in the
 * transaction that writes that (volumes_write_fate(), then volumes_resolve()):
 *
 *  - it moved: the files belong to the guest. The disks that they were copied
 *    from, at the source, are to be removed, and config drives; base images stay at both.
 *    So do other read-only drives, which may be shared, but for those that
 *    Drover itself once brought there: they are the server's from then on, and
 *    when the guest leaves they are to be removed;
 *  - it stayed: the files at the destination are to be removed;
 *  - it is not known (the guest is lost, or was found where it should not be): the
 *    rows go, the files stay for an operator.
 *
 * What is to be removed (due) goes as soon as its host can be asked, and the row after
 * it: at the end of the migration, when the host is back, after a start. First
 * the host must say that it has no domain of that server: files of a domain
 * that is there, whatever it is there for, are never touched. Nor is a disk, while
 * the server's own host is silent, or does not have the guest: it could be the last one. A base image that
 * another guest on that host has come to use meanwhile is left.
 *
 * A new migration to a host waits until what is to be removed there of its server has
 * gone (volume_blocks()).
 */
#ifndef VOLUME_H
#define VOLUME_H

#include "fleet/fleet.h"

enum volume_kind {
	VOLUME_MARKER, /* tells whether two hosts share a folder; to be removed from the beginning */
	VOLUME_PROBE,  /* no file: a domain that is defined to read a device through; its path is its name. Likewise */
	VOLUME_DISK,   /* of the guest's own: it goes where the guest goes; a config drive too */
	VOLUME_MEDIA,  /* read-only, and perhaps of others too: a CD */
	VOLUME_BASE,   /* what disks are laid over */
	VOLUME_KIND_N
};

enum volume_owner_kind {
	VOLUME_OF_SERVER, /* a drive of the server that lives there, or what a check without a task has made */
	VOLUME_OF_TASK,
	VOLUME_OWNER_N
};

struct volume_owner {
	enum volume_owner_kind kind;
	int64_t id;               /* the task's; 0 for a server, which server_uuid names */
};

struct volumes;

struct volume {
	struct volumes *set;
	int64_t id;
	struct volume_owner owner;
	char *server_uuid, *host, *path;
	enum volume_kind kind;
	bool due;                 /* it is to be removed */
	bool ready;               /* all of its bytes are there; of those that libvirt does not fill */
	int calls;                /* calls about it that are under way */
	bool asked;               /* its removal is under way */
};

/* What is asked of the tasks. */
struct volume_asks {
	/* Is a task of that id under way? */
	bool (*alive)(int64_t task, void *user);
	/* Does a guest that is on its way to the host of @v, another one than @v's own, need the file? */
	bool (*needed)(const struct volume *v, void *user);
	void *user;
};

/**
 * volumes_new() - the set of a fleet's files, without any yet.
 * @f: borrowed, must outlive it
 * @asks: copied
 */
struct volumes *volumes_new(struct fleet *f, const struct volume_asks *asks);
/** volumes_load() - read the rows at a start; the rows of tasks that are not alive are dropped. */
bool volumes_load(struct volumes *set, GError **err);
/** volumes_stop() - from now on answers of hosts change nothing. */
void volumes_stop(struct volumes *set);
/** volumes_free() - no call to a host may be under way. */
void volumes_free(struct volumes *set);

/** volume_owner_task() - @task: 0: the server. */
struct volume_owner volume_owner_task(int64_t task);
/** volume_is_of() - does it belong to that task? */
bool volume_is_of(const struct volume *v, int64_t task);

/** volume_find() - the file at that path of a host, if Drover made it. Borrowed. */
struct volume *volume_find(struct volumes *set, const char *host, const char *path);

/* A file that is about to be made. */
struct volume_new {
	struct volume_owner owner;
	const char *server_uuid, *host, *path;
	enum volume_kind kind;
};

/** volume_note() - write down that a file is about to be made. Return: borrowed; NULL with ERR_STORE. There must be none of that path yet. */
struct volume *volume_note(struct volumes *set, const struct volume_new *n, GError **err);
/** volume_note_probe() - the same of a probe of a random UUID; path and kind are not read. Borrowed; volume_probe_uuid() says which. */
struct volume *volume_note_probe(struct volumes *set, const struct volume_new *n, GError **err);
const char *volume_probe_uuid(const struct volume *v);

/** volume_call_begins() - a call about it is made: it is not removed meanwhile. */
void volume_call_begins(struct volume *v);
/** volume_call_ended() - the call has come back; it is removed if that is due. */
void volume_call_ended(struct volume *v);

/** volume_let_go() - the same of what is not needed any more; @v is set to NULL. */
void volume_let_go(struct volume **v);

/** volume_ready() - all of its bytes are there: others may use it. Return: it was written. */
bool volume_ready(struct volume *v);

/** volume_take() - a task needs what another one left to be removed. Return: it was written; else it is as it was. */
bool volume_take(struct volume *v, int64_t task);

/** volume_forget() - it was not made, or is gone: drop the row. A row that the database does not drop is found again at the next start. */
void volume_forget(struct volume *v);

/** volume_is_used_by() - does a domain (NULL: no) use the file of that path? */
bool volume_is_used_by(const struct hv_dom *d, const char *path);

/** volumes_block() - is anything of this server to be removed on this host, so that nothing new can be made there yet? */
bool volumes_block(const struct volumes *set, const char *host, const char *server_uuid);

enum volume_fate { VOLUME_MOVED, VOLUME_STAYED, VOLUME_UNKNOWN };

/* Whose files are judged. */
struct volume_end {
	int64_t task;             /* what it has made */
	const char *server_uuid;
	const char *left;         /* the host that the guest leaves if it moved: where its disks were, and the drives that are the server's */
};

/** volumes_write_fate() - what becomes of the files: the rows' part of the caller's transaction. */
bool volumes_write_fate(struct volumes *set, const struct volume_end *end, enum volume_fate fate, GError **err);
/** volumes_resolve() - the same in memory, after the commit; removes what is due. */
void volumes_resolve(struct volumes *set, const struct volume_end *end, enum volume_fate fate);

/** volumes_sweep() - remove what is due and can be removed. */
void volumes_sweep(struct volumes *set);

/** volumes_due() - how many files are still to be removed. */
guint volumes_due(const struct volumes *set);

#endif

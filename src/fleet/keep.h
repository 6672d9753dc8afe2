/* SPDX-License-Identifier: Apache-2.0
 *
 * keep: the last definition of each guest, for when its host is dead and cannot be asked.
 *
 * Theory of operation
 * -------------------
 * The definition of a guest, as it stands and with its secrets, is read when the host first tells of it after it was connected, and again when the host tells of
 * it by itself (an event: it was defined, started, moved) or it has left a task. A guest that runs without one (transient) is kept as it runs. One guest of a host
 * is read at a time, and none while a task owns it, so that nothing waits for this.
 *
 * What has changed is packed on a worker and written a few seconds later, or as soon as there is enough for a transaction; what the database does not take is
 * written later, and what is lost is read again after the next start. Memory has a number of each text, not the text.
 *
 * With it go the disks as the host describes them, since no definition says what files are laid over: only the description of a guest that runs does,
 * and what that said is kept while it is off.
 *
 * The rows hold the passwords of consoles and whatever else a definition holds: docs/SECURITY.md.
 */
#ifndef KEEP_H
#define KEEP_H

#include "fleet/host.h"
#include "fleet/server.h"

struct fleet;

struct kept_definition {
	char *xml;
	bool transient;      /* it ran without a definition: as it ran */
	int64_t updated_us;
	GPtrArray *disks;    /* struct hv_disk *: as its host last described them, with what they are laid over; NULL: it has not told */
};

/** keep_read() - from the store. Return: false with ERR_NOT_FOUND: none is kept, ERR_INTERNAL: it cannot be read, or the store's error. */
bool keep_read(struct fleet *f, const char *uuid, struct kept_definition *ret, GError **err);
void kept_definition_clear(struct kept_definition *k);

/* ---- for sync.c, fleet.c, registry.c and server_row.c ---- */

/** keep_new() - nothing is known yet. */
void keep_new(struct fleet *f);
/** keep_load() - what the store has, in numbers. */
bool keep_load(struct fleet *f, GError **err);
/** keep_want() - @s may have changed: read it soon. */
void keep_want(struct fleet *f, struct server *s);
/** keep_want_first() - the same if it is not kept yet, or was not looked at since the start. */
void keep_want_first(struct fleet *f, struct server *s);
/** keep_host_up() - begin to ask. keep_host_down() - what happens from now on is not told: all of its servers are read again when it is back. */
void keep_host_up(struct host *h);
void keep_host_down(struct host *h);
/** keep_host_new(), keep_host_free() - make and free what a host has for this. */
void keep_host_new(struct host *h);
void keep_host_free(struct host *h);
/** keep_free() - what was not written is lost. */
void keep_free(struct fleet *f);

#endif

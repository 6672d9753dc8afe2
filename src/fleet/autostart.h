/* SPDX-License-Identifier: Apache-2.0
 *
 * autostart: which guests start with their host, on hosts where that is Drover's to do.
 *
 * Theory of operation
 * -------------------
 * A libvirtd that comes back starts the guests with libvirt's autostart flag before it answers anyone, also those that were evacuated
 * meanwhile. So on a host with a fence agent (keep_autostart) the flag is a wish, which is stored, and then switched off:
 *
 *	flag on        the wish and "ours" are written, then the flag is switched off: a guest between the two still has its flag
 *	flag off       of one that is ours: "off" is written. Its host starts it no more
 *	moved, or the option is off: a host that does not keep it gets the flag back, and it is not ours any more
 *
 * autostart_decide() is that table. The flag is read with each list (sync.c), but one that was asked for before a switch of the flag was answered says nothing of it:
 * the switch may act after it. So may one whose answer was lost, for a minute. virsh autostart says the wish again. A host that boots starts nothing then. Whether it has booted is seen here (autostart_listed()) and stored with the host; the guests are started by power/boot.h.
 */
#ifndef AUTOSTART_H
#define AUTOSTART_H

#include "fleet/host.h"
#include "fleet/server.h"

struct fleet;

struct autostart_state {
	bool wish; /* the guest is to start with its host */
	bool ours; /* ... and Drover does that: the flag is switched off, or is about to be */
	bool off;  /* ... and was seen to be off */
};

enum autostart_act { AUTOSTART_NOTHING, AUTOSTART_SET_OFF, AUTOSTART_SET_ON };

/**
 * autostart_decide() - what a look at libvirt's flag means. Pure.
 * @s: as it is; becomes what is to be written, before the act
 * @kept: autostart is Drover's on that host
 * @flag: what was seen
 */
enum autostart_act autostart_decide(struct autostart_state *s, bool kept, bool flag);

/** autostart_is_kept() - it is Drover's to start the guests of this host. @h: may be NULL */
bool autostart_is_kept(const struct host *h);
/** autostart_may_be_hosts() - for all that is known the guest's host starts it by itself when it boots. */
bool autostart_may_be_hosts(const struct server *s);

/**
 * autostart_set() - whether a server is to start with its host, for one whose host leaves that to Drover.
 *
 * Return: false with ERR_CONFLICT (its host does not: the flag is libvirt's; a task owns it) or the store's error.
 */
bool autostart_set(struct fleet *f, struct server *s, bool wish, GError **err);

/* ---- for sync.c, fleet.c, registry.c ---- */

/** autostart_load() - the records were read: a switch that a row tells of may have been asked for by the process before. */
void autostart_load(struct fleet *f);

/** autostart_seen() - take what @d, which is at the server's host, says of the flag. Return: whether the record changed. */
bool autostart_seen(struct fleet *f, struct server *s, const struct hv_dom *d);
/** autostart_act() - if the flag is another than it is to be, and the record is written, switch it soon. */
void autostart_act(struct fleet *f, struct server *s);

/**
 * autostart_listed() - a host that has come back has told what it has: see whether it has booted. The records are as they were before.
 * @doms: struct hv_dom *
 *
 * Return: whether it has. Where that is Drover's to do, its guests are to be started.
 */
bool autostart_listed(struct fleet *f, struct host *h, const GPtrArray *doms);
/** autostart_save() - write again what the database refused. */
void autostart_save(struct fleet *f, struct host *h);
/** autostart_done() - its guests are started, as far as they can be. */
void autostart_done(struct fleet *f, struct host *h);

/** autostart_host_new(), autostart_host_free() - make and free what a host has for this. */
void autostart_host_new(struct host *h);
void autostart_host_free(struct host *h);

#endif

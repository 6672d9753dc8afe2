/* SPDX-License-Identifier: Apache-2.0
 *
 * addr: the interfaces of servers and the addresses that they have.
 *
 * Theory of operation
 * -------------------
 * A server's interfaces are its domain's. What addresses they have only its host
 * and its guest know, and asking costs more than a poll, so each is asked by
 * itself and seldom: after it was adopted or started, some times until an
 * address is known; once after it was moved; and every address_refresh_interval,
 * each at a moment of its own. One that has a task is asked when the task has
 * ended. Two guests of a host are asked at once at most: one whose agent keeps
 * silent delays others of its host by that much, and no poll and no migration.
 *
 * Addresses are the last known ones: an interface without a known address
 * now keeps what it had, as entries of ARP tables come and go. They lie in the
 * server's row too, so that they show after a restart; rows are written some
 * seconds later, many in one transaction, since what is lost can be asked for.
 */
#ifndef FLEET_ADDR_H
#define FLEET_ADDR_H

#include "fleet/host.h"
#include "fleet/server.h"

struct fleet;

struct server_nic {
	char *mac;       /* lower case */
	char *network;   /* libvirt's network, else the bridge or what else it is connected to */
};

/** addr_of() - the @i-th address of an interface, from 0. Return: borrowed; NULL after the last. */
const struct hv_addr *addr_of(const struct server *s, const char *mac, guint i);

/* ---- for sync.c, server_row.c and fleet.c ---- */

/** addr_took_dom() - server.dom is new: its interfaces may be, and it may have started. */
void addr_took_dom(struct fleet *f, struct server *s);
/** addr_moved() - it is on another host: ask there. */
void addr_moved(struct server *s);
/** addr_load() - interfaces and addresses as its row has them (addrs_stored). */
void addr_load(struct server *s);
/** addr_host_up(), addr_host_down() - begin and stop to ask a host. */
void addr_host_up(struct host *h);
void addr_host_down(struct host *h);
/** addr_host_new(), addr_host_free() - make and free what a host has for this. */
void addr_host_new(struct host *h);
void addr_host_free(struct host *h);
/** addr_stop() - nothing is asked or written any more. */
void addr_stop(struct fleet *f);

#endif

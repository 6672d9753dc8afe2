/* SPDX-License-Identifier: Apache-2.0
 *
 * host_link: the connection of one host.
 *
 * Theory of operation
 * -------------------
 *	CLOSED --open--> CONNECTING --opened--> SYNCING --list--> CLEANING --host_link_up()--> UP
 *	   ^                 |                     |                 |                          |
 *	   +----(wait)-------+-------------- closed, or a poll that got no answer --------------+
 *
 * While UP it is polled for what it is and for its domains, and followed by events
 * in between. Each connection has a turn number; an answer that belongs to an earlier
 * turn says nothing about this one and is dropped.
 *
 * What is said is handed to callbacks, and nothing is concluded from it here but
 * whether the host answers.
 */
#ifndef HOST_LINK_H
#define HOST_LINK_H

#include "fleet/host.h"

/* All are called on the loop thread. */
struct host_link_calls {
	/*
	 * It has said what it is. @info: owned by the callee.
	 * Return: NULL: it may go on; else why not, owned by the caller: the connection is dropped and tried again.
	 */
	char *(*info)(struct host *h, struct hv_host_info *info, void *user);
	/* all of its domains; some may be stolen. Return: whether all are taken, or else to be called again in the next turn of the loop */
	bool (*part)(struct host *h, struct host_list *l, void *user);
	/* all were taken, so many. In CLEANING: host_link_up() is due */
	void (*list)(struct host *h, guint n, void *user);
	/* one of them, maybe absent. @d: may be stolen: *@d is then NULL */
	void (*domain)(struct host *h, struct hv_dom **d, uint64_t ask, void *user);
	/* it came up or went down, as host_is_up() says. @was: host.conn before: HOST_UP if only a silence has ended */
	void (*state)(struct host *h, enum host_conn was, void *user);
	/* an attempt to connect has ended: the host could be reached, or not */
	void (*tried)(struct host *h, bool reached, void *user);
	/* of a domain */
	void (*event)(struct host *h, const struct hv_event *ev, void *user);
};

/** host_link_new() - make its part of a host: closed. @hv: where the connection is made. @calls: of static lifetime, all set */
void host_link_new(struct host *h, struct hv *hv, const struct host_link_calls *calls, void *user);
/** host_link_free() - close it first. Nothing happens if there is none. */
void host_link_free(struct host *h);

/** host_link_open() - begin to connect, and go on trying. */
void host_link_open(struct host *h);
/** host_link_close() - drop the connection and stop trying. No callback is called. */
void host_link_close(struct host *h);
/** host_link_up() - CLEANING is done: what is left behind on it is decided, and it counts as up. */
void host_link_up(struct host *h);

/** host_link_event() - an event of the hypervisor seam about this host. */
void host_link_event(struct host *h, const struct hv_event *ev);
/** host_link_ask_again() - the loop stood: what is owed is owed from now on, and a host that is up is polled at once. */
void host_link_ask_again(struct host *h);
/** host_link_refresh() - read one domain of it again, soon. */
void host_link_refresh(struct host *h, const char *uuid);

/** host_link_drop() - nothing that it might still say counts: drop the connection, and go on trying. @why: the reason why it is down */
void host_link_drop(struct host *h, const char *why);
/** host_link_hurry() - if it waits to be tried again, try now. */
void host_link_hurry(struct host *h);

/** host_link_turn() - the number of its connection: an answer that was asked for in another one says nothing of this one. */
uint64_t host_link_turn(const struct host *h);
/** host_connected() - it can be asked: it answered since its connection was made. @h: may be NULL, a host that is gone. */
bool host_connected(const struct host *h);
/**
 * host_call() - ask a host that may be gone, or not be connected.
 * @h: NULL for one that is gone
 * @done, @user: as hv_call() has them
 *
 * Return: false if it cannot be asked; @done is not called then.
 */
bool host_call(struct host *h, const struct hv_req *req, hv_done_f *done, void *user);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * room: what servers and claims take of each host, and what is free.
 *
 * Theory of operation
 * -------------------
 * The scheduler asks it of every host for every task, so the sums are kept, not
 * made: whatever joins or leaves a host's lists, or changes its size there, goes
 * through here. What it reads is one table, a row of less than a cache line a
 * host, in the order of fleet_hosts(): to judge a thousand hosts is to read 56 KB
 * in sequence instead of three lines each of a thousand structs and their hash
 * tables. The rows are copies; code that changes a host calls room_note()
 * (room_check() looks after that).
 *
 * A claim holds room for a task: at its destination, or at its source for as long
 * as the server may come back. It is no slot: how many tasks come to a host is
 * counted by the queue, which tells it here (room_inbound()).
 *
 * Whether more room is of interest to others is not for this module: what makes
 * room returns so.
 */
#ifndef ROOM_H
#define ROOM_H

#include "base/conf.h"
#include "fleet/host.h"
#include "fleet/place.h"
#include "fleet/place_use.h"

enum claim_role { CLAIM_DEST, CLAIM_SOURCE, CLAIM_ROLE_N };

/* There is one of a task and role at most. */
struct claim {
	int64_t task_id;
	enum claim_role role;
	char server_uuid[UTIL_UUID_LEN + 1]; /* what it takes is not counted when this server is placed */
	struct usage usage;
	struct place_use *place; /* CPUs and memory of nodes that it takes; NULL: none */
	struct host *host;       /* room_claim() sets it */
};

/* What is asked of a host for every task. */
struct host_facts {
	struct host *host;
	int64_t waits_since_us;     /* as in struct host */
	int64_t memory_mb, disk_gb; /* capacity that servers and claims leave; less than 0 if that has shrunk */
	int vcpus;                  /* likewise */
	int servers;                /* and claims */
	GQuark arch;                /* 0: not known */
	GQuark cell;
	uint16_t inbound[TASK_CLASSES_MAX];
	bool usable;                /* connected, not forced down, not disabled */
	bool without_kvm;           /* and it has told so */
	bool has_pool;
};

/** room_new() - for no host yet. @conf: borrowed, must outlive it */
struct room *room_new(const struct conf *conf);
/** room_free() - its hosts are freed. */
void room_free(struct room *r);

/* ---- hosts ---- */

/** room_add() - @h is now the last of the fleet's hosts. */
void room_add(struct room *r, struct host *h);
/** room_remove() - @h is none of them any more. It has no claims. */
void room_remove(struct room *r, struct host *h);
/** room_note() - a host has changed. Does nothing while it is in no list. */
void room_note(struct host *h);
/** room_info() - what a host says of itself. @info: owned from now on; NULL */
void room_info(struct host *h, struct hv_host_info *info);
/** room_inbound() - so many tasks of a class have an inbound slot there. */
void room_inbound(struct host *h, const struct task_class *class, int n);

/** room_facts() - of the host at a place in fleet_hosts(), which is its host.index. Valid until a host is added or removed. */
const struct host_facts *room_facts(const struct room *r, guint index);
/** room_since_us() - a host that is connected and owes no answer to a question from before then is up. Monotonic. */
int64_t room_since_us(const struct room *r);

/* ---- claims ---- */

/**
 * room_claim() - hold room at @h.
 * @c: copied; its place is taken. One of this task and role is replaced
 *
 * Return: another host, where that one was and there is more room now; NULL.
 */
struct host *room_claim(struct host *h, const struct claim *c);
/** room_unclaim() - give it back. Return: the host that has more room now; NULL: there was none. */
struct host *room_unclaim(struct room *r, int64_t task_id, enum claim_role role);
/** room_claim_of() - Return: borrowed; NULL: there is none. */
const struct claim *room_claim_of(const struct room *r, int64_t task_id, enum claim_role role);

/* ---- servers ---- */

/** room_join() - the server is on the host from now on. */
void room_join(struct host *h, struct server *s);
/** room_leave() - it is not any more. Return: there is more room. */
bool room_leave(struct host *h, struct server *s);
/** room_resize() - it has another size; @size->servers is 1. @h: where it is; NULL. Return: there may be more room. */
bool room_resize(struct host *h, struct server *s, const struct usage *size);

/* ---- placed guests ---- */

/**
 * room_find_numa_fit() - where a server's guest would go on @dest, by what is known of both hosts now.
 * @source: where it is; NULL
 * @server_uuid: what it takes itself is not counted; NULL
 * @ties: the guest's
 *
 * Return: owned by the caller; NULL with ERR_PRECHECK in Nova's words.
 */
struct hv_numa_fit *room_find_numa_fit(const struct host *source, const struct host *dest, const char *server_uuid,
				   const struct hv_ties *ties, GError **err);

/** room_check() - for tests: recount what is taken. Return: a host whose sums or row are wrong; NULL. */
const struct host *room_check(const struct room *r);

#endif

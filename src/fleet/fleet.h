/* SPDX-License-Identifier: Apache-2.0
 *
 * fleet: the hosts, the servers on them, and what is free.
 *
 * Theory of operation
 * -------------------
 * Hosts come from the configuration and from run time; both are rows of the
 * store. Each host is a small machine: CLOSED -> CONNECTING -> SYNCING -> UP,
 * back to CLOSED with growing waits. While UP it is polled every
 * report_interval for its vital signs and its domains, and followed by events in
 * between; keepalive and the poll's limit together notice a dead host within
 * service_down_time.
 *
 * Adoption: a domain that no record knows becomes a server. A record's host
 * follows reality: the domain that runs is the truth. While a migration of the
 * engine owns a server (task_state set), fleet leaves its host and state alone.
 * Two running copies are an alarm (event "split_brain") and nothing is touched.
 */
#ifndef FLEET_H
#define FLEET_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "base/conf.h"
#include "fleet/event.h"
#include "fleet/host.h"
#include "fleet/room.h"
#include "fleet/server.h"
#include "hv/hv.h"
#include "store/store.h"

struct requester; /* action.h */

#define FLEET_UNIT_GIB (INT64_C(1) << 30)

struct fleet;

/* A listener: called on the loop thread after the records changed. */
struct fleet_listener {
	/* any domain event or poll result of a server that the engine owns; dom may be NULL */
	void (*domain)(const struct hv_event *ev, void *user);
	/* @d is shut off there, or waits for a migration that has no job; no migration owns its server, which is elsewhere */
	void (*leftover)(struct host *h, const struct hv_dom *d, void *user);
	/* a host became UP, or stopped being so, or was enabled or disabled */
	void (*host)(struct host *h, void *user);
	/* a server has left it, or has another size: there may be more room */
	void (*room)(struct host *h, void *user);
	void *user;
};

/**
 * fleet_new() - load hosts and servers from the store, add the configuration's hosts.
 * @conf, @store: borrowed, must outlive it
 * @ops: implementations of the hypervisor seam, NULL-terminated, the one without a scheme last
 */
struct fleet *fleet_new(const struct conf *conf, struct store *store, const struct hv_ops *const *ops, GError **err);
void fleet_free(struct fleet *f);

/** fleet_stop() - drop all connections; calls under way complete with ERR_HV_LOST before it returns. */
void fleet_stop(struct fleet *f);

/** fleet_start() - begin to connect to every host. */
void fleet_start(struct fleet *f);
/**
 * fleet_settled() - what is known of the hosts is worth judging by.
 *
 * After a start no host is up yet, and after a time in which the loop stood nothing is known of any: until each has
 * answered since, or failed once, "down" means nothing. A host that hangs is not waited for longer than service_down_time.
 */
bool fleet_settled(struct fleet *f);
/** fleet_listen() - set the one listener (the engine). Copied. */
void fleet_listen(struct fleet *f, const struct fleet_listener *l);

struct store *fleet_store(struct fleet *f);
const struct conf *fleet_conf(struct fleet *f);
/** fleet_events() - the events, for subscribed clients. Borrowed. */
struct events *fleet_events(struct fleet *f);
/** fleet_calls() - what was asked of hosts, and what came of it. Borrowed. */
const struct hv_stats *fleet_calls(struct fleet *f);

/* ---- hosts ---- */

/** fleet_hosts() - all, by id. Borrowed GPtrArray of struct host *. */
GPtrArray *fleet_hosts(struct fleet *f);
/** fleet_host() - by name; NULL if there is none. */
struct host *fleet_host(struct fleet *f, const char *name);
struct host *fleet_host_by_uuid(struct fleet *f, const char *uuid);
struct host *fleet_host_by_id(struct fleet *f, int64_t id);

/** fleet_host_add() - add a host at run time and connect. ERR_CONFLICT if the name is taken, ERR_BAD_REQUEST for a bad name, URI or address. */
struct host *fleet_host_add(struct fleet *f, const struct conf_host *ch, GError **err);
/** fleet_host_remove() - forget a host. ERR_CONFLICT while it has servers or claims. */
bool fleet_host_remove(struct fleet *f, struct host *h, GError **err);
/** fleet_host_set() - write disabled, disabled_reason and forced_down. NULL leaves the reason out. */
bool fleet_host_set(struct fleet *f, struct host *h, bool disabled, const char *reason, bool forced_down, GError **err);

/** host_is_up() - connected, no question to it is unanswered for longer than service_down_time, and not forced down. */
bool host_is_up(const struct fleet *f, const struct host *h);
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
/** host_state_text() - "up", or why not, for messages: "down: connection refused". Return: owned by the caller. */
char *host_state_text(const struct fleet *f, const struct host *h);
/**
 * host_listen() - where a guest's console listens on it, as the configuration says.
 * @type: "vnc", "spice"
 *
 * Return: borrowed; NULL: where the guest's description says.
 */
const char *host_listen(struct fleet *f, const struct host *h, const char *type);

/**
 * fleet_claim() - hold room at @h, as room_claim() does; the listener hears of room that is given back.
 * @c: its place is taken
 */
void fleet_claim(struct fleet *f, struct host *h, const struct claim *c);
/** fleet_unclaim() - give it back; nothing happens if there is none. */
void fleet_unclaim(struct fleet *f, int64_t task_id, enum claim_role role);
/** fleet_room() - what is taken of the hosts, and what is free. Borrowed. */
const struct room *fleet_room(const struct fleet *f);

/* ---- servers ---- */

/** fleet_servers() - all, by id upwards. Borrowed GPtrArray of struct server *. */
GPtrArray *fleet_servers(struct fleet *f);
struct server *fleet_server(struct fleet *f, const char *uuid);

/**
 * fleet_server_save() - write a record through to the store.
 *
 * Inside the caller's transaction if one is open. On failure the caller rolls
 * back and restores the fields it changed.
 */
bool fleet_server_save(struct fleet *f, struct server *s, GError **err);
/** fleet_server_write() - write the record as @d has it, inside the caller's transaction. Memory stays as it is. */
bool fleet_server_write(struct fleet *f, struct server *s, const struct server_draft *d, GError **err);
/** fleet_server_take() - the record is what @d says; memory only, after the commit. */
void fleet_server_take(struct fleet *f, struct server *s, const struct server_draft *d);
/**
 * fleet_server_reset() - Nova's os-resetState: the record says SERVER_ACTIVE or SERVER_ERROR now, and an action records the requester.
 *
 * Active, it follows what its host says from then on, and forgets its fault.
 *
 * Return: false with ERR_CONFLICT while a task owns it, or with the store's error.
 */
bool fleet_server_reset(struct fleet *f, struct server *s, enum server_vm vm, const struct requester *who, GError **err);
/** fleet_server_move() - set the server's host and the lists that hang on it; memory only, after the commit. */
void fleet_server_move(struct fleet *f, struct server *s, const char *host);

/** fleet_server_freed() - the server's task has ended: what was asked of hosts until now no longer counts, and its domain is re-read. */
void fleet_server_freed(struct fleet *f, struct server *s);
/** fleet_server_refresh() - read the domain again from the server's host, soon. */
void fleet_server_refresh(struct fleet *f, struct server *s);

#endif

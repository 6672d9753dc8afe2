/* SPDX-License-Identifier: Apache-2.0
 *
 * registry: the lists of hosts and servers, and what hangs on them.
 *
 * It knows no connection and no row, so that whatever looks up a host or a server
 * can stand below fleet.c, which puts the parts together.
 */
#ifndef REGISTRY_H
#define REGISTRY_H

#include "base/conf.h"
#include "fleet/event.h"
#include "fleet/host.h"
#include "fleet/listener.h"
#include "fleet/room.h"
#include "fleet/server.h"
#include "store/store.h"

struct fleet;

/** registry_new() - a fleet without hosts. @conf, @store: borrowed, must outlive it */
struct fleet *registry_new(const struct conf *conf, struct store *store);
/** registry_free() - with its hosts and servers. */
void registry_free(struct fleet *f);

struct store *fleet_store(const struct fleet *f);
const struct conf *fleet_conf(const struct fleet *f);
/** fleet_events() - the events, for subscribed clients. Borrowed. */
struct events *fleet_events(const struct fleet *f);
/** fleet_room() - what is taken of the hosts, and what is free. Borrowed. */
struct room *fleet_room(const struct fleet *f);
/** fleet_listen() - set the one listener (the engine). Copied. */
void fleet_listen(struct fleet *f, const struct fleet_listener *l);

/** registry_next_ask() - the number of a question to a host: they grow. */
uint64_t registry_next_ask(struct fleet *f);

/* ---- hosts ---- */

/** fleet_hosts() - all, by id. Borrowed GPtrArray of struct host *. */
GPtrArray *fleet_hosts(const struct fleet *f);
/** fleet_host() - by name; NULL if there is none. */
struct host *fleet_host(const struct fleet *f, const char *name);
struct host *fleet_host_by_uuid(const struct fleet *f, const char *uuid);
/** fleet_host_called() - by its name, or else by its uuid. */
struct host *fleet_host_called(const struct fleet *f, const char *name_or_uuid);
struct host *fleet_host_by_id(const struct fleet *f, int64_t id);

/** registry_add_host() - @h is one of the fleet's from now on. */
void registry_add_host(struct fleet *f, struct host *h);
/** registry_remove_host() - it is not any more, and is freed; it has no servers and no claims. */
void registry_remove_host(struct fleet *f, struct host *h);

/** host_is_up() - connected, no question to it is unanswered for longer than service_down_time, and not forced down. */
bool host_is_up(const struct fleet *f, const struct host *h);
/** host_state_text() - "up", or why not, for messages: "down: connection refused". Return: owned by the caller. */
char *host_state_text(const struct fleet *f, const struct host *h);

/* ---- servers ---- */

/** fleet_servers() - all, as they came: by .nth upwards. Borrowed GPtrArray of struct server *. */
GPtrArray *fleet_servers(const struct fleet *f);
/**
 * fleet_servers_after() - for pieces of that list, between which servers come and go.
 * @nth: server.nth of the last one that was looked at; 0: none was
 *
 * Return: the place of the first one behind it; the list's length: there is none.
 */
guint fleet_servers_after(const struct fleet *f, int64_t nth);
struct server *fleet_server(const struct fleet *f, const char *uuid);

/** registry_add_server() - @s is one of the fleet's from now on, and takes its room. */
void registry_add_server(struct fleet *f, struct server *s);
/** registry_remove_server() - it is not any more, gives its room back, and is freed. */
void registry_remove_server(struct fleet *f, struct server *s);
/** registry_move_server() - it is on another host, by name; NULL: on none. */
void registry_move_server(struct fleet *f, struct server *s, const char *host);
/** registry_resize_server() - it has another size; @size->servers is 1. */
void registry_resize_server(struct fleet *f, struct server *s, const struct usage *size);
/** registry_missing() - the one writer of server.missing. */
void registry_missing(struct fleet *f, struct server *s, bool missing);

/* ---- claims ---- */

/**
 * fleet_claim() - hold room at @h, as room_claim() does; the listener hears of room that is given back.
 * @c: its place is taken
 */
void fleet_claim(struct fleet *f, struct host *h, const struct claim *c);
/** fleet_unclaim() - give it back; nothing happens if there is none. */
void fleet_unclaim(struct fleet *f, int64_t task_id, enum claim_role role);

#endif

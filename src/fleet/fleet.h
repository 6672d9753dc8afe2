/* SPDX-License-Identifier: Apache-2.0
 *
 * fleet: the hosts, the servers on them, and what is free.
 *
 * Theory of operation
 * -------------------
 * Hosts come from the configuration and from run time; both are rows of the
 * store. Each has a connection, a small machine (host_link.h): CLOSED -> CONNECTING
 * -> SYNCING -> CLEANING -> UP, back to CLOSED with growing waits. While UP it is
 * polled every report_interval for its vital signs and its domains, and followed by
 * events in between; keepalive and the poll's limit together notice a dead host
 * within service_down_time.
 *
 * Adoption: a domain that no record knows becomes a server. A record's host
 * follows reality: the domain that runs is the truth. While a migration of the
 * engine owns a server (task_state set), fleet leaves its host and state alone.
 * Two running copies are an alarm (event "split_brain") and nothing is touched.
 */
#ifndef FLEET_H
#define FLEET_H

#include "fleet/host_link.h"
#include "fleet/host_row.h"
#include "fleet/registry.h"
#include "fleet/server_row.h"
#include "fleet/sync.h"

struct requester; /* action.h */

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
/** fleet_host_cleaned() - something that was left at a host which has come back is decided: it comes up if that was all (fleet_listener.clean). */
void fleet_host_cleaned(struct fleet *f, struct host *h);
/** fleet_call_stats() - what was asked of hosts, and what came of it. Borrowed. */
const struct hv_stats *fleet_call_stats(struct fleet *f);

/* ---- hosts ---- */

/** fleet_host_add() - add a host at run time and connect. ERR_CONFLICT if the name is taken, ERR_BAD_REQUEST for a bad name, URI or address. */
struct host *fleet_host_add(struct fleet *f, const struct conf_host *ch, GError **err);
/** fleet_host_remove() - forget a host. ERR_CONFLICT while it has servers or claims. */
bool fleet_host_remove(struct fleet *f, struct host *h, GError **err);
/** fleet_host_set() - write disabled, disabled_reason and forced_down. NULL leaves the reason out. */
bool fleet_host_set(struct fleet *f, struct host *h, bool disabled, const char *reason, bool forced_down, GError **err);

/** fleet_host_dead() - it was seen to be switched off: it is down from now on, and not only when its silence has lasted long enough. */
void fleet_host_dead(struct fleet *f, struct host *h);

/**
 * host_listen() - where a guest's console listens on it, as the configuration says.
 * @type: "vnc", "spice"
 *
 * Return: borrowed; NULL: where the guest's description says.
 */
const char *host_listen(struct fleet *f, const struct host *h, const char *type);

/** fleet_on_domain() - call @fn for each event of a host's domain, after the tasks have heard of it; it must not change a record. One listener; NULL: none. */
void fleet_on_domain(struct fleet *f, hv_event_f *fn, void *user);

/* ---- servers ---- */

/**
 * fleet_server_reset() - Nova's os-resetState: the record says SERVER_ACTIVE or SERVER_ERROR now, and an action records the requester.
 *
 * Active, it follows what its host says from then on, and forgets its fault.
 *
 * Return: false with ERR_CONFLICT while a task owns it, or with the store's error.
 */
bool fleet_server_reset(struct fleet *f, struct server *s, enum server_vm vm, const struct requester *who, GError **err);

/**
 * fleet_server_lock() - Nova's lock: from now on only administrators may change it. An action records the requester.
 * @reason: NULL: none
 *
 * What is locked stays as it is when a user of its project locks it again; an administrator of another project takes the lock over.
 *
 * Return: false with the store's error.
 */
bool fleet_server_lock(struct fleet *f, struct server *s, const char *reason, const struct requester *who, GError **err);
/** fleet_server_unlock() - the same back; one that is not locked stays so. */
bool fleet_server_unlock(struct fleet *f, struct server *s, const struct requester *who, GError **err);
/** server_lock_is_of() - the lock, if there is one, is such that this requester would have set it. */
bool server_lock_is_of(const struct server *s, const struct requester *who);

#endif

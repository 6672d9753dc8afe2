/* SPDX-License-Identifier: Apache-2.0
 *
 * publish: what subscribers are told of hosts and servers.
 *
 * Theory of operation
 * -------------------
 * A record changes in several steps, some of them inside a transaction that may
 * be rolled back. Changes are never announced in advance: code that touches a
 * server or a host marks it, and on a later turn of the loop, when the transaction
 * is over, the record is compared with what was published last. What is published
 * is true and durable, and what came back to where it was is no news.
 */
#ifndef PUBLISH_H
#define PUBLISH_H

#include "fleet/host.h"
#include "fleet/server.h"

struct fleet;

/** publish_later() - @s may have changed; if it has, that is published on a later turn, when no transaction is open. */
void publish_later(struct fleet *f, struct server *s);
/** publish_known() - what @s is now is no news: it was read from the store. */
void publish_known(struct server *s);
/** publish_removed() - @s is about to be freed. */
void publish_removed(struct fleet *f, struct server *s);
/** publish_host() - a host was "added", "removed" or "changed". */
void publish_host(struct host *h, const char *change);
/** publish_host_state() - it may have come up or gone down. */
void publish_host_state(struct host *h);
/** publish_stop() - nothing is published any more. */
void publish_stop(struct fleet *f);

#endif

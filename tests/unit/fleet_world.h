/* SPDX-License-Identifier: Apache-2.0
 *
 * fleet_world: a fleet that stands still, of two hosts with 8 CPUs, 8192 MB and 100 GB each, and a server on the first.
 */
#ifndef FLEET_WORLD_H
#define FLEET_WORLD_H

#include "fleet/fleet.h"

#define WORLD_INBOUND_MAX 2 /* max_concurrent_inbound_live_migrations */

struct world {
	struct conf *conf;
	struct store *store;
	struct fleet *fleet;
	struct host *h1, *h2;
	struct server *server; /* on h1: 2 CPUs, 2048 MB, 10 GB */
	GString *freed;        /* the hosts that have more room, in order: "h2 h1 " */
};

struct world *world_new(void);
/** world_free() - what is taken of its hosts must be what their servers and claims say. */
void world_free(struct world *w);

#endif

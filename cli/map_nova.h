/* SPDX-License-Identifier: Apache-2.0
 *
 * map_nova: a host map against a Nova, or whatever has no plans.
 *
 * What is a plan's on Drover is done here by the client: the names are looked
 * up, the hosts judged by what Compute tells of them, and the servers migrated
 * live, one at a time, each watched until it has ended and then looked for at its
 * new host. What only the server could do is not done: no room is reserved, no
 * third host is used, and the work ends with the client.
 */
#ifndef MAP_NOVA_H
#define MAP_NOVA_H

#include <stdint.h>

#include "cli.h"
#include "map.h"

/**
 * map_nova_steps() - what a map would move.
 * @m: gets mistakes
 *
 * Return: steps as a plan has them, owned by the caller; NULL with @err if Compute does not tell.
 */
json_t *map_nova_steps(struct cli *c, struct map *m, GError **err);

struct map_nova_how {
	bool yes;          /* without questions */
	int64_t limit_ms;  /* of one migration */
};

/**
 * map_nova_run() - do the steps, one at a time; each gets its state and reason. Sets the exit statuses of @c.
 * Ctrl-C at a migration ends all: CLI_INTERRUPTED.
 */
bool map_nova_run(struct cli *c, json_t *steps, const struct map_nova_how *how, GError **err);

#endif

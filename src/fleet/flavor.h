/* SPDX-License-Identifier: Apache-2.0
 *
 * flavor: the sizes of servers under the names that clients expect.
 *
 * Servers are adopted with the sizes that their domains have, without
 * flavors made for them. So a flavor is a size: it exists while a server has it, and
 * its id and name spell it out ("d1.2c4096m10g"), stable over restarts.
 */
#ifndef FLAVOR_H
#define FLAVOR_H

#include <stdbool.h>

#include "fleet/server.h"

struct fleet;

#define FLAVOR_ID_MAX 72

struct flavor {
	char id[FLAVOR_ID_MAX]; /* also its name */
	int vcpus;
	int64_t memory_mb, disk_gb;
};

/** flavor_of() - the flavor of a server. */
void flavor_of(struct flavor *f, const struct server *s);

/** flavor_number() - a positive integer that stands for it where Nova shows its own key. */
int flavor_number(const struct flavor *f);

/** flavor_all() - the sizes of all servers, each once, in no order. Return: GPtrArray of struct flavor *, owned. */
GPtrArray *flavor_all(const struct fleet *f);
/** flavor_find() - by id. Return: false if there is none. */
bool flavor_find(const struct fleet *f, const char *id, struct flavor *ret);

#endif

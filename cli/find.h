/* SPDX-License-Identifier: Apache-2.0
 *
 * find: servers by name or id, migrations by number or UUID, hosts by name.
 */
#ifndef FIND_H
#define FIND_H

#include <glib.h>
#include <jansson.h>

#include "client.h"
#include "cli.h"

/* Microversions up to which the bodies here are understood. */
#define FIND_SERVER_MV 96
#define FIND_MIGRATION_MV 80
#define FIND_HYPERVISOR_MV 87 /* the last that tells vCPUs, memory and disk */

/**
 * find_server() - a server by its id, its name, or an unambiguous beginning of either.
 *
 * Return: its record, owned by the caller; NULL with CLI_FAILED: no such server (and which name is near), or several of
 * that name or beginning (and which).
 */
json_t *find_server(struct cli *c, const char *text, GError **err);

/** find_servers() - all servers that the user may see. Return: their records, owned by the caller; NULL with @err. */
json_t *find_servers(struct cli *c, GError **err);

/**
 * find_host() - a compute host by its name, or an unambiguous beginning of it.
 *
 * Return: its name, owned by the caller; NULL with CLI_FAILED: no such host (and which name is near), or several.
 */
char *find_host(struct cli *c, const char *text, GError **err);

/**
 * find_migration() - a migration of any kind and state by its number or UUID, or an unambiguous beginning of its UUID that no number looks like.
 * @server_id: look only among this server's; NULL: all
 *
 * Return: its record of /os-migrations, owned by the caller; NULL with CLI_FAILED.
 */
json_t *find_migration(struct cli *c, const char *server_id, const char *text, GError **err);

/** find_all_tenants() - append what shows every project's servers to a query, for users allowed to see them. */
void find_all_tenants(struct cli *c, GString *query);

/** find_unknown() - CLI_FAILED: no @what is called @text; names the nearest of @names, a member of each of @rows. */
void find_unknown(const char *what, const char *text, const json_t *rows, const char *name, GError **err);

/** find_migrations_list() - the parameters of a list of /os-migrations. */
struct client_list find_migrations_list(const char *query);

#endif

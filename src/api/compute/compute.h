/* SPDX-License-Identifier: Apache-2.0
 *
 * compute: the routes of Nova's API, by file.
 */
#ifndef COMPUTE_H
#define COMPUTE_H

#include "api/http/handler.h"

extern const struct route_table servers_routes, server_actions_routes, consoles_routes, migrations_routes, services_routes, hypervisors_routes,
	hosts_routes, flavors_routes, actions_routes, limits_routes, quotas_routes, usage_routes, interfaces_routes;

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * network: Network v2. Networks are the hosts' own and none is managed here:
 * ports, networks and subnets are what servers have (port.h), for users that may
 * see those servers; every other collection that clients look into is empty.
 */
#ifndef NETWORK_H
#define NETWORK_H

#include "api/http/handler.h"

extern const struct route_table network_routes;

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * nodes: the routes of the Bare Metal API, by file.
 */
#ifndef NODES_H
#define NODES_H

#include "api/http/handler.h"

extern const struct route_table nodes_routes;

#endif

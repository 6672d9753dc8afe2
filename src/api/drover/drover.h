/* SPDX-License-Identifier: Apache-2.0
 *
 * drover: the routes of Drover's own API, by file.
 */
#ifndef DROVER_H
#define DROVER_H

#include "api/http/handler.h"

extern const struct route_table drover_routes, prechecks_routes, events_routes;

#endif

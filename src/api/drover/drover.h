/* SPDX-License-Identifier: Apache-2.0
 *
 * drover: the routes of Drover's own API, by file.
 */
#ifndef DROVER_H
#define DROVER_H

#include "api/http/handler.h"

extern const struct route_table drover_routes, prechecks_routes, events_routes, fencing_routes, autostart_routes, checks_routes, evacuating_routes, plans_routes,
	summary_routes, server_rows_routes, config_routes, dashboard_routes;

/** drover_find_host() - the host of the path, by name or by uuid. Return: NULL after the request was answered with 404. */
struct host *drover_find_host(struct api_req *r);
/** drover_reply_host() - answer with its record. */
void drover_reply_host(struct api_req *r, int status, const struct host *h);

#endif

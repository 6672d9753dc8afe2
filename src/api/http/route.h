/* SPDX-License-Identifier: Apache-2.0
 *
 * route: from a request to its handler: version, path, token, policy.
 */
#ifndef ROUTE_H
#define ROUTE_H

#include "api/http/inner.h"

/** api_new_parts() - an API of these parts; copied, the router made from @tables is its own. */
struct api *api_new_parts(const struct api *parts, const struct route_table *const *tables, size_t n);
void api_free_parts(struct api *a);

/**
 * api_admit() - find the route, check version, token and policy, from the head alone.
 *
 * Return: false after it was refused. A body that is still to come need not be read then.
 */
bool api_admit(struct api_req *r);
/** api_dispatch() - the request is whole: api_admit(), if that was not done, and call the handler. It is answered now or later. */
void api_dispatch(struct api_req *r);

#endif

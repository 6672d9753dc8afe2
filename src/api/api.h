/* SPDX-License-Identifier: Apache-2.0
 *
 * api: the OpenStack APIs and Drover's own, all routes of them.
 */
#ifndef API_H
#define API_H

#include "api/http/types.h"
#include "identity/identity.h"
#include "task/engine.h"

struct fences; /* fence/fence.h */
struct ha; /* ha/ha.h */
struct consoles; /* console/console.h */
struct plans; /* plan/plans.h */

/**
 * api_new() - everything between the socket and the handlers; http_listen() begins to serve.
 * @e, @fences, @identity: borrowed, must outlive it
 */
struct api *api_new(struct engine *e, struct fences *fences, struct identity *identity);
/** api_watch_ha() - the metrics tell of it. Borrowed, must outlive @a. */
void api_watch_ha(struct api *a, const struct ha *ha);
/** api_serve_plans() - what /drover/v1/plans is about. Borrowed, must outlive @a; without it there are none. */
void api_serve_plans(struct api *a, struct plans *plans);
/** api_serve_consoles() - whose tokens it gives out. Borrowed, must outlive @a; without it there are no consoles. */
void api_serve_consoles(struct api *a, struct consoles *consoles);
/** api_free() - close every connection, give everything back. NULL is fine. */
void api_free(struct api *a);

/** api_tables() - all routes, for docs/API.md. */
const struct route_table *const *api_tables(size_t *ret_n);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * router: the tables of routes as a tree of path segments.
 */
#ifndef ROUTER_H
#define ROUTER_H

#include "api/http/policy.h"
#include "api/http/types.h"

#define ROUTE_SEGMENTS_MAX 12

struct router;

/* Where a path led. */
struct route_match {
	const struct route *route;   /* NULL: none */
	const struct policy *policy; /* of its rule; NULL: it has none, its actions have */
	bool path_known;             /* the path has routes, for other methods or microversions */
	bool method_known;           /* this method too, for another microversion */
	char *param[API_PARAMS_MAX];
};

/** router_new() - compile tables into a tree. A route that is there twice is our mistake and aborts. */
struct router *router_new(const struct route_table *const *tables, size_t n);
void router_free(struct router *rt);

/**
 * router_find() - find a route; literal segments win over {braces}, HEAD takes GET's.
 * @path: split in place; ret->param points into it
 */
void router_find(const struct router *rt, const char *method, char *path, int mv, struct route_match *ret);

/** router_methods() - "GET, POST" of a path, for Allow. Return: owned by the caller. */
char *router_methods(const struct router *rt, const char *path);

#endif

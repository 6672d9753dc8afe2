/* SPDX-License-Identifier: Apache-2.0
 *
 * server_query: which servers a list asks for, and in what order.
 *
 *	query string -> server_query_parse() -> server_query_run() -> one page
 *
 * Filters and sort keys are rows of tables. A page is found in one pass over all
 * servers with a heap of the page's size, so that a page of a hundred out of
 * tens of thousands needs no sorting of all. Regular expressions are tried by a
 * worker before that, see pattern.h.
 */
#ifndef SERVER_QUERY_H
#define SERVER_QUERY_H

#include "api/http/handler.h"

struct server_query;

/**
 * server_query_parse() - read the query string of GET /servers and /servers/detail.
 * @rule: the policy's name in the refusal of all_tenants ("index", "detail")
 *
 * Return: owned by the caller; borrows from @r. NULL with ERR_BAD_REQUEST, ERR_FORBIDDEN.
 */
struct server_query *server_query_parse(const struct api_req *r, const char *rule, GError **err);
void server_query_free(struct server_query *q);

/* @page: GPtrArray of const struct server *, in order, borrowed; NULL with @why, which becomes the callee's. @full: there may be more. */
typedef void server_query_done_f(struct api_req *r, GPtrArray *page, bool full, GError *why, void *user);

/**
 * server_query_run() - find the page.
 * @q: taken
 * @done: called once: at once, or after a worker has tried a regular expression
 */
void server_query_run(struct server_query *q, struct api_req *r, server_query_done_f *done, void *user);

#endif

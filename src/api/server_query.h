/* SPDX-License-Identifier: Apache-2.0
 *
 * server_query: which servers a list asks for, and in what order.
 *
 *	query string -> server_query_parse() -> server_query_run() -> one page
 *
 * Filters and sort keys are rows of tables. A page is found in one pass over all
 * servers with a heap of the page's size, so that a page of a hundred out of
 * tens of thousands needs no sorting of all.
 */
#ifndef SERVER_QUERY_H
#define SERVER_QUERY_H

#include "api/api.h"

struct server_query;

/**
 * server_query_parse() - read the query string of GET /servers and /servers/detail.
 * @rule: the policy's name in the refusal of all_tenants ("index", "detail")
 *
 * Return: owned by the caller; borrows from @r. NULL with ERR_BAD_REQUEST, ERR_FORBIDDEN.
 */
struct server_query *server_query_parse(const struct api_req *r, const char *rule, GError **err);
void server_query_free(struct server_query *q);

/**
 * server_query_run() - find the page.
 * @ret_full: the page is as long as the limit: there may be more
 *
 * Return: GPtrArray of borrowed const struct server *, in order; owned by the caller. NULL with ERR_BAD_REQUEST.
 */
GPtrArray *server_query_run(struct server_query *q, bool *ret_full, GError **err);

#endif

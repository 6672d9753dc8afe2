/* SPDX-License-Identifier: Apache-2.0
 *
 * server_view: a server as the Compute API shows it.
 *
 * Pages of servers are the hot path of the API, so what is equal for all servers
 * of an answer (prefixes of links, host ids) is computed once, in the view.
 */
#ifndef SERVER_VIEW_H
#define SERVER_VIEW_H

#include "api/http/handler.h"
#include "api/http/view.h"

#define SERVER_VIEW_BYTES 2048 /* about what one server in full takes */
#define SERVER_VIEW_CACHE 64   /* host ids remembered */

struct server_view_id {
	const char *project_id, *host; /* borrowed from servers */
	char hex[VIEW_HOST_ID_LEN + 1];
};

struct server_view {
	const struct api_req *r;
	bool show;                     /* one server, with what lists leave out */
	char *self, *bookmark, *flavor; /* prefixes of links */
	struct server_view_id ids[SERVER_VIEW_CACHE];
};

/** server_view_init() - prepare an answer about servers. @show: it is about one */
void server_view_init(struct server_view *v, const struct api_req *r, bool show);
void server_view_clear(struct server_view *v);

/** server_view_full() - write one server with all its members, as a value. */
void server_view_full(struct jout *o, struct server_view *v, const struct server *s);
/** server_view_brief() - write its id, name and links. */
void server_view_brief(struct jout *o, struct server_view *v, const struct server *s);

#endif

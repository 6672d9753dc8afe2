/* SPDX-License-Identifier: Apache-2.0
 *
 * servers: GET /servers, /servers/detail and /servers/{id}.
 */
#include "api/compute/compute.h"
#include "api/compute/server_query.h"
#include "api/compute/server_view.h"

typedef void put_f(struct jout *o, struct server_view *v, const struct server *s);

static void reply_page(struct api_req *r, GPtrArray *page, bool full, put_f *put, size_t bytes_each)
{
	struct server_view v;
	struct jout o;

	server_view_init(&v, r, false);
	view_open(&o, r, 256 + page->len * bytes_each);
	jout_key(&o, "servers");
	jout_open(&o, '[');
	for (guint i = 0; i < page->len; i++)
		put(&o, &v, g_ptr_array_index(page, i));
	jout_close(&o, ']');
	if (full) {
		const struct server *last = g_ptr_array_index(page, page->len - 1);

		api_next_link(&o, r, "servers", last->uuid);
	}
	server_view_clear(&v);
	view_close(&o, r, 200);
}

/* Two lists, of the same servers. */
struct kind {
	const char *rule;
	put_f *put;
	size_t bytes_each;
};

static void found(struct api_req *r, GPtrArray *page, bool full, GError *why, void *user)
{
	const struct kind *k = user;

	if (page)
		reply_page(r, page, full, k->put, k->bytes_each);
	else
		api_fail(r, why);
}

static void list(struct api_req *r, const struct kind *k)
{
	GError *err = NULL;
	struct server_query *q = server_query_parse(r, k->rule, &err);

	if (q)
		server_query_run(q, r, found, (void *)k);
	else
		api_fail(r, err);
}

static void list_brief(struct api_req *r)
{
	static const struct kind brief = { "index", server_view_brief, 320 };

	list(r, &brief);
}

static void list_full(struct api_req *r)
{
	static const struct kind full = { "detail", server_view_full, SERVER_VIEW_BYTES };

	list(r, &full);
}

static void show(struct api_req *r)
{
	struct server *s = view_server(r, r->param[0]);
	struct server_view v;
	struct jout o;

	if (!s)
		return;
	server_view_init(&v, r, true);
	view_open(&o, r, SERVER_VIEW_BYTES);
	jout_key(&o, "server");
	server_view_full(&o, &v, s);
	server_view_clear(&v);
	view_close(&o, r, 200);
}

static const struct route routes[] = {
	{ "GET", "/v2.1/servers",        "os_compute_api:servers:index",  list_brief },
	{ "GET", "/v2.1/servers/detail", "os_compute_api:servers:detail", list_full },
	{ "GET", "/v2.1/servers/{id}",   "os_compute_api:servers:show",   show },
};
const struct route_table servers_routes = { routes, G_N_ELEMENTS(routes) };

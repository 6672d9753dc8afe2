/* SPDX-License-Identifier: Apache-2.0
 *
 * A request's head, line by line: method, target, the two version headers, the
 * Host's URL. Whatever comes, there is one answer; what a handler was given is
 * UTF-8 and within its limits; what goes back as a header is one line.
 */
#include <stdint.h>
#include <string.h>

#include "api/http/handler.h"
#include "api/http/incoming.h"
#include "api/http/route.h"
#include "base/log.h"
#include "identity/identity.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct auth *identity_check(struct identity *id, const char *token, GError **err)
{
	(void)id;
	(void)token;
	(void)err;
	return g_new0(struct auth, 1);
}

void auth_free(struct auth *a)
{
	g_free(a);
}

/* ---- handlers ---- */

static void check_given(const struct api_req *r)
{
	g_assert_true(r->path[0] == '/' && g_utf8_validate(r->path, -1, NULL));
	g_assert_true(r->mv >= API_MV_MIN && r->mv <= API_MV_MAX);
	for (int i = 0; i < API_PARAMS_MAX && r->param[i]; i++)
		g_assert_true(*r->param[i] && !strchr(r->param[i], '/'));
	for (unsigned i = 0; i < r->query->len; i++) {
		const struct api_pair *p = r->query->pdata[i];

		g_assert_true(g_utf8_validate(p->name, -1, NULL) && g_utf8_validate(p->value, -1, NULL));
	}
}

static void show(struct api_req *r)
{
	check_given(r);
	api_header(r, "X-Path", r->path);
	api_reply_empty(r, 204);
}

static void page(struct api_req *r)
{
	GError *err = NULL;
	struct api_page p;
	struct jout o;
	GString *s;
	bool v;

	check_given(r);
	if (!api_page(r, &p, &err) || !api_query_bool(r, "all", false, &v, &err)) {
		api_fail(r, err);
		return;
	}
	g_assert_true(p.limit >= 0 && p.limit <= 1000);
	s = g_string_new(NULL);
	jout_init(&o, s, r->mv);
	jout_open(&o, '{');
	api_next_link(&o, r, "items", p.marker ? p.marker : "m");
	jout_close(&o, '}');
	api_reply_json(r, 200, s);
}

static const struct route routes[] = {
	{ "GET", "/", "drover:versions", show },
	{ "GET", "/v2.1/servers", "drover:versions", page },
	{ "GET", "/v2.1/servers/detail", "os_compute_api:servers:index", page },
	{ "GET", "/v2.1/servers/{id}", "drover:versions", show },
	{ "PUT", "/v2.1/servers/{id}", "os_compute_api:os-services:update", show },
	{ "POST", "/v2.1/servers/{id}/migrations/{mid}/action", "drover:versions", show, .since = 22 },
	{ "GET", "/v2.1/os-hosts/{id}", "drover:versions", show, .until = 42 },
	{ "GET", "/identity/v3/users/{id}", "drover:versions", show },
	{ "GET", "/network/v2.0/{a}/{b}/{c}/{d}", "drover:versions", show },
};
static const struct route_table table = { routes, G_N_ELEMENTS(routes) };

/* ---- one request ---- */

static void answered(struct api_req *r, void *user)
{
	g_autoptr(json_t) root = NULL;

	++*(int *)user;
	g_assert_true(r->reply->status >= 200 && r->reply->status < 500);
	if (r->reply->body) {
		root = json_loads(r->reply->body->str, JSON_REJECT_DUPLICATES, NULL);
		g_assert_true(json_is_object(root));
	}
	if (r->reply->headers) {
		g_auto(GStrv) lines = g_strsplit(r->reply->headers->str, "\r\n", -1);

		for (char **l = lines; *l && **l; l++)
			g_assert_true(strstr(*l, ": ") && !strpbrk(*l, "\r\n"));
	}
	api_req_free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct conf conf = { .max_limit = 1000 };
	static struct api *api;
	const struct route_table *const tables[] = { &table };
	struct api parts = { .conf = &conf };
	g_autofree char *text = g_strndup((const char *)data, size);
	g_auto(GStrv) lines = g_strsplit(text, "\n", 8);
	guint n = g_strv_length(lines);
	char *query = n > 1 ? strchr(lines[1], '?') : NULL;
	struct api_head h = { .method = n > 0 ? lines[0] : "GET", .path = n > 1 ? lines[1] : "/", .version = n > 2 ? lines[2] : NULL,
			      .legacy_version = n > 3 ? lines[3] : NULL, .base_url = n > 4 ? lines[4] : "http://h", .token = n > 5 ? NULL : "t",
			      .cookie = n > 5 ? lines[5] : NULL, .origin = n > 6 ? lines[6] : NULL, .content_type = n > 7 ? lines[7] : NULL,
			      .fetch_site = n == 6 ? "same-origin" : NULL };
	int answers = 0;

	if (!api) {
		log_init(LOG_ERROR, LOG_TEXT);
		api = api_new_parts(&parts, tables, 1);
	}
	if (query) {
		*query = '\0';
		h.query = query + 1;
	}
	api_dispatch(api_req_new(api, &h, answered, &answers));
	g_assert_cmpint(answers, ==, 1);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "client.h"

#include <limits.h>
#include <string.h>

#include "auth.h"
#include "base/json.h"
#include "base/util.h"
#include "cli_err.h"
#include "exchange.h"
#include "kept.h"
#include "render.h"
#include "reply.h"
#include "slim.h"

struct client {
	struct cloud *cloud;
	struct exchange *exchange;
	char *token;
	json_t *token_body;
	char *endpoint;        /* Compute, without a trailing slash */
	bool versions_known;
	int mv_min, mv_max;    /* what the server offers */
	int mv_cap;            /* what the user allows */
};

/* ---- the session ---- */

static bool take_token(struct client *c, const struct exchange_answer *a, const char *url, GError **err)
{
	json_t *body = json_parse(a->body->str, a->body->len, err);
	char *token = exchange_header(c->exchange, "X-Subject-Token");

	if (body && token && *token) {
		g_free(c->token);
		json_decref(c->token_body);
		c->token = token;
		c->token_body = body;
		return true;
	}
	if (body)
		g_set_error(err, CLI_ERR, CLI_FAILED, "%s answered without a token: it is not an Identity v3 service", url);
	else
		g_prefix_error(err, "%s: ", url);
	json_decref(body);
	g_free(token);
	return false;
}

static bool authenticate(struct client *c, GError **err)
{
	g_autoptr(json_t) request = auth_request(c->cloud, err);
	g_autofree char *url = auth_tokens_url(c->cloud);
	g_autofree char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
	g_autoptr(GString) body = g_string_new(NULL);
	struct exchange_answer a = { .body = body };
	struct exchange_query q = { .method = "POST", .url = url, .body = text };

	if (!request || !exchange_run(c->exchange, &q, &a, err))
		return false;
	if (a.status == 200 || a.status == 201) {
		if (!take_token(c, &a, url, err))
			return false;
		kept_write(c->cloud, c->token, c->token_body);
		return true;
	}
	exchange_refused(c->exchange, &q, &a, err);
	if (a.status == 401)
		g_prefix_error(err, "the credentials of %s are refused: ", c->cloud->name);
	else if (a.status == 404)
		g_prefix_error(err, "%s is not an Identity v3 service: ", url);
	return false;
}

static bool find_compute(struct client *c, GError **err)
{
	const char *url = c->cloud->compute_endpoint;
	size_t n;

	if (!url)
		url = auth_endpoint(c->token_body, "compute", c->cloud->region, c->cloud->interface, err);
	if (!url)
		return false;
	g_free(c->endpoint);
	c->endpoint = g_strdup(url);
	for (n = strlen(url); n && c->endpoint[n - 1] == '/'; n--)
		c->endpoint[n - 1] = '\0';
	return true;
}

/* "2" stands in many rc files and means no particular version. */
static bool set_cap(struct client *c, const char *text, GError **err)
{
	c->mv_cap = INT_MAX;
	if (!text)
		text = c->cloud->compute_version;
	if (!text || strcmp(text, "2") == 0 || reply_microversion(text, &c->mv_cap))
		return true;
	g_set_error(err, CLI_ERR, CLI_USAGE, "\"%s\" is not a version of the Compute API; give 2.1 to 2.96, or latest", text);
	return false;
}

struct client *client_new(struct cloud *cloud, const struct client_settings *s, GError **err)
{
	struct client *c = g_new0(struct client, 1);

	c->cloud = cloud;
	c->exchange = exchange_new(cloud, s->debug, s->timeout_s);
	if (cloud_check(cloud, err) && set_cap(c, s->version, err) && (kept_read(cloud, &c->token, &c->token_body) || authenticate(c, err)) && find_compute(c, err))
		return c;
	client_free(c);
	return NULL;
}

void client_free(struct client *c)
{
	if (!c)
		return;
	exchange_free(c->exchange);
	cloud_free(c->cloud);
	json_decref(c->token_body);
	g_free(c->token);
	g_free(c->endpoint);
	g_free(c);
}

void *client_connect(struct client *c, const char *url, int *ret_fd, GError **err)
{
	return exchange_connect(c->cloud, url, ret_fd, err);
}

void client_on_interrupt(struct client *c, client_interrupt_f *fn, void *user)
{
	exchange_on_interrupt(c->exchange, fn, user);
}

bool client_is_admin(const struct client *c)
{
	return auth_is_admin(c->token_body);
}

const char *client_request_id(const struct client *c)
{
	return exchange_request_id(c->exchange);
}

/* ---- microversions ---- */

/* Compute's address without the project's id behind it, where the versions are told. */
static char *version_url(const struct client *c)
{
	const char *project = auth_project(c->token_body);
	g_autofree char *tail = project ? g_strconcat("/", project, NULL) : NULL;
	size_t n = strlen(c->endpoint);

	if (tail && g_str_has_suffix(c->endpoint, tail))
		n -= strlen(tail);
	return g_strdup_printf("%.*s/", (int)n, c->endpoint);
}

/* A request with the token, and once more with a new one after a 401. */
static bool ask(struct client *c, const struct exchange_query *q, struct exchange_answer *a, GError **err)
{
	struct exchange_query with = *q;

	with.token = c->token;
	if (!exchange_run(c->exchange, &with, a, err))
		return false;
	if (a->status != 401)
		return true;
	if (!authenticate(c, err))
		return false;
	g_string_truncate(a->body, 0);
	with.token = c->token;
	return exchange_run(c->exchange, &with, a, err);
}

static bool discover(struct client *c, GError **err)
{
	g_autofree char *url = version_url(c);
	g_autoptr(GString) body = g_string_new(NULL);
	g_autoptr(json_t) doc = NULL;
	struct exchange_answer a = { .body = body };
	struct exchange_query q = { .method = "GET", .url = url };
	bool in_root;

	if (!ask(c, &q, &a, err))
		return false;
	/* a list of versions comes with 300 from some */
	if (a.status != 200 && a.status != 300) {
		exchange_refused(c->exchange, &q, &a, err);
		return false;
	}
	doc = json_parse(body->str, body->len, NULL);
	if (!doc || !reply_versions(doc, &c->mv_min, &c->mv_max, &in_root)) {
		g_set_error(err, CLI_ERR, CLI_FAILED, "%s does not report a version of Compute: the catalogue, or the override, is wrong", url);
		return false;
	}
	if (in_root && !g_str_has_suffix(c->endpoint, "/v2.1")) {
		g_free(c->endpoint);
		c->endpoint = g_strconcat(url, "v2.1", NULL);
	}
	c->versions_known = true;
	return true;
}

int client_version(struct client *c, int mv_min, int mv_max, GError **err)
{
	int mv;

	if (!c->versions_known && !discover(c, err))
		return -1;
	mv = MIN(mv_max, MIN(c->mv_max, c->mv_cap));
	if (mv >= MAX(mv_min, c->mv_min))
		return mv;
	if (c->mv_cap < c->mv_max && mv_min > c->mv_cap)
		g_set_error(err, CLI_ERR, CLI_FAILED, "this needs version 2.%d of the Compute API, and --os-compute-api-version "
			    "(or OS_COMPUTE_API_VERSION) allows 2.%d; the server has 2.%d", mv_min, c->mv_cap, c->mv_max);
	else
		g_set_error(err, CLI_ERR, CLI_FAILED, "this needs versions 2.%d to 2.%d of the Compute API; the server has 2.%d to 2.%d",
			    mv_min, mv_max, c->mv_min, c->mv_max);
	return -1;
}

/* ---- calls ---- */

/* Return: owned by the caller; NULL with @err. */
static json_t *parse_body(const struct exchange_answer *a, const struct client_call *call, GError **err)
{
	size_t len;
	g_autofree char *slim = call->members ? slim_rows(a->body->str, a->body->len, call->list, call->members, &len) : NULL;

	return slim ? json_parse(slim, len, err) : json_parse(a->body->str, a->body->len, err);
}

static bool take_body(const struct exchange_answer *a, const struct client_call *call, const char *url, json_t **ret_body, GError **err)
{
	json_t *body = NULL;

	if (a->body->len > 0 && a->status != 204) {
		g_autoptr(GError) why = NULL;

		body = parse_body(a, call, &why);
		if (!body && ret_body) {
			g_set_error(err, CLI_ERR, CLI_FAILED, "%s: the answer cannot be read: %s", url, why->message);
			return false;
		}
	}
	if (ret_body)
		*ret_body = body;
	else
		json_decref(body);
	return true;
}

/* The address of what only Drover has, beside Compute. Owned by the caller; NULL with @err if Compute is elsewhere. */
static char *drover_url(const struct client *c, const char *path, const char *what, GError **err)
{
	g_autofree char *version = version_url(c);

	if (!g_str_has_suffix(version, "/v2.1/")) {
		g_set_error(err, CLI_ERR, CLI_FAILED, "%s is not Drover: only Drover has %s", c->endpoint, what);
		return NULL;
	}
	version[strlen(version) - strlen("/v2.1/")] = '\0';
	return g_strconcat(version, path, NULL);
}

/* @what: of Drover's, or NULL */
static void refused(const struct client *c, const char *what, const struct exchange_query *q, const struct exchange_answer *a, GError **err)
{
	exchange_refused(c->exchange, q, a, err);
	if (what && a->status == 404)
		g_prefix_error(err, "%s is not Drover: only Drover has %s: ", c->endpoint, what);
}

static char *call_url(struct client *c, const struct client_call *call, int *ret_mv, GError **err)
{
	int mv;

	if (call->drovers)
		return drover_url(c, call->path, call->drovers, err);
	mv = client_version(c, call->mv_min, call->mv_max, err);
	if (mv < 0)
		return NULL;
	*ret_mv = mv;
	return g_strconcat(c->endpoint, call->path, NULL);
}

bool client_call(struct client *c, const struct client_call *call, json_t **ret_body, GError **err)
{
	g_autofree char *url = NULL, *text = call->body ? json_dumps(call->body, JSON_COMPACT) : NULL;
	g_autoptr(GString) body = g_string_new(NULL);
	struct exchange_answer a = { .body = body };
	struct exchange_query q = { .method = call->method, .body = text };

	q.url = url = call_url(c, call, &q.mv, err);
	if (!url || !ask(c, &q, &a, err))
		return false;
	if (a.status >= 200 && a.status < 300)
		return take_body(&a, call, url, ret_body, err);
	refused(c, call->drovers, &q, &a, err);
	if (call->fault)
		*call->fault = json_parse(body->str, body->len, NULL);
	return false;
}

/* A Nova without a path for it answers 404; one whose list of versions stands in the root, 300; a proxy, a page. */
bool client_no_drover(const GError *err)
{
	static const int codes[] = { 300, 301, 302, 404, 405, 410 };

	for (size_t i = 0; i < G_N_ELEMENTS(codes); i++)
		if (g_error_matches(err, CLI_HTTP, codes[i]))
			return true;
	return g_error_matches(err, CLI_ERR, CLI_FAILED);
}

bool client_stream(struct client *c, const struct client_stream *stream, GError **err)
{
	g_autofree char *url = drover_url(c, stream->path, stream->drovers, err);
	g_autoptr(GString) body = g_string_new(NULL);
	struct exchange_answer a = { .body = body };
	struct exchange_stream to = { stream->last_id, stream->bytes, stream->user };
	struct exchange_query q = { .method = "GET", .url = url, .stream = &to };

	if (!url || !ask(c, &q, &a, err))
		return false;
	if (a.status == 200)
		return true;
	refused(c, stream->drovers, &q, &a, err);
	return false;
}

/* ---- lists ---- */

void client_query(GString *query, const char *name, const char *value)
{
	g_autofree char *escaped = value ? g_uri_escape_string(value, NULL, FALSE) : NULL;

	if (escaped)
		g_string_append_printf(query, "%s%s=%s", query->len ? "&" : "", name, escaped);
}

char *client_path(const char *first, ...)
{
	GString *path = g_string_new(NULL);
	va_list ap;

	va_start(ap, first);
	for (const char *s = first; s; s = va_arg(ap, const char *)) {
		g_autofree char *escaped = g_uri_escape_string(s, NULL, FALSE);

		/* "." and ".." would climb; no id looks so */
		g_string_append_printf(path, "/%s", strcmp(escaped, ".") == 0 || strcmp(escaped, "..") == 0 ? "-" : escaped);
	}
	va_end(ap);
	return g_string_free(path, FALSE);
}

static char *page_path(const struct client_list *l, const char *marker)
{
	g_autoptr(GString) query = g_string_new(l->query);

	client_query(query, "marker", marker);
	return g_strconcat(l->path, query->len ? "?" : "", query->str, NULL);
}

/* The id that the next page starts after; NULL if this was the last one. Owned. */
static char *next_marker(const struct client_list *l, const json_t *page, const char *marker)
{
	const json_t *rows = json_object_get(page, l->name);
	const char *last = render_str(json_array_get(rows, json_array_size(rows) - 1), l->marker ? l->marker : "");

	if (!l->marker || !last || !reply_has_next(page, l->name) || g_strcmp0(last, marker) == 0)
		return NULL;
	return g_strdup(last);
}

bool client_each(struct client *c, const struct client_list *l, client_row_f *fn, void *user, GError **err)
{
	g_autofree char *marker = NULL;

	for (int pages = 0; pages < CLIENT_PAGES_MAX; pages++) {
		g_autofree char *path = page_path(l, marker), *next = NULL;
		g_autoptr(json_t) page = NULL;
		struct client_call call = { .method = "GET", .path = path, .mv_min = l->mv_min, .mv_max = l->mv_max, .list = l->name, .members = l->members };
		json_t *row;
		size_t i;

		if (!client_call(c, &call, &page, err))
			return false;
		if (!json_is_array(json_object_get(page, l->name))) {
			g_set_error(err, CLI_ERR, CLI_FAILED, "%s%s: the answer has no list \"%s\"", c->endpoint, l->path, l->name);
			return false;
		}
		json_array_foreach(json_object_get(page, l->name), i, row)
			if (!fn(row, user))
				return true;
		next = next_marker(l, page, marker);
		if (!next)
			return true;
		g_free(marker);
		marker = g_steal_pointer(&next);
	}
	g_set_error(err, CLI_ERR, CLI_FAILED, "%s%s has more than %d pages; narrow the list", c->endpoint, l->path, CLIENT_PAGES_MAX);
	return false;
}

static bool collect(json_t *row, void *user)
{
	json_array_append(user, row);
	return json_array_size(user) < CLIENT_ROWS_MAX;
}

json_t *client_rows(struct client *c, const struct client_list *l, GError **err)
{
	json_t *rows = json_array();

	if (client_each(c, l, collect, rows, err)) {
		if (json_array_size(rows) < CLIENT_ROWS_MAX)
			return rows;
		g_set_error(err, CLI_ERR, CLI_FAILED, "%s%s has more than %d rows; narrow the list", c->endpoint, l->path, CLIENT_ROWS_MAX);
	}
	json_decref(rows);
	return NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "api/http/incoming.h"

#include <string.h>

#include "api/http/session.h"
#include "api/http/version.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/util.h"

#define QUERY_PAIRS_MAX 256

/* ---- life ---- */

static void pair_free(void *data)
{
	struct api_pair *p = data;

	g_free(p->name);
	g_free(p->value);
	g_free(p);
}

/*
 * In a query '+' is a blank, and a broken escape stays as it is. In a path that is refused, and a slash that was escaped stays so: it is part
 * of a name, not what parts names, or a proxy's rules by path could be passed by (D17).
 */
enum text_of { OF_PATH, OF_QUERY };

/*
 * %41 becomes A, in place. GLib's own refuses a broken escape, which a query may have: Nova reads it as it stands.
 * Return: false for a NUL too.
 */
static bool unescape(char *s, enum text_of of)
{
	char *to = s;

	for (; *s; s++) {
		int high = s[0] == '%' ? g_ascii_xdigit_value(s[1]) : -1, low = high >= 0 ? g_ascii_xdigit_value(s[2]) : -1;

		if (low >= 0 && !(of == OF_PATH && high * 16 + low == '/')) {
			*to = (char)(high * 16 + low);
			s += 2;
			if (!*to++)
				return false;
		} else if (s[0] == '%' && low < 0 && of == OF_PATH) {
			return false;
		} else {
			*to++ = (char)(of == OF_QUERY && *s == '+' ? ' ' : *s);
		}
	}
	*to = '\0';
	return true;
}

static bool decode(char *s, GError **err)
{
	if (unescape(s, OF_QUERY) && g_utf8_validate(s, -1, NULL))
		return true;
	g_set_error(err, ERR, ERR_BAD_REQUEST, "Query string is not UTF-8 encoded");
	return false;
}

/* @arg: "name=value", cut in place. */
static bool add_pair(GPtrArray *query, char *arg, GError **err)
{
	char *value = strchr(arg, '=');
	struct api_pair *p;

	if (value)
		*value++ = '\0';
	if (!decode(arg, err) || (value && !decode(value, err)))
		return false;
	p = g_new(struct api_pair, 1);
	p->name = g_strdup(arg);
	p->value = g_strdup(value ? value : "");
	g_ptr_array_add(query, p);
	return true;
}

static bool take_query(struct api_req *r, const char *query, GError **err)
{
	g_autofree char *copy = g_strdup(query);
	char *rest = copy, *arg;

	r->query = g_ptr_array_new_with_free_func(pair_free);
	while ((arg = strsep(&rest, "&"))) {
		if (!*arg)
			continue;
		if (r->query->len == QUERY_PAIRS_MAX) {
			g_set_error(err, ERR, ERR_BAD_REQUEST, "Query string has more than %d parameters", QUERY_PAIRS_MAX);
			return false;
		}
		if (!add_pair(r->query, arg, err))
			return false;
	}
	return true;
}

static bool begins(const char *path, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(path, prefix, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

enum api_service api_service_of(const char *path)
{
	static const struct {
		const char *prefix;
		enum api_service service;
	} table[] = {
		{ "/v2.1", SERVICE_COMPUTE }, { "/identity", SERVICE_IDENTITY }, { "/image", SERVICE_IMAGE },
		{ "/network", SERVICE_NETWORK }, { "/baremetal", SERVICE_BAREMETAL }, { "/drover", SERVICE_DROVER },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(table); i++)
		if (begins(path, table[i].prefix))
			return table[i].service;
	return SERVICE_ROOT;
}

/* The length of "/PROJECT_ID", if that is how @rest begins. Older endpoints of compute have it after the version. */
static size_t project_len(const char *rest)
{
	size_t n = rest[0] == '/' ? strspn(rest + 1, "0123456789abcdef-") : 0;

	return (n == 32 || n == 36) && (rest[1 + n] == '/' || rest[1 + n] == '\0') ? n + 1 : 0;
}

/* The path as the tables have it: no slash at the end, one name for each resource. */
static bool take_path(struct api_req *r, const char *path, GError **err)
{
	g_autofree char *clean = g_strdup(path);
	bool ok = clean[0] == '/' && unescape(clean, OF_PATH) && g_utf8_validate(clean, -1, NULL);

	if (!ok)
		util_replace(&clean, "/");
	for (size_t len = strlen(clean); len > 1 && clean[len - 1] == '/'; len--)
		clean[len - 1] = '\0';
	if (begins(clean, "/v3"))
		r->path = g_strconcat("/identity", clean, NULL);
	else if (begins(clean, "/v2.1"))
		r->path = g_strconcat("/v2.1", clean + 5 + project_len(clean + 5), NULL);
	else
		r->path = g_steal_pointer(&clean);
	r->reply->path_buf = g_strdup(r->path);
	r->reply->service = api_service_of(r->path);
	if (!ok)
		g_set_error(err, ERR, ERR_BAD_REQUEST, "The path is not valid: a broken escape, or not UTF-8");
	return ok;
}

const char *const api_methods[API_METHODS_N] = { "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "OTHER" };

/* Methods are compared and kept by these constants; what is none of them matches no route. */
static const char *known_method(const char *method)
{
	for (size_t i = 0; i < API_METHODS_N; i++)
		if (strcmp(method, api_methods[i]) == 0)
			return api_methods[i];
	return api_methods[API_METHODS_N - 1];
}

struct api_req *api_req_new(struct api *a, const struct api_head *h, api_answered_f *answered, void *user)
{
	struct api_req *r = g_new0(struct api_req, 1);
	g_autofree char *uuid = util_uuid_new();

	r->api = a;
	r->reply = g_new0(struct api_reply, 1);
	r->reply->answered = answered;
	r->reply->user = user;
	r->reply->began_us = clock_now_us();
	r->method = known_method(h->method);
	r->base_url = g_strdup(h->base_url);
	r->peer = g_strdup(h->peer);
	r->same_origin = session_same_origin(h);
	r->by_cookie = !h->token && r->same_origin && session_may(h);
	r->raw_token = r->by_cookie ? session_token(h) : g_strdup(h->token);
	r->by_cookie &= r->raw_token != NULL;
	r->takes_gzip = h->accept_encoding && strstr(h->accept_encoding, "gzip");
	r->subject_token = g_strdup(h->subject_token);
	r->last_event_id = g_strdup(h->last_event_id);
	r->mv = API_MV_MIN;
	g_snprintf(r->request_id, sizeof r->request_id, "req-%s", uuid);
	if (take_path(r, h->path, &r->reply->bad) && take_query(r, h->query, &r->reply->bad) && r->reply->service == SERVICE_COMPUTE)
		(void)version_negotiate(h->version, h->legacy_version, &r->mv, &r->reply->bad); /* told by api_dispatch() */
	return r;
}

void api_req_body(struct api_req *r, const void *data, size_t len)
{
	if (!r->reply->body_in)
		r->reply->body_in = g_string_sized_new(len);
	g_string_append_len(r->reply->body_in, data, (gssize)len);
	r->body = r->reply->body_in->str;
	r->body_len = r->reply->body_in->len;
}

static void string_free(GString *s)
{
	if (s)
		g_string_free(s, TRUE);
}

void api_req_free(struct api_req *r)
{
	if (!r)
		return;
	string_free(r->reply->body);
	if (r->reply->stream)
		r->reply->stream->closed(r->reply->stream);
	string_free(r->reply->headers);
	string_free(r->reply->body_in);
	g_free(r->reply->path_buf);
	if (r->reply->auth_own)
		auth_free(r->reply->auth_own);
	g_clear_error(&r->reply->bad);
	g_free(r->reply->about);
	g_free(r->reply->login_user_id);
	g_free(r->reply->login_user);
	g_free(r->reply->login_project);
	g_free(r->reply);
	if (r->query)
		g_ptr_array_unref(r->query);
	g_free((char *)r->path);
	g_free((char *)r->base_url);
	g_free((char *)r->peer);
	g_free((char *)r->raw_token);
	g_free((char *)r->subject_token);
	g_free((char *)r->last_event_id);
	g_free(r);
}

void api_req_abandon(struct api_req *r)
{
	r->reply->answered = NULL;
}

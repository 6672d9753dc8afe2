/* SPDX-License-Identifier: Apache-2.0 */
#include "console/handshake.h"

#include <string.h>

#include <glib.h>

#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#define KEY_LEN 24 /* base64 of 16 bytes */

/* ---- fields ---- */

/* @ret_n: how many there are of that name. Return: the first one's value; NULL. */
static const char *field(const struct http1_head *h, const char *name, unsigned *ret_n)
{
	const char *value = NULL;

	*ret_n = 0;
	for (unsigned i = 0; i < h->n_fields; i++) {
		if (g_ascii_strcasecmp(h->fields[i].name, name) != 0)
			continue;
		value = value ? value : h->fields[i].value;
		(*ret_n)++;
	}
	return value;
}

/* Whether a list of words, in all fields of that name, has one. */
static bool has_word(const struct http1_head *h, const char *name, const char *word)
{
	for (unsigned i = 0; i < h->n_fields; i++) {
		g_auto(GStrv) words = NULL;

		if (g_ascii_strcasecmp(h->fields[i].name, name) != 0)
			continue;
		words = g_strsplit(h->fields[i].value, ",", -1);
		for (char **w = words; *w; w++)
			if (g_ascii_strcasecmp(g_strstrip(*w), word) == 0)
				return true;
	}
	return false;
}

static bool refuse(struct handshake *ret, int status, const char *why)
{
	ret->status = status;
	ret->why = why;
	return false;
}

/* ---- the parts ---- */

static bool key_ok(const char *key)
{
	gsize len = 0;
	g_autofree guchar *bytes = key && strlen(key) == KEY_LEN ? g_base64_decode(key, &len) : NULL;

	return bytes && len == 16;
}

static void put_accept(const char *key, char ret[static HANDSHAKE_ACCEPT_LEN + 1])
{
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA1);
	guint8 digest[20];
	gsize len = sizeof digest;
	g_autofree char *text = NULL;

	g_checksum_update(sum, (const guchar *)key, -1);
	g_checksum_update(sum, (const guchar *)GUID, -1);
	g_checksum_get_digest(sum, digest, &len);
	text = g_base64_encode(digest, len);
	g_strlcpy(ret, text, HANDSHAKE_ACCEPT_LEN + 1);
}

static bool judge_upgrade(const struct http1_head *h, struct handshake *ret)
{
	unsigned keys, versions;
	const char *key = field(h, "Sec-WebSocket-Key", &keys), *version = field(h, "Sec-WebSocket-Version", &versions);

	if (strcmp(h->method, "GET") != 0 || h->minor < 1 || !has_word(h, "Connection", "upgrade") || h->chunked || h->length > 0)
		return refuse(ret, 400, "This is no opening of a WebSocket");
	if (versions != 1 || strcmp(version, "13") != 0)
		return refuse(ret, 426, "Sec-WebSocket-Version must be 13");
	if (keys != 1 || !key_ok(key))
		return refuse(ret, 400, "Sec-WebSocket-Key must be 16 bytes in base64");
	put_accept(key, ret->accept);
	ret->binary = has_word(h, "Sec-WebSocket-Protocol", "binary");
	return true;
}

/* "[::1]:6080" is "::1", "Host:80" is "host". */
static char *bare_host(const char *authority)
{
	const char *end = authority && *authority == '[' ? strchr(authority, ']') : NULL;
	g_auto(GStrv) parts = NULL;

	if (end)
		return g_ascii_strdown(authority + 1, end - authority - 1);
	parts = g_strsplit(authority ? authority : "", ":", 2);
	return g_ascii_strdown(parts[0] ? parts[0] : "", -1);
}

static bool judge_origin(const struct http1_head *h, const struct handshake_rules *rules, struct handshake *ret)
{
	unsigned origins, protos;
	const char *origin = field(h, "Origin", &origins), *proto = field(h, "X-Forwarded-Proto", &protos);
	g_autofree char *scheme = NULL, *host = NULL, *own = bare_host(h->authority);
	const char *rest = origin ? strstr(origin, "://") : NULL;

	if (!origin)
		return true;
	if (rest)
		host = bare_host(rest + 3);
	scheme = proto ? g_ascii_strdown(proto, -1) : rest ? g_ascii_strdown(origin, rest - origin) : NULL;
	if (origins > 1 || protos > 1 || !host || !*host || !scheme || !*scheme)
		return refuse(ret, 403, "Origin header not valid");
	if (strcmp(host, own) != 0 && !(rules->allowed_origins && g_strv_contains((const char *const *)rules->allowed_origins, host)))
		return refuse(ret, 403, "Origin header does not match this host");
	if (strcmp(scheme, rules->https ? "https" : "http") != 0)
		return refuse(ret, 403, "Origin header protocol does not match this host");
	return true;
}

/* ---- the token ---- */

static bool take_token(const char *value, struct handshake *ret)
{
	if (!value || !*value || strlen(value) > HANDSHAKE_TOKEN_MAX)
		return false;
	g_strlcpy(ret->token, value, sizeof ret->token);
	return true;
}

/* @query: "token=...", or "path=" with such a query in it, escaped as noVNC's pages have it */
static bool token_of_query(const char *query, struct handshake *ret)
{
	g_autoptr(GHashTable) t = query && *query ? g_uri_parse_params(query, -1, "&", G_URI_PARAMS_WWW_FORM, NULL) : NULL;
	const char *path = t ? g_hash_table_lookup(t, "path") : NULL;

	if (t && take_token(g_hash_table_lookup(t, "token"), ret))
		return true;
	return path && strchr(path, '?') && !g_str_has_prefix(strchr(path, '?') + 1, "path=") && token_of_query(strchr(path, '?') + 1, ret);
}

static void token_of_cookie(const struct http1_head *h, struct handshake *ret)
{
	unsigned n;
	const char *cookie = field(h, "Cookie", &n);
	g_auto(GStrv) all = g_strsplit(cookie ? cookie : "", ";", -1);

	for (char **c = all; *c; c++)
		if (g_str_has_prefix(g_strstrip(*c), "token=") && take_token(*c + strlen("token="), ret))
			return;
}

void handshake_judge(const struct http1_head *h, const struct handshake_rules *rules, struct handshake *ret)
{
	memset(ret, 0, sizeof *ret);
	ret->wanted = has_word(h, "Upgrade", "websocket");
	if (!ret->wanted || !judge_upgrade(h, ret) || !judge_origin(h, rules, ret))
		return;
	if (!token_of_query(h->query, ret))
		token_of_cookie(h, ret);
	ret->status = 101;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "api/http/session.h"

#include <string.h>

#include <glib.h>

#define TLS_NAME "__Host-drover"
#define PLAIN_NAME "drover"

static bool by_tls(const char *base_url)
{
	return g_str_has_prefix(base_url, "https://");
}

static const char *name_of(const char *base_url)
{
	return by_tls(base_url) ? TLS_NAME : PLAIN_NAME;
}

bool session_same_origin(const struct api_head *h)
{
	if (h->fetch_site)
		return strcmp(h->fetch_site, "same-origin") == 0;
	return h->origin && h->base_url && strcmp(h->origin, h->base_url) == 0;
}

static bool is_json(const char *type)
{
	static const char json[] = "application/json";
	size_t n = sizeof json - 1;

	return type && g_ascii_strncasecmp(type, json, n) == 0 && (!type[n] || type[n] == ';' || type[n] == ' ');
}

/* What changes something has a body of JSON, or is a DELETE, which no form can send. */
bool session_may(const struct api_head *h)
{
	static const char *const bare[] = { "GET", "HEAD", "DELETE", NULL };

	return g_strv_contains(bare, h->method) || is_json(h->content_type);
}

char *session_token(const struct api_head *h)
{
	const char *name = name_of(h->base_url ? h->base_url : "");
	size_t n = strlen(name);

	/* "a=b; c=d" */
	for (const char *at = h->cookie; at && *at; at += strcspn(at, ";")) {
		at += strspn(at, "; ");
		if (strncmp(at, name, n) == 0 && at[n] == '=' && strcspn(at + n + 1, "; ") > 0)
			return g_strndup(at + n + 1, strcspn(at + n + 1, "; "));
	}
	return NULL;
}

char *session_cookie(const char *base_url, const char *token, int64_t seconds)
{
	return g_strdup_printf("%s=%s; Path=/; Max-Age=%" G_GINT64_FORMAT "; HttpOnly; SameSite=Strict%s", name_of(base_url), token ? token : "",
			       token ? MAX(0, seconds) : 0, by_tls(base_url) ? "; Secure" : "");
}

bool session_is_safe(const char *base_url, const char *peer)
{
	return by_tls(base_url) || (peer && (g_str_has_prefix(peer, "127.") || strcmp(peer, "::1") == 0));
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "kept.h"

#include <string.h>
#include <unistd.h>

#include <glib.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/util.h"
#include "cache.h"
#include "render.h"

#define KEPT_S (24 * 3600)
#define REST_US (60 * G_USEC_PER_SEC) /* one that expires sooner is not used again */
#define SECRET_BYTES 32
#define SECRET_CHARS (2 * SECRET_BYTES)

/* Another drover that draws one at the same time costs either of them one more question to Identity. */
static char *draw_secret(void)
{
	unsigned char bytes[SECRET_BYTES];
	g_autoptr(GString) hex = g_string_new(NULL);

	if (getentropy(bytes, sizeof bytes) != 0)
		return NULL;
	for (size_t i = 0; i < sizeof bytes; i++)
		g_string_append_printf(hex, "%02x", bytes[i]);
	cache_write("secret", "", hex->str);
	return cache_read("secret", "", G_MAXINT64);
}

/* Of this cache. Return: owned; NULL if the cache cannot be written. */
static char *cache_secret(void)
{
	g_autofree char *secret = cache_read("secret", "", G_MAXINT64);

	return secret && strlen(secret) == SECRET_CHARS ? g_steal_pointer(&secret) : draw_secret();
}

static void put_hash(GString *key, const char *secret, const char *value)
{
	g_autofree char *sum = g_compute_hmac_for_string(G_CHECKSUM_SHA256, (const guchar *)secret, SECRET_CHARS, value ? value : "", -1);

	g_string_append_printf(key, "%s\n", sum);
}

/* What a token depends on. NULL: tokens are not kept. Owned by the caller. */
static char *key_of(const struct cloud *c)
{
	const char *parts[] = {
		c->auth_url, c->auth_type, c->username, c->user_id, c->user_domain_id, c->user_domain_name, c->project_id, c->project_name, c->project_domain_id,
		c->project_domain_name, c->domain_id, c->domain_name, c->system_scope, c->app_id, c->app_name, c->default_domain,
	};
	g_autofree char *secret = c->token ? NULL : cache_secret();
	GString *key;

	if (!secret || strlen(secret) != SECRET_CHARS)
		return NULL;
	key = g_string_new(NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(parts); i++)
		g_string_append_printf(key, "%s\n", parts[i] ? parts[i] : "");
	put_hash(key, secret, c->password);
	put_hash(key, secret, c->app_secret);
	return g_string_free(key, FALSE);
}

/* Identity tells when it ends, and that is not soon. */
static bool lasts(const json_t *body)
{
	const char *text = render_str(body, "token.expires_at");
	int64_t until_us;

	return text && util_time_parse(text, &until_us) && until_us - clock_wall_us() > REST_US;
}

/* What a file has in it. Return: NULL if that is of no use any more; owned. */
static json_t *unpack(const char *text)
{
	g_autoptr(json_t) kept = text ? json_parse(text, strlen(text), NULL) : NULL;

	return lasts(json_object_get(kept, "body")) && render_str(kept, "token") ? g_steal_pointer(&kept) : NULL;
}

static bool is_of_use(const char *text)
{
	g_autoptr(json_t) kept = unpack(text);

	return kept;
}

bool kept_read(const struct cloud *c, char **ret_token, json_t **ret_body)
{
	g_autofree char *key = key_of(c), *text = key ? cache_read("token", key, KEPT_S) : NULL;
	g_autoptr(json_t) kept = unpack(text);

	if (!kept)
		return false;
	*ret_token = g_strdup(render_str(kept, "token"));
	*ret_body = json_incref(json_object_get(kept, "body"));
	return true;
}

void kept_write(const struct cloud *c, const char *token, json_t *body)
{
	g_autofree char *key = lasts(body) ? key_of(c) : NULL, *text = NULL;
	g_autoptr(json_t) kept = key ? json_pack("{s:s, s:O}", "token", token, "body", body) : NULL;

	text = kept ? json_dumps(kept, JSON_COMPACT) : NULL;
	if (!text)
		return;
	cache_prune("token", KEPT_S, is_of_use);
	cache_write("token", key, text);
}

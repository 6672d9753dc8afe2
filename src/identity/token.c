/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/token.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>

#define VERSION 1     /* without an application credential */
#define VERSION_APP 2
#define NONCE_LEN 12
#define TAG_LEN 16
#define HEAD_LEN (1 + NONCE_LEN)
#define FIXED_LEN (1 + 8 + 8 + TOKEN_AUDIT_LEN + TOKEN_MARK_LEN)
#define CLAIMS_MAX (FIXED_LEN + 3 * (1 + TOKEN_ID_MAX))
#define SEALED_MAX (HEAD_LEN + CLAIMS_MAX + TAG_LEN)

void token_random(void *buf, size_t len)
{
	if (RAND_bytes(buf, (int)len) != 1)
		g_error("no random numbers");
}

/* ---- text ---- */

char *token_base64(const uint8_t *data, size_t len)
{
	char *s = g_base64_encode(data, len);

	g_strdelimit(s, "+", '-');
	g_strdelimit(s, "/", '_');
	s[strcspn(s, "=")] = '\0';
	return s;
}

uint8_t *token_from_base64(const char *text, size_t *ret_len)
{
	size_t n = strnlen(text, TOKEN_TEXT_MAX + 1);
	g_autofree char *padded = NULL, *again = NULL;
	g_autofree uint8_t *data = NULL;

	if (n == 0 || n > TOKEN_TEXT_MAX || text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")])
		return NULL;
	padded = g_strconcat(text, &"==="[n % 4 ? n % 4 - 1 : 3], NULL);
	g_strdelimit(padded, "-", '+');
	g_strdelimit(padded, "_", '/');
	data = g_base64_decode(padded, ret_len);
	again = token_base64(data, *ret_len);
	return strcmp(again, text) == 0 ? g_steal_pointer(&data) : NULL;
}

/* ---- claims ---- */

static uint8_t *put_i64(uint8_t *p, int64_t v)
{
	uint64_t big = GUINT64_TO_BE((uint64_t)v);

	memcpy(p, &big, sizeof big);
	return p + sizeof big;
}

static const uint8_t *get_i64(const uint8_t *p, int64_t *ret)
{
	uint64_t big;

	memcpy(&big, p, sizeof big);
	*ret = (int64_t)GUINT64_FROM_BE(big);
	return p + sizeof big;
}

static uint8_t *put_id(uint8_t *p, const char *id)
{
	size_t n = strlen(id);

	g_assert(n <= TOKEN_ID_MAX);
	*p++ = (uint8_t)n;
	memcpy(p, id, n);
	return p + n;
}

static bool get_id(const uint8_t **p, const uint8_t *end, char ret[static TOKEN_ID_MAX + 1])
{
	size_t n;

	if (*p == end)
		return false;
	n = *(*p)++;
	if (n > TOKEN_ID_MAX || n > (size_t)(end - *p) || memchr(*p, '\0', n))
		return false;
	memcpy(ret, *p, n);
	ret[n] = '\0';
	*p += n;
	return true;
}

static size_t pack(const struct token_claims *c, uint8_t out[static CLAIMS_MAX])
{
	uint8_t *p = out;

	*p++ = (uint8_t)c->methods;
	p = put_i64(p, c->issued_us);
	p = put_i64(p, c->expires_us);
	memcpy(p, c->audit, TOKEN_AUDIT_LEN);
	memcpy(p + TOKEN_AUDIT_LEN, c->mark, TOKEN_MARK_LEN);
	p = put_id(p + TOKEN_AUDIT_LEN + TOKEN_MARK_LEN, c->user_id);
	p = put_id(p, c->project_id);
	if (c->app_id[0])
		p = put_id(p, c->app_id);
	return (size_t)(p - out);
}

static bool unpack(const uint8_t *p, size_t len, uint8_t version, struct token_claims *ret)
{
	const uint8_t *end = p + len;

	if (len < FIXED_LEN)
		return false;
	ret->methods = *p++;
	p = get_i64(p, &ret->issued_us);
	p = get_i64(p, &ret->expires_us);
	memcpy(ret->audit, p, TOKEN_AUDIT_LEN);
	memcpy(ret->mark, p + TOKEN_AUDIT_LEN, TOKEN_MARK_LEN);
	p += TOKEN_AUDIT_LEN + TOKEN_MARK_LEN;
	ret->app_id[0] = '\0';
	return get_id(&p, end, ret->user_id) && get_id(&p, end, ret->project_id) &&
	       (version == VERSION || (get_id(&p, end, ret->app_id) && ret->app_id[0])) && p == end;
}

/* ---- sealing ---- */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(EVP_CIPHER_CTX, EVP_CIPHER_CTX_free)

char *token_seal(const uint8_t key[static TOKEN_KEY_LEN], const struct token_claims *c)
{
	g_autoptr(EVP_CIPHER_CTX) ctx = EVP_CIPHER_CTX_new();
	uint8_t claims[CLAIMS_MAX], sealed[SEALED_MAX];
	size_t len = pack(c, claims);
	int n;

	sealed[0] = c->app_id[0] ? VERSION_APP : VERSION;
	token_random(sealed + 1, NONCE_LEN);
	/* With a key and sizes that are ours none of these can fail. */
	g_assert(EVP_EncryptInit_ex2(ctx, EVP_aes_256_gcm(), key, sealed + 1, NULL) == 1);
	g_assert(EVP_EncryptUpdate(ctx, NULL, &n, sealed, 1) == 1);
	g_assert(EVP_EncryptUpdate(ctx, sealed + HEAD_LEN, &n, claims, (int)len) == 1);
	g_assert(EVP_EncryptFinal_ex(ctx, sealed + HEAD_LEN + len, &n) == 1);
	g_assert(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_LEN, sealed + HEAD_LEN + len) == 1);
	return token_base64(sealed, HEAD_LEN + len + TAG_LEN);
}

bool token_open(const uint8_t key[static TOKEN_KEY_LEN], const char *text, struct token_claims *ret)
{
	g_autoptr(EVP_CIPHER_CTX) ctx = NULL;
	g_autofree uint8_t *sealed = NULL;
	uint8_t claims[CLAIMS_MAX];
	size_t len;
	int n;

	sealed = token_from_base64(text, &len);
	if (!sealed || len < HEAD_LEN + FIXED_LEN + TAG_LEN || len > SEALED_MAX ||
	    (sealed[0] != VERSION && sealed[0] != VERSION_APP))
		return false;
	len -= HEAD_LEN + TAG_LEN;
	ctx = EVP_CIPHER_CTX_new();
	return EVP_DecryptInit_ex2(ctx, EVP_aes_256_gcm(), key, sealed + 1, NULL) == 1 &&
	       EVP_DecryptUpdate(ctx, NULL, &n, sealed, 1) == 1 &&
	       EVP_DecryptUpdate(ctx, claims, &n, sealed + HEAD_LEN, (int)len) == 1 &&
	       EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_LEN, sealed + HEAD_LEN + len) == 1 &&
	       EVP_DecryptFinal_ex(ctx, claims + len, &n) == 1 && unpack(claims, len, sealed[0], ret);
}

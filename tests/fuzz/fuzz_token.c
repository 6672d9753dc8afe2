/* SPDX-License-Identifier: Apache-2.0
 *
 * Tokens. First byte even: the rest is a token's text. Odd: the rest is what a
 * token's key has sealed, so that the reader of the claims is reached; in version
 * 2 if the next bit is set.
 */
#include <openssl/evp.h>
#include <stdint.h>
#include <string.h>

#include "identity/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t key[TOKEN_KEY_LEN] = { 7 };

/* What claims were read must come through a token of their own. */
static void check(const struct token_claims *c)
{
	g_autofree char *token = token_seal(key, c);
	struct token_claims again;

	memset(&again, 0, sizeof again);
	g_assert_true(token_open(key, token, &again));
	g_assert_cmpint(again.expires_us, ==, c->expires_us);
	g_assert_cmpstr(again.user_id, ==, c->user_id);
	g_assert_cmpstr(again.project_id, ==, c->project_id);
	g_assert_cmpstr(again.app_id, ==, c->app_id);
}

/* As token_seal() does it, but of any bytes. Return: owned by the caller. */
static char *seal_bytes(uint8_t version, const uint8_t *data, size_t size)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	g_autofree uint8_t *sealed = g_malloc0(13 + size + 16);
	int n;

	sealed[0] = version;
	EVP_EncryptInit_ex2(ctx, EVP_aes_256_gcm(), key, sealed + 1, NULL);
	EVP_EncryptUpdate(ctx, NULL, &n, sealed, 1);
	EVP_EncryptUpdate(ctx, sealed + 13, &n, data, (int)size);
	EVP_EncryptFinal_ex(ctx, sealed + 13 + size, &n);
	EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, 16, sealed + 13 + size);
	EVP_CIPHER_CTX_free(ctx);
	return token_base64(sealed, 13 + size + 16);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = NULL;
	struct token_claims c;

	if (size == 0 || size > 4096)
		return 0;
	text = data[0] % 2 ? seal_bytes(data[0] & 2 ? 2 : 1, data + 1, size - 1) : g_strndup((const char *)data + 1, size - 1);
	if (token_open(key, text, &c))
		check(&c);
	return 0;
}

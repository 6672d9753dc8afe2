/* SPDX-License-Identifier: Apache-2.0
 *
 * token: sealing and opening what a token says; private to identity/.
 *
 *	base64url(version | nonce | AES-256-GCM(claims) | tag)
 *
 * Without the key it can be neither read nor made. The claims are binary: one
 * byte of methods, two times, the audit id, the password's mark, two names with
 * a length byte each; in version 2 a third one, the application credential's. The
 * version byte is authenticated too; a new format gets a new one.
 */
#ifndef TOKEN_H
#define TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#define TOKEN_KEY_LEN 32
#define TOKEN_AUDIT_LEN 16
#define TOKEN_MARK_LEN 8
#define TOKEN_ID_MAX 64
#define TOKEN_TEXT_MAX 512

enum token_method { TOKEN_PASSWORD = 1, TOKEN_TOKEN = 2, TOKEN_APP = 4 };

struct token_claims {
	unsigned methods;                     /* enum token_method, or-ed */
	int64_t issued_us, expires_us;
	uint8_t audit[TOKEN_AUDIT_LEN];       /* random: names this token in the list of revoked ones */
	uint8_t mark[TOKEN_MARK_LEN];         /* of the password or secret it came by: a new password ends it */
	char user_id[TOKEN_ID_MAX + 1];
	char project_id[TOKEN_ID_MAX + 1];    /* "": unscoped */
	char app_id[TOKEN_ID_MAX + 1];        /* the application credential that it came by; "": none */
};

/** token_seal() - Return: the token, owned by the caller. */
char *token_seal(const uint8_t key[static TOKEN_KEY_LEN], const struct token_claims *c);

/** token_open() - Return: false for anything that this key did not seal. It says nothing of times. */
bool token_open(const uint8_t key[static TOKEN_KEY_LEN], const char *text, struct token_claims *ret);

/** token_base64() - base64url without padding, as Keystone writes audit ids. Return: owned by the caller. */
char *token_base64(const uint8_t *data, size_t len);

/** token_from_base64() - Return: the bytes, owned by the caller; NULL for what token_base64() would not have written so. */
uint8_t *token_from_base64(const char *text, size_t *ret_len);

/** token_random() - unpredictable bytes. */
void token_random(void *buf, size_t len);

#endif

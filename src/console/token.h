/* SPDX-License-Identifier: Apache-2.0
 *
 * token: what lets a client see a server's console.
 *
 * A token belongs to a server and to the user that asked for it. It is stored as its SHA-256 alone. It is good for token_ttl seconds to its first
 * use; from then on as long as a session has it, and TOKEN_AGAIN_S longer, so that a client that lost its connection comes back with it. A
 * migration changes nothing of that. Where a user has as many as one may have for a server, or a project as many as one may have, the oldest that no
 * session has goes for a new one. A restart of the daemon ends sessions, so what was used then has TOKEN_AGAIN_S from the start on.
 */
#ifndef CONSOLE_TOKEN_H
#define CONSOLE_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "base/util.h"
#include "store/store.h"

#define TOKEN_AGAIN_S 60
#define TOKEN_HASH_LEN 64
#define TOKENS_MAX 10000
#define TOKENS_PROJECT_MAX 1000 /* of one project */
#define TOKENS_USER_MAX 100     /* of one user, for one server */

enum console_kind { CONSOLE_SERIAL, CONSOLE_NOVNC, CONSOLE_KIND_N };

struct console_token {
	char hash[TOKEN_HASH_LEN + 1];
	char server_uuid[UTIL_UUID_LEN + 1];
	enum console_kind kind;
	char *user_id, *project_id;
	char *app_id;       /* the application credential that the user came by; NULL */
	int64_t created_us;
	int64_t expires_us; /* 0: a session has it */
	unsigned sessions;  /* not stored */
};

struct console_tokens;

/** console_kind_name() - "serial", "novnc". */
const char *console_kind_name(int kind);

/** console_tokens_new() - read them. @store: borrowed; @ttl_s: to the first use. Return: NULL with the store's error. */
struct console_tokens *console_tokens_new(struct store *store, int64_t ttl_s, GError **err);
/** console_tokens_free() - NULL is fine. */
void console_tokens_free(struct console_tokens *all);

/** console_token_make() - a new one. @of: whose, for what, and when it was asked for. Return: its text, owned by the caller; NULL with ERR_UNAVAILABLE, if sessions have all that may be, or the store's error. */
char *console_token_make(struct console_tokens *all, const struct console_token *of, GError **err);
/** console_token_find() - by its text. Return: borrowed, until it is dropped; NULL: there is none, or its time is over. */
struct console_token *console_token_find(struct console_tokens *all, const char *text);

/** console_token_begin() - a session has it. Return: false with the store's error. */
bool console_token_begin(struct console_tokens *all, struct console_token *t, GError **err);
/** console_token_end() - the session is over. */
void console_token_end(struct console_tokens *all, struct console_token *t);

/** console_token_drop() - revoke it: its sessions must have ended. Where the store refuses, it goes from memory, and the row with its time. */
void console_token_drop(struct console_tokens *all, struct console_token *t);
/** console_tokens_list() - all. Return: GPtrArray of struct console_token *, owned; what is in it is borrowed. */
GPtrArray *console_tokens_list(const struct console_tokens *all);
guint console_tokens_count(const struct console_tokens *all);
/** console_token_over() - its time is over. */
bool console_token_over(const struct console_token *t);

#endif

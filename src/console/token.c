/* SPDX-License-Identifier: Apache-2.0 */
#include "console/token.h"

#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "store/columns.h"
#include "store/row.h"

struct console_tokens {
	struct store *store;
	int64_t ttl_us;
	GHashTable *by_hash; /* hash, the token's own -> struct console_token *, owned */
};

static const char *const kind_names[] = { [CONSOLE_SERIAL] = "serial", [CONSOLE_NOVNC] = "novnc" };
static_assert(G_N_ELEMENTS(kind_names) == CONSOLE_KIND_N, "kind_names is missing one");

const char *console_kind_name(int kind)
{
	return kind_names[kind];
}

#define ROW_FIELD_CONSOLE(s, col, f) ROW_FIELD_WORD(s, col, f, console_kind_name, CONSOLE_KIND_N)
#define FIELD(n, col, type, f) ROW_FIELD_##type(console_token, col, f),
static const struct row_field fields[] = { CONSOLE_TOKEN_ROW(FIELD, FIELD) };

static void token_free(void *p)
{
	struct console_token *t = p;

	g_free(t->user_id);
	g_free(t->project_id);
	g_free(t->app_id);
	g_free(t);
}

static void take(struct console_tokens *all, struct console_token *t)
{
	g_hash_table_replace(all->by_hash, t->hash, t);
}

/* ---- rows ---- */

static bool load(const struct store_row *row, void *user)
{
	struct console_tokens *all = user;
	struct console_token *t = g_new0(struct console_token, 1);
	g_autofree char *unknown = row_read(row, fields, G_N_ELEMENTS(fields), t);

	if (unknown) { /* another version's: it lets in nowhere here */
		token_free(t);
		return true;
	}
	if (!t->expires_us)
		t->expires_us = clock_wall_us() + TOKEN_AGAIN_S * G_USEC_PER_SEC;
	take(all, t);
	return true;
}

static bool write_expiry(struct console_tokens *all, const struct console_token *t, int64_t expires_us, GError **err)
{
	return store_run(all->store, Q_CONSOLE_TOKEN_EXPIRES, STORE_ARGS(SV_S(t->hash), SV_OPT(expires_us)), NULL, err);
}

struct console_tokens *console_tokens_new(struct store *store, int64_t ttl_s, GError **err)
{
	struct console_tokens *all = g_new0(struct console_tokens, 1);

	all->store = store;
	all->ttl_us = ttl_s * G_USEC_PER_SEC;
	all->by_hash = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, token_free);
	if (store_each(store, Q_CONSOLE_TOKENS, STORE_NO_ARGS, load, all, err))
		return all;
	console_tokens_free(all);
	return NULL;
}

void console_tokens_free(struct console_tokens *all)
{
	if (!all)
		return;
	g_hash_table_unref(all->by_hash);
	g_free(all);
}

/* ---- their life ---- */

static void hash_text(const char *text, char ret[static TOKEN_HASH_LEN + 1])
{
	g_autofree char *hex = g_compute_checksum_for_string(G_CHECKSUM_SHA256, text, -1);

	g_strlcpy(ret, hex, TOKEN_HASH_LEN + 1);
}

/* What is counted together. */
struct share {
	const char *what;
	unsigned max;
	bool by_user;   /* of one user, for one server; else of one project */
};

static bool is_of(const struct console_token *t, const struct console_token *of, bool by_user)
{
	if (!by_user)
		return g_strcmp0(t->project_id, of->project_id) == 0;
	return g_strcmp0(t->user_id, of->user_id) == 0 && strcmp(t->server_uuid, of->server_uuid) == 0;
}

/* Return: false with ERR_UNAVAILABLE: sessions have all of them. */
static bool make_room(struct console_tokens *all, const struct console_token *of, const struct share *share, GError **err)
{
	struct console_token *t, *oldest = NULL;
	GHashTableIter it;
	unsigned n = 0;

	g_hash_table_iter_init(&it, all->by_hash);
	while (g_hash_table_iter_next(&it, NULL, (void **)&t)) {
		if (!is_of(t, of, share->by_user))
			continue;
		n++;
		if (!t->sessions && (!oldest || t->created_us < oldest->created_us))
			oldest = t;
	}
	if (n < share->max)
		return true;
	if (oldest)
		console_token_drop(all, oldest);
	else
		g_set_error(err, ERR, ERR_UNAVAILABLE, "%s has %u consoles open, which is the limit.", share->what, n);
	return oldest != NULL;
}

char *console_token_make(struct console_tokens *all, const struct console_token *of, GError **err)
{
	static const struct share of_user = { "The user", TOKENS_USER_MAX, true }, of_project = { "The project", TOKENS_PROJECT_MAX, false };
	g_autofree char *text = util_uuid_new();
	struct console_token *t;
	struct store_val row[G_N_ELEMENTS(fields)];

	if (!make_room(all, of, &of_user, err) || !make_room(all, of, &of_project, err))
		return NULL;
	if (console_tokens_count(all) >= TOKENS_MAX) {
		g_set_error(err, ERR, ERR_UNAVAILABLE, "There are %d tokens for consoles, which is the limit.", TOKENS_MAX);
		return NULL;
	}
	t = g_memdup2(of, sizeof *of);
	t->user_id = g_strdup(of->user_id);
	t->project_id = g_strdup(of->project_id);
	t->app_id = g_strdup(of->app_id);
	t->expires_us = clock_wall_us() + all->ttl_us;
	hash_text(text, t->hash);
	row_values(fields, G_N_ELEMENTS(fields), t, t->created_us, row);
	if (!store_run(all->store, Q_CONSOLE_TOKEN_PUT, row, G_N_ELEMENTS(row), NULL, err)) {
		token_free(t);
		return NULL;
	}
	take(all, t);
	return g_steal_pointer(&text);
}

bool console_token_over(const struct console_token *t)
{
	return !t->sessions && clock_wall_us() >= t->expires_us;
}

/* By its hash: how far another text is right, no time tells. */
struct console_token *console_token_find(struct console_tokens *all, const char *text)
{
	char hash[TOKEN_HASH_LEN + 1];
	struct console_token *t;

	hash_text(text, hash);
	t = g_hash_table_lookup(all->by_hash, hash);
	return t && !console_token_over(t) ? t : NULL;
}

bool console_token_begin(struct console_tokens *all, struct console_token *t, GError **err)
{
	if (!t->sessions && !write_expiry(all, t, 0, err))
		return false;
	t->sessions++;
	t->expires_us = 0;
	return true;
}

void console_token_end(struct console_tokens *all, struct console_token *t)
{
	g_autoptr(GError) err = NULL;

	if (--t->sessions)
		return;
	t->expires_us = clock_wall_us() + TOKEN_AGAIN_S * G_USEC_PER_SEC;
	if (!write_expiry(all, t, t->expires_us, &err))
		log_warning("console_token_not_written", LOG_S("server", t->server_uuid), LOG_S("reason", err->message));
}

void console_token_drop(struct console_tokens *all, struct console_token *t)
{
	g_autoptr(GError) err = NULL;

	g_assert(!t->sessions);
	if (!store_run(all->store, Q_CONSOLE_TOKEN_DELETE, STORE_ARGS(SV_S(t->hash)), NULL, &err))
		log_warning("console_token_not_written", LOG_S("server", t->server_uuid), LOG_S("reason", err->message));
	g_hash_table_remove(all->by_hash, t->hash);
}

guint console_tokens_count(const struct console_tokens *all)
{
	return g_hash_table_size(all->by_hash);
}

GPtrArray *console_tokens_list(const struct console_tokens *all)
{
	GPtrArray *list = g_ptr_array_new();
	GHashTableIter it;
	void *t;

	g_hash_table_iter_init(&it, all->by_hash);
	while (g_hash_table_iter_next(&it, NULL, &t))
		g_ptr_array_add(list, t);
	return list;
}

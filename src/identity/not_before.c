/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/not_before.h"

#include <string.h>

#include "base/clock.h"
#include "identity/identity_priv.h"
#include "identity/token.h"
#include "store/columns.h"
#include "store/row.h"

int64_t not_before_stamp(struct identity *id)
{
	id->stamp_us = MAX(clock_wall_us(), id->stamp_us + 1);
	return id->stamp_us;
}

/* Names have no blank. */
static char *key_of(const char *user_id, const char *project_id)
{
	return g_strconcat(user_id, " ", project_id, NULL);
}

void not_before_note(struct identity *id, const char *user_id, const char *project_id, int64_t at_us)
{
	g_hash_table_replace(id->not_before, key_of(user_id, project_id), g_memdup2(&at_us, sizeof at_us));
}

struct owner {
	const char *user_id, *project_id;
};

static gboolean belongs_to(void *key, void *value, void *user)
{
	const struct owner *o = user;
	const char *blank = strchr(key, ' ');
	size_t len = (size_t)(blank - (const char *)key);

	(void)value;
	if (o->user_id)
		return strlen(o->user_id) == len && strncmp(key, o->user_id, len) == 0;
	return strcmp(blank + 1, o->project_id) == 0;
}

void not_before_drop(struct identity *id, const char *user_id, const char *project_id)
{
	struct owner o = { user_id, project_id };

	g_hash_table_foreach_remove(id->not_before, belongs_to, &o);
}

static int64_t time_of(const struct identity *id, const char *user_id, const char *project_id)
{
	g_autofree char *key = key_of(user_id, project_id);
	const int64_t *at_us = g_hash_table_lookup(id->not_before, key);

	return at_us ? *at_us : INT64_MIN;
}

bool not_before_ok(const struct identity *id, const struct token_claims *c)
{
	if (c->issued_us <= time_of(id, c->user_id, ""))
		return false;
	return !c->project_id[0] || (c->issued_us > time_of(id, "", c->project_id) && c->issued_us > time_of(id, c->user_id, c->project_id));
}

struct not_before {
	const char *user_id, *project_id;
	int64_t at_us;
};

#define FIELD(n, col, type, f) ROW_FIELD_##type(not_before, col, f),

static const struct row_field fields[] = { NOT_BEFORE_ROW(FIELD, FIELD) };

static bool load_one(const struct store_row *row, void *user)
{
	struct identity *id = user;
	struct not_before got;

	(void)row_read(row, fields, G_N_ELEMENTS(fields), &got); /* it has no words */
	not_before_note(id, got.user_id, got.project_id, got.at_us);
	/* A token to come is later than each of them, though the clock was set back meanwhile. */
	id->stamp_us = MAX(id->stamp_us, got.at_us);
	return true;
}

bool not_before_load(struct identity *id, GError **err)
{
	return store_each(id->store, Q_NOT_BEFORE_ALL, STORE_NO_ARGS, load_one, id, err);
}

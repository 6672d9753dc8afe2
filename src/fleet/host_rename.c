/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/host_rename.h"

#include <string.h>

#include "base/conf.h"
#include "base/log.h"
#include "fleet/host_row.h"
#include "store/columns.h"
#include "store/row.h"

struct known {
	char *name, *uri;
	bool from_conf;
};

static void known_free(void *data)
{
	struct known *k = data;

	g_free(k->name);
	g_free(k->uri);
	g_free(k);
}

#define FIELD(n, col, type, f) ROW_FIELD_##type(known, col, f),

static const struct row_field fields[] = { HOST_SECTION_ROW(FIELD, FIELD) };

static bool take_row(const struct store_row *row, void *user)
{
	struct known *k = g_new0(struct known, 1);

	(void)row_read(row, fields, G_N_ELEMENTS(fields), k); /* it has no words */
	g_ptr_array_add(user, k);
	return true;
}

static struct known *find(GPtrArray *rows, const char *name)
{
	for (guint i = 0; i < rows->len; i++) {
		struct known *k = g_ptr_array_index(rows, i);

		if (g_strcmp0(k->name, name) == 0)
			return k;
	}
	return NULL;
}

/* The host that this section had under another name; NULL. One that led elsewhere until now is not it. */
static struct known *former(const struct conf *c, GPtrArray *rows, const struct conf_host *ch)
{
	const struct known *own = find(rows, ch->name);

	if (!ch->uri || (own && g_strcmp0(own->uri, ch->uri) != 0))
		return NULL;
	for (guint i = 0; i < rows->len; i++) {
		struct known *k = g_ptr_array_index(rows, i);

		if (k->from_conf && g_strcmp0(k->uri, ch->uri) == 0 && !host_row_conf(c, k->name))
			return k;
	}
	return NULL;
}

static bool rename_host(struct store *s, const struct known *k, const char *to, GError **err)
{
	static const enum query all[] = {
		Q_HOST_RENAME, Q_HOST_RENAME_SERVERS, Q_HOST_RENAME_SOURCES, Q_HOST_RENAME_DESTS, Q_HOST_RENAME_REQUESTED, Q_HOST_RENAME_VOLUMES,
		Q_HOST_RENAME_EVENTS, Q_HOST_RENAME_DEFINITIONS, Q_HOST_RENAME_MARKERS, Q_HOST_RENAME_HA,
		Q_HOST_RENAME_PLANS, Q_HOST_RENAME_PLAN_SOURCES, Q_HOST_RENAME_PLAN_DESTS,
	};

	/* A row of that name stands for the same libvirt, and was never more than a name (host_uuid.c). */
	if (!store_run(s, Q_HOST_DELETE, STORE_ARGS(SV_S(to)), NULL, err))
		return false;
	for (size_t i = 0; i < G_N_ELEMENTS(all); i++) {
		if (!store_run(s, all[i], STORE_ARGS(SV_S(k->name), SV_S(to)), NULL, err))
			return false;
	}
	log_warning("host_renamed", LOG_S("from", k->name), LOG_S("to", to), LOG_S("uri", k->uri));
	return true;
}

/* @ret_in_tx: whether there is something to commit */
static bool rename_all(const struct conf *c, struct store *s, GPtrArray *rows, bool *ret_in_tx, GError **err)
{
	if (!store_each(s, Q_HOST_SECTIONS, STORE_NO_ARGS, take_row, rows, err))
		return false;
	for (guint i = 0; c->hosts && i < c->hosts->len; i++) {
		const struct conf_host *ch = g_ptr_array_index(c->hosts, i);
		struct known *k = former(c, rows, ch);

		if (!k)
			continue;
		*ret_in_tx = *ret_in_tx || store_begin(s, err);
		if (!*ret_in_tx || !rename_host(s, k, ch->name, err))
			return false;
		util_replace(&k->name, ch->name);
	}
	return true;
}

bool host_rename_sections(const struct conf *c, struct store *s, GError **err)
{
	g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func(known_free);
	bool in_tx = false;

	if (rename_all(c, s, rows, &in_tx, err))
		return !in_tx || store_commit(s, err);
	store_rollback(s);
	return false;
}

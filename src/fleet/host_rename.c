/* SPDX-License-Identifier: Apache-2.0
 *
 * A section of the configuration that was renamed: [host h1] is [host kvm-one]
 * now, with the same URI. The row of h1, which came from the configuration and
 * stands in it no more, gets the new name, and with it whatever names the host:
 * its servers, migrations, also those under way, files to remove. It is done
 * before anything is loaded, in one transaction, so nothing in memory has the old
 * name, and a kill leaves all of it or none.
 */
#include <string.h>

#include "base/log.h"
#include "fleet/fleet_priv.h"
#include "store/columns.h"

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

/* Where Q_HOST_ALL has a column. */
#define CELL(n, column, type, field) CELL_##column = n,
enum { HOST_COLUMNS(CELL, CELL) };

static bool take_row(const struct store_row *row, void *user)
{
	struct known *k = g_new0(struct known, 1);

	k->name = g_strdup(store_text(row, 1));
	k->uri = g_strdup(store_text(row, CELL_uri));
	k->from_conf = store_int(row, CELL_from_conf);
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
static struct known *former(struct fleet *f, GPtrArray *rows, const struct conf_host *ch)
{
	const struct known *own = find(rows, ch->name);

	if (!ch->uri || (own && g_strcmp0(own->uri, ch->uri) != 0))
		return NULL;
	for (guint i = 0; i < rows->len; i++) {
		struct known *k = g_ptr_array_index(rows, i);

		if (k->from_conf && g_strcmp0(k->uri, ch->uri) == 0 && !fleet_conf_host(f, k->name))
			return k;
	}
	return NULL;
}

static bool rename_host(struct fleet *f, const struct known *k, const char *to, GError **err)
{
	static const enum query all[] = {
		Q_HOST_RENAME, Q_HOST_RENAME_SERVERS, Q_HOST_RENAME_SOURCES, Q_HOST_RENAME_DESTS, Q_HOST_RENAME_REQUESTED, Q_HOST_RENAME_VOLUMES,
		Q_HOST_RENAME_EVENTS, Q_HOST_RENAME_DEFINITIONS,
	};

	/* A row of that name stands for the same libvirt, and was never more than a name (host_uuid.c). */
	if (!store_run(f->store, Q_HOST_DELETE, STORE_ARGS(SV_S(to)), NULL, err))
		return false;
	for (size_t i = 0; i < G_N_ELEMENTS(all); i++) {
		if (!store_run(f->store, all[i], STORE_ARGS(SV_S(k->name), SV_S(to)), NULL, err))
			return false;
	}
	log_warning("host_renamed", LOG_S("from", k->name), LOG_S("to", to), LOG_S("uri", k->uri));
	return true;
}

/* @ret_in_tx: whether there is something to commit */
static bool rename_all(struct fleet *f, GPtrArray *rows, bool *ret_in_tx, GError **err)
{
	if (!store_each(f->store, Q_HOST_ALL, STORE_NO_ARGS, take_row, rows, err))
		return false;
	for (guint i = 0; f->conf->hosts && i < f->conf->hosts->len; i++) {
		const struct conf_host *ch = g_ptr_array_index(f->conf->hosts, i);
		struct known *k = former(f, rows, ch);

		if (!k)
			continue;
		*ret_in_tx = *ret_in_tx || store_begin(f->store, err);
		if (!*ret_in_tx || !rename_host(f, k, ch->name, err))
			return false;
		util_replace(&k->name, ch->name);
	}
	return true;
}

bool host_rename_sections(struct fleet *f, GError **err)
{
	g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func(known_free);
	bool in_tx = false;

	if (rename_all(f, rows, &in_tx, err))
		return !in_tx || store_commit(f->store, err);
	store_rollback(f->store);
	return false;
}

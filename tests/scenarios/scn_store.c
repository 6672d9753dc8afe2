/* SPDX-License-Identifier: Apache-2.0
 *
 * One store for all runs of a process. Making the schema and preparing the
 * statements anew takes longer than most runs do, and the store itself has, with
 * good reason, no call that empties it. So the linker puts our function around
 * SQLite's open (--wrap), and the tables are emptied behind the store's back.
 */
#include <sqlite3.h>

#include "scn.h"

int __real_sqlite3_open_v2(const char *name, sqlite3 **ret, int flags, const char *vfs);
int __wrap_sqlite3_open_v2(const char *name, sqlite3 **ret, int flags, const char *vfs);

static sqlite3 *handle;

int __wrap_sqlite3_open_v2(const char *name, sqlite3 **ret, int flags, const char *vfs)
{
	int code = __real_sqlite3_open_v2(name, ret, flags, vfs);

	handle = *ret;
	return code;
}

static int add_delete(void *user, int n, char **values, char **names)
{
	(void)n;
	(void)names;
	g_string_append_printf(user, "DELETE FROM \"%s\";", values[0]);
	return 0;
}

/* "BEGIN; DELETE FROM ...; COMMIT" of every table but the schema's version. */
static char *make_wipe(void)
{
	GString *sql = g_string_new("BEGIN;");

	if (sqlite3_exec(handle, "SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'schema_version'", add_delete, sql, NULL))
		g_error("%s", sqlite3_errmsg(handle));
	return g_string_free(g_string_append(sql, "COMMIT"), FALSE);
}

struct store *scn_store(void)
{
	static struct store *store;
	static char *wipe;
	g_autoptr(GError) why = NULL;

	if (!store) {
		store = store_open("sqlite://:memory:", &why);
		if (!store)
			g_error("%s", why->message);
		wipe = make_wipe();
	}
	if (sqlite3_exec(handle, wipe, NULL, NULL, NULL))
		g_error("%s", sqlite3_errmsg(handle));
	return store;
}

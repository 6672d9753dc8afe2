/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite_check.h"

#include <sqlite3.h>
#include <string.h>

#include "base/err.h"

struct sqlite_check {
	char *path;
	GThread *thread;
	char *found; /* what SQLite says: "ok" */
};

/*
 * Each page is looked at once or twice, and then no more. Kept all, they would be as many allocations of this thread, for which its heap
 * grows by a call to the kernel each, in the way of the loading beside it.
 */
#define CACHE "PRAGMA cache_size = 16"

static int keep_text(void *user, int n, char **values, char **names)
{
	char **kept = user;

	(void)names;
	g_free(*kept);
	*kept = g_strdup(n > 0 ? values[0] : NULL);
	return 0;
}

static void *check(void *user)
{
	struct sqlite_check *c = user;
	sqlite3 *db = NULL;

	if (sqlite3_open_v2(c->path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK ||
	    sqlite3_exec(db, CACHE, NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_exec(db, "PRAGMA quick_check(1)", keep_text, &c->found, NULL) != SQLITE_OK) {
		g_free(c->found);
		c->found = g_strdup(sqlite3_errmsg(db));
	}
	/* Nothing of it is open. */
	(void)sqlite3_close(db);
	return NULL;
}

struct sqlite_check *sqlite_check_begin(const char *path)
{
	struct sqlite_check *c = g_new0(struct sqlite_check, 1);

	c->path = g_strdup(path);
	c->thread = g_thread_new("sqlite check", check, c);
	return c;
}

bool sqlite_check_end(struct sqlite_check *c, GError **err)
{
	bool ok;

	g_thread_join(c->thread);
	ok = g_strcmp0(c->found, "ok") == 0;
	if (!ok) {
		if (c->found)
			g_strdelimit(c->found, "\r\n", ' ');
		g_set_error(err, ERR, ERR_STORE, "database %s is damaged: %s; bring back a copy of it", c->path,
			    c->found ? c->found : "it cannot be checked");
	}
	g_free(c->found);
	g_free(c->path);
	g_free(c);
	return ok;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite_restore.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "store/leader.h"
#include "store/queries.h"

#define CHUNK 65536
#define NEW_TAIL ".restore" /* of the copy, until it is in its place */

static const char *const log_tails[] = { "-wal", "-shm", "-journal" };

static bool fail(GError **err, const char *what, const char *path)
{
	g_set_error(err, ERR, ERR_STORE, "cannot %s %s: %s", what, path, g_strerror(errno));
	return false;
}

/* ---- is it one? ---- */

static const struct question {
	const char *sql;
	const char *want; /* NULL: a schema version up to ours */
	const char *wrong;
} questions[] = {
	{ "PRAGMA integrity_check(1)", "ok", "it is damaged" },
	{ "SELECT count(*) FROM sqlite_master WHERE type IN ('trigger', 'view')", "0", "it has triggers or views, which Drover makes none of" },
	{ "SELECT count(*) FROM schema_version", "1", "it is no database of Drover" },
	{ "SELECT max(version) FROM schema_version", NULL, "its schema version is not one that this program knows" },
	{ "SELECT min(count(*), 1) FROM users", "1", "it has no user: it was made before the first start of droverd was through" },
};

static int keep_text(void *user, int n, char **values, char **names)
{
	char **kept = user;

	(void)names;
	g_free(*kept);
	*kept = g_strdup(n > 0 ? values[0] : NULL);
	return 0;
}

static bool is_right(const struct question *q, const char *text)
{
	int64_t number = text ? g_ascii_strtoll(text, NULL, 10) : 0;

	if (q->want)
		return g_strcmp0(text, q->want) == 0;
	return number >= 1 && number <= schema_version;
}

static bool ask(sqlite3 *db, const struct question *q, GError **err)
{
	g_autofree char *text = NULL;

	if (sqlite3_exec(db, q->sql, keep_text, &text, NULL) != SQLITE_OK) {
		g_set_error(err, ERR, ERR_STORE, "it is no database of Drover: %s", sqlite3_errmsg(db));
		return false;
	}
	if (is_right(q, text))
		return true;
	g_set_error(err, ERR, ERR_STORE, "%s (%s)", q->wrong, text ? g_strdelimit(text, "\r\n", ' ') : "nothing");
	return false;
}

bool sqlite_restore_judge(const char *path, GError **err)
{
	sqlite3 *db = NULL;
	bool ok = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK &&
		  sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL) == SQLITE_OK &&
		  sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL) == SQLITE_OK;

	if (!ok)
		g_set_error(err, ERR, ERR_STORE, "it cannot be opened: %s", sqlite3_errmsg(db));
	for (size_t i = 0; ok && i < G_N_ELEMENTS(questions); i++)
		ok = ask(db, &questions[i], err);
	/* Nothing of it is open. */
	(void)sqlite3_close(db);
	return ok;
}

/* ---- beside the database ---- */

static bool write_all(int to, const char *bytes, size_t n)
{
	while (n > 0) {
		ssize_t done = write(to, bytes, n);

		if (done < 0 && errno != EINTR)
			return false;
		bytes += MAX(done, 0);
		n -= (size_t)MAX(done, 0);
	}
	return true;
}

static bool copy_bytes(int from, int to)
{
	g_autofree char *bytes = g_malloc(CHUNK);
	ssize_t n;

	do {
		n = read(from, bytes, CHUNK);
		if (n > 0 && !write_all(to, bytes, (size_t)n))
			return false;
	} while (n > 0 || (n < 0 && errno == EINTR));
	return n == 0;
}

/* What lies there, a restore has left that was killed. */
static bool write_new(const char *path, int from, GError **err)
{
	int to;
	bool ok;

	(void)unlink(path);
	to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	ok = to >= 0 && copy_bytes(from, to) && fsync(to) == 0;
	if (!ok)
		fail(err, "write", path);
	if (to >= 0)
		close(to);
	return ok;
}

static bool sync_folder(const char *path, GError **err)
{
	g_autofree char *folder = g_path_get_dirname(path);
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = fd >= 0 && fsync(fd) == 0;

	if (!ok)
		fail(err, "sync", folder);
	if (fd >= 0)
		close(fd);
	return ok;
}

/* ---- out of the way ---- */

static bool is_there(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

/* PATH.before-20261021T143000Z, and one more if that is taken. Return: owned */
static char *aside_of(const char *path)
{
	g_autoptr(GDateTime) now = g_date_time_new_from_unix_utc(clock_wall_us() / G_USEC_PER_SEC);
	g_autofree char *time = g_date_time_format(now, "%Y%m%dT%H%M%SZ");
	char *aside = g_strdup_printf("%s.before-%s", path, time);

	for (int n = 2; is_there(aside); n++) {
		g_free(aside);
		aside = g_strdup_printf("%s.before-%s-%d", path, time, n);
	}
	return aside;
}

/* What stands in the log goes into the file, if the file is whole enough for it. The last one that closes it removes the log. */
static void take_in_log(const char *path)
{
	sqlite3 *db = NULL;

	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK)
		(void)sqlite3_exec(db, "PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL); /* else the log is moved along */
	(void)sqlite3_close(db);
}

static bool move(const char *from, const char *to, GError **err)
{
	return !is_there(from) || rename(from, to) == 0 || fail(err, "move aside", from);
}

static bool move_aside(const char *path, char **ret_aside, GError **err)
{
	g_autofree char *aside = aside_of(path);
	bool was = is_there(path), ok;

	if (was)
		take_in_log(path);
	ok = move(path, aside, err);
	for (size_t i = 0; ok && i < G_N_ELEMENTS(log_tails); i++) {
		g_autofree char *from = g_strconcat(path, log_tails[i], NULL), *to = g_strconcat(aside, log_tails[i], NULL);

		ok = move(from, to, err);
	}
	if (ok && was)
		*ret_aside = g_steal_pointer(&aside);
	return ok && sync_folder(path, err);
}

/* ---- all of it ---- */

static bool is_itself(const char *path, int from)
{
	struct stat a, b;

	return stat(path, &a) == 0 && fstat(from, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static bool replace(const char *path, const char *fresh, int from, char **ret_aside, GError **err)
{
	if (is_itself(path, from)) {
		g_set_error(err, ERR, ERR_STORE, "%s is the database itself", path);
		return false;
	}
	if (!write_new(fresh, from, err) || !sqlite_restore_judge(fresh, err) || !move_aside(path, ret_aside, err))
		return false;
	if (rename(fresh, path) != 0)
		return fail(err, "put the copy into the place of", path);
	return sync_folder(path, err);
}

bool sqlite_restore(const char *path, int from, char **ret_aside, GError **err)
{
	g_autofree char *fresh = g_strconcat(path, NEW_TAIL, NULL), *aside = NULL;
	int lock = leader_lock_file(path, err);
	bool ok = lock >= 0 && replace(path, fresh, from, &aside, err);

	if (lock >= 0 && !ok)
		(void)unlink(fresh); /* it may not have been made */
	if (!ok && aside)
		g_prefix_error(err, "the database that was there is %s now: ", aside);
	if (lock >= 0)
		close(lock);
	if (ok)
		*ret_aside = g_steal_pointer(&aside);
	return ok;
}

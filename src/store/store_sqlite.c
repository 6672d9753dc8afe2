/* SPDX-License-Identifier: Apache-2.0
 *
 * store_sqlite: the store in one local file.
 *
 * Theory of operation
 * -------------------
 * One program at a time has it: a file beside it, "-lock", is locked as long as
 * it is open (leader.h). SQLite's own locks stay as they are, so that the file can
 * be read meanwhile: by a backup, or by a person. A commit returns after the write-ahead log was synced
 * (synchronous=FULL); what a crash leaves of an unfinished one is ignored when the
 * log is read again.
 *
 * A file can be damaged, by a disk or by hand. It is checked from when it is
 * opened (sqlite_check.h), beside the reading: the first write, and
 * store_serve(), wait for what was found. Each row is checked when it is read: a
 * NULL where the schema allows none, text that is not UTF-8, or a value of another
 * kind is an error, so that what reads rows need not expect any.
 *
 * Only the file's creation is ours, for its mode; SQLite gives the log the same
 * one. A file that exists is never opened here by other means: closing any
 * descriptor of it would drop the process's locks on it (POSIX).
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/util.h"
#include "store/leader.h"
#include "store/sqlite_check.h"
#include "store/sqlite_log.h"
#include "store/sqlite_restore.h"
#include "store/store.h"

#define BUSY_SHORT_US 100 /* what drover-manage does beside us is over soon (manage/pace.h) */
#define BUSY_SHORTS 50
#define BUSY_LONG_US 5000
#define BUSY_TRIES (BUSY_SHORTS + 100)
#define PREFIX "sqlite://"
#define MEMORY ":memory:"
#define COLUMNS_MAX 64 /* of a result */

static_assert(SQLITE_VERSION_NUMBER >= 3037000, "RETURNING and sqlite3_changes64() are needed");

struct sqlite_db {
	sqlite3 *handle;
	char *path;
	int lock;                /* of "PATH-lock"; -1: it needs none */
	struct sqlite_check *check; /* that it is whole; NULL: it has ended */
	GError *damage;          /* what it has found; NULL */
	sqlite3_stmt *kept[Q_N]; /* prepared once; NULL before */
	bool returns_id[Q_N];    /* ... without the RETURNING id that it ends in */
	unsigned char *args[Q_N]; /* ... which argument, from 1, each of its parameters is */
	uint64_t never_null[Q_N]; /* ... bits of its columns that the schema allows no NULL in */
	sqlite3_stmt *begin, *commit; /* likewise */
	struct sqlite_log *log;  /* its checkpoints; NULL: it has no log, or another program is to make them */
	bool soft;               /* the transaction that is open is not waited for */
};

#define BESIDE_TRY_US 500
#define BESIDE_TRIES 60000

#define SYNC_FULL "PRAGMA synchronous = FULL"
#define SYNC_SOFT "PRAGMA synchronous = NORMAL" /* with a log: its writes are whole, and in order, and synced with the next that are */

static const char *const settings[] = {
	SYNC_FULL,
	"PRAGMA foreign_keys = ON",
	"PRAGMA cache_size = -512",
	"PRAGMA journal_size_limit = 67108864",
};

/* Half of what the daemon's thread waits for: what writes much makes the checkpoint itself. */
static const char *const settings_beside[] = {
	SYNC_SOFT,
	"PRAGMA wal_autocheckpoint = 250",
	"PRAGMA journal_size_limit = 67108864",
};

static bool fail(const struct sqlite_db *db, GError **err)
{
	int code = sqlite3_extended_errcode(db->handle), kind = code & 0xff;
	int why = kind == SQLITE_CANTOPEN ? sqlite3_system_errno(db->handle) : 0; /* for I/O errors it is often stale */

	if (kind == SQLITE_BUSY || kind == SQLITE_LOCKED)
		return leader_file_in_use(db->path, err);
	if (why)
		g_set_error(err, ERR, ERR_STORE, "database %s: %s: %s", db->path, sqlite3_errmsg(db->handle), g_strerror(why));
	else
		g_set_error(err, ERR, ERR_STORE, "database %s: %s (SQLite code %d)", db->path, sqlite3_errmsg(db->handle), code);
	return false;
}

static bool sqlite_script(void *vdb, const char *sql, GError **err)
{
	struct sqlite_db *db = vdb;

	return sqlite3_exec(db->handle, sql, NULL, NULL, NULL) == SQLITE_OK || fail(db, err);
}

/* ---- opening ---- */

static bool check_ended(struct sqlite_db *db, GError **err)
{
	if (db->check)
		(void)sqlite_check_end(g_steal_pointer(&db->check), &db->damage);
	if (db->damage)
		g_propagate_error(err, g_error_copy(db->damage));
	return !db->damage;
}

static void sqlite_close(void *vdb)
{
	struct sqlite_db *db = vdb;

	(void)check_ended(db, NULL);
	g_clear_error(&db->damage);
	sqlite_log_end(db->log);
	for (size_t i = 0; i < G_N_ELEMENTS(db->kept); i++) {
		sqlite3_finalize(db->kept[i]);
		g_free(db->args[i]);
	}
	sqlite3_finalize(db->begin);
	sqlite3_finalize(db->commit);
	/* It fails only for statements that are still open, and those were just finalised. */
	(void)sqlite3_close(db->handle);
	if (db->lock >= 0)
		close(db->lock);
	g_free(db->path);
	g_free(db);
}

/* The file holds password hashes: no other user may read it, whatever the umask. */
static bool make_file(const char *path, GError **err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 && errno != EEXIST) {
		g_set_error(err, ERR, ERR_STORE, "cannot create database %s: %s", path, g_strerror(errno));
		return false;
	}
	if (fd >= 0)
		close(fd);
	return true;
}

static bool lock_file(struct sqlite_db *db, GError **err)
{
	db->lock = leader_lock_file(db->path, err);
	return db->lock >= 0;
}

static int keep_text(void *user, int n, char **values, char **names)
{
	char **kept = user;

	(void)names;
	g_free(*kept);
	*kept = g_strdup(n > 0 ? values[0] : NULL);
	return 0;
}

static bool pragma_number(struct sqlite_db *db, const char *sql, int64_t *ret, GError **err)
{
	g_autofree char *text = NULL;

	if (sqlite3_exec(db->handle, sql, keep_text, &text, NULL) != SQLITE_OK)
		return fail(db, err);
	*ret = text ? g_ascii_strtoll(text, NULL, 10) : 0;
	return true;
}

/* A new file can become smaller (sqlite_shrink()). It says so before it has a table; for others this would be a write for nothing. */
static bool plan_to_shrink(struct sqlite_db *db, GError **err)
{
	int64_t pages = 0;

	return pragma_number(db, "PRAGMA page_count", &pages, err) && (pages > 0 || sqlite_script(db, "PRAGMA auto_vacuum = INCREMENTAL", err));
}

/*
 * In memory all pages are in the cache, and after one was split a commit looks at each of them (SQLite lends it the number 262145 meanwhile, and
 * then drops what is beyond the end). Larger pages are fewer, and are split more seldom; 16 KiB cost less than 4 and 8.
 */
static bool plan_pages(struct sqlite_db *db, GError **err)
{
	return sqlite_script(db, "PRAGMA page_size = 16384", err);
}

/* SQLite answers with the mode it has now, instead of an error, where it cannot have the log. */
static bool use_wal(struct sqlite_db *db, GError **err)
{
	g_autofree char *mode = NULL;

	if (sqlite3_exec(db->handle, "PRAGMA journal_mode = WAL", keep_text, &mode, NULL) != SQLITE_OK)
		return fail(db, err);
	if (g_strcmp0(mode, "wal") == 0)
		return true;
	g_set_error(err, ERR, ERR_STORE, "database %s: no write-ahead log here, journal_mode stays '%s'", db->path, mode ? mode : "");
	return false;
}

/*
 * Statistics of memory cost a lock and a count at each allocation, of which a statement makes dozens. They are the process's, and can be chosen
 * before the library is used for the first time alone: where another one did that already, it stays as it is.
 */
static void *set_up_library(void *unused)
{
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	return unused;
}

/* SQLite's own waits become long: a request would wait for a lock that is free. Half a second in all. */
static int wait_for_lock(void *unused, int tries)
{
	(void)unused;
	g_usleep(tries < BUSY_SHORTS ? BUSY_SHORT_US : BUSY_LONG_US);
	return tries < BUSY_TRIES;
}

static bool connect(struct sqlite_db *db, GError **err)
{
	static GOnce once = G_ONCE_INIT;
	int code;

	(void)g_once(&once, set_up_library, NULL);
	code = sqlite3_open_v2(db->path, &db->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);

	if (code != SQLITE_OK)
		return fail(db, err);
	(void)sqlite3_extended_result_codes(db->handle, 1); /* fails for a NULL handle only */
	(void)sqlite3_busy_handler(db->handle, wait_for_lock, NULL); /* likewise */
	/* A misspelt column in double quotes is an error, not a text. */
	(void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
	return true;
}

static bool set_up(struct sqlite_db *db, GError **err)
{
	bool file = strcmp(db->path, MEMORY) != 0;

	if (!connect(db, err) || (file && !lock_file(db, err)) || !(file ? plan_to_shrink : plan_pages)(db, err))
		return false;
	for (size_t i = 0; i < G_N_ELEMENTS(settings); i++)
		if (!sqlite_script(db, settings[i], err))
			return false;
	if (!file)
		return true;
	if (!use_wal(db, err) || !sqlite_script(db, "BEGIN EXCLUSIVE; COMMIT", err))
		return false;
	db->log = sqlite_log_begin(db->handle, db->path);
	return true;
}

static struct sqlite_db *db_new(const char *path)
{
	struct sqlite_db *db = g_new0(struct sqlite_db, 1);

	db->path = g_strdup(path);
	db->lock = -1;
	return db;
}

static void *sqlite_open(const char *url, GError **err)
{
	const char *path = url + strlen(PREFIX);
	struct sqlite_db *db;

	if (!g_str_has_prefix(url, PREFIX) || (path[0] != '/' && strcmp(path, MEMORY) != 0)) {
		g_set_error(err, ERR, ERR_STORE, "the database's URL is neither sqlite:///ABSOLUTE/PATH nor sqlite://:memory:");
		return NULL;
	}
	if (path[0] == '/' && !make_file(path, err))
		return NULL;
	db = db_new(path);
	if (!set_up(db, err)) {
		sqlite_close(db);
		return NULL;
	}
	if (path[0] == '/')
		db->check = sqlite_check_begin(path);
	return db;
}

/* SQLite's own waits become long, and a daemon that writes all the time has the lock again by then. */
static int try_again(void *unused, int tries)
{
	(void)unused;
	g_usleep(BESIDE_TRY_US);
	return tries < BESIDE_TRIES;
}

static void *sqlite_open_beside(const char *url, GError **err)
{
	const char *path = url + strlen(PREFIX);
	struct sqlite_db *db;
	bool ok;

	if (!g_str_has_prefix(url, PREFIX) || path[0] != '/' || !g_file_test(path, G_FILE_TEST_IS_REGULAR)) {
		g_set_error(err, ERR, ERR_STORE, "there is no database %s", path);
		return NULL;
	}
	db = db_new(path);
	ok = connect(db, err) && sqlite3_busy_handler(db->handle, try_again, NULL) == SQLITE_OK;
	for (size_t i = 0; ok && i < G_N_ELEMENTS(settings_beside); i++)
		ok = sqlite_script(db, settings_beside[i], err);
	if (ok)
		return db;
	sqlite_close(db);
	return NULL;
}

static bool sqlite_in_use(void *vdb)
{
	const struct sqlite_db *db = vdb;

	return leader_file_is_locked(db->path);
}

static bool sqlite_serve(void *vdb, GError **err)
{
	return check_ended(vdb, err);
}

/* ---- its files ---- */

static char **sqlite_files(const char *url)
{
	static const char *const tails[] = { "", "-wal", "-shm", "-journal", LEADER_LOCK_TAIL };
	const char *path = url + strlen(PREFIX);
	char **files = g_new0(char *, G_N_ELEMENTS(tails) + 1);

	for (size_t i = 0; i < G_N_ELEMENTS(tails) && path[0] == '/'; i++)
		files[i] = g_strconcat(path, tails[i], NULL);
	return files;
}

static bool sqlite_checkpoint(void *vdb, GError **err)
{
	struct sqlite_db *db = vdb;
	bool ok;

	sqlite_log_hold(db->log);
	ok = sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL) == SQLITE_OK || fail(db, err);
	sqlite_log_go_on(db->log);
	return ok;
}

/* Pages go from the end of the file. The file itself becomes shorter with a checkpoint. */
static bool sqlite_shrink(void *vdb, int64_t pages, bool *ret_more, GError **err)
{
	struct sqlite_db *db = vdb;
	g_autofree char *step = g_strdup_printf("PRAGMA incremental_vacuum(%" G_GINT64_FORMAT ")", pages);
	int64_t before = 0, after = 0;

	if (!pragma_number(db, "PRAGMA freelist_count", &before, err))
		return false;
	if (before > 0 && !sqlite_script(db, step, err))
		return false;
	if (!pragma_number(db, "PRAGMA freelist_count", &after, err))
		return false;
	*ret_more = after > 0 && after < before;
	return *ret_more || sqlite_script(db, "PRAGMA wal_checkpoint(PASSIVE)", err);
}

static bool sqlite_look_through(void *vdb, GError **err)
{
	struct sqlite_db *db = vdb;
	g_autofree char *found = NULL;

	if (sqlite3_exec(db->handle, "PRAGMA integrity_check(1)", keep_text, &found, NULL) != SQLITE_OK)
		return fail(db, err);
	if (g_strcmp0(found, "ok") != 0)
		g_set_error(err, ERR, ERR_STORE, "database %s is damaged: %s", db->path, found ? g_strdelimit(found, "\r\n", ' ') : "it cannot be checked");
	return g_strcmp0(found, "ok") == 0;
}

/* SQLite has written the copy; that it stays is up to the file system. */
static bool sync_copy(const char *path, GError **err)
{
	g_autofree char *folder = g_path_get_dirname(path);
	const char *const both[] = { path, folder };

	for (size_t i = 0; i < G_N_ELEMENTS(both); i++) {
		int fd = open(both[i], O_RDONLY | O_CLOEXEC);
		bool ok = fd >= 0 && fsync(fd) == 0;

		if (!ok)
			g_set_error(err, ERR, ERR_STORE, "cannot sync %s: %s", both[i], g_strerror(errno));
		if (fd >= 0)
			close(fd);
		if (!ok)
			return false;
	}
	return true;
}

static bool copy_into(struct sqlite_db *db, const char *path, GError **err)
{
	sqlite3_stmt *st = NULL;
	bool ok = sqlite3_prepare_v2(db->handle, "VACUUM INTO ?1", -1, &st, NULL) == SQLITE_OK &&
		  sqlite3_bind_text(st, 1, path, -1, SQLITE_STATIC) == SQLITE_OK && sqlite3_step(st) == SQLITE_DONE;

	if (!ok)
		fail(db, err);
	/* It repeats only what step said. */
	(void)sqlite3_finalize(st);
	return ok && sync_copy(path, err);
}

/* Through a connection of its own, which keeps the schema as it is. A daemon goes on writing meanwhile. */
static bool sqlite_backup(const char *url, const char *path, GError **err)
{
	const char *from = url + strlen(PREFIX);
	struct sqlite_db *db;
	bool made, ok;

	if (g_file_test(path, G_FILE_TEST_EXISTS) || !g_file_test(from, G_FILE_TEST_IS_REGULAR)) {
		g_set_error(err, ERR, ERR_STORE, "%s: %s", g_file_test(path, G_FILE_TEST_EXISTS) ? path : from,
			    g_strerror(g_file_test(path, G_FILE_TEST_EXISTS) ? EEXIST : ENOENT));
		return false;
	}
	db = db_new(from);
	made = make_file(path, err);
	ok = made && connect(db, err) && copy_into(db, path, err);
	if (made && !ok)
		(void)unlink(path); /* it is empty or half, and would stand in the way of the next copy */
	sqlite_close(db);
	return ok;
}

static bool sqlite_restore_copy(const char *url, int from, char **ret_aside, GError **err)
{
	const char *path = url + strlen(PREFIX);

	if (g_str_has_prefix(url, PREFIX) && path[0] == '/')
		return sqlite_restore(path, from, ret_aside, err);
	g_set_error(err, ERR, ERR_STORE, "%s is no file", path);
	return false;
}

/* ---- transactions ---- */

static bool run_kept(struct sqlite_db *db, sqlite3_stmt **kept, const char *sql, GError **err)
{
	bool ok;

	if (!*kept && sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, kept, NULL) != SQLITE_OK)
		return fail(db, err);
	ok = sqlite3_step(*kept) == SQLITE_DONE || fail(db, err);
	(void)sqlite3_reset(*kept); /* it repeats only what step said */
	return ok;
}

/* The next commit is waited for. The setting cannot be refused outside a transaction. */
static void be_hard(struct sqlite_db *db)
{
	if (!db->soft)
		return;
	db->soft = false;
	sqlite_log_sync(db->log);
	(void)sqlite3_exec(db->handle, SYNC_FULL, NULL, NULL, NULL);
}

static bool sqlite_begin(void *vdb, GError **err)
{
	struct sqlite_db *db = vdb;

	return check_ended(db, err) && run_kept(db, &db->begin, "BEGIN IMMEDIATE", err);
}

static bool sqlite_begin_soft(void *vdb, GError **err)
{
	struct sqlite_db *db = vdb;

	db->soft = sqlite_script(db, SYNC_SOFT, err);
	if (db->soft && sqlite_begin(db, err))
		return true;
	be_hard(db);
	return false;
}

/*
 * When the sync itself fails, the log may hold the whole transaction: SQLite
 * forgets it and writes the next one over it, but after a crash before that it
 * would be read as committed.
 */
static bool sqlite_commit(void *vdb, GError **err)
{
	struct sqlite_db *db = vdb;
	int code;

	if (run_kept(db, &db->commit, "COMMIT", err)) {
		be_hard(db);
		return true;
	}
	code = sqlite3_extended_errcode(db->handle);
	if (code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC)
		g_prefix_error(err, "the commit's outcome is unknown: ");
	return false;
}

/* A full disk may have rolled back already. */
static void sqlite_rollback(void *vdb)
{
	struct sqlite_db *db = vdb;

	/* It can fail only by an I/O error, after which SQLite has rolled back what it holds in memory. */
	if (!sqlite3_get_autocommit(db->handle))
		(void)sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
	be_hard(db);
}

/* ---- statements ---- */

/* The cells of a row, as long as no step is taken: to find each one again by its number costs more than to read it. */
struct cells {
	sqlite3_value *cell[COLUMNS_MAX];
};

static int64_t get_int(const struct store_row *row, int col)
{
	return sqlite3_value_int64(((const struct cells *)row->impl)->cell[col]);
}

static const char *get_text(const struct store_row *row, int col)
{
	return (const char *)sqlite3_value_text(((const struct cells *)row->impl)->cell[col]);
}

/*
 * RETURNING makes SQLite build a temporary B-tree for the rows, with a page cache
 * of its own: 90 KB for a number that it knows anyway. Not so when a conflict is
 * an update: then the last row that was inserted is another.
 */
static size_t length_without_returning(const char *sql)
{
	static const char returning[] = " RETURNING id";

	if (!g_str_has_suffix(sql, returning) || strstr(sql, "ON CONFLICT"))
		return strlen(sql);
	return strlen(sql) - strlen(returning);
}

/* A column of a result that is no table's column may be NULL. */
static uint64_t never_null(struct sqlite_db *db, sqlite3_stmt *st)
{
	uint64_t bits = 0;

	for (int i = 0; i < sqlite3_column_count(st); i++) {
		const char *table = sqlite3_column_table_name(st, i);
		int not_null = 0;

		g_assert(i < COLUMNS_MAX);
		if (table && sqlite3_table_column_metadata(db->handle, NULL, table, sqlite3_column_origin_name(st, i), NULL, NULL, &not_null,
							   NULL, NULL) == SQLITE_OK && not_null)
			bits |= UINT64_C(1) << i;
	}
	return bits;
}

static const char *damage(sqlite3_value *v, bool never_null)
{
	const char *text;

	switch (sqlite3_value_type(v)) {
	case SQLITE_INTEGER:
		return NULL;
	case SQLITE_NULL:
		return never_null ? "NULL" : NULL;
	case SQLITE_TEXT:
		text = (const char *)sqlite3_value_text(v);
		return text && util_is_text(text, (size_t)sqlite3_value_bytes(v)) ? NULL : "text that is not UTF-8";
	default:
		return "a value of another kind";
	}
}

/* The connection has no mutex, so that its values may be used as they are (sqlite3_value_dup() is for those that have one). */
static bool take_row(const struct sqlite_db *db, sqlite3_stmt *st, int n, uint64_t never, struct cells *ret, GError **err)
{
	for (int i = 0; i < n; i++) {
		const char *what;

		ret->cell[i] = sqlite3_column_value(st, i);
		what = damage(ret->cell[i], never >> i & 1);
		if (!what)
			continue;
		g_set_error(err, ERR, ERR_STORE, "database %s is damaged: column %s has %s", db->path, sqlite3_column_name(st, i), what);
		return false;
	}
	return true;
}

/* To SQLite "$7" is a name, numbered by its first appearance: the number is in the name. Return: owned, [at] for the parameter @at. */
static unsigned char *map_args(sqlite3_stmt *st)
{
	int count = sqlite3_bind_parameter_count(st);
	unsigned char *arg_of = g_new0(unsigned char, (size_t)count + 1);

	for (int at = 1; at <= count; at++) {
		const char *name = sqlite3_bind_parameter_name(st, at);

		arg_of[at] = name && name[0] == '$' ? (unsigned char)atoi(name + 1) : 0;
	}
	return arg_of;
}

/* One that is not kept is the caller's to finalise. */
static sqlite3_stmt *statement(struct sqlite_db *db, int q, const char *sql, GError **err)
{
	sqlite3_stmt *st = q >= 0 ? db->kept[q] : NULL;
	size_t n = st ? 0 : length_without_returning(sql);

	if (st)
		return st;
	if (sqlite3_prepare_v3(db->handle, sql, (int)n, q >= 0 ? SQLITE_PREPARE_PERSISTENT : 0, &st, NULL) != SQLITE_OK) {
		fail(db, err);
		return NULL;
	}
	if (q >= 0) {
		db->kept[q] = st;
		db->args[q] = map_args(st);
		db->returns_id[q] = sql[n] != '\0';
		db->never_null[q] = never_null(db, st);
	}
	return st;
}

static int bind_one(sqlite3_stmt *st, int at, const struct store_val *v)
{
	switch (v->type) {
	case STORE_NULL: return sqlite3_bind_null(st, at);
	case STORE_INT:  return sqlite3_bind_int64(st, at, v->i);
	case STORE_TEXT: return sqlite3_bind_text(st, at, v->s, -1, SQLITE_STATIC);
	}
	g_assert_not_reached();
}

static bool bind(struct sqlite_db *db, sqlite3_stmt *st, const unsigned char *arg_of, const struct store_val *args, size_t n, GError **err)
{
	int count = sqlite3_bind_parameter_count(st);

	for (int at = 1; at <= count; at++) {
		g_assert(arg_of[at] >= 1 && arg_of[at] <= n);
		if (bind_one(st, at, &args[arg_of[at] - 1]) != SQLITE_OK)
			return fail(db, err);
	}
	return true;
}

/* A statement that writes is run to its end even if no more rows are wanted: only then it is committed. */
static bool step_all(struct sqlite_db *db, sqlite3_stmt *st, uint64_t never, store_row_f *fn, void *user, GError **err)
{
	struct cells cells;
	struct store_row row = { get_int, get_text, &cells, sqlite3_column_count(st) };
	bool more = fn != NULL;
	int code;

	g_assert(row.n <= COLUMNS_MAX);
	while ((code = sqlite3_step(st)) == SQLITE_ROW) {
		if (more && !take_row(db, st, row.n, never, &cells, err))
			return false;
		more = more && fn(&row, user);
		if (!more && sqlite3_stmt_readonly(st))
			return true;
	}
	return code == SQLITE_DONE || fail(db, err);
}

struct last_id {
	int64_t id;
	char text[24];
};

static int64_t get_last_id(const struct store_row *row, int col)
{
	g_assert(col == 0);
	return ((const struct last_id *)row->impl)->id;
}

static const char *get_last_text(const struct store_row *row, int col)
{
	g_assert(col == 0);
	return ((const struct last_id *)row->impl)->text;
}

/* The one row of a RETURNING id that was left out. */
static void give_last_id(struct sqlite_db *db, store_row_f *fn, void *user)
{
	struct last_id last = { .id = sqlite3_last_insert_rowid(db->handle) };
	struct store_row row = { get_last_id, get_last_text, &last, 1 };

	g_snprintf(last.text, sizeof last.text, "%" G_GINT64_FORMAT, last.id);
	(void)fn(&row, user);
}

static bool sqlite_each(void *vdb, int q, const char *sql, const struct store_val *args, size_t n, store_row_f *fn, void *user,
			int64_t *ret_changed, GError **err)
{
	struct sqlite_db *db = vdb;
	sqlite3_stmt *st = statement(db, q, sql, err);
	g_autofree unsigned char *own = st && q < 0 ? map_args(st) : NULL;
	bool ok;

	if (!st)
		return false;
	ok = (sqlite3_stmt_readonly(st) || check_ended(db, err)) && bind(db, st, own ? own : db->args[q], args, n, err) &&
	     step_all(db, st, q >= 0 ? db->never_null[q] : 0, fn, user, err);
	if (ok && fn && q >= 0 && db->returns_id[q])
		give_last_id(db, fn, user);
	if (ok && ret_changed)
		*ret_changed = sqlite3_stmt_readonly(st) ? 0 : sqlite3_changes64(db->handle);
	/* Both repeat only what step said; the parameters' texts are the caller's and go away. */
	(void)sqlite3_reset(st);
	(void)sqlite3_clear_bindings(st);
	if (q < 0)
		sqlite3_finalize(st);
	return ok;
}

static const char *const schemes[] = { "sqlite", NULL };

const struct store_ops store_sqlite_ops = {
	.name = "sqlite",
	.schemes = schemes,
	.id_type = "INTEGER PRIMARY KEY AUTOINCREMENT",
	.clustered = "WITHOUT ROWID",
	.has_version = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'schema_version'",
	.open = sqlite_open,
	.open_beside = sqlite_open_beside,
	.in_use = sqlite_in_use,
	.one_writer = true,
	.shrink = sqlite_shrink,
	.look_through = sqlite_look_through,
	.serve = sqlite_serve,
	.close = sqlite_close,
	.script = sqlite_script,
	.begin = sqlite_begin,
	.begin_soft = sqlite_begin_soft,
	.commit = sqlite_commit,
	.rollback = sqlite_rollback,
	.checkpoint = sqlite_checkpoint,
	.backup = sqlite_backup,
	.restore = sqlite_restore_copy,
	.files = sqlite_files,
	.each = sqlite_each,
};

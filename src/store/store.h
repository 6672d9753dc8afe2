/* SPDX-License-Identifier: Apache-2.0
 *
 * store: records that survive the process. Named statements, transactions,
 * schema versions; SQLite and PostgreSQL behind the same calls.
 *
 * Theory of operation
 * -------------------
 * All SQL of the program is in one table (queries.c), a row a statement, in the
 * dialect that both databases read; parameters are $1, $2, ... A statement is
 * prepared once per connection. Types are three: 64-bit integer, text, null;
 * times are microseconds since 1970 UTC, truth values 0 and 1.
 *
 * The loop thread alone uses a store, synchronously: a write is a transaction
 * that is durable when store_commit() returned TRUE (SQLite: WAL with
 * synchronous=FULL; PostgreSQL: synchronous_commit=on). A write that fails
 * leaves nothing behind; memory is changed only after
 * the commit. Reads of the hot paths come from memory, never from here.
 *
 * A database belongs to one program at a time. SQLite's file is locked; PostgreSQL
 * has a session's lock and the row leader, see leader.h. The second
 * program is refused, and the message says which one has it. A program that
 * finds out that the database has gone to another one must end: store_on_lost().
 *
 * Errors are ERR_STORE, but ERR_UNAVAILABLE where the database could not be
 * reached and the statement surely was not executed. A commit (or a writing
 * statement outside a transaction) whose answer was lost is ERR_STORE, and its
 * message says that the outcome is unknown: its caller reads before acting.
 *
 * Text that is not UTF-8 is stored with U+FFFD in place of what is invalid.
 */
#ifndef STORE_H
#define STORE_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "base/metric.h"

#include "store/queries.h"

struct store;
struct store_row;
struct store_ops;

enum store_type { STORE_NULL, STORE_INT, STORE_TEXT };

struct store_val {
	enum store_type type;
	int64_t i;
	const char *s;
};

#define SV_I(v) ((struct store_val){ .type = STORE_INT, .i = (v) })
#define SV_S(v) store_text_or_null(v)
/* 0 stands for "not given": SQL's NULL. */
#define SV_OPT(v) ((v) ? SV_I(v) : SV_NULL)
#define SV_NULL ((struct store_val){ .type = STORE_NULL })

/** store_text_or_null() - a text parameter; NULL becomes SQL's NULL. */
struct store_val store_text_or_null(const char *s);

/**
 * store_open() - open a database and bring its schema up to this program's version.
 * @url: "sqlite:///ABSOLUTE/PATH" (made with mode 0600 if it is missing),
 *       "sqlite://:memory:", or "postgresql://USER:PASSWORD@HOST:PORT/NAME" (also "postgres://", "postgresql+psycopg2://")
 *
 * Each upgrade step is one transaction. A schema newer than this program is an
 * error that says both versions. Messages never hold the password.
 * Return: the store, or NULL with ERR_STORE.
 */
struct store *store_open(const char *url, GError **err);

/**
 * store_open_beside() - a connection of its own to a database that a daemon may have at the same time.
 *
 * It is for rows that no daemon holds: those of what was deleted. It takes no lock beyond its transactions, keeps the schema as it
 * is, and refuses one that is not this program's. SQLite: a commit is whole, and on the disk with the next one of the daemon or the next
 * checkpoint, so that it does not hold the daemon up for the disk.
 */
struct store *store_open_beside(const char *url, GError **err);

/** store_in_use() - of one from store_open_beside(): a daemon has the database now, or it cannot be told whether one has. */
bool store_in_use(struct store *s);
/** store_kind() - "sqlite" or "postgresql". */
const char *store_kind(const struct store *s);
/** store_one_writer() - what writes waits for the end of each transaction of another connection that writes. */
bool store_one_writer(const struct store *s);

/** store_version() - of the schema that a database has, which may be another than this program's; 0: it has none. */
bool store_version(const char *url, int64_t *ret_version, GError **err);

/**
 * store_open_steps() - store_open() with another schema; for tests of upgrades.
 * @steps: by version from 1 upwards, @n of them
 */
struct store *store_open_steps(const char *url, const struct schema_step *steps, int n, GError **err);

/** store_open_ops() - store_open() with an implementation that no URL names; for tests of what a database may answer. */
struct store *store_open_ops(const struct store_ops *ops, const char *url, GError **err);

/**
 * store_serve() - the start is over: from now on no call holds the loop for longer than store_postgres_stall_ms.
 *
 * That is one statement, or one transaction from its begin to its commit. What takes longer is given up; before, and with
 * SQLite, a call takes as long as it takes. What SQLite's file says may be read before, not acted on: this, and the first write, wait until
 * all of it was found to be whole.
 */
bool store_serve(struct store *s, GError **err);

typedef void store_lost_f(const char *why, void *user);
/** store_on_lost() - call @fn when the database turns out to belong to another program: nothing is written any more. */
void store_on_lost(struct store *s, store_lost_f *fn, void *user);

/** store_check() - find out whether the database can be reached and is still ours; cheap. */
bool store_check(struct store *s, GError **err);

/** store_close() - roll back what is open and close; NULL is fine. */
void store_close(struct store *s);

/**
 * store_begin(), store_commit(), store_rollback() - one transaction; they do not nest.
 *
 * After a statement failed, the others and the commit are refused as well: a
 * transaction is whole or nothing. A commit that returns FALSE has ended the
 * transaction; store_rollback() without one does nothing.
 */
bool store_begin(struct store *s, GError **err);

/**
 * store_begin_soft() - store_begin() of a transaction whose commit does not wait for the disk.
 *
 * For what hosts tell again: it is on the disk soon after, and when the machine's power fails before that, all of it may be missing. It is never
 * there in parts, and never without what was committed before it. (SQLite: synchronous=NORMAL; PostgreSQL: synchronous_commit=off.)
 */
bool store_begin_soft(struct store *s, GError **err);
bool store_commit(struct store *s, GError **err);
void store_rollback(struct store *s);

/**
 * store_run() - run a statement that returns no rows, or whose rows do not matter.
 * @args: as many as the statement's parameters
 * @ret_changed: rows changed; may be NULL
 *
 * Outside a transaction it is one by itself.
 */
bool store_run(struct store *s, enum query q, const struct store_val *args, size_t n, int64_t *ret_changed, GError **err);

/**
 * store_insert() - run a statement that ends in RETURNING id.
 * @ret_id: the new row's id
 */
bool store_insert(struct store *s, enum query q, const struct store_val *args, size_t n, int64_t *ret_id, GError **err);

/**
 * store_number() - run a statement that returns one row of one number.
 */
bool store_number(struct store *s, enum query q, const struct store_val *args, size_t n, int64_t *ret, GError **err);

/**
 * store_word() - run a statement that returns at most one row, of one text.
 * @ret: owned by the caller; NULL: there is no row, or the text is null
 */
bool store_word(struct store *s, enum query q, const struct store_val *args, size_t n, char **ret, GError **err);

/**
 * store_checkpoint() - what was committed stands in the database's own file from now on, not in a log beside it.
 *
 * A copy of the file alone, or a log that is lost, has it then. Where a database has no such log there is nothing to do.
 */
bool store_checkpoint(struct store *s, GError **err);

/**
 * store_shrink() - one small step in giving back to the file system what nothing in the database uses any more.
 * @pages: of the file, at most
 * @ret_more: another step would give back more
 *
 * PostgreSQL does that by itself. A file of SQLite that was made by a version that did not plan for it stays as large as it is.
 */
bool store_shrink(struct store *s, int64_t pages, bool *ret_more, GError **err);

/**
 * store_check_all() - look through the whole database for damage. Return: false with the first thing that is wrong
 */
bool store_check_all(struct store *s, GError **err);

/**
 * store_backup() - a copy of a database, whole and by itself, while it is used or not.
 * @url: as of store_open(); SQLite alone, PostgreSQL has pg_dump
 * @path: of the copy, made with mode 0600; nothing may be there
 */
bool store_backup(const char *url, const char *path, GError **err);

/**
 * store_restore() - put a copy that store_backup() has made into the place of a database, once it was found to be whole; SQLite alone, PostgreSQL has
 * pg_restore. Refused while a program has the database.
 * @url: as of store_open(); there may be none
 * @from: the copy, read from where the descriptor stands
 * @ret_aside: the path under which the database that was there is kept; NULL: there was none. Owned by the caller
 */
bool store_restore(const char *url, int from, char **ret_aside, GError **err);

/** store_files() - the paths of all files that such a database may have, not all of which are there. Return: NULL-terminated, owned; empty: none */
char **store_files(const char *url);

/** store_seconds() - how long transactions took that were written: from their begin to their commit, and single statements. Borrowed. */
const struct metric_hist *store_seconds(const struct store *s);
/** store_failures() - transactions and single statements that failed. */
uint64_t store_failures(const struct store *s);

typedef bool store_row_f(const struct store_row *row, void *user);

/**
 * store_each() - call @fn for each row; it returns false to stop early.
 *
 * @fn must not use the store.
 */
bool store_each(struct store *s, enum query q, const struct store_val *args, size_t n, store_row_f *fn, void *user, GError **err);

/** Cells of a row, for row_read() and what lies in src/store; the text lives as long as the callback. NULL reads as 0 and NULL. */
int64_t store_int(const struct store_row *row, int col);
const char *store_text(const struct store_row *row, int col);

#define STORE_ARGS(...) \
	(const struct store_val[]){ __VA_ARGS__ }, sizeof((const struct store_val[]){ __VA_ARGS__ }) / sizeof(struct store_val)
#define STORE_NO_ARGS NULL, 0

/* ---- what an implementation provides ---- */

struct store_ops {
	const char *name;
	const char *const *schemes; /* URL schemes, NULL-terminated */
	const char *id_type;      /* @ID@ in DDL: the type of a primary key column that counts by itself */
	const char *clustered;    /* @CLUSTERED@ in DDL, behind a table's columns: its rows lie in the order of the primary key, where that can be had */
	const char *has_version;  /* SELECT: 1 if the table schema_version exists, else 0 */
	/* NULL where open() has made the database ours for good; serve() has a meaning of its own for each. */
	bool (*lock)(void *db, GError **err);  /* make it ours, or say whose it is; before the schema is looked at */
	bool (*take)(void *db, GError **err);  /* write to the row leader whose it is, once there is such a table: leader.h */
	bool (*check)(void *db, GError **err);
	bool (*serve)(void *db, GError **err);
	const char *(*lost)(void *db);         /* whose it is, if it is not ours any more */
	const char *upgrade_lock; /* keeps others from upgrading until the transaction ends; NULL where no other can be */
	void *(*open)(const char *url, GError **err);
	void (*close)(void *db);
	bool (*script)(void *db, const char *sql, GError **err); /* several statements, no parameters */
	bool (*begin)(void *db, GError **err);
	bool (*begin_soft)(void *db, GError **err); /* NULL: begin() */
	bool (*commit)(void *db, GError **err);
	void (*rollback)(void *db);
	bool (*checkpoint)(void *db, GError **err); /* NULL: nothing to do */
	void *(*open_beside)(const char *url, GError **err); /* without a lock: store_open_beside() */
	bool one_writer;          /* store_one_writer() */
	bool (*in_use)(void *db); /* of what open_beside() has opened: a program has the lock, or that cannot be told */
	bool (*shrink)(void *db, int64_t pages, bool *ret_more, GError **err); /* NULL: nothing to do */
	bool (*look_through)(void *db, GError **err);  /* NULL: the database's own programs do it */
	bool (*backup)(const char *url, const char *path, GError **err); /* NULL: the database's own program does it */
	bool (*restore)(const char *url, int from, char **ret_aside, GError **err); /* NULL: likewise */
	char **(*files)(const char *url); /* NULL: it has none */
	bool (*each)(void *db, int q, const char *sql, const struct store_val *args, size_t n, store_row_f *fn, void *user,
		     int64_t *ret_changed, GError **err); /* q < 0: do not keep the statement prepared */
};

struct store_row {
	int64_t (*get_int)(const struct store_row *row, int col);
	const char *(*get_text)(const struct store_row *row, int col);
	void *impl;
	int n;
};

extern const struct store_ops store_sqlite_ops, store_postgres_ops;

/** store_postgres_stall_ms - how long the server may take for a call once it serves; 15 times that at the start. Tests change it. */
extern int store_postgres_stall_ms;

#endif

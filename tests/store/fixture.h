/* SPDX-License-Identifier: Apache-2.0
 *
 * fixture: the database under test, made empty for each case; see run.
 */
#ifndef FIXTURE_H
#define FIXTURE_H

#include <stdbool.h>

#include <glib.h>

#include "store/store.h"

/* Constant parameters for tables. */
#define I(v) { .type = STORE_INT, .i = (v) }
#define S(v) { .type = STORE_TEXT, .s = (v) }
#define N    { .type = STORE_NULL }

/* A host's row, for the cases that only need a row. */
#define FX_HOST(name, uri, now) \
	STORE_ARGS(SV_S(name), SV_S(uri), SV_S("uuid"), SV_NULL, SV_I(0), SV_NULL, SV_I(0), SV_I(0), SV_I(now), SV_NULL, SV_NULL, SV_NULL)

/* A migration's row, likewise. */
#define FX_MIGRATION(uuid, now) \
	STORE_ARGS(SV_S(uuid), SV_S("s"), SV_S("queue"), SV_S("queued"), SV_NULL, SV_I(0), SV_I(0), SV_I(0), SV_I(0), SV_NULL, SV_I(now), SV_I(0), \
		   SV_NULL, SV_S("live-migration"), SV_S("h1"), SV_NULL, SV_S("{}"), SV_S("u"), SV_S("p"), SV_S("r"), SV_I(1), SV_I(now))

typedef struct store store;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(store, store_close)

/** fx_url() - the database's URL. */
const char *fx_url(void);
/** fx_dir() - a folder for the case's files; NULL if the program was not started by run. */
const char *fx_dir(void);
bool fx_is_sqlite(void);

/**
 * fx_fork() - fork(), once no other thread is left.
 *
 * A connection that was given up has a thread that waits for its server, and one that was joined or told its last word ends a moment later. A
 * process forked beside one can begin no thread under ThreadSanitizer.
 */
pid_t fx_fork(void);

/** fx_reset() - make the database empty; it must not be open. */
void fx_reset(void);
/** fx_open() - open it, which must succeed. */
struct store *fx_open(void);

/**
 * fx_dump() - the rows of a query as text, a line each, '|' between cells, '~' for NULL.
 *
 * Return: owned by the caller, or NULL with @err
 */
char *fx_dump(struct store *s, enum query q, const struct store_val *args, size_t n, GError **err);

/** fx_sql() - run SQL on a connection of its own, the store being closed; the rows as fx_dump() has them. */
char *fx_sql(const char *sql);

/** fx_put_host() - a transaction of one row, or one statement if @alone; the whole error in @err. */
bool fx_put_host(struct store *s, const char *name, bool alone, GError **err);

/** fx_server_kill() - end every process of the PostgreSQL server by @signum at once, and see them gone. */
void fx_server_kill(int signum);
/** fx_server_start() - start it again. */
void fx_server_start(void);

/* The cases of the other files. */
void t_records_add(void);
void t_upgrade_add(void);
void t_durable_add(void);
void t_disk_add(void);
void t_link_add(void);
void t_lists_add(void);
void t_owner_add(void);
void t_damage_add(void);

#endif

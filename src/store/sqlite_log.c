/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite_log.h"

#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

#include <glib.h>

#define PAGES_MAX 500 /* in the log, half of SQLite's own default: commits are slower until its file is so long */
#define PAGES_LONG 8000  /* ... 32 MiB */
#define PASSES 3
#define BUSY_MS 500

struct sqlite_log {
	char *path;
	GThread *thread;  /* NULL: there was nothing to do yet; a start needs none */
	GMutex lock;
	GCond wake;
	bool wants_sync, wants_checkpoint, ended;
	GMutex working; /* held while a checkpoint is made */
	int caught_up;  /* atomic: the thread has brought over all but what was committed meanwhile */
	int due;        /* the one that commits has it: so many pages in the log ask for the next checkpoint */
};

/*
 * Passive: it waits for no reader and no writer; what they are in the way of is done the next time. The log begins again with the first commit that
 * finds all of it in the file. So what was committed meanwhile is brought there at once, which takes a short time only.
 */
static void bring_over(sqlite3 *db)
{
	int left = PASSES, before, in_log = -1;

	do {
		before = in_log;
		if (sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, &in_log, NULL) != SQLITE_OK)
			return; /* a later commit asks again */
	} while (in_log != before && --left > 0);
}

static void checkpoint(struct sqlite_log *l, sqlite3 **db)
{
	if (!*db && sqlite3_open_v2(l->path, db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK) {
		(void)sqlite3_busy_timeout(*db, BUSY_MS); /* it fails for a NULL handle only */
		(void)sqlite3_wal_autocheckpoint(*db, 0); /* likewise */
		/* A connection that has read nothing yet knows of no log, and its checkpoint does nothing. */
		(void)sqlite3_exec(*db, "SELECT 1 FROM sqlite_master", NULL, NULL, NULL);
	}
	g_mutex_lock(&l->working);
	if (*db)
		bring_over(*db);
	g_mutex_unlock(&l->working);
	g_atomic_int_set(&l->caught_up, *db != NULL);
}

/* No lock of SQLite's is on the log: a descriptor of it may be closed. Where it fails, the next commit that waits says so. */
static void sync_log(const struct sqlite_log *l)
{
	g_autofree char *path = g_strconcat(l->path, "-wal", NULL);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	(void)fdatasync(fd);
	close(fd);
}

static void *run(void *user)
{
	struct sqlite_log *l = user;
	sqlite3 *db = NULL;

	g_mutex_lock(&l->lock);
	while (!l->ended) {
		bool checks = l->wants_checkpoint, syncs = l->wants_sync;

		if (!checks && !syncs) {
			g_cond_wait(&l->wake, &l->lock);
			continue;
		}
		l->wants_checkpoint = l->wants_sync = false;
		g_mutex_unlock(&l->lock);
		if (checks)
			checkpoint(l, &db);
		else
			sync_log(l);
		g_mutex_lock(&l->lock);
	}
	g_mutex_unlock(&l->lock);
	/* Nothing of it is open. */
	(void)sqlite3_close(db);
	return NULL;
}

static void want(struct sqlite_log *l, bool *what)
{
	g_mutex_lock(&l->lock);
	*what = true;
	if (!l->thread)
		l->thread = g_thread_new("sqlite log", run, l);
	g_cond_signal(&l->wake);
	g_mutex_unlock(&l->lock);
}

/*
 * Commits without a pause leave the thread no moment in which all of the log is in the file. So the first one behind the thread brings the last part
 * over itself, which is little, and the log begins again: as long as it grows, each commit writes the file's new length, too, and takes half as long
 * again. What did not come out that way is tried from PAGES_LONG on; and where the log has become twice as long meanwhile, they wait for the thread,
 * before it outgrows what is wanted on a disk.
 */
static void bring_over_here(struct sqlite_log *l, sqlite3 *db, bool waits)
{
	if (waits)
		g_mutex_lock(&l->working);
	else if (!g_mutex_trylock(&l->working))
		return;
	bring_over(db);
	g_mutex_unlock(&l->working);
}

/* A checkpoint for every so many pages. One for each commit, once there are as many, would write what changes again and again. */
static int committed(void *user, sqlite3 *db, const char *name, int pages)
{
	struct sqlite_log *l = user;

	(void)name;
	if (pages + PAGES_MAX < l->due) /* the log has begun again */
		l->due = PAGES_MAX;
	if (pages >= PAGES_MAX && g_atomic_int_compare_and_exchange(&l->caught_up, TRUE, FALSE))
		bring_over_here(l, db, false);
	if (pages < l->due)
		return SQLITE_OK;
	l->due = pages + PAGES_MAX;
	if (pages >= PAGES_LONG)
		bring_over_here(l, db, pages >= 2 * PAGES_LONG);
	else
		want(l, &l->wants_checkpoint);
	return SQLITE_OK;
}

struct sqlite_log *sqlite_log_begin(sqlite3 *db, const char *path)
{
	struct sqlite_log *l = g_new0(struct sqlite_log, 1);

	l->path = g_strdup(path);
	l->due = PAGES_MAX;
	g_mutex_init(&l->lock);
	g_mutex_init(&l->working);
	g_cond_init(&l->wake);
	(void)sqlite3_wal_hook(db, committed, l); /* in the place of SQLite's own, which makes a checkpoint */
	return l;
}

void sqlite_log_sync(struct sqlite_log *l)
{
	if (l)
		want(l, &l->wants_sync);
}

void sqlite_log_hold(struct sqlite_log *l)
{
	if (l)
		g_mutex_lock(&l->working);
}

void sqlite_log_go_on(struct sqlite_log *l)
{
	if (l)
		g_mutex_unlock(&l->working);
}

void sqlite_log_end(struct sqlite_log *l)
{
	if (!l)
		return;
	if (l->thread) {
		want(l, &l->ended);
		g_thread_join(l->thread);
	}
	g_cond_clear(&l->wake);
	g_mutex_clear(&l->working);
	g_mutex_clear(&l->lock);
	g_free(l->path);
	g_free(l);
}

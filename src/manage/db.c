/* SPDX-License-Identifier: Apache-2.0 */
#include "manage/db.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "identity/token_keys.h"
#include "manage/archive.h"
#include "manage/date.h"
#include "manage/purge.h"
#include "manage/rebuild.h"
#include "manage/where.h"
#include "store/store.h"

/* Nova's: of a signed column of 32 bits. */
#define MAX_ROWS_MAX 0x7fffffff

static int interrupted; /* atomic */

static void on_interrupt(int number)
{
	(void)number;
	g_atomic_int_set(&interrupted, 1);
}

static command_f sync_schema, version, check, archive, purge, backup, restore;

const struct command db_commands[] = {
	{ "db", "sync", "Bring the schema of the database up to this version; droverd, which does the same, must be stopped", sync_schema },
	{ "db", "version", "Print the version of the schema of the database", version },
	{ "db", "check", "Look through the whole database for damage", check },
	{ "db", "archive_deleted_rows", "Move deleted rows to shadow tables: exits with 0 when there was nothing, with 1 when some were moved", archive },
	{ "db", "purge", "Delete rows from shadow tables: exits with 0 when some were deleted, with 3 when there was nothing", purge },
	{ "db", "backup", "Copy the database to a new file, while droverd runs or not", backup, .as_caller = true },
	{ "db", "restore", "Put such a copy into the place of the database; droverd must be stopped", restore, .as_caller = true },
	{ "db", "rebuild", "Make a database that was lost again, from what the hosts know; droverd must be stopped", rebuild_run },
	{ NULL },
};

/* ---- the schema ---- */

static int sync_schema(const struct command *c, const struct conf *conf, int argc, char **argv)
{
	const GOptionEntry none[] = { { NULL } };
	g_autofree char *url = where_url(conf);
	g_autoptr(GError) err = NULL;
	struct store *s;

	if (!command_options(c, none, NULL, &argc, &argv))
		return COMMAND_USAGE;
	s = store_open(url, &err);
	store_close(s);
	return s ? 0 : command_fail(c, err, 1);
}

static int version(const struct command *c, const struct conf *conf, int argc, char **argv)
{
	const GOptionEntry none[] = { { NULL } };
	g_autofree char *url = where_url(conf);
	g_autoptr(GError) err = NULL;
	int64_t number;

	if (!command_options(c, none, NULL, &argc, &argv))
		return COMMAND_USAGE;
	if (!store_version(url, &number, &err))
		return command_fail(c, err, 1);
	printf("%" G_GINT64_FORMAT "\n", number);
	return 0;
}

static int check(const struct command *c, const struct conf *conf, int argc, char **argv)
{
	const GOptionEntry none[] = { { NULL } };
	g_autofree char *url = where_url(conf);
	g_autoptr(GError) err = NULL;
	struct store *s;
	bool ok;

	if (!command_options(c, none, NULL, &argc, &argv))
		return COMMAND_USAGE;
	s = store_open_beside(url, &err);
	ok = s && store_check_all(s, &err);
	store_close(s);
	if (!ok)
		return command_fail(c, err, 1);
	printf("The database is whole, and has schema version %d.\n", schema_version);
	return 0;
}

static int backup(const struct command *c, const struct conf *conf, int argc, char **argv)
{
	const GOptionEntry none[] = { { NULL } };
	g_autofree char *url = where_url(conf), *to = NULL;
	g_autoptr(GError) err = NULL;

	if (!command_options(c, none, "FILE", &argc, &argv))
		return COMMAND_USAGE;
	if (argc != 2) {
		fprintf(stderr, "drover-manage db backup: the name of one new file is needed\n");
		return COMMAND_USAGE;
	}
	to = g_canonicalize_filename(argv[1], NULL);
	return store_backup(url, to, &err) ? 0 : command_fail(c, err, 1);
}

/* A log beside it is of a database, and says that the file alone is not all of it. */
static int open_copy(const char *name, GError **err)
{
	g_autofree char *log = g_strconcat(name, "-wal", NULL);
	struct stat st;
	int fd = open(name, O_RDONLY | O_CLOEXEC);

	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (stat(log, &st) != 0 || st.st_size == 0))
		return fd;
	if (fd < 0)
		g_set_error(err, ERR, ERR_STORE, "%s: %s", name, g_strerror(errno));
	else
		g_set_error(err, ERR, ERR_STORE, "%s is no copy that db backup has made: %s", name, S_ISREG(st.st_mode) ? "it has a log beside it" : "it is no file");
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Tokens that were revoked after the copy was made would be good again. The next start makes a key. */
static bool end_tokens(const struct conf *conf, GError **err)
{
	g_autofree char *path = g_build_filename(conf->state_path, TOKEN_KEYS_FILE, NULL);

	if (unlink(path) == 0 || errno == ENOENT)
		return true;
	g_set_error(err, ERR, ERR_CONF, "the copy is in its place, but %s cannot be removed: %s", path, g_strerror(errno));
	return false;
}

static int restore(const struct command *c, const struct conf *conf, int argc, char **argv)
{
	const GOptionEntry none[] = { { NULL } };
	g_autofree char *url = where_url(conf), *aside = NULL;
	g_autoptr(GError) err = NULL;
	bool ok;
	int fd;

	if (!command_options(c, none, "FILE", &argc, &argv))
		return COMMAND_USAGE;
	if (argc != 2) {
		fprintf(stderr, "drover-manage db restore: the name of one file is needed\n");
		return COMMAND_USAGE;
	}
	/* The copy is the caller's, the database the daemon's. */
	fd = open_copy(argv[1], &err);
	ok = fd >= 0 && where_become_owner(conf, &err) && store_restore(url, fd, &aside, &err) && end_tokens(conf, &err);
	if (fd >= 0)
		close(fd);
	if (!ok)
		return command_fail(c, err, 1);
	printf("The database is that of %s now; all tokens have ended. Start droverd.\n", argv[1]);
	if (aside)
		printf("The one before is kept: %s\n", aside);
	return 0;
}

/* ---- what both that follow do ---- */

static bool parse_before(const char *text, int64_t *ret_us)
{
	*ret_us = ARCHIVE_ANY;
	if (!text || date_parse(text, ret_us))
		return true;
	printf("Invalid value for --before: Unknown string format: %s\n", text);
	return false;
}

/* With --all-cells nova-manage puts a cell's name before a table's; one database has all of Drover's cells. */
static char *table_title(enum archive_table t, bool all_cells)
{
	return g_strconcat(all_cells ? CONF_CELL "." : "", archive_table_name(t), NULL);
}

static int purge_now(struct store *s, int64_t before_us, bool verbose, GError **err)
{
	struct archive_counts counts = { .rows = { 0 } };
	bool ok = purge_rows(s, before_us, &interrupted, &counts, err);

	for (enum archive_table t = 0; verbose && t < ARCHIVE_N; t++)
		if (counts.rows[t])
			printf("Deleted %" G_GINT64_FORMAT " rows from shadow_%s%s\n", counts.rows[t], archive_table_name(t),
			       before_us == ARCHIVE_ANY ? "" : " based on timestamp column deleted_at");
	return !ok ? -1 : archive_total(&counts) ? 0 : 3;
}

/* ---- db archive_deleted_rows ---- */

struct archive_options {
	int64_t max_rows;
	char *before;
	int sleep_s;
	gboolean verbose, until_complete, purge, all_cells, task_log;
	int64_t before_us;
};

static bool parse_archive(const struct command *c, struct archive_options *o, int *argc, char ***argv)
{
	const GOptionEntry entries[] = {
		{ "max_rows", 0, 0, G_OPTION_ARG_INT64, &o->max_rows, "Maximum number of deleted rows to archive; one server goes whole (1000)", "NUMBER" },
		{ "before", 0, 0, G_OPTION_ARG_STRING, &o->before, "Archive what was deleted before this date (UTC)", "DATE" },
		{ "verbose", 0, 0, G_OPTION_ARG_NONE, &o->verbose, "Print how many rows were archived per table", NULL },
		{ "until-complete", 0, 0, G_OPTION_ARG_NONE, &o->until_complete, "Go on until all deleted rows are archived, max_rows at a time", NULL },
		{ "purge", 0, 0, G_OPTION_ARG_NONE, &o->purge, "Then purge all shadow tables", NULL },
		{ "all-cells", 0, 0, G_OPTION_ARG_NONE, &o->all_cells, "For nova-manage's sake: one database has all cells", NULL },
		{ "task-log", 0, 0, G_OPTION_ARG_NONE, &o->task_log, "For nova-manage's sake: Drover keeps no task log", NULL },
		{ "sleep", 0, 0, G_OPTION_ARG_INT, &o->sleep_s, "Seconds between two rounds of --until-complete", "SECONDS" },
		{ NULL },
	};

	return command_options(c, entries, NULL, argc, argv);
}

/* Return: 0, or the exit status */
static int judge_archive(struct archive_options *o)
{
	if (o->max_rows < 0) {
		printf("Must supply a positive value for max_rows\n");
		return 2;
	}
	if (o->max_rows > MAX_ROWS_MAX) {
		printf("max rows must be <= %d\n", MAX_ROWS_MAX);
		return 2;
	}
	return parse_before(o->before, &o->before_us) ? 0 : 4;
}

static void print_counts(const struct archive_counts *c, bool all_cells)
{
	static const char *const heads[] = { "Table", "Number of Rows Archived" };
	/* nova-manage sorts by the name */
	static const enum archive_table order[] = { ARCHIVE_ACTION_EVENTS, ARCHIVE_ACTIONS, ARCHIVE_MIG_EVENTS, ARCHIVE_MIGS, ARCHIVE_SERVERS };
	g_autofree char *line = NULL, *left = NULL, *right = g_strnfill(strlen(heads[1]) + 2, '-');
	int width = (int)strlen(heads[0]);

	G_STATIC_ASSERT(G_N_ELEMENTS(order) == ARCHIVE_N);
	for (size_t i = 0; i < ARCHIVE_N; i++)
		if (c->rows[order[i]])
			width = MAX(width, (int)strlen(archive_table_name(order[i])) + (all_cells ? (int)strlen(CONF_CELL ".") : 0));
	left = g_strnfill((gsize)width + 2, '-');
	line = g_strdup_printf("+%s+%s+\n", left, right);
	printf("%s| %-*s | %s |\n%s", line, width, heads[0], heads[1], line);
	for (size_t i = 0; i < ARCHIVE_N; i++) {
		g_autofree char *title = table_title(order[i], all_cells);

		if (c->rows[order[i]])
			printf("| %-*s | %-*" G_GINT64_FORMAT " |\n", width, title, (int)strlen(heads[1]), c->rows[order[i]]);
	}
	printf("%s", line);
}

static bool archive_rounds(struct store *s, const struct archive_options *o, struct archive_counts *counts, GError **err)
{
	bool dots = o->until_complete && o->verbose;

	if (dots)
		printf("Archiving..");
	for (bool more = true; more;) {
		int64_t before = archive_total(counts);

		if (!archive_rows(s, o->before_us, o->max_rows, &interrupted, counts, err))
			return false;
		more = o->until_complete && archive_total(counts) > before && !g_atomic_int_get(&interrupted);
		if (dots)
			printf(more ? "." : interrupted ? ".stopped\n" : ".complete\n");
		fflush(stdout);
		if (more && o->sleep_s > 0)
			(void)poll(NULL, 0, o->sleep_s * 1000); /* a signal ends it */
	}
	return true;
}

static int archive_now(struct store *s, const struct archive_options *o, GError **err)
{
	struct archive_counts counts = { .rows = { 0 } };

	if (!archive_rounds(s, o, &counts, err))
		return -1;
	if (o->verbose && archive_total(&counts))
		print_counts(&counts, o->all_cells);
	else if (o->verbose)
		printf("Nothing was archived.\n");
	if (archive_total(&counts) && o->purge && !g_atomic_int_get(&interrupted)) {
		if (o->verbose)
			printf("Rows were archived, running purge...\n");
		if (purge_now(s, ARCHIVE_ANY, o->verbose, err) < 0)
			return -1;
	}
	return archive_total(&counts) > 0;
}

static int archive(const struct command *c, const struct conf *conf, int argc, char **argv)
{
	struct archive_options o = { .max_rows = 1000 };
	g_autofree char *url = where_url(conf);
	g_autoptr(GError) err = NULL;
	struct store *s;
	int status;

	if (!parse_archive(c, &o, &argc, &argv))
		return COMMAND_USAGE;
	status = judge_archive(&o);
	g_free(o.before);
	if (status)
		return status;
	s = store_open_beside(url, &err);
	if (!s)
		return command_fail(c, err, 3);
	signal(SIGINT, on_interrupt);
	status = archive_now(s, &o, &err);
	store_close(s);
	return status < 0 ? command_fail(c, err, COMMAND_BROKEN) : status;
}

/* ---- db purge ---- */

static int purge(const struct command *c, const struct conf *conf, int argc, char **argv)
{
	g_autofree char *before = NULL, *url = where_url(conf);
	gboolean all = FALSE, verbose = FALSE, all_cells = FALSE;
	const GOptionEntry entries[] = {
		{ "before", 0, 0, G_OPTION_ARG_STRING, &before, "Purge what was deleted before this date (UTC)", "DATE" },
		{ "all", 0, 0, G_OPTION_ARG_NONE, &all, "Purge all rows of the shadow tables", NULL },
		{ "verbose", 0, 0, G_OPTION_ARG_NONE, &verbose, "Print what was purged", NULL },
		{ "all-cells", 0, 0, G_OPTION_ARG_NONE, &all_cells, "For nova-manage's sake: one database has all cells", NULL },
		{ NULL },
	};
	g_autoptr(GError) err = NULL;
	int64_t before_us;
	struct store *s;
	int status;

	if (!command_options(c, entries, NULL, &argc, &argv))
		return COMMAND_USAGE;
	if (!before && !all) {
		printf("Either --before or --all is required\n");
		return 1;
	}
	if (!parse_before(before, &before_us))
		return 2;
	s = store_open_beside(url, &err);
	if (!s)
		return command_fail(c, err, all_cells ? 4 : COMMAND_BROKEN);
	signal(SIGINT, on_interrupt);
	status = purge_now(s, before_us, verbose, &err);
	store_close(s);
	return status < 0 ? command_fail(c, err, COMMAND_BROKEN) : status;
}

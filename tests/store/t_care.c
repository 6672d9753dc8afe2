/* SPDX-License-Identifier: Apache-2.0
 *
 * The schedules of [cron_archive_deleted_rows] and [cron_purge_shadow_tables], each of their parameters, on the tests' clock.
 *
 * The world is a server for each of the last ten days, deleted at its noon.
 */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/conf.h"
#include "fixture.h"
#include "manage/care.h"

#define NOW "2026-03-27T12:00:00Z" /* two days before Berlin's summer time */
#define DAY_MS INT64_C(86400000)
#define ARCHIVE "[cron_archive_deleted_rows]\nmax_delay = 0\nage = 0\n"
#define PURGE "[cron_purge_shadow_tables]\nmax_delay = 0\nage = 0\n"
#define NO_PURGE "[cron_purge_shadow_tables]\nenabled = false\n"
#define NO_ARCHIVE "[cron_archive_deleted_rows]\nenabled = false\n"

static int64_t time_of(const char *text)
{
	g_autoptr(GDateTime) t = g_date_time_new_from_iso8601(text, NULL);

	return g_date_time_to_unix(t) * G_USEC_PER_SEC;
}

/* ---- the world ---- */

struct world {
	struct store *store;
	struct conf *conf;
	struct care *care;
	char *file;
};

static void run_sql(const char *format, ...) G_GNUC_PRINTF(1, 2);
static void run_sql(const char *format, ...)
{
	const struct store_ops *ops = fx_is_sqlite() ? &store_sqlite_ops : &store_postgres_ops;
	g_autofree char *sql = NULL;
	g_autoptr(GError) err = NULL;
	void *db = ops->open_beside(fx_url(), &err);
	va_list list;

	g_assert_no_error(err);
	va_start(list, format);
	sql = g_strdup_vprintf(format, list);
	va_end(list);
	ops->script(db, sql, &err);
	g_assert_no_error(err);
	ops->close(db);
}

static bool take_number(const struct store_row *row, void *user)
{
	*(int64_t *)user = store_int(row, 0);
	return true;
}

static int64_t count(const char *table)
{
	const struct store_ops *ops = fx_is_sqlite() ? &store_sqlite_ops : &store_postgres_ops;
	g_autofree char *sql = g_strdup_printf("SELECT count(*) FROM %s", table);
	g_autoptr(GError) err = NULL;
	void *db = ops->open_beside(fx_url(), &err);
	int64_t n = -1;

	g_assert_no_error(err);
	ops->each(db, -1, sql, NULL, 0, take_number, &n, NULL, &err);
	g_assert_no_error(err);
	ops->close(db);
	return n;
}

static void add_servers(int64_t now_us)
{
	for (int days = 1; days <= 10; days++)
		run_sql("INSERT INTO servers (uuid, name, libvirt_name, vm_state, power_state, vcpus, memory_mb, disk_gb, user_id, project_id, "
			"created_at, deleted_at, locked) VALUES ('s%d-%" G_GINT64_FORMAT "', 'n', 'l', 'deleted', 0, 1, 1, 1, 'u', 'p', 1, "
			"%" G_GINT64_FORMAT ", 0)", days, now_us, now_us - days * DAY_MS * 1000);
}

static struct conf *parse(const struct world *w, const char *text)
{
	g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
	g_auto(GStrv) parts = g_strsplit(text, "FILE", -1);
	g_autofree char *whole = g_strjoinv(w->file, parts);
	struct conf *c = conf_parse(whole, strlen(whole), "f", mistakes);

	for (guint i = 0; i < mistakes->len; i++)
		g_error("%s", (char *)g_ptr_array_index(mistakes, i));
	return c;
}

static void begin_care(struct world *w)
{
	g_autoptr(GError) err = NULL;

	w->care = care_new(w->conf, w->store, fx_url(), &err);
	g_assert_no_error(err);
	care_start(w->care);
}

static void begin_at(struct world *w, const char *now, const char *text)
{
	clock_manual(time_of(now));
	fx_reset();
	w->store = fx_open();
	w->file = g_build_filename(fx_dir(), "rows.log", NULL);
	(void)unlink(w->file);
	add_servers(time_of(now));
	w->conf = parse(w, text);
	begin_care(w);
}

static void begin(struct world *w, const char *text)
{
	begin_at(w, NOW, text);
}

static void end(struct world *w)
{
	care_free(w->care);
	store_close(w->store);
	conf_free(w->conf);
	g_free(w->file);
}

/* Go on until then, and a bit: they look twice a minute. */
static void go_to(const char *text)
{
	clock_advance_ms((time_of(text) - clock_wall_us()) / 1000 + 31000);
}

static char *read_file(const struct world *w)
{
	char *text = NULL;

	return g_file_get_contents(w->file, &text, NULL, NULL) ? text : g_strdup("");
}

static int lines_of(const struct world *w, const char *what)
{
	g_autofree char *text = read_file(w);
	g_auto(GStrv) parts = g_strsplit(text, what, -1);

	return (int)g_strv_length(parts) - 1;
}

/* ---- when ---- */

/* Each of the five fields, for both schedules: nothing before, done at the time on Berlin's clock. */
static void test_when(void)
{
	static const struct {
		const char *fields, *at;
	} cases[] = {
		{ "hour = 0\nminute = 1\n", "2026-03-27T23:01:00Z" },
		{ "hour = 3\nminute = 1\n", "2026-03-28T02:01:00Z" },
		{ "hour = 3\nminute = 45\n", "2026-03-28T02:45:00Z" },
		{ "hour = 0\nminute = 1\nmonthday = 30\n", "2026-03-29T22:01:00Z" },
		{ "hour = 0\nminute = 1\nmonth = 4\n", "2026-03-31T22:01:00Z" },
		{ "hour = 0\nminute = 1\nweekday = mon\n", "2026-03-29T22:01:00Z" },
		{ "hour = 2\nminute = 30\nweekday = sun\n", "2026-03-29T01:00:00Z" }, /* an hour that is left out */
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		for (int purge = 0; purge < 2; purge++) {
			g_autofree char *text = g_strconcat(purge ? NO_ARCHIVE PURGE : NO_PURGE ARCHIVE, cases[i].fields, NULL);
			struct world w;

			begin(&w, text);
			if (purge)
				run_sql("INSERT INTO shadow_instance_actions (deleted_at, id, server_uuid, action, request_id, user_id, project_id, start_at, "
					"updated_at) VALUES (1, 1, 's', 'a', 'r', 'u', 'p', 1, 1)");
			clock_advance_ms((time_of(cases[i].at) - clock_wall_us()) / 1000 - 1000);
			g_assert_cmpint(purge ? count("shadow_instance_actions") : count("servers"), ==, purge ? 1 : 10);
			clock_advance_ms(32000);
			g_assert_cmpint(purge ? count("shadow_instance_actions") : count("servers"), ==, 0);
			end(&w);
		}
	}
}

static void test_once_in_winter(void)
{
	struct world w;

	begin_at(&w, "2026-10-24T12:00:00Z", NO_PURGE ARCHIVE "hour = 2\nminute = 30\ndestination = FILE\n");
	go_to("2026-10-25T00:30:00Z");
	g_assert_cmpint(lines_of(&w, "archived 10 rows"), ==, 1);
	go_to("2026-10-25T05:00:00Z");
	g_assert_cmpint(lines_of(&w, "rows\n"), ==, 2); /* of the table, and in all */
	end(&w);
}

static void test_delay(void)
{
	int early = 0;

	for (int i = 0; i < 12; i++) {
		struct world w;

		begin(&w, NO_PURGE "[cron_archive_deleted_rows]\nage = 0\nmax_delay = 3000\n");
		go_to("2026-03-27T23:00:00Z");
		g_assert_cmpint(count("servers"), ==, 10);
		go_to("2026-03-27T23:26:00Z");
		early += count("servers") == 0;
		go_to("2026-03-27T23:52:00Z");
		g_assert_cmpint(count("servers"), ==, 0);
		end(&w);
	}
	g_assert_cmpint(early, >, 0);
	g_assert_cmpint(early, <, 12);
}

/* However many were missed, one is made up; and a daemon that starts again makes up nothing. */
static void test_missed(void)
{
	struct world w;

	begin(&w, NO_PURGE ARCHIVE "destination = FILE\n");
	go_to("2026-03-27T12:10:00Z");
	care_free(w.care);
	clock_set_wall(5 * DAY_MS);
	begin_care(&w);
	clock_advance_ms(120000);
	g_assert_cmpint(lines_of(&w, "archived 10 rows"), ==, 1);
	g_assert_cmpint(lines_of(&w, "archived 0 rows"), ==, 0);
	care_free(w.care);
	begin_care(&w);
	clock_advance_ms(120000);
	g_assert_cmpint(lines_of(&w, "archived 0 rows"), ==, 0);
	go_to("2026-04-01T22:01:00Z"); /* the next one */
	g_assert_cmpint(lines_of(&w, "archived 0 rows"), ==, 1);
	end(&w);
}

/* SIGHUP: another time is not due for what it would have missed. */
static void test_changed(void)
{
	struct world w;
	g_autoptr(GString) changed = g_string_new(NULL), fixed = g_string_new(NULL);
	struct conf *fresh;

	begin(&w, NO_PURGE ARCHIVE);
	go_to("2026-03-27T12:10:00Z");
	fresh = parse(&w, NO_PURGE ARCHIVE "hour = 13\nminute = 5\n"); /* at Berlin ten minutes after one */
	conf_reload(w.conf, fresh, changed, fixed);
	conf_free(fresh);
	g_assert_cmpstr(changed->str, ==, "hour,minute");
	g_assert_cmpstr(fixed->str, ==, "");
	clock_advance_ms(3600000);
	g_assert_cmpint(count("servers"), ==, 10);
	go_to("2026-03-28T12:05:00Z");
	g_assert_cmpint(count("servers"), ==, 0);
	end(&w);
}

/* ---- what ---- */

static const struct {
	const char *name, *text;
	int servers, shadows;
	const char *file; /* a part of it; NULL: there is none */
} what[] = {
	{ "age of 90 days", NO_PURGE "[cron_archive_deleted_rows]\nmax_delay = 0\ndestination = FILE\n", 10, 0, "archived 0 rows" },
	{ "age of 5 days", NO_PURGE "[cron_archive_deleted_rows]\nmax_delay = 0\nage = 5\n", 4, 6, NULL }, /* from midnight on */
	{ "before today", NO_PURGE ARCHIVE "destination = FILE\nall_cells = false\n", 0, 10, " archived servers: 10 rows\n" },
	{ "all cells", NO_PURGE ARCHIVE "destination = FILE\n", 0, 10, " archived default.servers: 10 rows\n" },
	{ "max_rows alone", NO_PURGE ARCHIVE "max_rows = 3\nuntil_complete = false\n", 7, 3, NULL },
	{ "max_rows at a time", NO_PURGE ARCHIVE "max_rows = 3\n", 0, 10, NULL },
	{ "purge at once", NO_PURGE ARCHIVE "purge = true\ndestination = FILE\n", 0, 0, " purged 10 rows\n" },
	{ "disabled", NO_PURGE NO_ARCHIVE "destination = FILE\n", 10, 0, NULL },
	{ "purge after", ARCHIVE PURGE "destination = FILE\n", 0, 0, "Z purged 10 rows\n" },
	{ "purge verbose", ARCHIVE PURGE "destination = FILE\nverbose = true\n", 0, 0, " purged default.servers: 10 rows\n" },
	{ "purge of one cell", ARCHIVE PURGE "destination = FILE\nverbose = true\nall_cells = false\n", 0, 0, " purged servers: 10 rows\n" },
	{ "purge after 14 days", ARCHIVE "[cron_purge_shadow_tables]\nmax_delay = 0\n", 0, 10, NULL },
	{ "purge after 5 days", ARCHIVE "[cron_purge_shadow_tables]\nmax_delay = 0\nage = 5\n", 0, 4, NULL },
};

static void test_what(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(what); i++) {
		g_autofree char *text = NULL;
		struct world w;

		begin(&w, what[i].text);
		go_to("2026-03-28T04:00:00Z"); /* 05:00 at Berlin */
		text = read_file(&w);
		if (count("servers") != what[i].servers || count("shadow_servers") != what[i].shadows ||
		    !what[i].file != !*text || (what[i].file && !strstr(text, what[i].file)))
			g_error("%s: %d servers, %d shadows; the file:\n%s", what[i].name, (int)count("servers"), (int)count("shadow_servers"), text);
		end(&w);
	}
}

/* The file is the user's, where it can be given away; a user that is not there costs no run. */
static void test_user(void)
{
	struct world w;
	struct stat st;

	begin(&w, NO_PURGE ARCHIVE "destination = FILE\nuser = drover-nosuchuser\n");
	go_to("2026-03-27T23:01:00Z");
	g_assert_cmpint(count("servers"), ==, 0);
	end(&w);
	if (geteuid() != 0) {
		g_test_skip("only root can give a file away");
		return;
	}
	begin(&w, NO_PURGE ARCHIVE "destination = FILE\nuser = nobody\n");
	go_to("2026-03-27T23:01:00Z");
	g_assert_cmpint(stat(w.file, &st), ==, 0);
	g_assert_cmpint(st.st_uid, !=, 0);
	g_assert_cmpint(st.st_mode & 07777, ==, 0640);
	end(&w);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", TRUE);
	g_test_add_func("/care/when", test_when);
	g_test_add_func("/care/once-in-winter", test_once_in_winter);
	g_test_add_func("/care/delay", test_delay);
	g_test_add_func("/care/missed", test_missed);
	g_test_add_func("/care/changed", test_changed);
	g_test_add_func("/care/what", test_what);
	g_test_add_func("/care/user", test_user);
	return g_test_run();
}

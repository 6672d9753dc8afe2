/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <glib-unix.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <jansson.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

static GString *lines;

static void keep(enum log_level level, const char *line, void *user)
{
	(void)level;
	g_assert_true(user == &lines);
	g_string_append_printf(lines, "%s\n", line);
}

static void start(enum log_level level, enum log_format format)
{
	clock_manual(1454074922000007);
	log_init(level, format);
	log_hook(keep, &lines);
	g_string_truncate(lines, 0);
}

/* ---- text ---- */

static const struct {
	const char *name, *value, *want;
} values[] = {
	{ "plain", "abc", "abc" },
	{ "path", "/a/b:c;d", "/a/b:c;d" },
	{ "UTF-8", "M\xc3\xbcller", "M\xc3\xbcller" },
	{ "none", NULL, "-" },
	{ "a dash is not none", "-", "\"-\"" },
	{ "empty", "", "\"\"" },
	{ "space", "a b", "\"a b\"" },
	{ "pair", "a=b", "\"a=b\"" },
	{ "quote", "a\"b", "\"a\\\"b\"" },
	{ "backslash", "a\\b", "\"a\\\\b\"" },
	{ "newline", "a\nERROR fake", "\"a\\nERROR fake\"" },
	{ "tab", "a\tb", "\"a\\tb\"" },
	{ "escape of a terminal", "\x1b[2J", "\"\\u001b[2J\"" },
	{ "other controls", "a\x01\x0b" "b", "\"a\\u0001\\u000bb\"" },
	{ "D19: C1 controls", "a\xc2\x9b" "2J", "\"a\\u009b2J\"" },
	{ "D19: delete", "a\x7f", "\"a\\u007f\"" },
	{ "D19: directions", "\xe2\x80\xae" "gnp.exe\xe2\x81\xa6", "\"\\u202egnp.exe\\u2066\"" },
	{ "D19: lines", "a\xe2\x80\xa8" "b\xe2\x80\xa9", "\"a\\u2028b\\u2029\"" },
	{ "D19: their neighbours", "\xe2\x80\xa7\xe2\x80\xaf\xe2\x81\xa5\xe2\x81\xaa\xc2\xa0", "\xe2\x80\xa7\xe2\x80\xaf\xe2\x81\xa5\xe2\x81\xaa\xc2\xa0" },
	{ "invalid UTF-8", "a\xff", "\"a\xef\xbf\xbd\"" },
};

static void test_text(void)
{
	start(LOG_INFO, LOG_TEXT);
	for (size_t i = 0; i < G_N_ELEMENTS(values); i++) {
		g_autofree char *want = g_strdup_printf("WARNING an_event key=%s n=-5\n", values[i].want);

		g_string_truncate(lines, 0);
		log_warning("an_event", LOG_S("key", values[i].value), LOG_D("n", -5));
		if (strcmp(lines->str, want) != 0)
			g_error("%s: got %s, want %s", values[i].name, lines->str, want);
	}
}

static void test_levels(void)
{
	start(LOG_INFO, LOG_TEXT);
	log_debug("a");
	log_info("b");
	log_warning("c", LOG_D("n", INT64_MIN));
	log_error("d");
	g_assert_cmpstr(lines->str, ==, "INFO b\nWARNING c n=-9223372036854775808\nERROR d\n");
	start(LOG_ERROR, LOG_TEXT);
	log_warning("c");
	g_assert_cmpstr(lines->str, ==, "");
	start(LOG_DEBUG, LOG_TEXT);
	log_debug("a");
	g_assert_cmpstr(lines->str, ==, "DEBUG a\n");
}

/* ---- JSON ---- */

static void test_json(void)
{
	start(LOG_INFO, LOG_JSON);
	for (size_t i = 0; i < G_N_ELEMENTS(values); i++) {
		g_autofree char *valid = values[i].value ? g_utf8_make_valid(values[i].value, -1) : NULL;
		json_error_t why;
		json_t *v;

		g_string_truncate(lines, 0);
		log_error("an_event", LOG_S("key", values[i].value), LOG_D("n", INT64_MAX));
		v = json_loads(lines->str, 0, &why);
		if (!v)
			g_error("%s: %s: %s", values[i].name, lines->str, why.text);
		g_assert_cmpuint(json_object_size(v), ==, 5);
		g_assert_cmpstr(json_string_value(json_object_get(v, "time")), ==, "2016-01-29T13:42:02.000007");
		g_assert_cmpstr(json_string_value(json_object_get(v, "level")), ==, "ERROR");
		g_assert_cmpstr(json_string_value(json_object_get(v, "event")), ==, "an_event");
		g_assert_cmpstr(json_string_value(json_object_get(v, "key")), ==, valid);
		g_assert_cmpint(json_integer_value(json_object_get(v, "n")), ==, INT64_MAX);
		json_decref(v);
	}
}

/* ---- standard error ---- */

static void test_stderr(void)
{
	if (g_test_subprocess()) {
		clock_manual(1454074922000007);
		log_init(LOG_INFO, LOG_TEXT);
		log_hook(NULL, NULL);
		log_info("host_up", LOG_S("host", "h 1"));
		log_debug("unseen");
		return;
	}
	g_test_trap_subprocess(NULL, 0, 0);
	g_test_trap_assert_passed();
	g_test_trap_assert_stderr("2016-01-29T13:42:02.000007 INFO host_up host=\"h 1\"\n");
}

/* ---- the journal ---- */

/* A socket in the place of the journal's, in a mount namespace of our own; -1 where that is not allowed. */
static int make_journal(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = "/run/systemd/journal/socket" };
	int fd;

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 || mount("none", "/run", "tmpfs", 0, NULL) < 0)
		return -1;
	g_assert_cmpint(g_mkdir_with_parents("/run/systemd/journal", 0700), ==, 0);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	g_assert_cmpint(bind(fd, (struct sockaddr *)&a, sizeof a), ==, 0);
	return fd;
}

static void expect_record(int fd, const char *const *fields)
{
	char text[4096] = "\n";
	ssize_t n = recv(fd, text + 1, sizeof text - 2, 0);

	g_assert_cmpint(n, >, 0);
	text[1 + n] = 0;
	for (; *fields; fields++) {
		g_autofree char *line = g_strdup_printf("\n%s\n", *fields);

		if (!strstr(text, line))
			g_error("\"%s\" is not in:%s", *fields, text);
	}
}

static void test_journal(void)
{
	static const char *const up[] = { "MESSAGE=host_up host=h1 after_ms=7 why=-", "PRIORITY=6", "DROVER_EVENT=host_up", "HOST=h1",
					  "AFTER_MS=7", "WHY=", NULL };
	static const char *const lost[] = { "MESSAGE=host_lost", "PRIORITY=3", "DROVER_EVENT=host_lost", NULL };
	static const char *const slow[] = { "MESSAGE=host_slow", "PRIORITY=4", NULL };
	static const char *const poll[] = { "MESSAGE=host_poll", "PRIORITY=7", NULL };
	int fd = make_journal();

	if (fd < 0) {
		g_test_skip("this user may not mount a file system");
		return;
	}
	log_init(LOG_DEBUG, LOG_JOURNAL);
	log_hook(NULL, NULL);
	log_info("host_up", LOG_S("host", "h1"), LOG_D("after_ms", 7), LOG_S("why", NULL));
	expect_record(fd, up);
	log_error("host_lost");
	expect_record(fd, lost);
	log_warning("host_slow");
	expect_record(fd, slow);
	log_debug("host_poll");
	expect_record(fd, poll);
	close(fd);
}

/* ---- D11: a reader of the log that stops reading ---- */

#define LINES 20000 /* of more than 100 bytes: the queue holds half of them */

/* stderr becomes a pipe of one page. Return: its other end */
static int pipe_on_stderr(void)
{
	int ends[2];

	g_assert_true(g_unix_open_pipe(ends, FD_CLOEXEC, NULL));
	g_assert_cmpint(fcntl(ends[1], F_SETPIPE_SZ, 4096), ==, 4096);
	g_assert_cmpint(dup2(ends[1], STDERR_FILENO), ==, STDERR_FILENO);
	close(ends[1]);
	return ends[0];
}

static void log_number(int n)
{
	log_info("numbered", LOG_D("n", n), LOG_S("filler", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
}

/* The value behind @key in an event's line; -1 in another's. */
static int value_of(const char *line, const char *event, const char *key)
{
	const char *at = strstr(line, event);

	at = at ? strstr(at, key) : NULL;
	return at ? atoi(at + strlen(key)) : -1;
}

/* The lines come in order, with one about what is missing where it is missing, and the last one is there. */
static void read_numbered(int fd, int last, uint64_t dropped)
{
	FILE *f = fdopen(fd, "r");
	char line[1024];
	int want = 0;
	uint64_t told = 0;

	while (want <= last && fgets(line, sizeof line, f)) {
		int lost = value_of(line, "log_dropped", "lines=");

		if (lost >= 0) {
			told += (uint64_t)lost;
			want += lost;
			continue;
		}
		g_assert_cmpint(value_of(line, "numbered", " n="), ==, want);
		want++;
	}
	g_assert_cmpint(want, ==, last + 1);
	g_assert_cmpuint(told, ==, dropped);
	fclose(f);
}

static void test_stopped_reader(void)
{
	int fd;
	uint64_t dropped;

	if (!g_test_subprocess()) {
		g_test_trap_subprocess(NULL, 0, 0);
		g_test_trap_assert_passed();
		return;
	}
	fd = pipe_on_stderr();
	log_hook(NULL, NULL);
	log_init(LOG_INFO, LOG_TEXT);
	log_async();
	for (int n = 0; n < LINES; n++)
		log_number(n);
	dropped = log_dropped();
	g_assert_cmpuint(dropped, >, LINES / 4);
	g_assert_cmpuint(dropped, <, LINES);
	g_assert_cmpint(fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK, ==, 0);
	read_numbered(fd, LINES - 1, dropped);
	exit(0);
}

/* A reader that is slow and then quick: what comes after the loss is there again. */
static void test_reader_returns(void)
{
	char first[4096];
	uint64_t dropped;
	int fd, n = 0;

	if (!g_test_subprocess()) {
		g_test_trap_subprocess(NULL, 0, 0);
		g_test_trap_assert_passed();
		return;
	}
	fd = pipe_on_stderr();
	log_hook(NULL, NULL);
	log_init(LOG_INFO, LOG_TEXT);
	log_async();
	while (log_dropped() == 0)
		log_number(n++);
	g_assert_cmpint(read(fd, first, sizeof first), >, 0);
	/* Room for one is no room yet: else each line would come with one about the loss. */
	log_number(n++);
	dropped = log_dropped();
	g_assert_cmpuint(dropped, ==, 2);
	exit(0);
}

/* What is under way when a process ends: it is written if the reader reads, and waits for it at most a second if not. */
static void end_logging(bool by_abort)
{
	log_hook(NULL, NULL);
	log_init(LOG_INFO, LOG_TEXT);
	log_async();
	for (int n = 0; n < 1000; n++)
		log_number(n);
	if (by_abort) { /* as an assertion does; in a child of this kind, GLib's own leaves with _exit() */
		g_printerr("**\nthe reason\n");
		abort();
	}
	log_drain();
	exit(0);
}

static void test_drained(void)
{
	if (g_test_subprocess())
		end_logging(false);
	g_test_trap_subprocess(NULL, 0, 0);
	g_test_trap_assert_passed();
	g_test_trap_assert_stderr("* n=0 *numbered n=999 *");
}

static void test_abort(void)
{
	if (g_test_subprocess())
		end_logging(true);
	g_test_trap_subprocess(NULL, 0, 0);
	g_test_trap_assert_failed();
	g_test_trap_assert_stderr("* n=0 *numbered n=999 ***\nthe reason\n");
}

static void test_abort_unread(void)
{
	if (g_test_subprocess()) {
		pipe_on_stderr();
		end_logging(true);
	}
	g_test_trap_subprocess(NULL, 0, 0);
	g_test_trap_assert_failed();
}

static void test_drain_unread(void)
{
	if (g_test_subprocess()) {
		pipe_on_stderr();
		end_logging(false);
	}
	g_test_trap_subprocess(NULL, 0, 0);
	g_test_trap_assert_passed();
}

/* A journal takes some datagrams and then none; after it has read, the next ones are there. */
static void test_stopped_journal(void)
{
	int fd;

	if (!g_test_subprocess()) {
		g_test_trap_subprocess(NULL, 0, 0);
		g_test_trap_assert_passed();
		return;
	}
	fd = make_journal();
	if (fd < 0)
		exit(0);
	log_hook(NULL, NULL);
	log_init(LOG_INFO, LOG_JOURNAL);
	log_async();
	for (int n = 0; n < LINES; n++)
		log_number(n);
	g_assert_cmpuint(log_dropped(), >, 0);
	for (int n = 0; n < 1000; n++) {
		g_autofree char *number = g_strdup_printf("N=%d", n);

		expect_record(fd, (const char *const[]){ "DROVER_EVENT=numbered", number, NULL });
	}
	exit(0);
}

/* GLib refuses a call while the log is not read: its message must not block. */
static void test_library(void)
{
	if (g_test_subprocess()) {
		log_hook(NULL, NULL);
		log_init(LOG_INFO, LOG_TEXT);
		log_async();
		g_log_set_always_fatal(G_LOG_FATAL_MASK);
		g_warning("refused: %d", 7);
		g_message("unseen");
		log_drain();
		exit(0);
	}
	g_test_trap_subprocess(NULL, 0, 0);
	g_test_trap_assert_passed();
	g_test_trap_assert_stderr("* WARNING library domain=* message=\"refused: 7\"\n");
	g_test_trap_assert_stderr_unmatched("*unseen*");
}

/* A child has no writer: what it logs is written all the same, once. */
static void test_fork(void)
{
	int status;
	pid_t pid;

	if (g_test_subprocess()) {
		log_hook(NULL, NULL);
		log_init(LOG_INFO, LOG_TEXT);
		log_async();
		log_number(1);
		pid = fork();
		if (pid == 0) {
			log_number(2);
			_exit(0);
		}
		g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
		g_assert_cmpint(status, ==, 0);
		log_drain();
		exit(0);
	}
	g_test_trap_subprocess(NULL, 0, 0);
	g_test_trap_assert_passed();
	g_test_trap_assert_stderr("* n=2 *");
	g_test_trap_assert_stderr("* n=1 *");
	g_test_trap_assert_stderr_unmatched("* n=1 * n=1 *");
}

int main(int argc, char **argv)
{
	int rc;

	g_test_init(&argc, &argv, NULL);
	lines = g_string_new(NULL);
	g_test_add_func("/log/text", test_text);
	g_test_add_func("/log/levels", test_levels);
	g_test_add_func("/log/json", test_json);
	g_test_add_func("/log/stderr", test_stderr);
	g_test_add_func("/log/journal", test_journal);
	g_test_add_func("/D11/reader stops", test_stopped_reader);
	g_test_add_func("/D11/reader returns", test_reader_returns);
	g_test_add_func("/D11/drained at the end", test_drained);
	g_test_add_func("/D11/end without a reader", test_drain_unread);
	g_test_add_func("/D11/abort", test_abort);
	g_test_add_func("/D11/abort without a reader", test_abort_unread);
	g_test_add_func("/D11/journal stops", test_stopped_journal);
	g_test_add_func("/D11/library", test_library);
	g_test_add_func("/D11/fork", test_fork);
	rc = g_test_run();
	g_string_free(lines, TRUE);
	return rc;
}

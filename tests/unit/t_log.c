/* SPDX-License-Identifier: Apache-2.0 */
#include <glib.h>
#include <glib/gstdio.h>
#include <jansson.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>
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
	rc = g_test_run();
	g_string_free(lines, TRUE);
	return rc;
}

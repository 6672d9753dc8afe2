/* SPDX-License-Identifier: Apache-2.0
 *
 * One run of a fence agent, as a process: shell scripts that end well, badly, late, and not at all.
 */
#include "fence/agent.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "base/loop.h"

static char *folder;

static char *write_file(const char *name, const char *text, int mode)
{
	char *path = g_build_filename(folder, name, NULL);

	g_assert_true(g_file_set_contents(path, text, -1, NULL));
	g_assert_cmpint(chmod(path, (mode_t)mode), ==, 0);
	return path;
}

struct got {
	bool ok;
	enum agent_power power;
	char *why;
	bool done;
};

static void take(const struct agent_answer *a, void *user)
{
	struct got *g = user;

	g_assert_false(g->done);
	*g = (struct got){ .ok = a->ok, .power = a->power, .why = g_strdup(a->why), .done = true };
	loop_quit();
}

/* @script: behind "#!/bin/sh". Return: what came of it; why is owned by the caller */
static struct got run(const char *script, enum agent_act act, int64_t limit_ms, const char *options)
{
	g_autofree char *text = g_strconcat("#!/bin/sh\n", script, NULL), *path = write_file("fence_x", text, 0755);
	struct agent a = { .program = path, .options = options };
	struct got g = { .done = false };

	agent_start(&a, act, limit_ms, take, &g);
	loop_run();
	g_assert_true(g.done);
	if (g.why) {
		char *rest = strstr(g.why, "fence_x");

		g_assert_nonnull(rest); /* it says which agent */
		memmove(g.why, rest, strlen(rest) + 1);
	}
	return g;
}

#define LONG_MS 60000 /* never reached: it ends what hangs */

static const struct {
	const char *script;
	enum agent_act act;
	int64_t limit_ms;
	bool ok;
	enum agent_power power;
	const char *why;
} cases[] = {
	{ "exit 0", AGENT_OFF, LONG_MS, true, AGENT_POWER_UNKNOWN, NULL },
	{ "exit 0", AGENT_STATUS, LONG_MS, true, AGENT_POWER_ON, NULL },
	{ "exit 2", AGENT_STATUS, LONG_MS, true, AGENT_POWER_OFF, NULL },
	{ "exit 2", AGENT_OFF, LONG_MS, false, AGENT_POWER_UNKNOWN, "fence_x off ended with exit status 2" },
	{ "echo one; echo two >&2; echo; exit 1", AGENT_ON, LONG_MS, false, AGENT_POWER_UNKNOWN, "fence_x on ended with exit status 1: two" },
	{ "kill -9 $$", AGENT_OFF, LONG_MS, false, AGENT_POWER_UNKNOWN, "fence_x off was ended by signal 9" },
	/* more than a pipe holds, and only the end of it counts */
	{ "yes 0123456789 | head -c 500000; echo; echo last; exit 1", AGENT_OFF, LONG_MS, false, AGENT_POWER_UNKNOWN,
	  "fence_x off ended with exit status 1: last" },
	/* a process that it has started keeps its output open, and is not waited for */
	{ "tail -f /dev/null & exit 1", AGENT_OFF, LONG_MS, false, AGENT_POWER_UNKNOWN, "fence_x off ended with exit status 1" },
	{ "trap '' TERM; tail -f /dev/null", AGENT_OFF, 1000, false, AGENT_POWER_UNKNOWN, "fence_x off did not end within 1 s, and was killed" },
	{ "printf '\\377\\033[2J\\n'; exit 1", AGENT_OFF, LONG_MS, false, AGENT_POWER_UNKNOWN,
	  "fence_x off ended with exit status 1: \xef\xbf\xbd\x1b[2J" },
};

static void test_ends(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct got g = run(cases[i].script, cases[i].act, cases[i].limit_ms, NULL);

		g_test_message("%s", cases[i].script);
		g_assert_cmpstr(g.why, ==, cases[i].why);
		g_assert_true(g.ok == cases[i].ok);
		g_assert_cmpint(g.power, ==, cases[i].power);
		g_free(g.why);
	}
}

/* What it has started dies with it. */
static void test_group(void)
{
	g_autofree char *path = g_build_filename(folder, "pid", NULL), *script = g_strdup_printf("tail -f /dev/null & echo $! > %s; exit 0", path), *pid = NULL;
	struct got g = run(script, AGENT_OFF, LONG_MS, NULL);
	g_autofree char *stat = NULL, *text = NULL;

	g_assert_true(g.ok);
	g_assert_true(g_file_get_contents(path, &pid, NULL, NULL));
	stat = g_strdup_printf("/proc/%s/stat", g_strstrip(pid));
	/* it is gone, or waits to be reaped */
	while (g_file_get_contents(stat, &text, NULL, NULL) && !strstr(text, ") Z ")) {
		g_clear_pointer(&text, g_free);
		g_thread_yield();
	}
}

/* Its options and the action come on its standard input, and neither they nor the daemon's environment anywhere else. */
static void test_input(void)
{
	g_autofree char *options = write_file("options", "ip=10.0.0.1\npassword=hush\n", 0600), *out = g_build_filename(folder, "out", NULL);
	g_autofree char *script = g_strdup_printf("{ cat; echo \"args $*\"; env | grep -c . ; env | grep -c SECRET; pwd; } > %s; exit 0", out), *text = NULL;
	struct got g;

	g_setenv("SECRET", "hush", TRUE);
	g = run(script, AGENT_STATUS, LONG_MS, options);
	g_assert_true(g.ok);
	g_assert_true(g_file_get_contents(out, &text, NULL, NULL));
	/* PATH, LC_ALL, PYTHONWARNINGS, and what the shell adds: PWD, and perhaps _ and OLDPWD */
	g_assert_true(g_str_has_prefix(text, "ip=10.0.0.1\npassword=hush\naction=status\nargs \n"));
	g_assert_true(g_str_has_suffix(text, "\n0\n/\n"));
}

static void test_not_run(void)
{
	g_autofree char *open = write_file("options", "password=hush\n", 0644), *missing = g_build_filename(folder, "missing", NULL);
	struct got g = run("exit 0", AGENT_OFF, LONG_MS, open);
	struct agent a = { .program = missing };

	g_assert_false(g.ok);
	g_assert_nonnull(strstr(g.why, "its mode is 0644: others may use the passwords in it; chmod 0600"));
	g_assert_null(strstr(g.why, "hush"));
	g_free(g.why);
	g = run("exit 0", AGENT_OFF, LONG_MS, missing);
	g_assert_nonnull(strstr(g.why, "/missing: No such file or directory"));
	g_free(g.why);
	g = (struct got){ .done = false };
	agent_start(&a, AGENT_OFF, LONG_MS, take, &g);
	loop_run();
	g_assert_nonnull(strstr(g.why, "was not run: Failed to execute child process"));
	g_free(g.why);
}

static void never(const struct agent_answer *a, void *user)
{
	(void)a;
	(void)user;
	g_assert_not_reached();
}

/* Before it has begun, and while it runs: nothing is told, and the process is gone when the next one has ended. */
static void test_cancel(void)
{
	g_autofree char *script = write_file("fence_y", "#!/bin/sh\ntail -f /dev/null\n", 0755);
	struct agent a = { .program = script };
	struct agent_run *r = agent_start(&a, AGENT_OFF, LONG_MS, never, NULL), *s = agent_start(&a, AGENT_OFF, LONG_MS, never, NULL);
	struct got g;

	agent_cancel(&r);
	g_assert_null(r);
	g = run("exit 0", AGENT_OFF, LONG_MS, NULL); /* the second one has begun before it */
	g_assert_true(g.ok);
	agent_cancel(&s);
	agent_cancel(&s);
	g = run("exit 0", AGENT_OFF, LONG_MS, NULL);
	g_assert_true(g.ok);
}

int main(int argc, char **argv)
{
	g_autofree char *rm = NULL;
	int status;

	g_test_init(&argc, &argv, NULL);
	loop_init();
	folder = g_dir_make_tmp("drover-agent-XXXXXX", NULL);
	g_test_add_func("/agent/ends", test_ends);
	g_test_add_func("/agent/group", test_group);
	g_test_add_func("/agent/input", test_input);
	g_test_add_func("/agent/not-run", test_not_run);
	g_test_add_func("/agent/cancel", test_cancel);
	status = g_test_run();
	rm = g_strdup_printf("rm -rf %s", folder);
	(void)!system(rm);
	g_free(folder);
	return status;
}

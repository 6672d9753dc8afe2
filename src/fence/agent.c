/* SPDX-License-Identifier: Apache-2.0 */
#include "fence/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib-unix.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/util.h"

#define SAID_MAX 4096   /* bytes of its output that are kept: the last ones */
#define WHY_MAX 300
#define FOLDER "/usr/sbin/"

#define EXIT_IS_OFF 2   /* of a status */

struct agent_run {
	char *program, *options;
	enum agent_act act;
	int64_t limit_ms;
	agent_f *done;       /* NULL: cancelled */
	void *user;
	char *input;         /* its standard input; secret */
	GError *err;         /* it could not be started */
	GPid pid;            /* and that of its group; 0: none */
	int out;             /* its standard output and error; -1 */
	GSource *reading, *waiting;
	struct clock_timer *limit;
	bool late;
	char said[SAID_MAX];
	size_t said_len;
};

static void wipe(char **secret)
{
	if (*secret)
		explicit_bzero(*secret, strlen(*secret));
	g_clear_pointer(secret, g_free);
}

static void drop_source(GSource **s)
{
	if (!*s)
		return;
	g_source_destroy(*s);
	g_clear_pointer(s, g_source_unref);
}

static void stop_reading(struct agent_run *r)
{
	drop_source(&r->reading);
	if (r->out >= 0)
		close(r->out);
	r->out = -1;
}

static void run_free(struct agent_run *r)
{
	clock_cancel(&r->limit);
	stop_reading(r);
	drop_source(&r->waiting);
	wipe(&r->input);
	g_clear_error(&r->err);
	g_free(r->program);
	g_free(r->options);
	g_free(r);
}

static void kill_group(struct agent_run *r)
{
	/* Its own processes may outlive it; that there are none is no error. */
	if (r->pid > 0)
		(void)kill(-r->pid, SIGKILL);
}

/* ---- what it says ---- */

static void keep(struct agent_run *r, const char *bytes, size_t n)
{
	size_t drop = r->said_len + n > SAID_MAX ? r->said_len + n - SAID_MAX : 0;

	memmove(r->said, r->said + drop, r->said_len - drop);
	memcpy(r->said + r->said_len - drop, bytes, n);
	r->said_len += n - drop;
}

/* Return: whether there may be more later. */
static bool read_some(struct agent_run *r, size_t *ret_n)
{
	char bytes[1024];
	ssize_t n = TEMP_FAILURE_RETRY(read(r->out, bytes, sizeof bytes));

	*ret_n = n > 0 ? (size_t)n : 0;
	keep(r, bytes, *ret_n);
	return n > 0 || (n < 0 && errno == EAGAIN);
}

static gboolean on_output(gint fd, GIOCondition condition, gpointer user)
{
	struct agent_run *r = user;
	size_t n;

	(void)fd;
	(void)condition;
	if (read_some(r, &n))
		return G_SOURCE_CONTINUE;
	stop_reading(r);
	return G_SOURCE_REMOVE;
}

/* What is in the pipe when it has ended; a process that holds the other end is not waited for. */
static void read_rest(struct agent_run *r)
{
	size_t n = 1, all = 0;

	while (r->out >= 0 && n > 0 && all < 16 * SAID_MAX && read_some(r, &n))
		all += n;
}

/* Its last line. Return: owned by the caller; NULL: it said nothing. */
static char *last_line(const struct agent_run *r)
{
	g_autofree char *text = g_utf8_make_valid(r->said, (gssize)r->said_len);
	char *line;

	g_strchomp(text);
	line = strrchr(text, '\n');
	line = g_strstrip(line ? line + 1 : text);
	if (!*line)
		return NULL;
	return g_utf8_strlen(line, -1) > WHY_MAX ? g_utf8_substring(line, 0, WHY_MAX) : g_strdup(line);
}

/* ---- the end ---- */

static void answer(struct agent_run *r, const struct agent_answer *a)
{
	if (r->done)
		r->done(a, r->user);
	run_free(r);
}

static void answer_failed(struct agent_run *r, char *why)
{
	struct agent_answer a = { .why = why };

	answer(r, &a);
	g_free(why);
}

static void judge(struct agent_run *r, int status)
{
	g_autofree char *line = last_line(r);
	const char *colon = line ? ": " : "", *text = line ? line : "";

	if (r->late)
		answer_failed(r, g_strdup_printf("%s %s did not end within %d s, and was killed", r->program, agent_act_name(r->act),
						 (int)(r->limit_ms / 1000)));
	else if (!WIFEXITED(status))
		answer_failed(r, g_strdup_printf("%s %s was ended by signal %d%s%s", r->program, agent_act_name(r->act), WTERMSIG(status), colon,
						 text));
	else if (WEXITSTATUS(status) == 0)
		answer(r, &(struct agent_answer){ .ok = true, .power = r->act == AGENT_STATUS ? AGENT_POWER_ON : AGENT_POWER_UNKNOWN });
	else if (WEXITSTATUS(status) == EXIT_IS_OFF && r->act == AGENT_STATUS)
		answer(r, &(struct agent_answer){ .ok = true, .power = AGENT_POWER_OFF });
	else
		answer_failed(r, g_strdup_printf("%s %s ended with exit status %d%s%s", r->program, agent_act_name(r->act), WEXITSTATUS(status),
						 colon, text));
}

static void on_ended(GPid pid, gint status, gpointer user)
{
	struct agent_run *r = user;

	(void)pid;
	kill_group(r);
	read_rest(r);
	judge(r, status);
}

static void on_limit(void *user)
{
	struct agent_run *r = user;

	r->limit = NULL;
	r->late = true;
	kill_group(r);
}

/* ---- the beginning ---- */

/* In the child, between fork and exec. */
static void lead_group(void *unused)
{
	(void)unused;
	(void)setsid();
}

/* A file in memory: nothing blocks on it, and it is nowhere else. Return: -1 with @err. */
static int input_fd(const struct agent_run *r, GError **err)
{
	size_t len = strlen(r->input);
	int fd = memfd_create("options", MFD_CLOEXEC);

	if (fd >= 0 && write(fd, r->input, len) == (ssize_t)len && lseek(fd, 0, SEEK_SET) == 0)
		return fd;
	g_set_error(err, ERR, ERR_INTERNAL, "no file in memory: %s", g_strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

static bool spawn_with(struct agent_run *r, int in, int out, GError **err)
{
	static char *environment[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "PYTHONWARNINGS=ignore", NULL };
	g_autofree char *path = *r->program == '/' ? g_strdup(r->program) : g_strconcat(FOLDER, r->program, NULL);
	const char *argv[] = { path, NULL };

	return g_spawn_async_with_pipes_and_fds("/", argv, (const char *const *)environment, G_SPAWN_DO_NOT_REAP_CHILD, lead_group, NULL, in, out,
						out, NULL, NULL, 0, &r->pid, NULL, NULL, NULL, err);
}

static bool spawn(struct agent_run *r, GError **err)
{
	int in = input_fd(r, err), ends[2];
	bool ok = false;

	if (in < 0)
		return false;
	if (g_unix_open_pipe(ends, FD_CLOEXEC, err)) {
		r->out = ends[0];
		(void)fcntl(r->out, F_SETFL, O_NONBLOCK);
		ok = spawn_with(r, in, ends[1], err);
		close(ends[1]);
	}
	close(in);
	return ok;
}

static void watch(struct agent_run *r)
{
	GMainContext *context = g_main_context_get_thread_default();

	r->reading = g_unix_fd_source_new(r->out, G_IO_IN | G_IO_HUP);
	g_source_set_callback(r->reading, G_SOURCE_FUNC(on_output), r, NULL);
	g_source_attach(r->reading, context);
	r->waiting = g_child_watch_source_new(r->pid);
	g_source_set_callback(r->waiting, G_SOURCE_FUNC(on_ended), r, NULL);
	g_source_attach(r->waiting, context);
	r->limit = clock_limit(r->limit_ms, on_limit, r);
}

static void read_options(void *user)
{
	struct agent_run *r = user;

	r->input = agent_options_read(r->program, r->options, r->act, &r->err);
}

static void begin(void *user)
{
	struct agent_run *r = user;

	if (!r->done) {
		run_free(r);
		return;
	}
	if (!r->err && spawn(r, &r->err)) {
		wipe(&r->input);
		watch(r);
		return;
	}
	answer_failed(r, g_strdup_printf("%s %s was not run: %s", r->program, agent_act_name(r->act), r->err->message));
}

struct agent_run *agent_start(const struct agent *a, enum agent_act act, int64_t limit_ms, agent_f *done, void *user)
{
	struct agent_run *r = g_new0(struct agent_run, 1);

	r->program = g_strdup(a->program);
	r->options = g_strdup(a->options);
	r->act = act;
	r->limit_ms = limit_ms;
	r->done = done;
	r->user = user;
	r->out = -1;
	loop_job(read_options, begin, r);
	return r;
}

void agent_cancel(struct agent_run **r)
{
	struct agent_run *run = g_steal_pointer(r);

	if (!run)
		return;
	run->done = NULL;
	clock_cancel(&run->limit);
	kill_group(run);
}

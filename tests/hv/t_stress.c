/* SPDX-License-Identifier: Apache-2.0
 *
 * F1: hosts break while calls, polls, events and migrations run, again and again, and this program lives. wakes.c ends it as soon
 * as libvirt's client wakes a loop in which another thread waits, which is what would corrupt it.
 *
 * Each of the two hosts is connected three times. Every connection has calls under way all the time; a guest migrates to and fro. A round
 * breaks one of the hosts, mends it, and begins the next as soon as calls were answered meanwhile. tests/hv/run raises the hosts.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <glib-unix.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/loop.h"
#include "hv/libvirt/conn.h"
#include "hv/libvirt/libvirt.h"
#include "report.h"

#define ROUNDS 150
#define PER_HOST 3
#define CALLS 5           /* of each connection, all the time */
#define PAUSE_MS 5        /* between an answer and the next call */
#define AGAIN_MS 200      /* between the end of a connection, or of a migration, and the next */
#define LIMIT_MS 300000   /* what takes longer hangs */

struct watcher {
	struct hv_host *h;
	int host;
	bool open, opening;
};

/* Its calls follow each other. */
struct slot {
	struct watcher *w;
	int next;
	enum hv_op op;
	int64_t since_ms; /* when it was called; 0: it waits for the next one */
	char *last;       /* what became of the last one */
};

static struct hv *hv;
static struct slot slots[2 * PER_HOST * CALLS];
static struct watcher watchers[2 * PER_HOST];
static char *uris[2], *guest;
static uint64_t answered[2], lost, events, closes, migrated, tried;
static bool ending;
static int calls, migrations, guest_at;
static bool hold; /* no migration begins */
static bool quiet; /* nothing is broken just now */
static char *round_text;
static int round_host;

/* ---- waiting ---- */

static void too_long(void *what)
{
	int64_t now_ms = clock_now_ms();

	g_test_message("%s; %s; host h%d, answers %" G_GUINT64_FORMAT " and %" G_GUINT64_FORMAT, (const char *)what, round_text,
	               round_host + 1, answered[0], answered[1]);
	for (size_t i = 0; i < G_N_ELEMENTS(watchers); i++) {
		g_test_message("h%d: %s%s", watchers[i].host + 1, watchers[i].open ? "open" : "not open", watchers[i].opening ? ", to be opened" : "");
		report_conn(watchers[i].h);
		for (size_t k = 0; k < G_N_ELEMENTS(slots); k++) {
			if (slots[k].w != &watchers[i])
				continue;
			g_test_message("    %s: %" G_GINT64_FORMAT " ms; the last one: %s", slots[k].since_ms ? hv_op_name(slots[k].op) : "no call",
			               slots[k].since_ms ? now_ms - slots[k].since_ms : 0, slots[k].last);
		}
	}
	report_hosts();
	g_error("failed, or waited too long: %s", (const char *)what);
}

typedef bool ready_f(int host, uint64_t than);

static void await(const char *what, ready_f *ready, int host, uint64_t than)
{
	struct clock_timer *limit = clock_after(LIMIT_MS, too_long, (void *)what);

	while (!ready(host, than))
		g_main_context_iteration(g_main_loop_get_context(loop_main()), TRUE);
	clock_cancel(&limit);
}

static bool has_answered(int host, uint64_t than)
{
	return answered[host] >= than;
}

static bool all_open(int host, uint64_t than)
{
	(void)than;
	for (size_t i = 0; i < G_N_ELEMENTS(watchers); i++) {
		if (!watchers[i].open && (host < 0 || watchers[i].host == host))
			return false;
	}
	return true;
}

static bool all_lost(int host, uint64_t than)
{
	(void)than;
	for (size_t i = 0; i < G_N_ELEMENTS(watchers); i++) {
		if (watchers[i].open && watchers[i].host == host)
			return false;
	}
	return true;
}

static bool is_idle(int host, uint64_t than)
{
	(void)host;
	(void)than;
	return !calls && !migrations;
}

/* ---- calls ---- */

static const enum hv_op ops[] = { HV_HOST_GET, HV_DOM_LIST, HV_DOM_GET, HV_JOB_GET, HV_DOM_XML };

static void call_next(void *user);

static void on_done(struct hv_reply *r, void *user)
{
	struct slot *s = user;

	calls--;
	s->since_ms = 0;
	g_free(s->last);
	s->last = g_strdup(r->err ? r->err->message : "ok");
	if (g_error_matches(r->err, ERR, ERR_HV_LOST))
		lost++;
	else
		answered[s->w->host]++;
	if (!ending)
		clock_after(s->w->open ? PAUSE_MS : AGAIN_MS, call_next, s);
}

static void call_next(void *user)
{
	struct slot *s = user;

	if (ending)
		return;
	calls++;
	s->op = ops[s->next++ % G_N_ELEMENTS(ops)];
	s->since_ms = clock_now_ms();
	hv_call(s->w->h, &(struct hv_req){ .op = s->op, .uuid = guest }, on_done, s);
}

/* ---- connections ---- */

static void open_again(void *user)
{
	struct watcher *w = user;

	w->opening = false;
	if (!ending && !w->open)
		hv_host_open(w->h);
}

static void open_later(struct watcher *w)
{
	w->open = false;
	if (!w->opening)
		clock_after(AGAIN_MS, open_again, w);
	w->opening = true;
}

static struct watcher *watcher_of(const char *name)
{
	return &watchers[atoi(name)];
}

static void on_event(const struct hv_event *ev, void *user)
{
	struct watcher *w = watcher_of(ev->host);

	(void)user;
	events++;
	if (ev->type == HV_EV_OPEN)
		w->open = true;
	if (ev->type != HV_EV_CLOSED)
		return;
	closes += w->open;
	open_later(w);
}

/* ---- the guest ---- */

static char *migrate_uris[2];

static void migrate_next(void *unused);

static void on_migrated(struct hv_reply *r, void *unused)
{
	(void)unused;
	migrations--;
	tried++;
	if (quiet)
		g_test_message("a migration: %s", r->err ? r->err->message : "ok");
	migrated += !r->err;
	/* Where it is after a failure the next attempts find out. */
	guest_at = !guest_at;
	if (!ending)
		clock_after(AGAIN_MS, migrate_next, NULL);
}

static void migrate_next(void *unused)
{
	int to = !guest_at;

	(void)unused;
	if (ending)
		return;
	if (hold) {
		clock_after(AGAIN_MS, migrate_next, NULL);
		return;
	}
	migrations++;
	hv_call(watchers[guest_at * PER_HOST].h,
	        &(struct hv_req){ .op = HV_MIGRATE,
	                          .uuid = guest,
	                          .migrate = { .dest_uri = uris[to], .migrate_uri = migrate_uris[to], .persist_dest = true, .downtime_ms = 10000 } },
	        on_migrated, NULL);
}

/* ---- breaking ---- */

/* A shell in a host that waits for commands: a process for each would take longer than a round. */
struct shell {
	int in, out;
	uint64_t done, failed;
};

static struct shell shells[3]; /* of the hosts, and one beside them */

static gboolean said(int fd, GIOCondition c, void *user)
{
	struct shell *s = user;
	char text[256];
	ssize_t n = read(fd, text, sizeof(text));

	(void)c;
	if (n <= 0)
		g_error("a shell ended");
	/* one digit each: 0 if it went well */
	for (ssize_t i = 0; i < n; i++) {
		s->done += text[i] == '\n';
		s->failed += text[i] == '1';
	}
	return G_SOURCE_CONTINUE;
}

static void shell_start(struct shell *s, const char *const *argv)
{
	g_autoptr(GError) err = NULL;
	GSource *source;

	g_spawn_async_with_pipes(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, &s->in, &s->out, NULL, &err);
	g_assert_no_error(err);
	source = g_unix_fd_source_new(s->out, G_IO_IN);
	g_source_set_callback(source, G_SOURCE_FUNC(said), s, NULL);
	g_source_attach(source, g_main_loop_get_context(loop_main()));
	g_source_unref(source);
}

static bool has_done(int shell, uint64_t than)
{
	return shells[shell].done >= than;
}

static void sh(int shell, const char *line)
{
	g_autofree char *text = g_strdup_printf("(%s) < /dev/null > /dev/null 2>&1 && echo 0 || echo 1\n", line);
	uint64_t done = shells[shell].done;

	if (write(shells[shell].in, text, strlen(text)) != (ssize_t)strlen(text))
		g_error("a shell does not read");
	await(line, has_done, shell, done + 1);
	if (shells[shell].failed)
		too_long((void *)line);
}

static void lab(const char *command, int host)
{
	g_autofree char *line = g_strdup_printf("\"$DROVER_TEST_LAB\" %s h%d", command, host + 1);

	sh(2, line);
}

#define PID "$(cat /run/libvirtd.pid)"

static void stop(int host)
{
	sh(host, "kill -STOP " PID);
}

static void go_on(int host)
{
	sh(host, "kill -CONT " PID);
}

static void cut(int host)
{
	lab("cut", host);
}

static void mend(int host)
{
	lab("mend", host);
}

/* Returns when it is gone: until then it holds its files and its port, and another one does not start. */
static void kill_libvirtd(int host)
{
	sh(host, "pid=" PID "; kill -9 $pid && tail --pid=$pid -s 0.02 -f /dev/null");
}

static void start_libvirtd(int host)
{
	sh(host, "libvirtd --daemon --listen --pid-file /run/libvirtd.pid");
}

static void let_go(int host)
{
	for (int i = 0; i < PER_HOST; i++) {
		struct watcher *w = &watchers[host * PER_HOST + i];

		hv_host_close(w->h);
		open_later(w);
	}
}

static void nothing(int host)
{
	(void)host;
}

static bool has_migrated(int host, uint64_t than)
{
	(void)host;
	return migrated >= than;
}

static bool none_migrates(int host, uint64_t than)
{
	(void)host;
	(void)than;
	return !migrations;
}

/*
 * A libvirtd that is killed at the worst moment leaves two halves of the guest, or none, or one whose lock it never gives back. It
 * begins again as "reset" has it: that is not Drover's to settle here.
 */
static void calm(int unused)
{
	(void)unused;
	hold = true;
	await("the migration's end", none_migrates, 0, 0);
	sh(2, "$DROVER_TEST_RESET");
	guest_at = 0;
	hold = false;
	quiet = true;
	await("a migration", has_migrated, 0, migrated + 1);
	quiet = false;
}

static const struct fault {
	const char *name;
	void (*begin)(int host), (*end)(int host);
	unsigned each, at; /* in round "at" of each so many; the first that fits */
	bool long_one; /* until the host is known to be down */
} faults[] = {
	{ "silent, until it is lost", stop, go_on, 499, 31, true },
	{ "unplugged, until it is lost", cut, mend, 499, 62, true },
	{ "a calm, for the guest to migrate", nothing, calm, 100, 0, false },
	{ "libvirtd killed", kill_libvirtd, start_libvirtd, 40, 0, false },
	{ "closed here", let_go, nothing, 10, 0, false },
	{ "cut", cut, mend, 3, 0, false },
	{ "stopped", stop, go_on, 1, 0, false },
};

static void break_once(const struct fault *f, int host)
{
	f->begin(host);
	/* The other host goes on all the time. */
	await("the other host's answers", has_answered, !host, answered[!host] + CALLS);
	if (f->long_one)
		await("the host's loss", all_lost, host, 0);
	f->end(host);
	if (all_open(host, 0))
		await("the host's answers", has_answered, host, answered[host] + CALLS);
	if (f->long_one)
		await("the host is back", all_open, host, 0);
}

static void test_stress(void)
{
	unsigned rounds = g_getenv("DROVER_TEST_ROUNDS") ? (unsigned)atoi(g_getenv("DROVER_TEST_ROUNDS")) : ROUNDS;
	unsigned counts[G_N_ELEMENTS(faults)] = { 0 };
	int64_t began_ms = clock_now_ms();

	for (unsigned n = 1; n <= rounds; n++) {
		size_t k = 0;

		while (n % faults[k].each != faults[k].at)
			k++;
		counts[k]++;
		g_free(round_text);
		round_text = g_strdup_printf("round %u, %s", n, faults[k].name);
		round_host = (int)(n / 2 % 2);
		break_once(&faults[k], round_host);
		if (n % 100 == 0)
			g_test_message("%u rounds in %" G_GINT64_FORMAT " s", n, (clock_now_ms() - began_ms) / 1000);
	}
	for (size_t k = 0; k < G_N_ELEMENTS(faults); k++)
		g_test_message("%s: %u rounds", faults[k].name, counts[k]);
	await("all are back", all_open, -1, 0);
	g_test_message("answers %" G_GUINT64_FORMAT " and %" G_GUINT64_FORMAT ", lost %" G_GUINT64_FORMAT ", events %" G_GUINT64_FORMAT
	               ", connections lost %" G_GUINT64_FORMAT ", migrations %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT,
	               answered[0], answered[1], lost, events, closes, migrated, tried);
	g_assert_cmpuint(migrated, >, 0);
}

static bool is_released(int host, uint64_t than)
{
	(void)host;
	(void)than;
	return !lv_conn_alive();
}

static void again(void *unused)
{
	(void)unused;
	if (lv_conn_alive())
		clock_after(100, again, NULL);
}

/* Whatever hung has come back: each connection, and each of its links, is closed. */
static void test_released(void)
{
	ending = true;
	await("the calls' ends", is_idle, 0, 0);
	for (size_t i = 0; i < G_N_ELEMENTS(watchers); i++)
		hv_host_remove(watchers[i].h);
	again(NULL);
	await("the connections' ends", is_released, 0, 0);
}

static void skip(void)
{
	g_test_skip("DROVER_TEST_HOSTS (two times name=uri), DROVER_TEST_GUEST (a UUID) and DROVER_TEST_LAB are not set");
}

static void set_up(char **words)
{
	const char *lab_program = g_getenv("DROVER_TEST_LAB");

	for (int i = 0; i < 2; i++) {
		g_auto(GStrv) kv = g_strsplit(words[i], "=", 2);
		g_autoptr(GUri) u = g_uri_parse(kv[1], G_URI_FLAGS_NONE, NULL);

		uris[i] = g_strdup(kv[1]);
		migrate_uris[i] = g_strdup_printf("tcp://%s", g_uri_get_host(u));
		shell_start(&shells[i], (const char *const[]){ lab_program, "exec", kv[0], "bash", NULL });
	}
	shell_start(&shells[2], (const char *const[]){ "bash", NULL });
	hv = hv_new(on_event, NULL);
	hv_register(hv, &libvirt_ops);
	for (size_t i = 0; i < G_N_ELEMENTS(watchers); i++) {
		g_autofree char *name = g_strdup_printf("%zu", i);
		struct watcher *w = &watchers[i];

		w->host = (int)i / PER_HOST;
		w->h = hv_host_add(hv, name, uris[w->host]);
		hv_host_open(w->h);
		for (int k = 0; k < CALLS; k++) {
			struct slot *s = &slots[i * CALLS + (size_t)k];

			*s = (struct slot){ .w = w, .next = k };
			clock_after(0, call_next, s);
		}
	}
	clock_after(AGAIN_MS, migrate_next, NULL);
}

int main(int argc, char **argv)
{
	const char *list = g_getenv("DROVER_TEST_HOSTS");
	g_auto(GStrv) words = g_strsplit(list ? list : "", " ", -1);
	g_autoptr(GError) err = NULL;

	g_test_init(&argc, &argv, NULL);
	guest = g_strdup(g_getenv("DROVER_TEST_GUEST"));
	if (g_strv_length(words) != 2 || !guest || !g_getenv("DROVER_TEST_LAB")) {
		g_test_add_func("/stress", skip);
		return g_test_run();
	}
	(void)signal(SIGPIPE, SIG_IGN); /* as droverd does */
	loop_init();
	libvirt_init(&err);
	g_assert_no_error(err);
	set_up(words);
	g_test_add_func("/stress/rounds", test_stress);
	g_test_add_func("/stress/released", test_released);
	return g_test_run();
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * droverd: the controller. Puts the parts together, starts them in order, stops
 * them in the opposite one. Nothing at start waits for a host: the first answer
 * comes as soon as the database is open.
 *
 * A stop is no event for migrations: they go on at the hosts, and the next start
 * finds them.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <glib.h>

#include "api/api.h"
#include "api/http/http.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "console/console.h"
#include "daemon_man.h"
#include "fence/fence.h"
#include "ha/ha.h"
#include "hv/libvirt/libvirt.h"
#include "hv/sim/sim.h"
#include "identity/audit.h"
#include "identity/identity.h"
#include "kinds.h"
#include "manage/care.h"
#include "manage/where.h"
#include "plan/plans.h"
#include "task/engine.h"
#include "task/kind.h"

#define DATABASE_CHECK_MS 5000
#define STOP_MS 5000
#define STOP_ALL_S 15 /* then the process ends whatever it is doing */

struct options {
	char *config, *backup, *man;
	gboolean check, print, rotate, version;
};

struct daemon {
	struct conf *conf;
	const char *conf_path; /* NULL: the default one */
	struct store *store;
	struct fleet *fleet;
	struct engine *engine;
	struct fences *fences;
	struct ha *ha;
	struct plans *plans;
	struct care *care; /* of the database */
	struct identity *identity;
	struct consoles *consoles;
	struct api *api;
	struct clock_timer *check; /* of the database */
	bool stopping;
};

/* Return: owned */
static GOptionEntry *entries_of(struct options *o)
{
	const GOptionEntry entries[] = {
		{ "config", 'c', 0, G_OPTION_ARG_FILENAME, &o->config, "Configuration file (default " WHERE_CONF_PATH ")", "FILE" },
		{ "check-config", 0, 0, G_OPTION_ARG_NONE, &o->check, "Check the configuration, report each mistake and exit", NULL },
		{ "print-config", 0, 0, G_OPTION_ARG_NONE, &o->print, "Print a configuration file with every option and exit", NULL },
		{ "backup", 0, 0, G_OPTION_ARG_FILENAME, &o->backup, "Copy the database to a new file and exit; docs/BACKUP.md", "FILE" },
		{ "rotate-token-key", 0, 0, G_OPTION_ARG_NONE, &o->rotate, "Write a new key for tokens, beside the older ones, and exit; docs/SECURITY.md", NULL },
		{ "version", 0, 0, G_OPTION_ARG_NONE, &o->version, "Print the version and exit", NULL },
		{ "man", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_STRING, &o->man, "Print a manual page's source and exit", "PAGE" },
		{ NULL },
	};

	return g_memdup2(entries, sizeof entries);
}

static bool parse_options(int *argc, char ***argv, struct options *o)
{
	g_autofree GOptionEntry *entries = entries_of(o);
	g_autoptr(GOptionContext) ctx = g_option_context_new("- move running virtual machines between libvirt hosts");
	g_autoptr(GError) err = NULL;

	g_option_context_add_main_entries(ctx, entries, NULL);
	if (!g_option_context_parse(ctx, argc, argv, &err)) {
		fprintf(stderr, "droverd: %s; see droverd --help\n", err->message);
		return false;
	}
	if (*argc > 1) {
		fprintf(stderr, "droverd: unexpected argument %s; see droverd --help\n", (*argv)[1]);
		return false;
	}
	return true;
}

static void start_log(const struct conf *c)
{
	enum log_format format = LOG_TEXT;

	if (strcmp(c->log_format, "json") == 0)
		format = LOG_JSON;
	else if (strcmp(c->log_format, "journal") == 0 || (strcmp(c->log_format, "auto") == 0 && g_log_writer_is_journald(STDERR_FILENO)))
		format = LOG_JOURNAL;
	log_init(c->debug ? LOG_DEBUG : LOG_INFO, format);
}

static bool make_state_path(const char *path, GError **err)
{
	if (g_mkdir_with_parents(path, 0700) == 0)
		return true;
	g_set_error(err, ERR, ERR_CONF, "state_path %s: %s", path, g_strerror(errno));
	return false;
}

/* What was loosened by hand: hashes and keys are for this user alone. */
static void narrow(const char *path, mode_t wrong)
{
	g_autofree char *was = NULL;
	struct stat st;

	if (stat(path, &st) < 0 || !(st.st_mode & wrong))
		return;
	was = g_strdup_printf("%04o", st.st_mode & 07777);
	if (chmod(path, st.st_mode & 07777 & ~wrong) == 0)
		log_warning("mode_corrected", LOG_S("path", path), LOG_S("was", was));
	else
		log_error("mode_not_corrected", LOG_S("path", path), LOG_S("mode", was), LOG_S("error", g_strerror(errno)));
}

static void narrow_all(const struct conf *c)
{
	g_autofree char *url = where_url(c);
	g_auto(GStrv) files = store_files(url);

	narrow(c->state_path, S_IWGRP | S_IWOTH); /* that others may read which files there are is up to the operator */
	for (char **path = files; *path; path++)
		narrow(*path, S_IRWXG | S_IRWXO);
}

static struct store *open_store(const struct conf *c, GError **err)
{
	g_autofree char *url = where_url(c);

	return store_open(url, err);
}

static int backup(struct conf *c, const char *path)
{
	g_autofree char *url = where_url(c), *to = g_canonicalize_filename(path, NULL);
	g_autoptr(GError) err = NULL;

	umask(077);
	if (!store_backup(url, to, &err))
		fprintf(stderr, "droverd: no copy was made: %s\n", err->message);
	conf_free(c);
	return err != NULL;
}

static int rotate_key(struct conf *c)
{
	g_autoptr(GError) err = NULL;

	if (where_become_owner(c, &err) && identity_rotate_key(c, &err))
		printf("A new key is written. Reload droverd (SIGHUP) within an hour, to use it; tokens go on until they end.\n");
	else
		fprintf(stderr, "droverd: no key was written: %s\n", err->message);
	conf_free(c);
	return err != NULL;
}

/* Another daemon has it: what this one would write, and do at hosts on the strength of it, is no longer its own. Migrations go on there. */
static void on_database_lost(const char *why, void *user)
{
	(void)user;
	log_error("database_lost", LOG_S("reason", why));
	log_drain();
	_exit(1);
}

/* A daemon that has nothing to write finds out too. */
static void on_database_check(void *user)
{
	struct daemon *d = user;

	/* What is wrong is told where something is to be written; whether the database is lost, by on_database_lost(). */
	(void)store_check(d->store, NULL);
	d->check = clock_after(DATABASE_CHECK_MS, on_database_check, d);
}

static struct care *start_care(struct daemon *d, GError **err)
{
	g_autofree char *url = where_url(d->conf);

	return care_new(d->conf, d->store, url, err);
}

static bool start(struct daemon *d, GError **err)
{
	static const struct hv_ops *const ops[] = { &sim_ops, &libvirt_ops, NULL };

	if (!make_state_path(d->conf->state_path, err) || !libvirt_init(err))
		return false;
	narrow_all(d->conf);
	d->store = open_store(d->conf, err);
	if (!d->store)
		return false;
	store_on_lost(d->store, on_database_lost, NULL);
	d->identity = identity_new(d->conf, d->store, err);
	if (!d->identity)
		return false;
	d->fleet = fleet_new(d->conf, d->store, ops, err);
	if (!d->fleet)
		return false;
	d->engine = engine_new(d->fleet, kinds, err);
	if (!d->engine)
		return false;
	if (!audit_open(d->conf->audit_log, err))
		return false;
	d->fences = fences_new(d->fleet, &fence_processes);
	d->ha = ha_new(d->engine, d->fences, kind_find(kinds, "evacuation"), &ha_network, err);
	if (!d->ha)
		return false;
	d->plans = plans_new(d->engine, err);
	if (!d->plans)
		return false;
	d->care = start_care(d, err);
	if (!d->care)
		return false;
	d->consoles = consoles_new(d->engine, d->identity, err);
	if (!d->consoles)
		return false;
	d->api = api_new(d->engine, d->fences, d->identity);
	api_watch_ha(d->api, d->ha);
	api_serve_plans(d->api, d->plans);
	api_serve_consoles(d->api, d->consoles);
	return http_listen(d->api, err) && identity_publish(d->identity, http_url(d->api), err) && store_serve(d->store, err);
}

/* In the opposite order; what was never started is NULL. */
static void finish(struct daemon *d)
{
	clock_cancel(&d->check);
	care_free(d->care);
	ha_free(d->ha);
	fences_free(d->fences); /* requests that wait for an agent are answered */
	api_free(d->api);
	consoles_free(d->consoles);
	plans_free(d->plans);
	engine_free(d->engine);
	fleet_free(d->fleet);
	identity_free(d->identity);
	store_close(d->store);
	audit_close();
	conf_free(d->conf);
}

/* systemd's protocol: one datagram to the socket that it names. */
static void notify(const char *state)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	const char *path = g_getenv("NOTIFY_SOCKET");
	size_t len = path ? strlen(path) : 0;
	int fd;

	if (len < 2 || len >= sizeof to.sun_path)
		return;
	memcpy(to.sun_path, path, len);
	if (to.sun_path[0] == '@')
		to.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	/* The listener there is not our affair; without the message it waits until its own limit. */
	(void)!sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&to, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
	close(fd);
}

/* ---- systemd's watchdog: fed by the loop, so that it strikes when the loop stands ---- */

struct watchdog {
	struct clock_timer *timer;
	int64_t every_ms; /* 0: there is none */
};

static void feed(void *user)
{
	struct watchdog *w = user;

	notify("WATCHDOG=1");
	w->timer = clock_after(w->every_ms, feed, w);
}

/* Three times in what systemd allows, if that is meant for this process. */
static void watchdog_start(struct watchdog *w)
{
	const char *pid = g_getenv("WATCHDOG_PID"), *usec = g_getenv("WATCHDOG_USEC");

	if (!usec || (pid && g_ascii_strtoll(pid, NULL, 10) != getpid()))
		return;
	w->every_ms = g_ascii_strtoll(usec, NULL, 10) / 3000;
	if (w->every_ms > 0)
		feed(w);
}

static void stopped(void *user)
{
	(void)user;
	loop_quit();
}

static void on_stop_limit(int number)
{
	(void)number;
	log_drain();
	_exit(1);
}

static void on_stop(void *user)
{
	struct daemon *d = user;

	if (d->stopping)
		return;
	d->stopping = true;
	log_info("stopping", LOG_D("migrations", engine_active(d->engine)->len));
	notify("STOPPING=1");
	/* What hangs must not keep us: whatever is not written by then is found again by asking the hosts. */
	signal(SIGALRM, on_stop_limit);
	alarm(STOP_ALL_S);
	http_stop(d->api, STOP_MS, stopped, NULL);
}

/* What may change is taken over; the rest is named and waits for a restart. A file with a mistake changes nothing. */
static void on_reload(void *user)
{
	struct daemon *d = user;
	g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GString) changed = g_string_new(NULL);
	g_autoptr(GString) fixed = g_string_new(NULL);
	g_autoptr(GError) err = NULL;
	struct conf *fresh = where_read_conf(d->conf_path, mistakes);

	if (!identity_take_keys(d->identity, &err))
		log_error("reload_refused", LOG_S("mistake", err->message));
	for (guint i = 0; i < mistakes->len; i++)
		log_error("reload_refused", LOG_S("mistake", g_ptr_array_index(mistakes, i)));
	if (!mistakes->len) {
		conf_reload(d->conf, fresh, changed, fixed);
		start_log(d->conf);
		host_row_reload(d->fleet);
		engine_limits_changed(d->engine);
		consoles_reload(d->consoles);
		log_info("reloaded", LOG_S("changed", changed->str), LOG_S("needs_restart", fixed->str));
	}
	audit_reopen();
	conf_free(fresh);
}

/* A file that may not grow is an error of its writer; the others are meant for nothing here. SIGQUIT ends the daemon as a crash does. */
static void ignore_signals(void)
{
	static const int numbers[] = { SIGPIPE, SIGXFSZ, SIGUSR1, SIGUSR2, SIGALRM };

	for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++)
		signal(numbers[i], SIG_IGN);
}

static int run(struct conf *conf, const char *path)
{
	struct daemon d = { .conf = conf, .conf_path = path };
	struct watchdog w = { .timer = NULL };
	int64_t began_ms = clock_now_ms();
	g_autoptr(GError) err = NULL;

	start_log(conf);
	log_async();
	ignore_signals();
	umask(077);
	loop_init();
	if (!start(&d, &err)) {
		log_error("not_started", LOG_S("error", err->message));
		finish(&d);
		return 1;
	}
	loop_signal(SIGTERM, on_stop, &d);
	loop_signal(SIGINT, on_stop, &d);
	loop_signal(SIGHUP, on_reload, &d);
	d.check = clock_after(DATABASE_CHECK_MS, on_database_check, &d);
	fleet_start(d.fleet);
	fences_start(d.fences);
	ha_start(d.ha);
	plans_start(d.plans);
	care_start(d.care);
	log_info("ready", LOG_S("url", http_url(d.api)), LOG_S("version", DROVER_VERSION), LOG_S("state_path", conf->state_path),
		 LOG_D("after_ms", clock_now_ms() - began_ms));
	notify("READY=1");
	watchdog_start(&w);
	loop_run();
	clock_cancel(&w.timer);
	finish(&d);
	log_info("stopped");
	return 0;
}

static bool print_man(struct options *o)
{
	g_autofree GOptionEntry *entries = entries_of(o);

	return daemon_man_print(stdout, o->man, entries);
}

int main(int argc, char **argv)
{
	struct options o = { .config = NULL };
	struct conf *conf;
	int status = 0;

	if (!parse_options(&argc, &argv, &o))
		return 2;
	if (o.man) {
		status = !print_man(&o);
	} else if (o.version) {
		printf("droverd %s\n", DROVER_VERSION);
	} else if (o.print) {
		conf_print_defaults(stdout);
	} else {
		conf = where_load_conf(o.config);
		if (!conf)
			status = 1;
		else if (o.check)
			conf_free(conf);
		else if (o.backup)
			status = backup(conf, o.backup);
		else if (o.rotate)
			status = rotate_key(conf);
		else
			status = run(conf, o.config);
		log_drain();
	}
	g_free(o.config);
	g_free(o.backup);
	g_free(o.man);
	return status;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "base/often.h"
#include "base/util.h"

enum order { ORDER_LINE, ORDER_REOPEN, ORDER_END };

struct item {
	enum order order;
	GString *line; /* of ORDER_LINE */
};

/* A file; the thread has it alone from audit_open() to audit_close(). */
static struct {
	bool to_log;
	char *path;          /* NULL: no file */
	int fd;
	GThread *thread;
	GAsyncQueue *queue;  /* struct item */
	int failed;          /* of the thread, atomic: lines that were not written */
	struct often often;
	int told;            /* how many of @failed were told */
	uint64_t lost;
} a = { .fd = -1 };

/* ---- the thread ---- */

static int open_file(const char *path)
{
	return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}

static bool write_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		text += n;
		len -= (size_t)n;
	}
	return true;
}

/* A file that cannot be opened again leaves the old one in use. */
static void reopen(void)
{
	int fd = open_file(a.path);

	if (fd < 0) {
		log_error("audit_failed", LOG_S("file", a.path), LOG_S("error", g_strerror(errno)));
		return;
	}
	close(a.fd);
	a.fd = fd;
}

static bool obey(struct item *i)
{
	bool more = i->order != ORDER_END;

	if (i->order == ORDER_REOPEN)
		reopen();
	if (i->line && !write_all(a.fd, i->line->str, i->line->len))
		g_atomic_int_inc(&a.failed);
	if (i->line)
		g_string_free(i->line, TRUE);
	g_free(i);
	return more;
}

static void *run(void *unused)
{
	(void)unused;
	while (obey(g_async_queue_pop(a.queue)))
		;
	return NULL;
}

/* ---- the loop ---- */

bool audit_open(const char *where, GError **err)
{
	a.to_log = strcmp(where, "log") == 0;
	if (a.to_log || strcmp(where, "off") == 0)
		return true;
	a.fd = open_file(where);
	if (a.fd < 0) {
		g_set_error(err, ERR, ERR_CONF, "[api] audit_log: cannot open %s: %s", where, g_strerror(errno));
		return false;
	}
	a.path = g_strdup(where);
	a.queue = g_async_queue_new();
	a.thread = g_thread_new("audit", run, NULL);
	return true;
}

static void give(enum order order, GString *line)
{
	struct item *i = g_new0(struct item, 1);

	i->order = order;
	i->line = line;
	g_async_queue_push(a.queue, i);
}

void audit_reopen(void)
{
	if (a.path)
		give(ORDER_REOPEN, NULL);
}

static GString *json_line(const struct audit_entry *e)
{
	const struct {
		const char *name, *value;
	} texts[] = {
		{ "request_id", e->request_id }, { "address", e->address }, { "user", e->user_id }, { "user_name", e->user_name },
		{ "project", e->project_id }, { "method", e->method }, { "route", e->route }, { "path", e->path }, { "about", e->about },
	};
	GString *s = g_string_sized_new(320);
	char when[UTIL_TIME_MAX];
	struct jout o;

	util_time_us(when, clock_wall_us());
	jout_init(&o, s, 0);
	jout_open(&o, '{');
	jout_kv(&o, "time", str, when);
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
		jout_kv(&o, texts[i].name, str, texts[i].value);
	jout_kv(&o, "status", int, e->status);
	jout_close(&o, '}');
	return g_string_append_c(s, '\n');
}

/* What is lost is told a few times, not for each line. */
static void tell_lost(void)
{
	int failed = g_atomic_int_get(&a.failed);
	uint64_t held;

	a.lost += (uint64_t)(failed - a.told);
	a.told = failed;
	if (!a.lost || !often_tell(&a.often, &held))
		return;
	log_error("audit_failed", LOG_S("file", a.path), LOG_S("error", "lines were not written"), LOG_D("lines", (int64_t)a.lost));
	a.lost = 0;
}

static void to_file(const struct audit_entry *e)
{
	if (g_async_queue_length(a.queue) < AUDIT_WAITING_MAX)
		give(ORDER_LINE, json_line(e));
	else
		a.lost++;
	tell_lost();
}

void audit_write(const struct audit_entry *e)
{
	if (a.path)
		to_file(e);
	if (a.to_log)
		log_info("audit", LOG_S("request_id", e->request_id), LOG_S("address", e->address), LOG_S("user", e->user_id),
			 LOG_S("user_name", e->user_name), LOG_S("project", e->project_id), LOG_S("method", e->method), LOG_S("route", e->route),
			 LOG_S("path", e->path), LOG_S("about", e->about), LOG_D("status", e->status));
}

void audit_close(void)
{
	if (a.path) {
		give(ORDER_END, NULL);
		g_thread_join(a.thread);
		g_async_queue_unref(a.queue);
		tell_lost();
		close(a.fd);
	}
	g_clear_pointer(&a.path, g_free);
	a.fd = -1;
	a.to_log = false;
}

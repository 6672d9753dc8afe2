/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/util.h"

static const struct {
	const char *name;
	GLogLevelFlags glib;
	const char *priority; /* the journal's, as syslog has them; GLib sends the fields and nothing of its own */
} levels[] = {
	[LOG_DEBUG]   = { "DEBUG",   G_LOG_LEVEL_DEBUG,    "7" },
	[LOG_INFO]    = { "INFO",    G_LOG_LEVEL_INFO,     "6" },
	[LOG_WARNING] = { "WARNING", G_LOG_LEVEL_WARNING,  "4" },
	[LOG_ERROR]   = { "ERROR",   G_LOG_LEVEL_CRITICAL, "3" },
};
static_assert(G_N_ELEMENTS(levels) == LOG_LEVEL_N, "levels is missing one");

static enum log_level min_level = LOG_INFO;
static enum log_format out_format = LOG_TEXT;
static log_hook_f *hook;
static void *hook_user;

void log_init(enum log_level level, enum log_format format)
{
	min_level = level;
	out_format = format;
}

void log_hook(log_hook_f *fn, void *user)
{
	hook = fn;
	hook_user = user;
}

/*
 * A value is quoted when it is empty, could be taken for an absent one, or has
 * what would end or fake a pair or drive a terminal: hosts and guests choose it.
 */
static bool needs_quotes(const char *v)
{
	if (*v == '\0' || strcmp(v, "-") == 0 || !g_utf8_validate(v, -1, NULL))
		return true;
	for (; *v; v++)
		if ((unsigned char)*v <= ' ' || strchr("=\"\\", *v))
			return true;
	return false;
}

static void put_text_value(GString *s, const char *v)
{
	if (!v) {
		g_string_append_c(s, '-');
		return;
	}
	if (needs_quotes(v))
		jout_put_string(s, v);
	else
		g_string_append(s, v);
}

static void put_pairs(GString *s, const struct log_kv *kv)
{
	for (; kv->key; kv++) {
		g_string_append_printf(s, " %s=", kv->key);
		if (kv->is_text)
			put_text_value(s, kv->s);
		else
			g_string_append_printf(s, "%" G_GINT64_FORMAT, kv->d);
	}
}

static void put_json(GString *s, enum log_level level, const char *event, const struct log_kv *kv, const char *when)
{
	g_string_append_printf(s, "{\"time\":\"%s\",\"level\":\"%s\",\"event\":\"%s\"", when, levels[level].name, event);
	for (; kv->key; kv++) {
		g_string_append_printf(s, ",\"%s\":", kv->key);
		if (!kv->is_text)
			g_string_append_printf(s, "%" G_GINT64_FORMAT, kv->d);
		else if (kv->s)
			jout_put_string(s, kv->s);
		else
			g_string_append(s, "null");
	}
	g_string_append_c(s, '}');
}

static void to_journal(enum log_level level, const char *event, const struct log_kv *kv)
{
	g_autoptr(GString) message = g_string_new(event);
	g_autoptr(GPtrArray) owned = g_ptr_array_new_with_free_func(g_free);
	GLogField fields[20];
	size_t n = 0;

	put_pairs(message, kv);
	fields[n++] = (GLogField){ "MESSAGE", message->str, -1 };
	fields[n++] = (GLogField){ "PRIORITY", levels[level].priority, -1 };
	fields[n++] = (GLogField){ "DROVER_EVENT", event, -1 };
	for (; kv->key && n < G_N_ELEMENTS(fields); kv++) {
		char *key = g_ascii_strup(kv->key, -1);
		char *val = kv->is_text ? g_strdup(kv->s ? kv->s : "") : g_strdup_printf("%" G_GINT64_FORMAT, kv->d);

		g_ptr_array_add(owned, key);
		g_ptr_array_add(owned, val);
		fields[n++] = (GLogField){ key, val, -1 };
	}
	/* A journal that takes nothing leaves nowhere to say so. */
	(void)g_log_writer_journald(levels[level].glib, fields, n, NULL);
}

void log_write(enum log_level level, const char *event, const struct log_kv *kv)
{
	g_autoptr(GString) line = NULL;
	char when[UTIL_TIME_MAX];

	if (level < min_level)
		return;
	if (out_format == LOG_JOURNAL && !hook) {
		to_journal(level, event, kv);
		return;
	}
	line = g_string_sized_new(160);
	util_time_us(when, clock_wall_us());
	if (out_format == LOG_JSON) {
		put_json(line, level, event, kv, when);
	} else {
		if (!hook)
			g_string_append_printf(line, "%s ", when);
		g_string_append_printf(line, "%s %s", levels[level].name, event);
		put_pairs(line, kv);
	}
	if (hook) {
		hook(level, line->str, hook_user);
		return;
	}
	g_string_append_c(line, '\n');
	/* stderr that cannot be written leaves nowhere to say so. */
	(void)!write(STDERR_FILENO, line->str, line->len);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log_writer.h"
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

/* Most values are names, UUIDs and host names. */
static bool is_plain(const char *v)
{
	for (; (unsigned char)*v > ' ' && (unsigned char)*v < 0x7f && *v != '=' && *v != '"' && *v != '\\'; v++)
		;
	return *v == '\0';
}

/*
 * A value is quoted when it is empty, could be taken for an absent one, or has
 * what would end or fake a pair or drive a terminal: hosts and guests choose it.
 */
static bool needs_quotes(const char *v)
{
	if (*v && strcmp(v, "-") != 0 && is_plain(v))
		return false;
	if (*v == '\0' || strcmp(v, "-") == 0 || !g_utf8_validate(v, -1, NULL))
		return true;
	for (; *v; v = g_utf8_next_char(v))
		if ((unsigned char)*v <= ' ' || strchr("=\"\\", *v) || !util_is_line_text(g_utf8_get_char(v)))
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
		util_put_text(s, v);
}

static void put_pairs(GString *s, const struct log_kv *kv)
{
	for (; kv->key; kv++) {
		g_string_append_c(s, ' ');
		util_put_text(s, kv->key);
		g_string_append_c(s, '=');
		if (kv->is_text)
			put_text_value(s, kv->s);
		else
			util_put_int(s, kv->d);
	}
}

static void put_json(GString *s, enum log_level level, const char *event, const struct log_kv *kv, const char *when)
{
	g_string_append_printf(s, "{\"time\":\"%s\",\"level\":\"%s\",\"event\":\"%s\"", when, levels[level].name, event);
	for (; kv->key; kv++) {
		util_put(s, ",\"", 2);
		util_put_text(s, kv->key);
		util_put(s, "\":", 2);
		if (!kv->is_text)
			util_put_int(s, kv->d);
		else if (kv->s)
			jout_put_string(s, kv->s);
		else
			g_string_append(s, "null");
	}
	g_string_append_c(s, '}');
}

static struct log_record *journal_record(enum log_level level, const char *event, const struct log_kv *kv)
{
	struct log_record *r = log_record_new();
	GString *message = g_string_new(event);

	r->level = levels[level].glib;
	put_pairs(message, kv);
	log_record_field(r, g_strdup("MESSAGE"), g_string_free(message, FALSE));
	log_record_field(r, g_strdup("PRIORITY"), g_strdup(levels[level].priority));
	log_record_field(r, g_strdup("DROVER_EVENT"), g_strdup(event));
	for (; kv->key; kv++)
		log_record_field(r, g_ascii_strup(kv->key, -1),
				 kv->is_text ? g_strdup(kv->s ? kv->s : "") : g_strdup_printf("%" G_GINT64_FORMAT, kv->d));
	return r;
}

/* @line: becomes the record's, which ends it. */
static struct log_record *line_record(GString *line)
{
	struct log_record *r = log_record_new();

	r->line = g_string_append_c(line, '\n');
	return r;
}

/* Without the end of the line; @stamped: text begins with the time too. */
static GString *format(enum log_level level, const char *event, const struct log_kv *kv, bool stamped)
{
	GString *line = g_string_sized_new(160);
	char when[UTIL_TIME_MAX];

	if (stamped || out_format == LOG_JSON)
		util_time_us(when, clock_wall_us());
	if (out_format == LOG_JSON) {
		put_json(line, level, event, kv, when);
		return line;
	}
	if (stamped)
		g_string_append_printf(line, "%s ", when);
	util_put_text(line, levels[level].name);
	g_string_append_c(line, ' ');
	util_put_text(line, event);
	put_pairs(line, kv);
	return line;
}

static struct log_record *make_record(enum log_level level, const char *event, const struct log_kv *kv)
{
	if (out_format == LOG_JOURNAL)
		return journal_record(level, event, kv);
	return line_record(format(level, event, kv, true));
}

void log_write(enum log_level level, const char *event, const struct log_kv *kv)
{
	if (level < min_level)
		return;
	if (hook) {
		GString *line = format(level, event, kv, false);

		hook(level, line->str, hook_user);
		g_string_free(line, TRUE);
		return;
	}
	log_writer_put(make_record(level, event, kv));
}

/* ---- a thread that writes ---- */

static struct log_record *tell_dropped(uint64_t n)
{
	return make_record(LOG_WARNING, "log_dropped", (const struct log_kv[]){ LOG_D("lines", (int64_t)n), { .key = NULL } });
}

/* GLib's own messages come from calls that it refuses: they must not block either. Those below a warning are GLib's alone. */
static GLogWriterOutput on_glib(GLogLevelFlags flags, const GLogField *fields, gsize n, void *unused)
{
	const char *text = "", *domain = NULL;

	(void)unused;
	for (gsize i = 0; i < n; i++) {
		if (strcmp(fields[i].key, "MESSAGE") == 0)
			text = fields[i].value;
		else if (strcmp(fields[i].key, "GLIB_DOMAIN") == 0)
			domain = fields[i].value;
	}
	if (flags & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL))
		log_error("library", LOG_S("domain", domain), LOG_S("message", text));
	else if (flags & G_LOG_LEVEL_WARNING)
		log_warning("library", LOG_S("domain", domain), LOG_S("message", text));
	return G_LOG_WRITER_HANDLED;
}

/* Failed assertions come this way: "**", the text, and an end of line of their own. */
static void on_printerr(const char *text)
{
	struct log_record *r = log_record_new();

	r->line = g_string_new(text);
	log_writer_put(r);
}

void log_async(void)
{
	g_log_set_writer_func(on_glib, NULL, NULL);
	g_set_printerr_handler(on_printerr);
	log_writer_start(tell_dropped);
}

void log_drain(void)
{
	log_writer_drain();
}

uint64_t log_dropped(void)
{
	return log_writer_dropped();
}

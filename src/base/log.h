/* SPDX-License-Identifier: Apache-2.0
 *
 * log: events with key=value pairs.
 *
 * An event has a name and pairs. It comes out as one line of text on a
 * terminal or a file, as structured fields in the journal, as one JSON object a
 * line on request. Event names are an interface: tests expect them, and
 * docs/LOG.md lists them. Any thread may log.
 *
 *	log_info("host_up", LOG_S("host", h->name), LOG_D("after_ms", ms));
 */
#ifndef LOG_H
#define LOG_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR, LOG_LEVEL_N };
enum log_format { LOG_TEXT, LOG_JSON, LOG_JOURNAL };

struct log_kv {
	const char *key; /* NULL ends the list */
	const char *s;   /* text value; NULL is written as "-" */
	int64_t d;
	bool is_text;
};

#define LOG_S(k, v) ((struct log_kv){ .key = (k), .s = (v), .is_text = true })
#define LOG_D(k, v) ((struct log_kv){ .key = (k), .d = (v) })

#define log_at(level, event, ...) \
	log_write((level), (event), (const struct log_kv[]){ __VA_ARGS__ __VA_OPT__(,) { .key = NULL } })
#define log_debug(...)   log_at(LOG_DEBUG, __VA_ARGS__)
#define log_info(...)    log_at(LOG_INFO, __VA_ARGS__)
#define log_warning(...) log_at(LOG_WARNING, __VA_ARGS__)
#define log_error(...)   log_at(LOG_ERROR, __VA_ARGS__)

typedef void log_hook_f(enum log_level level, const char *line, void *user);

/**
 * log_init() - choose what is written and how; before, text from INFO on goes to stderr.
 * @level: events below it are dropped
 * @format: LOG_TEXT and LOG_JSON go to stderr
 */
void log_init(enum log_level level, enum log_format format);

/**
 * log_async() - from now on a thread writes, so that no caller ever waits for the log's reader; once, after log_init().
 *
 * What the reader does not take in time is dropped and counted (base/log_writer.h). GLib's messages come the same way.
 */
void log_async(void);

/** log_drain() - wait until what was logged is written, for a second at most: before the process ends. */
void log_drain(void);

/** log_dropped() - how many events were dropped because the log's reader was too slow. Any thread. */
uint64_t log_dropped(void);

/** log_write() - write one event; use the macros. */
void log_write(enum log_level level, const char *event, const struct log_kv *kv);

/**
 * log_hook() - hand every event at or above the level to @fn as text too, instead of stderr.
 *
 * For tests, which expect events. NULL ends it.
 */
void log_hook(log_hook_f *fn, void *user);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * log_writer: brings what is logged to stderr or to the journal, of base/log.c.
 *
 * Theory of operation
 * -------------------
 * Before log_writer_start() a record is written by the thread that logs, as
 * small programs need it. After that a thread of its own writes, and no other
 * thread waits for the reader of the log: records go into a queue that holds
 * LOG_QUEUE_BYTES. When it is full the newest are dropped, until half of it is
 * free again; then one line says how many there were, in their place.
 *
 * stderr is shared with other programs (a terminal, a supervisor's pipe), so it is
 * never made non-blocking; where another program did that, the writer waits.
 *
 * At the end (log_writer_drain(), an abort, a fault) the queue gets
 * LOG_DRAIN_MS, then what is left is lost. A forked child has no such thread
 * and an empty queue: it writes by itself again.
 */
#ifndef LOG_WRITER_H
#define LOG_WRITER_H

#include <stdint.h>

#include <glib.h>

#define LOG_QUEUE_BYTES (1 << 20)
#define LOG_DRAIN_MS 1000
#define LOG_FIELDS_MAX 20

/* Either a line or the journal's fields. */
struct log_record {
	GString *line;
	GLogLevelFlags level;
	GLogField fields[LOG_FIELDS_MAX]; /* keys and values are in @owned */
	size_t n_fields;
	GPtrArray *owned;
	size_t bytes; /* what it takes of the queue; set by the writer */
};

/** log_record_new() - an empty one. */
struct log_record *log_record_new(void);

/** log_record_field() - add one; both texts become the record's. What is more than LOG_FIELDS_MAX is left out. */
void log_record_field(struct log_record *r, char *key, char *value);

/* The record that says how many were dropped; it must not log. */
typedef struct log_record *log_dropped_f(uint64_t n);

/** log_writer_start() - from now on a thread writes; once in a process. */
void log_writer_start(log_dropped_f *tell);

/** log_writer_put() - write a record or queue it; it is the writer's then. Any thread. */
void log_writer_put(struct log_record *r);

/** log_writer_drain() - wait until all is written, for LOG_DRAIN_MS at most. Safe in a signal handler. */
void log_writer_drain(void);

/** log_writer_dropped() - how many records were dropped since the start. */
uint64_t log_writer_dropped(void);

#endif

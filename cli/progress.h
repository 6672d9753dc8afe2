/* SPDX-License-Identifier: Apache-2.0
 *
 * progress: how far a live migration is, from what the API tells of it.
 *
 * Pure: the caller brings the records and the time. A server writes its numbers
 * every few seconds, so a record counts as a sample only when its numbers have
 * changed; rates come from the last samples of about half a minute. Before the
 * second sample the rate is "~", and there is no time left. The time left is
 * what remains over how fast the remainder shrinks: a guest that dirties memory
 * as fast as it is sent gets no promise.
 */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>
#include <jansson.h>

#define PROGRESS_SAMPLES 16
#define PROGRESS_TEXT_MAX 64

struct progress_sample {
	int64_t at_ms;
	int64_t sent, left, total; /* bytes, memory and disks together */
};

struct progress {
	char status[PROGRESS_TEXT_MAX], source[PROGRESS_TEXT_MAX], dest[PROGRESS_TEXT_MAX]; /* safe to print; "" unknown */
	struct progress_sample sample[PROGRESS_SAMPLES]; /* a ring */
	unsigned n, newest;
};

/**
 * progress_feed() - take a migration's record.
 * @migration: from /servers/{id}/migrations or /os-migrations (which has no bytes)
 * @now_ms: monotonic
 *
 * Return: true if the status or a host is another than before.
 */
bool progress_feed(struct progress *p, const json_t *migration, int64_t now_ms);

/** progress_rate() - bytes a second that are sent. Return: false before the second sample. */
bool progress_rate(const struct progress *p, int64_t *ret_bytes_s);

/** progress_left_s() - seconds until nothing remains. Return: false if that cannot be told. */
bool progress_left_s(const struct progress *p, int64_t *ret_s);

/** progress_line() - all of it on one line: "running  host1 -> host2  1.2/4.0 GiB  ~118.0 MiB/s  ~24 s left". Return: owned. */
char *progress_line(const struct progress *p);

/** progress_short() - status and hosts: "running: host1 -> host2". Return: owned. */
char *progress_short(const struct progress *p);

/** progress_duration() - "47 s", "3 min 20 s", "2 h 05 min". Return: owned. */
char *progress_duration(int64_t seconds);

#endif

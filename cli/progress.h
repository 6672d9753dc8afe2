/* SPDX-License-Identifier: Apache-2.0
 *
 * progress: how far a migration is, from what the API tells of it.
 *
 * Pure: the caller brings the records and the time. A server writes its numbers
 * every few seconds, so a record counts as a sample only when its numbers have
 * changed, and the rate comes from the last samples. Before the second one it is
 * "~", and there is no time left.
 *
 * Memory is copied in passes: while one runs, the guest changes what the next
 * one must send again, and how much is unknown until the remainder jumps up.
 * So what remains says little about the time: in the first pass it is a lower
 * bound; later the sizes of the last two passes tell whether they shrink, and so
 * how much is still to come, or that no end is in sight. After the switch to
 * post-copy nothing is sent twice, nor by a cold migration, whose record has a
 * stage (stage.h).
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
	char stage[PROGRESS_TEXT_MAX];       /* of a cold one, "" unknown; safe as well */
	char status[PROGRESS_TEXT_MAX], source[PROGRESS_TEXT_MAX], dest[PROGRESS_TEXT_MAX]; /* safe to print; "" unknown */
	bool has_bytes;                      /* the last record had them */
	struct progress_sample sample[PROGRESS_SAMPLES]; /* a ring */
	unsigned n, newest;
	int64_t pass_bytes, last_pass_bytes; /* what remained when this pass, and the one before it, began; 0: there was none before */
};

enum progress_left {
	LEFT_UNKNOWN,
	LEFT_AT_LEAST, /* the first pass: what the guest changes comes on top */
	LEFT_ABOUT,
	LEFT_NO_END,   /* the passes do not get smaller */
};

/**
 * progress_feed() - take a migration's record.
 * @migration: from /servers/{id}/migrations or /os-migrations (which has no bytes); a cold one's with what stage_add() knows
 * @now_ms: monotonic
 *
 * Return: true if the status, the stage or a host is another than before.
 */
bool progress_feed(struct progress *p, const json_t *migration, int64_t now_ms);

/** progress_rate() - bytes a second that are sent. Return: false before the second sample. */
bool progress_rate(const struct progress *p, int64_t *ret_bytes_s);

/** progress_left() - seconds until all is sent, for LEFT_AT_LEAST and LEFT_ABOUT. */
enum progress_left progress_left(const struct progress *p, int64_t *ret_s);

/**
 * progress_line() - all of it on one line: "running  host1 -> host2  1.2/4.0 GiB  ~118.0 MiB/s  ~24 s left".
 * @now_ms: monotonic; numbers that have stood still for long are said to
 *
 * Return: owned by the caller.
 */
char *progress_line(const struct progress *p, int64_t now_ms);

/** progress_short() - status, stage and hosts: "running: host1 -> host2", "migrating (carry): host1 -> host2". Return: owned. */
char *progress_short(const struct progress *p);

/** progress_duration() - "47 s", "3 min 20 s", "2 h 05 min". Return: owned. */
char *progress_duration(int64_t seconds);

/**
 * progress_eta() - an estimate with its bounds: "~3 min 20 s (2 min 05 s to 6 min 40 s)".
 * @low_ms, @high_ms: negative for none: without an upper one it may never end
 *
 * Return: owned by the caller.
 */
char *progress_eta(int64_t ms, int64_t low_ms, int64_t high_ms);

#endif

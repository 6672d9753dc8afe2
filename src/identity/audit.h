/* SPDX-License-Identifier: Apache-2.0
 *
 * audit: which user asked for which change, from where, and what came of it.
 *
 * One line for each request that changes something and was made with a token,
 * and for each login, also a wrong one. No body, no query and no token is in it.
 * Where lines go is [api] audit_log: into the log, as event "audit", or into a file,
 * one JSON object a line, written by a thread of its own. What the file's disk does not
 * take in time, AUDIT_WAITING_MAX lines, is lost and told in the log.
 */
#ifndef AUDIT_H
#define AUDIT_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#define AUDIT_WAITING_MAX 16384

/* Lent; NULL: not known, or there is none. */
struct audit_entry {
	const char *request_id, *address;
	const char *user_id, *user_name, *project_id;
	const char *method, *route, *path;
	const char *about; /* an action's name, the id of what was made */
	int status;
};

/**
 * audit_open() - begin.
 * @where: "log", "off", or the path of a file, which is appended to and made with mode 0600
 */
bool audit_open(const char *where, GError **err);

/** audit_reopen() - the file was moved away: another one of its name is begun. */
void audit_reopen(void);

/** audit_close() - write what waits, and end. */
void audit_close(void);

/** audit_write() - one line. On the loop thread; it does not block. Before audit_open() nothing is written. */
void audit_write(const struct audit_entry *e);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * files: what the proxy serves beside consoles: noVNC's files, and the page of ours that uses them.
 *
 * All are read once, at the start, so that no request waits for a disk. noVNC's are served as they are, its own pages among them. The page of
 * ours is console.html: it shows a screen, comes again by itself when the server was moved, and keeps the last picture meanwhile (screen.js, which
 * the dashboard's page uses as well).
 */
#ifndef CONSOLE_FILES_H
#define CONSOLE_FILES_H

#include <stdbool.h>

#include <glib.h>

#define FILES_PAGE "/console.html"

struct files;

struct file {
	GBytes *bytes;
	const char *fields; /* of an answer, as net_response.fields */
};

/** files_new() - @folder: noVNC's, with core/rfb.js; what cannot be read is not there, and the log says so */
struct files *files_new(const char *folder);
/** files_free() - NULL is fine. */
void files_free(struct files *f);
/** files_find() - @path: as in a request. Return: borrowed; NULL. */
const struct file *files_find(const struct files *f, const char *path);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * serial: one session at a server's serial console, wherever the server is.
 *
 * Theory of operation
 * -------------------
 * It has a stream (hv/stream.h) at the host that the server's record names. When the stream ends, or the record names another host, it opens the
 * next one and goes on: a live migration, a guest that is started again in another process, a libvirtd that was restarted are gaps.
 * It ends when the server is stopped or gone, or when its first stream is refused.
 *
 *	(opening) -> open -> (waits, AGAIN_MS at most) -> (opening) ...
 *
 * What is typed in a gap waits, HELD_MAX bytes of it, and is sent at the next host. What the guest's process had not read of what it was
 * sent when it ended is lost, and so is what a guest writes before the next stream is there: libvirt keeps neither.
 */
#ifndef CONSOLE_SERIAL_H
#define CONSOLE_SERIAL_H

#include "console/end.h"

struct fleet;

#define SERIAL_HELD_MAX (64 * 1024)

/** serial_new() - begin. @f: borrowed; @calls: of static lifetime. Return: for end_free(). */
struct end *serial_new(struct fleet *f, const char *server_uuid, const struct end_calls *calls, void *user);

#endif

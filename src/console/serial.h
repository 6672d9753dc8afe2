/* SPDX-License-Identifier: Apache-2.0
 *
 * serial: one session at a server's serial console, wherever the server is.
 *
 * Theory of operation
 * -------------------
 * It has a stream (hv/stream.h) at the host that the server's record names. When the stream ends, or the record names another host, it opens the
 * next one and goes on: a guest that is started again in another process, a libvirtd that was restarted are gaps.
 * It ends when the server is stopped or gone, or when its first stream is refused.
 *
 * In a live migration there is no gap. While memory is copied the guest's process waits at the destination, and its console can be opened: that is
 * the next stream. Nothing is written there before the switch, and what is written after it waits until the stream at the source has ended, behind
 * whose bytes it comes:
 *
 *	what happens                               what is listened to    what is typed goes
 *	memory is copied                           source                 to the source
 *	the guest stops there (HV_EV_DOM)          source                 nowhere: it waits
 *	the record names the destination           source                 to the destination
 *	the source's stream ends, or LINGER_MS     destination            to the destination
 *	instead, the guest runs on at the source   source                 to the source
 *
 * What is typed and goes nowhere waits, SERIAL_HELD_MAX bytes of it. What the guest's process had not read of what it was sent when it
 * stopped is lost: of a migration that is what was typed in the moment between its stop and the event that tells of it. A guest whose next stream
 * could not be opened in time has a gap, in which what it writes is lost: libvirt keeps none of it.
 */
#ifndef CONSOLE_SERIAL_H
#define CONSOLE_SERIAL_H

#include "console/end.h"

struct engine;

#define SERIAL_HELD_MAX (64 * 1024)

/** serial_new() - begin. @engine: borrowed; @calls: of static lifetime. Return: for end_free(). */
struct end *serial_new(struct engine *engine, const char *server_uuid, const struct end_calls *calls, void *user);

#endif

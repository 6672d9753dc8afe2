/* SPDX-License-Identifier: Apache-2.0
 *
 * reach: what a packet to where a libvirt URI leads says of the host, without libvirt.
 *
 * Two ask it, and take the same answer otherwise:
 *
 *	              accepts     refuses                                  silent
 *	libvirt/link  connect     not now: no libvirtd is there            not now
 *	ha/look       it lives    it lives: the kernel of a machine said   it may be dead
 *	                          so, and its guests may run
 *
 * Names: each lookup that succeeds is kept. What asks of a silent host goes by what is kept, for its name server may be one of its guests.
 */
#ifndef HV_REACH_H
#define HV_REACH_H

#include <stdbool.h>
#include <sys/socket.h>

#define REACH_MS 1000
#define REACH_AGAIN_MS 200 /* a packet each: the kernel sends the second one of a connection after a second */
#define REACH_ADDRESSES_MAX 8

/* Where a URI leads. */
struct reach_at {
	char *host, *port;
	bool libvirtd;    /* it is libvirtd's own port, and not that of a program which goes there for it (ssh) */
};

/** reach_parse() - Return: false: to this machine, or to what is not known here: another scheme, a program; reach_at_clear() either way. */
bool reach_parse(const char *uri, struct reach_at *ret);
void reach_at_clear(struct reach_at *at);

struct reach_addrs {
	int n;
	struct {
		struct sockaddr_storage at;
		socklen_t len;
	} all[REACH_ADDRESSES_MAX];
};

/**
 * reach_find() - look its name up. Any thread; blocks for as long as that takes.
 * @kept: what an earlier lookup has found will do, if there was one
 *
 * Return: NULL; else why not, owned by the caller.
 */
char *reach_find(const struct reach_at *at, bool kept, struct reach_addrs *ret);

enum reach { REACH_ACCEPTS, REACH_REFUSES, REACH_SILENT, REACH_N };

/**
 * reach_try() - connect to all of them at once, and again every REACH_AGAIN_MS: one lost packet is no silence, and a host that comes back meanwhile is
 * heard. Any thread; blocks for REACH_MS at most. The first that accepts is enough.
 * @ret_errno: of REFUSES and SILENT: what went wrong last; ETIMEDOUT: nothing was heard
 */
enum reach reach_try(const struct reach_addrs *a, int *ret_errno);

#endif

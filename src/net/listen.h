/* SPDX-License-Identifier: Apache-2.0
 *
 * listen: the sockets that connections come in by.
 *
 * Ours by address and port, or those that systemd's protocol hands over
 * (LISTEN_PID, LISTEN_FDS, from descriptor 3 on). Both end in the same accept
 * loop, so a daemon in one network namespace can serve a socket of another.
 */
#ifndef NET_LISTEN_H
#define NET_LISTEN_H

#include <stdbool.h>
#include <stdint.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <glib.h>

struct listeners;

union net_address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_un un;
	struct sockaddr_storage storage;
};

/* @fd: a new connection, non-blocking, close-on-exec; owned by the callee. @from: of its other end */
typedef void listen_accepted_f(int fd, const union net_address *from, void *user);

struct listen_params {
	const char *host;       /* name or address; what listens beyond loopback needs @beyond_ok */
	int64_t port;           /* 0: any free one */
	bool beyond_ok;
	const char *option;     /* what messages call the one of @host; NULL: osapi_compute_listen */
	bool own;               /* what was handed over is for another */
	listen_accepted_f *accepted;
	void *user;
};

/** listen_open() - bind, listen and begin to accept. Return: NULL with ERR_CONF. */
struct listeners *listen_open(const struct listen_params *p, GError **err);
/** listen_close() - stop accepting and close. NULL is fine. */
void listen_close(struct listeners *l);

/** listen_name() - "127.0.0.1:8774", "[::1]:8774", of the first socket; the wildcard is named by loopback. Return: owned. */
char *listen_name(const struct listeners *l);

#endif

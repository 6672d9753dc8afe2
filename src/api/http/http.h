/* SPDX-License-Identifier: Apache-2.0
 *
 * http: the API on HTTP: requests from net/server.c to the handlers, and their answers back.
 */
#ifndef HTTP_H
#define HTTP_H

#include "base/loop.h"
#include "net/server.h"

struct api;

/**
 * http_listen() - begin to serve.
 *
 * Listens on [DEFAULT] osapi_compute_listen and _port, with TLS if [wsgi]
 * ssl_cert_file and ssl_key_file are set; or serves the sockets handed over by
 * systemd's socket activation protocol (LISTEN_PID, LISTEN_FDS), if any.
 */
bool http_listen(struct api *a, GError **err);

/**
 * http_stop() - take no more connections, finish the answers that are under way, end the streams.
 * @done: called on the loop when they are sent, or after @limit_ms
 */
void http_stop(struct api *a, int64_t limit_ms, loop_f *done, void *user);

/** http_free() - close every connection. api_free() does it too. */
void http_free(struct api *a);

/** http_url() - "http://127.0.0.1:8774": where it listens. Borrowed. */
const char *http_url(const struct api *a);

/** http_cert_ends_us() - when the certificate that it shows is good no more; 0: it has none. */
int64_t http_cert_ends_us(const struct api *a);

/** http_stats() - its connections; zeros before http_listen(). */
struct net_stats http_stats(const struct api *a);

#endif

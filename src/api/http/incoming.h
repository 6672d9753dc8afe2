/* SPDX-License-Identifier: Apache-2.0
 *
 * incoming: from a head, and a body in pieces, to a request.
 *
 *	api_req_new(head) -> api_req_body()* -> api_dispatch() -> handler -> api_reply_*() -> answered()
 *
 * http.c feeds it from sockets, tests and fuzzers feed it directly.
 */
#ifndef INCOMING_H
#define INCOMING_H

#include "api/http/inner.h"

/** api_methods - by number; the last one is "OTHER". */
extern const char *const api_methods[API_METHODS_N];

/** api_req_new() - begin a request. Return: never NULL; what is wrong with the head comes out of api_dispatch(). */
struct api_req *api_req_new(struct api *a, const struct api_head *h, api_answered_f *answered, void *user);
/** api_req_body() - append to its body; the caller bounds it. */
void api_req_body(struct api_req *r, const void *data, size_t len);
void api_req_free(struct api_req *r);
/** api_req_abandon() - its client is gone: whatever the answer will be, drop it. */
void api_req_abandon(struct api_req *r);

/** api_service_of() - which API a path belongs to. */
enum api_service api_service_of(const char *path);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * slice: long answers, made in pieces; private to api/.
 *
 * A list of all servers may take the loop longer than others can wait. So its maker does a bounded piece of the
 * work and comes again with the loop's next turn, when everything else that is due was served. Records may come and
 * go between two pieces: a maker keeps the id of the last one that it has seen, never a pointer.
 */
#ifndef SLICE_H
#define SLICE_H

#include "api/http/handler.h"

#define SLICE_SERVERS 500 /* records that one piece looks at: some ms */

/* One piece of the answer to @r. Return: it was answered; false: there is more to do. */
typedef bool slice_f(struct api_req *r, void *user);

/**
 * slice_run() - answer a request in pieces, the first one now.
 * @free: of @user, after the answer; NULL: nothing
 */
void slice_run(struct api_req *r, slice_f *piece, void *user, GDestroyNotify free);

/* What is called for each server; in the order of their ids. */
typedef void slice_server_f(struct api_req *r, const struct server *s, void *user);

/**
 * slice_servers() - one piece's servers.
 * @seen: in and out: server.nth of the last one that was looked at; 0 at first
 *
 * Return: that were the last ones.
 */
bool slice_servers(struct api_req *r, int64_t *seen, slice_server_f *fn, void *user);

/** slice_server() - one that an earlier piece has seen. @nth: server.nth. Return: borrowed; NULL: it is gone. */
struct server *slice_server(const struct api_req *r, int64_t nth);

#endif

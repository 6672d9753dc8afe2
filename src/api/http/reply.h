/* SPDX-License-Identifier: Apache-2.0
 *
 * reply: what handlers answer: exactly one of these, exactly once.
 */
#ifndef REPLY_H
#define REPLY_H

#include "api/http/types.h"
#include "base/err.h"

/** api_reply_json() - @body: taken. */
void api_reply_json(struct api_req *r, int status, GString *body);
/** api_reply_empty() - no body (202, 204). */
void api_reply_empty(struct api_req *r, int status);
/** api_forbid() - 403 in the words of the service that was asked. @rule: what does not allow it */
void api_forbid(struct api_req *r, const char *rule);
/** api_fail() - the fault of an error; @err: taken. */
void api_fail(struct api_req *r, GError *err);
/** api_fail_new() - the same from a format. */
void api_fail_new(struct api_req *r, enum err_code code, const char *fmt, ...) G_GNUC_PRINTF(3, 4);
/** api_header() - add a header to the answer, before it is given. */
void api_header(struct api_req *r, const char *name, const char *value);


/* ---- an answer without an end ---- */

/** api_reply_stream() - 200, and a body that comes piece by piece. @type: its Content-Type. @s: taken, closed() gives it back */
void api_reply_stream(struct api_req *r, const char *type, struct api_stream *s);
/** api_stream_wake() - read() has something, or -1. Not from inside read(). */
void api_stream_wake(struct api_stream *s);
/** api_stream_left() - true if its client has closed its side, which the next write would reveal. */
bool api_stream_left(const struct api_stream *s);

#endif

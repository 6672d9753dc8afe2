/* SPDX-License-Identifier: Apache-2.0
 *
 * http1: the syntax of HTTP/1.1 requests (RFC 9112), without any I/O; private to api/.
 *
 * Strict: what two programs could read differently is refused, because that is
 * how requests are smuggled through proxies: line ends without CR, folded
 * fields, blanks before a colon, two lengths, a length beside a coding.
 */
#ifndef HTTP1_H
#define HTTP1_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#define HTTP1_HEAD_MAX 16384   /* bytes of the request line and all fields */
#define HTTP1_FIELDS_MAX 100

enum http1_result { HTTP1_MORE, HTTP1_OK, HTTP1_BAD };

/* A request's head. Strings point into the buffer; NULL: not there. */
struct http1_head {
	const char *method;
	const char *path;          /* as it came, escapes and all */
	const char *query;         /* the same, behind '?' */
	bool keep_alive, old;      /* old: HTTP/1.0 */
	bool expect_continue, chunked;
	int64_t length;            /* of the body; 0 without one, or if it is chunked */
	size_t size;               /* bytes of the head in the buffer */
	const char *host, *token, *subject_token, *version, *legacy_version;
	/* as they came, read by the parser itself */
	const char *connection, *content_length, *transfer_encoding, *expect;
};

/**
 * http1_parse() - read a head.
 * @buf: what came so far, @len bytes; on HTTP1_OK it was cut into strings in place
 * @ret_why: on HTTP1_BAD, what is wrong, a constant
 */
enum http1_result http1_parse(char *buf, size_t len, struct http1_head *ret, const char **ret_why);

/* Where a chunked body (RFC 9112, 7.1) is being read; all zero at its beginning. */
struct http1_chunks {
	int state;
	uint64_t left;
	unsigned digits, extra;
};

/**
 * http1_chunks() - decode a piece.
 * @out: gets what it carries, never more than @max bytes in all
 * @ret_used: how much of @data was read; after HTTP1_OK the rest belongs to the next request
 *
 * Return: HTTP1_MORE until the last chunk's end.
 */
enum http1_result http1_chunks(struct http1_chunks *c, const char *data, size_t len, GString *out, size_t max, size_t *ret_used,
			       const char **ret_why);

/**
 * http1_unescape() - %41 becomes A, in place.
 * @plus: '+' is a blank, as in a query
 * @strict: a broken escape is refused; otherwise it stays as it is
 *
 * Return: false for a broken escape and for a NUL.
 */
bool http1_unescape(char *s, bool plus, bool strict);

#endif

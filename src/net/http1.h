/* SPDX-License-Identifier: Apache-2.0
 *
 * http1: heads of HTTP/1.1 requests and the framing of their bodies, pure: bytes in, meaning out.
 *
 * Strict where RFC 9110 and 9112 let a recipient be strict. What a proxy in front may read otherwise than this parser is how requests
 * are smuggled past it, so that is refused, never repaired: a bare LF or CR, a folded line, NUL and other controls, a blank before the
 * colon, an empty name, more than one Content-Length or one that is not digits alone, Content-Length beside Transfer-Encoding, a coding
 * other than "chunked", a Host that is missing, double or no host, a version other than 1.x.
 */
#ifndef NET_HTTP1_H
#define NET_HTTP1_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP1_LINE_MAX 12288   /* a line of the head, without its end; 256 arguments of 40 letters fit in */
#define HTTP1_HEAD_MAX 16384
#define HTTP1_FIELDS_MAX 100
#define HTTP1_METHOD_MAX 32
#define HTTP1_EMPTY_MAX 4      /* empty lines before a request (RFC 9112, 2.2) */
#define HTTP1_HOST_MAX 261     /* a name of DNS and a port */
#define HTTP1_EXTENSIONS_MAX 1024 /* bytes of the chunk extensions of one body */
#define HTTP1_TRAILERS_MAX 4096

enum http1_result { HTTP1_MORE, HTTP1_WHOLE, HTTP1_BAD };

struct http1_field {
	const char *name, *value; /* the value without blanks around it */
};

/* The strings lie in the bytes that were parsed, each ended by a NUL. */
struct http1_head {
	const char *method;
	const char *path;          /* as sent, escapes and all; "*" of OPTIONS alone */
	const char *query;         /* behind '?'; NULL: none */
	const char *authority;     /* Host, or that of an absolute target, which counts more (RFC 9112, 3.2.2); NULL with HTTP/1.0 at most */
	int minor;                 /* HTTP/1.minor */
	bool keep_alive;           /* the client would send another request */
	bool expects_continue;
	bool chunked;
	int64_t length;            /* Content-Length; -1: none; INT64_MAX: more than fits */
	unsigned n_fields;
	struct http1_field fields[HTTP1_FIELDS_MAX];
	size_t size;               /* bytes of the head */
	/* HTTP1_BAD: what to answer */
	int status;
	const char *why;
};

/**
 * http1_parse() - the head that @data begins with.
 * @data: changed only if the head is whole: NULs end its strings
 *
 * Return: HTTP1_MORE while it is a good begin; HTTP1_BAD as soon as nothing that follows can make it good, with status and why. It holds no
 * state: for one byte more it reads all of them. A caller that calls it when a line has ended, or HTTP1_LINE_MAX is passed, does so
 * HTTP1_FIELDS_MAX times or so at most.
 */
enum http1_result http1_parse(char *data, size_t len, struct http1_head *ret);

/** http1_reason() - "Bad Request", for the statuses that a server itself gives. */
const char *http1_reason(int status);

/* ---- bodies ---- */

enum http1_place { HTTP1_SIZE, HTTP1_EXTENSION, HTTP1_SIZE_LF, HTTP1_DATA, HTTP1_DATA_CR, HTTP1_DATA_LF, HTTP1_TRAILER, HTTP1_TRAILER_LF, HTTP1_END };

/* How far a body was read. */
struct http1_body {
	bool chunked;
	enum http1_place place;
	int64_t left;              /* of the body, or of the chunk */
	unsigned digits;           /* of the chunk's size */
	unsigned extensions, trailers, line; /* bytes so far; of the trailers' line */
	bool named;                /* the line has its colon */
};

/** http1_body_begin() - the body that follows a head. One without a body is at its end. */
void http1_body_begin(struct http1_body *b, const struct http1_head *h);

/**
 * http1_body_next() - take the next piece from @data.
 * @ret_used: bytes of @data that are done with
 * @ret_piece, @ret_len: what of them is content, in @data; 0 bytes where they are framing
 *
 * Return: false if the framing is broken. All of @data is taken in several calls, but for what follows the end.
 */
bool http1_body_next(struct http1_body *b, const char *data, size_t len, size_t *ret_used, const char **ret_piece, size_t *ret_len);

static inline bool http1_body_ended(const struct http1_body *b)
{
	return b->place == HTTP1_END;
}

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * exchange: one HTTP request and its answer at a time, over a connection that is kept for the next one.
 *
 * It knows nothing of clouds but how to trust and to be trusted. Answers are not trusted: their size is bounded, and
 * redirections are not followed (they would carry the token elsewhere).
 */
#ifndef EXCHANGE_H
#define EXCHANGE_H

#include <stdbool.h>

#include <glib.h>

#include "cloud.h"

#define EXCHANGE_BODY_MAX (64 * 1024 * 1024)

struct exchange;

/* An answer that comes piece by piece. */
struct exchange_stream {
	const char *last_id;   /* Last-Event-ID; NULL: none */
	bool (*bytes)(const char *bytes, size_t len, void *user); /* false ends it */
	void *user;
};

struct exchange_query {
	const char *method;
	const char *url;
	const char *body;      /* JSON; NULL: none */
	int mv;                /* the minor microversion; 0: no header of it */
	const char *token;     /* NULL: none */
	const struct exchange_stream *stream; /* the answer goes there; NULL */
};

struct exchange_answer {
	long status;
	GString *body;         /* the caller's, empty at first */
};

/* Called at least once a second while a request runs; true gives the request up with CLI_INTERRUPTED. */
typedef bool exchange_interrupt_f(void *user);

/**
 * exchange_new() - @cloud: borrowed, for its certificates
 * @debug: each request and its id to stderr
 * @timeout_s: for one request; 0: the default
 */
struct exchange *exchange_new(const struct cloud *cloud, bool debug, int timeout_s);
void exchange_free(struct exchange *x);
/** exchange_on_interrupt() - what may give a running request up; NULL for nothing. */
void exchange_on_interrupt(struct exchange *x, exchange_interrupt_f *fn, void *user);

/** exchange_run() - @a gets the answer, whatever its status. Return: false if there was none: CLI_NET, CLI_INTERRUPTED or CLI_FAILED. */
bool exchange_run(struct exchange *x, const struct exchange_query *q, struct exchange_answer *a, GError **err);
/** exchange_refused() - CLI_HTTP from an answer that is no success. */
void exchange_refused(const struct exchange *x, const struct exchange_query *q, const struct exchange_answer *a, GError **err);
/** exchange_header() - of the last answer. Return: owned by the caller; NULL: it has none, or an endless one. */
char *exchange_header(const struct exchange *x, const char *name);
/** exchange_request_id() - the id that the server gave the last request; NULL if it gave none. Borrowed until the next. */
const char *exchange_request_id(const struct exchange *x);

/** exchange_connect() - as client_connect(). */
void *exchange_connect(const struct cloud *cloud, const char *url, int *ret_fd, GError **err);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * client: a session with a cloud's Compute API over libcurl.
 *
 * Theory of operation: the session authenticates when it is made and takes
 * Compute's address from the token's catalogue. The first call asks the address
 * for its microversions. Each call then states the range that its caller
 * understands and runs at the highest version that the server, the caller and
 * the user (--os-compute-api-version) allow. A 401 gets one new token and one
 * repetition: the server did not carry the first request out. A token is kept for
 * the next run (cache.h) until it expires.
 *
 * Answers are not trusted: their size is bounded, redirections are not followed
 * (they would carry the token elsewhere), and text for people is escaped.
 */
#ifndef CLIENT_H
#define CLIENT_H

#include <stdbool.h>

#include <glib.h>
#include <jansson.h>

#include "cloud.h"

#define CLIENT_PAGES_MAX 10000
#define CLIENT_ROWS_MAX 200000

struct client_settings {
	const char *version;  /* --os-compute-api-version; NULL: what the cloud says, else the highest */
	int timeout_s;        /* for one request; 0: the default */
	bool debug;           /* each request and its id to stderr */
};

struct client_call {
	const char *method;
	const char *path;     /* below Compute's address, escaped: "/servers/4d..." */
	json_t *body;         /* borrowed; NULL: none */
	int mv_min, mv_max;   /* minor microversions that the caller understands */
	const char *drovers;  /* instead of them: what only Drover has, "prechecks", at a path below the server's root */
	const char *list;     /* of the answer, for the next; NULL */
	const char *const *members; /* the members of its rows that are needed, ended by NULL; NULL: all */
	json_t **fault;       /* gets the body of an answer that is no success, owned by the caller; may be NULL */
};

/* Called at least once a second while a request runs; true gives the request up with CLI_INTERRUPTED. */
typedef bool client_interrupt_f(void *user);

/* Gets a row of a list, borrowed; false ends the list. */
typedef bool client_row_f(json_t *row, void *user);

struct client_list {
	const char *path;     /* "/servers/detail" */
	const char *query;    /* "a=b&c=d", escaped; NULL: none */
	const char *name;     /* the array's member, and NAME_links: "servers" */
	const char *marker;   /* the member of a row that the next page starts after; NULL: not paged */
	int mv_min, mv_max;
	const char *const *members; /* of a row that are needed, the marker too, ended by NULL; NULL: all */
};

/**
 * client_new() - authenticate and find Compute.
 * @cloud: taken
 *
 * Return: owned by the caller; NULL with CLI_FAILED, CLI_NET, or Identity's own fault (CLI_HTTP).
 */
struct client *client_new(struct cloud *cloud, const struct client_settings *s, GError **err);
void client_free(struct client *c);

/** client_on_interrupt() - what may give a running request up; NULL for nothing. */
void client_on_interrupt(struct client *c, client_interrupt_f *fn, void *user);

/** client_is_admin() - true if the token's roles have "admin". */
bool client_is_admin(const struct client *c);

/**
 * client_version() - the microversion at which a call for this range would run.
 *
 * Return: the minor number; -1 with @err if there is none.
 */
int client_version(struct client *c, int mv_min, int mv_max, GError **err);

/**
 * client_call() - one request and its answer.
 * @ret_body: the answer, owned by the caller, NULL for one without a body; may be NULL
 *
 * Return: true for 2xx. Otherwise CLI_HTTP with the server's message, CLI_NET, CLI_INTERRUPTED or CLI_FAILED.
 */
bool client_call(struct client *c, const struct client_call *q, json_t **ret_body, GError **err);

/** client_no_drover() - an error of a call to Drover's own API says that the server has none. */
bool client_no_drover(const GError *err);

/* Gets bytes of an answer as they come; false ends it. */
typedef bool client_bytes_f(const char *bytes, size_t len, void *user);

struct client_stream {
	const char *path;     /* below the server's root, escaped: "/drover/v1/events" */
	const char *drovers;  /* what only Drover has there: "events" */
	const char *last_id;  /* Last-Event-ID; NULL: none */
	client_bytes_f *bytes;
	void *user;
};

/**
 * client_stream() - GET an answer that comes piece by piece, of Drover's own API beside Compute.
 *
 * Return: true when it was ended, by the server or by bytes(). Otherwise as client_call(); CLI_NET also when it stood still.
 */
bool client_stream(struct client *c, const struct client_stream *q, GError **err);

/**
 * client_connect() - a connection of its own, with the cloud's certificates, for whatever protocol its user speaks.
 * @url: wss:// and https:// are TLS, any other scheme is not
 * @ret_fd: to wait for; curl_easy_send() and curl_easy_recv() are for bytes
 *
 * Return: for curl_easy_cleanup(); NULL with CLI_NET.
 */
void *client_connect(struct client *c, const char *url, int *ret_fd, GError **err);

/** client_each() - a list's rows over all its pages. */
bool client_each(struct client *c, const struct client_list *l, client_row_f *fn, void *user, GError **err);

/** client_rows() - a list's rows as one array. Return: owned by the caller; NULL with @err. */
json_t *client_rows(struct client *c, const struct client_list *l, GError **err);

/** client_request_id() - the id that the server gave the last request; NULL if it gave none. Borrowed until the next. */
const char *client_request_id(const struct client *c);

/** client_query() - append "name=value", escaped, to a query; a NULL value appends nothing. */
void client_query(GString *query, const char *name, const char *value);

/** client_path() - a path of segments, each escaped, ended by NULL. Return: owned by the caller. */
char *client_path(const char *first, ...) G_GNUC_NULL_TERMINATED;

#endif

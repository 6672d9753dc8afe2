/* SPDX-License-Identifier: Apache-2.0
 *
 * handler: a request and its answer, as the handlers see them.
 *
 *	http -> route (table, token, policy, microversion) -> handler -> api_reply_*()
 *
 * A handler gets a request whose token, policy and microversion were checked,
 * and answers it exactly once, now or later (a password is verified on a worker;
 * a migration's prechecks ask hosts). The request lives until it was answered;
 * if its client has gone, the answer is dropped silently.
 *
 * Everything here belongs to the loop thread.
 */
#ifndef HANDLER_H
#define HANDLER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <glib.h>

#include "base/conf.h"
#include "base/err.h"
#include "base/json.h"
#include "fleet/fleet.h"
#include "identity/identity.h"
#include "task/engine.h"

#define API_MV_MIN 1
#define API_MV_MAX 96
#define API_PARAMS_MAX 4

struct api; /* what handlers reach: see the accessors */
struct api_req {
	struct api *api;
	const char *method;            /* "GET" */
	const char *path;              /* without the query, decoded, without a trailing slash */
	char *param[API_PARAMS_MAX];   /* what the {braces} of the route matched */
	GPtrArray *query;              /* struct api_pair *, decoded, in order */
	const char *body;              /* NULL without one */
	size_t body_len;
	int mv;                        /* minor microversion of compute; API_MV_MIN elsewhere */
	const struct auth *auth;       /* NULL on public routes without a token */
	char request_id[48];           /* "req-<uuid>" */
	const char *base_url;          /* "http://127.0.0.1:8774" as the client reached us */
	const char *peer;              /* address of the client, or of a proxy before it; NULL: not known */
	const char *subject_token;     /* X-Subject-Token, or NULL */
	const char *raw_token;         /* X-Auth-Token, or NULL */
	const char *last_event_id;     /* Last-Event-ID, or NULL */
	struct api_reply *reply;       /* private to route.c and http.c */
};

struct api_pair {
	char *name, *value;
};

typedef void api_handler_f(struct api_req *r);

/* What a body may have. The row of its route or action has it; api_decode() reads by it, docs/API.md is written from it. */
struct api_body {
	const char *member;            /* {"host": {its fields}}; NULL: they are the body's own */
	const struct json_field *fields;
	size_t n;
	bool nullable;                 /* the member may be null: then no field is given */
};

/* @value: of the member that names the action, borrowed */
typedef void api_action_f(struct api_req *r, const json_t *value);

/* @value: of the member that names the kind's action, borrowed */
typedef void api_task_f(struct api_req *r, const struct task_kind *k, const struct task_action *a, const json_t *value);

/* One of several acts that a route has: its name is the one member of the body. */
struct api_action {
	const char *name;              /* "os-migrateLive" */
	const char *rule;              /* as a route's; looked at after the body was read */
	api_action_f *handle;
	int since, until;              /* microversions; outside it is no action */
	const struct api_body *body;   /* of @value; NULL: the handler looks itself */
};

struct route {
	const char *method;
	const char *path;              /* "/v2.1/servers/{id}/action" */
	const char *rule;              /* of policy.c, "os_compute_api:os-services:list"; NULL: that of the action */
	api_handler_f *handle;         /* NULL: that of the action */
	int since, until;              /* microversions; outside 404 */
	const struct api_body *body;   /* NULL: it has none, or one that the handler reads itself */
	const struct api_action *actions;
	size_t n_actions;
	api_task_f *task;              /* the actions of kinds of tasks are its actions too, and this handles them; NULL: they are not */
};

/** api_wanted() - false once the client has gone: nothing that is done for it matters. */
bool api_wanted(const struct api_req *r);

/** api_task_status() - of the answer when a request for a kind's action was accepted, as its row says. */
int api_task_status(const struct api_req *r);

/** api_about() - for the audit log: what the path does not say, such as an action's name or the id of what was made. Copied, 128 bytes of it. */
void api_about(struct api_req *r, const char *what);

/* ---- a body ---- */

/** api_body() - parse the body. Return: owned; NULL with ERR_BAD_REQUEST. */
json_t *api_body(struct api_req *r, GError **err);

/**
 * api_decode() - parse the body, and read it by the row's table.
 * @obj: zeroed, or with what holds for fields that are not given
 *
 * Strings are copied (json_free()). ERR_BAD_REQUEST for what is no JSON, or not as the table has it.
 */
bool api_decode(struct api_req *r, void *obj, GError **err);
/** api_decode_action() - the same of an action's value. */
bool api_decode_action(struct api_req *r, const json_t *value, void *obj, GError **err);

/* ---- the query ---- */

/** api_query() - the first value of a name; NULL if it is not there. */
const char *api_query(const struct api_req *r, const char *name);
/** api_query_bool() - 1, true, yes, on / 0, false, no, off as oslo.utils reads them. ERR_BAD_REQUEST for other words. */
bool api_query_bool(const struct api_req *r, const char *name, bool absent, bool *ret, GError **err);

struct api_page {
	int limit;           /* never over [api] max_limit */
	const char *marker;  /* NULL: from the beginning */
};
/** api_page() - limit and marker. ERR_BAD_REQUEST for what is no such number. */
bool api_page(const struct api_req *r, struct api_page *ret, GError **err);

/** api_next_link() - write "NAME_links": [{"rel": "next", "href": ...}] of a full page, the query kept but its marker. */
void api_next_link(struct jout *o, const struct api_req *r, const char *name, const char *marker);

/* ---- the answer: exactly one of these, exactly once ---- */

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

struct exchange;

/* Embedded in what its maker knows of it. */
struct api_stream {
	/* Put up to @max bytes into @buf. Return: how many; 0: none now, api_stream_wake() says when there are; -1: that was all. */
	ssize_t (*read)(struct api_stream *s, char *buf, size_t max);
	/* It is over: the client is gone or too slow, the end was sent, or the daemon stops. Frees it. */
	void (*closed)(struct api_stream *s);
	struct exchange *exchange; /* of http.c; NULL before the answer began */
};

/** api_reply_stream() - 200, and a body that comes piece by piece. @type: its Content-Type. @s: taken, closed() gives it back */
void api_reply_stream(struct api_req *r, const char *type, struct api_stream *s);
/** api_stream_wake() - read() has something, or -1. Not from inside read(). */
void api_stream_wake(struct api_stream *s);
/** api_stream_left() - true if its client has closed its side, which the next write would reveal. */
bool api_stream_left(const struct api_stream *s);

/* ---- what handlers reach ---- */

struct engine *api_engine(const struct api_req *r);
struct fleet *api_fleet(const struct api_req *r);
struct store *api_store(const struct api_req *r);
const struct conf *api_conf(const struct api_req *r);
struct identity *api_identity(const struct api_req *r);

/** api_requester() - the requester, as the engine wants it; borrows from the request. */
struct requester api_requester(const struct api_req *r);

/* A file of handlers has one; api.c lists them. */
struct route_table {
	const struct route *routes;
	size_t n;
};

#endif

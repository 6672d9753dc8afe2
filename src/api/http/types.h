/* SPDX-License-Identifier: Apache-2.0
 *
 * types: a request, the rows of the tables that lead it to its handler, and a stream that answers it.
 */
#ifndef TYPES_H
#define TYPES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <glib.h>

#include "base/json.h"
#include "task/kind.h"

#define API_MV_MIN 1
#define API_MV_MAX 96
#define API_PARAMS_MAX 4

struct api; /* what handlers reach: see the accessors */
struct auth;
struct net_conn;

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
	bool same_origin;              /* a browser sent it, from a page of ours (session.h) */
	bool by_cookie;                /* raw_token is from its cookie */
	bool takes_gzip;               /* its answer may be compressed */
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

/* An answer without an end, embedded in what its maker knows of it. */
struct api_stream {
	/* Put up to @max bytes into @buf. Return: how many; 0: none now, api_stream_wake() says when there are; -1: that was all. */
	ssize_t (*read)(struct api_stream *s, char *buf, size_t max);
	/* It is over: the client is gone or too slow, the end was sent, or the daemon stops. Frees it. */
	void (*closed)(struct api_stream *s);
	struct net_conn *conn; /* that it goes out on; NULL before the answer began */
};

/* A file of handlers has one; api.c lists them. */
struct route_table {
	const struct route *routes;
	size_t n;
};

#endif

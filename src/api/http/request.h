/* SPDX-License-Identifier: Apache-2.0
 *
 * request: what lies between the socket and the handlers; for api/http/, tests and fuzzers.
 *
 *	api_req_new(head) -> api_req_body()* -> api_dispatch() -> handler -> api_reply_*() -> answered()
 *
 * http.c feeds it from sockets, tests and fuzzers feed it directly.
 */
#ifndef REQUEST_H
#define REQUEST_H

#include "api/http/handler.h"
#include "api/http/policy.h"
#include "base/metric.h"

enum api_service { SERVICE_ROOT, SERVICE_COMPUTE, SERVICE_IDENTITY, SERVICE_IMAGE, SERVICE_NETWORK, SERVICE_DROVER, SERVICE_N };

struct router;

/** api_methods - those that a route may have; others are counted as the last one, "OTHER". */
#define API_METHODS_N 8
extern const char *const api_methods[API_METHODS_N];

/* Requests that were answered: by method, and by the first digit of the status. */
struct api_stats {
	uint64_t requests[API_METHODS_N][6];
	struct metric_hist seconds; /* from the head to the answer, or to the begin of a stream */
};

/* What api_new() collects; a part that no called handler asks for may be NULL. */
struct api {
	struct engine *engine;
	struct fleet *fleet;
	struct store *store;
	const struct conf *conf;
	const struct task_kind *const *kinds; /* whose actions the API has, NULL-terminated; NULL: none */
	struct identity *identity;
	struct router *router;
	struct http *http;
	struct watches *watches;
	struct metrics *metrics;
	struct api_stats stats;
};

/* A request's line and headers as they came, escapes and all. Lent. */
struct api_head {
	const char *method;
	const char *path;            /* without the query */
	const char *query;           /* what stands behind '?'; NULL: none */
	const char *base_url;
	const char *peer;            /* "192.0.2.1"; NULL: not known */
	const char *token, *subject_token;
	const char *last_event_id;   /* Last-Event-ID */
	const char *version;         /* OpenStack-API-Version */
	const char *legacy_version;  /* X-OpenStack-Nova-API-Version */
};

/*
 * The request was answered: r->reply says how. Owns the request from here on
 * (api_req_free); on the loop thread, perhaps before api_dispatch() returns.
 */
typedef void api_answered_f(struct api_req *r, void *user);

struct api_reply {
	int status;                  /* 0: not answered yet */
	int64_t began_us;
	GString *body;               /* NULL: none */
	struct api_stream *stream;   /* instead of a body; NULL: none */
	GString *headers;            /* "Name: value\r\n" ..., beside those of every answer; NULL: none */
	enum api_service service;
	api_answered_f *answered;    /* NULL: it is no longer wanted */
	void *user;
	char *path_buf;              /* what path and param point into */
	GString *body_in;
	struct auth *auth_own;
	GError *bad;                 /* what was wrong with the head */
	const struct route *admitted; /* by api_admit(); NULL: not yet */
	const struct api_action *action; /* which of its actions it is */
	const struct task_kind *kind;    /* ... it is one of this kind's; NULL: of the route's own */
	const struct task_action *task;
	struct api_action of_kind;       /* ... as the route's are */
	struct api_body of_kind_body;
	/* for the audit log (audit.h) */
	const char *route;           /* its path, with braces; NULL: none */
	char *about;
	char *login_user_id, *login_user, *login_project; /* of a login: the user as asked for, or as the token has it */
};

/** api_new_parts() - an API of these parts; copied, the router made from @tables is its own. */
struct api *api_new_parts(const struct api *parts, const struct route_table *const *tables, size_t n);
void api_free_parts(struct api *a);

/** api_req_new() - begin a request. Return: never NULL; what is wrong with the head comes out of api_dispatch(). */
struct api_req *api_req_new(struct api *a, const struct api_head *h, api_answered_f *answered, void *user);
/** api_req_body() - append to its body; the caller bounds it. */
void api_req_body(struct api_req *r, const void *data, size_t len);
void api_req_free(struct api_req *r);
/** api_req_abandon() - its client is gone: whatever the answer will be, drop it. */
void api_req_abandon(struct api_req *r);

/** api_login() - for the audit log: it is a login, of this user. Copied. */
void api_login(struct api_req *r, const char *user_id, const char *user_name, const char *project_id);

/**
 * api_admit() - find the route, check version, token and policy, from the head alone.
 *
 * Return: false after it was refused. A body that is still to come need not be read then.
 */
bool api_admit(struct api_req *r);
/** api_dispatch() - the request is whole: api_admit(), if that was not done, and call the handler. It is answered now or later. */
void api_dispatch(struct api_req *r);

/** api_service_of() - which API a path belongs to. */
enum api_service api_service_of(const char *path);

/** api_status_text() - "Not Found". */
const char *api_status_text(int status);

/** api_refusal() - the body of an answer that was given before it was known which service was asked. Return: owned. */
GString *api_refusal(int status, const char *message);

/** api_write_fault() - the body of an error in the words of that service. */
void api_write_fault(GString *s, enum api_service service, const GError *err);

/* ---- microversions ---- */

/**
 * version_negotiate() - the minor version of compute a request asks for.
 * @standard, @legacy: values of OpenStack-API-Version and X-OpenStack-Nova-API-Version, or NULL
 *
 * Return: false with ERR_BAD_REQUEST or ERR_NOT_ACCEPTABLE in Nova's words.
 */
bool version_negotiate(const char *standard, const char *legacy, int *ret_mv, GError **err);

/* ---- routes ---- */

#define ROUTE_SEGMENTS_MAX 12

extern const struct route_table versions_routes, metrics_routes;

/* Where a path led. */
struct route_match {
	const struct route *route;   /* NULL: none */
	const struct policy *policy; /* of its rule; NULL: it has none, its actions have */
	bool path_known;             /* the path has routes, for other methods or microversions */
	bool method_known;           /* this method too, for another microversion */
	char *param[API_PARAMS_MAX];
};

/** router_new() - compile tables into a tree. A route that is there twice is our mistake and aborts. */
struct router *router_new(const struct route_table *const *tables, size_t n);
void router_free(struct router *rt);

/**
 * router_find() - find a route; literal segments win over {braces}, HEAD takes GET's.
 * @path: split in place; ret->param points into it
 */
void router_find(const struct router *rt, const char *method, char *path, int mv, struct route_match *ret);

/** router_methods() - "GET, POST" of a path, for Allow. Return: owned by the caller. */
char *router_methods(const struct router *rt, const char *path);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * inner: what lies between the socket and the handlers; for api/http/, tests and fuzzers.
 */
#ifndef INNER_H
#define INNER_H

#include "api/http/types.h"
#include "base/metric.h"
#include "identity/auth.h"

enum api_service { SERVICE_ROOT, SERVICE_COMPUTE, SERVICE_IDENTITY, SERVICE_IMAGE, SERVICE_NETWORK, SERVICE_BAREMETAL, SERVICE_DROVER, SERVICE_N };

struct checks;
struct conf;
struct consoles;
struct fences;
struct fleet;
struct ha;
struct identity;
struct plans;
struct router;
struct store;

/* Those that a route may have; others are counted as the last one, "OTHER". */
#define API_METHODS_N 8

/* Requests that were answered: by method, and by the first digit of the status. */
struct api_stats {
	uint64_t requests[API_METHODS_N][6];
	struct metric_hist seconds; /* from the head to the answer, or to the begin of a stream */
};

/* What api_new() collects; a part that no called handler asks for may be NULL. */
struct api {
	struct engine *engine;
	struct fences *fences;
	struct checks *checks;
	const struct ha *ha;         /* ha/ha.h; NULL: nothing is evacuated without a person */
	struct consoles *consoles;   /* console/console.h; NULL: there are none */
	struct plans *plans;         /* plan/plans.h; NULL: there are none */
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
	/* what browsers say */
	const char *cookie, *origin, *fetch_site, *content_type, *accept_encoding;
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

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "api/http/reply.h"

#include <string.h>

#include "api/http/fault.h"
#include "api/http/incoming.h"
#include "api/http/inner.h"
#include "api/http/policy.h"
#include "api/http/request.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/often.h"
#include "identity/audit.h"
#include "net/conn.h"

static void count(const struct api_req *r)
{
	struct api_stats *s = &r->api->stats;
	size_t method = 0;

	while (strcmp(api_methods[method], r->method) != 0)
		method++;
	s->requests[method][r->reply->status / 100]++;
	metric_observe(&s->seconds, (double)(clock_now_us() - r->reply->began_us) / 1e6);
}

/* A stranger's request changes nothing, and could fill the log: it is in no audit, but for a login. */
static void audit(const struct api_req *r)
{
	const struct api_reply *p = r->reply;
	bool reads = strcmp(r->method, "GET") == 0 || strcmp(r->method, "HEAD") == 0 || strcmp(r->method, "OPTIONS") == 0;
	struct audit_entry e = {
		.request_id = r->request_id, .address = r->peer, .user_id = p->login_user_id, .user_name = p->login_user, .project_id = p->login_project,
		.method = r->method, .route = p->route, .path = r->path, .about = p->about, .status = p->status,
	};

	if (reads || (!r->auth && !p->login_user))
		return;
	if (!p->login_user) {
		e.user_id = r->auth->user_id;
		e.user_name = r->auth->user_name;
		e.project_id = r->auth->project_id;
	}
	audit_write(&e);
}

static void answer(struct api_req *r, int status, GString *body)
{
	g_assert(r->reply->status == 0);
	r->reply->status = status;
	r->reply->body = body;
	count(r);
	audit(r);
	if (r->reply->answered)
		r->reply->answered(r, r->reply->user);
	else
		api_req_free(r);
}

void api_reply_json(struct api_req *r, int status, GString *body)
{
	answer(r, status, body);
}

void api_reply_empty(struct api_req *r, int status)
{
	answer(r, status, NULL);
}

void api_reply_stream(struct api_req *r, const char *type, struct api_stream *s)
{
	r->reply->stream = s;
	api_header(r, "Content-Type", type);
	/* Proxies must neither keep it nor wait for its end. */
	api_header(r, "Cache-Control", "no-store");
	api_header(r, "X-Accel-Buffering", "no");
	answer(r, 200, NULL);
}

void api_stream_wake(struct api_stream *s)
{
	if (s->conn)
		net_wake(s->conn);
}

bool api_stream_left(const struct api_stream *s)
{
	return s->conn && net_left(s->conn);
}

void api_header(struct api_req *r, const char *name, const char *value)
{
	if (!r->reply->headers)
		r->reply->headers = g_string_new(NULL);
	/* A value may hold what a client sent; it must not be able to end the line. */
	if (strpbrk(value, "\r\n"))
		return;
	g_string_append_printf(r->reply->headers, "%s: %s\r\n", name, value);
}

static void tell_failed(const struct api_req *r, const GError *err)
{
	static struct often often[ERR_N];
	uint64_t held;

	if (often_tell(&often[err_code(err)], &held))
		log_warning("request_failed", LOG_S("request_id", r->request_id), LOG_S("address", r->peer), LOG_S("method", r->method),
			    LOG_S("path", r->path), LOG_S("kind", err_name(err_code(err))), LOG_S("why", err->message), LOG_D("held", (int64_t)held));
}

void api_fail(struct api_req *r, GError *err)
{
	GString *s = g_string_new(NULL);
	int status = err_http(err);
	/* D28: what the database or a host says of itself is for administrators; it stands in the log under the request's id. */
	const GError hidden = { err->domain, err->code, (char *)"The request failed; the log of the service says why." };

	if (status == 401) {
		g_autofree char *where = g_strdup_printf("Keystone uri=\"%s/identity\"", r->base_url);

		api_header(r, "WWW-Authenticate", where);
	}
	if (status >= 500 && status != 501 && api_wanted(r)) /* what is not there did not fail */
		tell_failed(r, err);
	api_write_fault(s, r->reply->service, status == 500 && !(r->auth && r->auth->admin) ? &hidden : err);
	g_error_free(err);
	api_reply_json(r, status, s);
}

void api_fail_new(struct api_req *r, enum err_code code, const char *fmt, ...)
{
	va_list ap;
	GError *err;

	va_start(ap, fmt);
	err = g_error_new_valist(ERR, (int)code, fmt, ap);
	va_end(ap);
	api_fail(r, err);
}

void api_forbid(struct api_req *r, const char *rule)
{
	if (r->reply->service == SERVICE_IDENTITY)
		api_fail_new(r, ERR_FORBIDDEN, "You are not authorized to perform the requested action: %s.", rule);
	else if (r->reply->service == SERVICE_DROVER)
		api_fail_new(r, ERR_FORBIDDEN, "Policy doesn't allow this to be performed: it needs the role %s.",
			     policy_access_name(policy_find(rule)->access));
	else
		api_fail_new(r, ERR_FORBIDDEN, "Policy doesn't allow %s to be performed.", rule);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "api_call.h"

#include <string.h>

#include "api/http/route.h"
#include "identity/tokens.h"

struct auth *identity_check(struct identity *id, const char *token, GError **err)
{
	struct auth *a = g_new0(struct auth, 1);

	(void)id, (void)err;
	a->role = g_str_equal(token, "admin") ? ROLE_ADMIN : ROLE_MEMBER;
	a->admin = a->role == ROLE_ADMIN;
	a->user_id = g_strdup(token);
	a->project_id = g_strdup("admin");
	return a;
}

static void answered(struct api_req *r, void *user)
{
	struct api_answer *a = user;

	a->status = r->reply->status;
	a->body = g_strdup(r->reply->body ? r->reply->body->str : "");
	api_req_free(r);
}

void api_ask(struct api *api, const char *token, const char *method, const char *target, const char *body, struct api_answer *ret)
{
	g_auto(GStrv) parts = g_strsplit(target, "?", 2);
	struct api_head head = { .method = method, .path = parts[0], .query = parts[1], .base_url = "http://controller", .token = token, .version = "compute 2.90" };
	struct api_req *q;

	*ret = (struct api_answer){ .status = 0 };
	q = api_req_new(api, &head, answered, ret);
	if (body)
		api_req_body(q, body, strlen(body));
	api_dispatch(q);
}

static bool is_answered(struct run *r, void *user)
{
	(void)r;
	return ((const struct api_answer *)user)->status;
}

void api_wait(struct run *r, struct api_answer *a)
{
	g_assert_true(run_until(r, API_CALL_MS, is_answered, a));
}

char *api_call(struct run *r, struct api *api, const char *token, const char *method, const char *target, const char *body, int status, const char *text)
{
	struct api_answer a;

	api_ask(api, token, method, target, body, &a);
	api_wait(r, &a);
	if (a.status != status || (text && !strstr(a.body, text)))
		g_error("%s %s %s: %d %s", method, target, body ? body : "", a.status, a.body);
	return a.body;
}

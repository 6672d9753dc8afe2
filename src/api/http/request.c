/* SPDX-License-Identifier: Apache-2.0 */
#include "api/http/request.h"

#include <string.h>

#include "api/http/inner.h"
#include "base/loop.h"
#include "base/util.h"

#define ABOUT_MAX 128
#define LONG_BODY 16384 /* bytes: what is read in less than a ms */

bool api_wanted(const struct api_req *r)
{
	return r->reply->answered != NULL;
}

int api_task_status(const struct api_req *r)
{
	const struct task_action *a = r->reply->task;

	return a && a->status ? a->status : 202;
}

/* ---- for the audit log ---- */

void api_about(struct api_req *r, const char *what)
{
	g_free(r->reply->about);
	r->reply->about = util_line(what, ABOUT_MAX);
}

void api_login(struct api_req *r, const char *user_id, const char *user_name, const char *project_id)
{
	util_replace(&r->reply->login_user_id, user_id);
	g_free(r->reply->login_user);
	r->reply->login_user = util_line(user_name, ABOUT_MAX);
	util_replace(&r->reply->login_project, project_id);
}

/* ---- what handlers reach ---- */

struct checks *api_checks(const struct api_req *r)
{
	return r->api->checks;
}

struct consoles *api_consoles(const struct api_req *r)
{
	return r->api->consoles;
}

struct fences *api_fences(const struct api_req *r)
{
	return r->api->fences;
}

struct engine *api_engine(const struct api_req *r)
{
	return r->api->engine;
}

struct plans *api_plans(const struct api_req *r)
{
	return r->api->plans;
}

struct fleet *api_fleet(const struct api_req *r)
{
	return r->api->fleet;
}

struct store *api_store(const struct api_req *r)
{
	return r->api->store;
}

const struct conf *api_conf(const struct api_req *r)
{
	return r->api->conf;
}

struct identity *api_identity(const struct api_req *r)
{
	return r->api->identity;
}

struct requester api_requester(const struct api_req *r)
{
	return (struct requester){
		.user_id = r->auth ? r->auth->user_id : NULL,
		.project_id = r->auth ? r->auth->project_id : NULL,
		.request_id = r->request_id,
		.admin = r->auth && r->auth->admin,
	};
}

/* ---- the body ---- */

json_t *api_parse_body(struct api_req *r, GError **err)
{
	json_t *root;

	if (!r->body_len) {
		g_set_error(err, ERR, ERR_BAD_REQUEST, "Malformed request body: the body is empty");
		return NULL;
	}
	root = json_parse(r->body, r->body_len, err);
	if (!root)
		g_prefix_error(err, "Malformed request body: ");
	return root;
}

static const struct api_body *body_of(const struct api_req *r)
{
	return r->reply->action ? r->reply->action->body : r->reply->admitted->body;
}

struct decoding {
	const struct api_body *body;
	int mv;
	void *obj;
};

static bool take_member(const json_t *v, void *obj, const char *where, GError **err)
{
	const struct decoding *d = obj;

	return json_decode(v, d->body->fields, d->body->n, d->mv, where, d->obj, err);
}

static bool read_body(const struct api_body *b, int mv, const json_t *v, const char *where, void *obj, GError **err)
{
	const struct json_field member = { b->member, JSON_EMIT, .take = take_member, .required = true, .nullable = b->nullable };

	if (b->member)
		return json_decode(v, &member, 1, mv, where, &(struct decoding){ b, mv, obj }, err);
	return json_decode(v, b->fields, b->n, mv, where, obj, err);
}

bool api_decode(struct api_req *r, void *obj, GError **err)
{
	g_autoptr(json_t) root = api_parse_body(r, err);

	return root && read_body(body_of(r), r->mv, root, "body", obj, err);
}

struct decode_job {
	struct api_req *r;
	void *obj;
	api_decoded_f *then;
	GError *err;
};

static void decode_work(void *user)
{
	struct decode_job *j = user;

	(void)api_decode(j->r, j->obj, &j->err);
}

static void decode_done(void *user)
{
	struct decode_job *j = user;

	j->then(j->r, j->obj, j->err);
	g_free(j);
}

void api_decode_then(struct api_req *r, void *obj, api_decoded_f *then)
{
	struct decode_job *j = g_new(struct decode_job, 1);

	*j = (struct decode_job){ r, obj, then, NULL };
	if (r->body_len > LONG_BODY) {
		loop_job(decode_work, decode_done, j);
		return;
	}
	decode_work(j);
	decode_done(j);
}

bool api_decode_action(struct api_req *r, const json_t *value, void *obj, GError **err)
{
	return read_body(body_of(r), r->mv, value, r->reply->action->name, obj, err);
}

/* ---- the query ---- */

const char *api_query(const struct api_req *r, const char *name)
{
	for (unsigned i = 0; i < r->query->len; i++) {
		const struct api_pair *p = r->query->pdata[i];

		if (strcmp(p->name, name) == 0)
			return p->value;
	}
	return NULL;
}

bool api_query_bool(const struct api_req *r, const char *name, bool absent, bool *ret, GError **err)
{
	static const char *const yes[] = { "1", "t", "true", "on", "y", "yes", NULL };
	static const char *const no[] = { "0", "f", "false", "off", "n", "no", NULL };
	const char *v = api_query(r, name);
	g_autofree char *word = v ? g_strstrip(g_ascii_strdown(v, -1)) : NULL;

	if (!word) {
		*ret = absent;
	} else if (g_strv_contains(yes, word)) {
		*ret = true;
	} else if (g_strv_contains(no, word)) {
		*ret = false;
	} else {
		g_set_error(err, ERR, ERR_BAD_REQUEST, "Unrecognized value '%.60s', acceptable values are: "
			    "'0', '1', 'f', 'false', 'n', 'no', 'off', 'on', 't', 'true', 'y', 'yes'", v);
		return false;
	}
	return true;
}

bool api_page(const struct api_req *r, struct api_page *ret, GError **err)
{
	const char *text = api_query(r, "limit");
	int64_t limit = r->api->conf->max_limit;

	if (text && !util_parse_int(text, 0, G_MAXINT64, &limit)) {
		g_set_error(err, ERR, ERR_BAD_REQUEST,
			    "Invalid input for query parameters limit. Value: %.60s. '%.60s' does not match '^[0-9]*$'", text, text);
		return false;
	}
	ret->limit = (int)MIN(limit, r->api->conf->max_limit);
	ret->marker = api_query(r, "marker");
	return true;
}

static void add_arg(GString *url, const char *name, const char *value)
{
	char last = url->str[url->len - 1];

	if (last != '?')
		g_string_append_c(url, '&');
	g_string_append_uri_escaped(url, name, NULL, FALSE);
	g_string_append_c(url, '=');
	g_string_append_uri_escaped(url, value, NULL, FALSE);
}

void api_next_link(struct jout *o, const struct api_req *r, const char *name, const char *marker)
{
	g_autofree char *key = g_strconcat(name, "_links", NULL);
	g_autoptr(GString) url = g_string_new(r->base_url);

	g_string_append_uri_escaped(url, r->path, "/", TRUE);
	g_string_append_c(url, '?');
	for (unsigned i = 0; i < r->query->len; i++) {
		const struct api_pair *p = r->query->pdata[i];

		if (strcmp(p->name, "marker") != 0)
			add_arg(url, p->name, p->value);
	}
	add_arg(url, "marker", marker);
	jout_key(o, key);
	jout_open(o, '[');
	jout_open(o, '{');
	jout_kv(o, "rel", str, "next");
	jout_kv(o, "href", str, url->str);
	jout_close(o, '}');
	jout_close(o, ']');
}

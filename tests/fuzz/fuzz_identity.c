/* SPDX-License-Identifier: Apache-2.0
 *
 * Bodies of Identity: each is read as every kind there is.
 */
#include <stdint.h>
#include <string.h>

#include "api/identity/body.h"
#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *s)
{
	g_assert_true(!s || (strlen(s) <= 4096 && g_utf8_validate(s, -1, NULL)));
}

static void read_auth(const json_t *root)
{
	g_autoptr(GError) err = NULL;
	struct auth_request a = { 0 };

	if (!auth_request_parse(root, &a, &err)) {
		g_assert_nonnull(err);
		return;
	}
	g_assert_true(a.password || a.token || a.app || a.unsupported);
	g_assert_true(!a.app || (a.secret && (a.app_id || (a.app_name && (a.user_id || a.user_name)))));
	g_assert_true(!a.password || (a.secret && (a.user_id || a.user_name)));
	g_assert_true(!a.token || a.token_id);
	g_assert_true(a.scope != SCOPE_PROJECT || a.project_id || a.project_name);
	check_text(a.user_id);
	check_text(a.user_name);
	check_text(a.secret);
	check_text(a.project_id);
	check_text(a.project_name);
	auth_request_clear(&a);
}

static void read_record(const json_t *root, const struct api_body *body)
{
	g_autoptr(GError) err = NULL;
	struct record_body b = { 0 };

	if (!record_body_parse(root, body, &b, &err)) {
		g_assert_nonnull(err);
		return;
	}
	g_assert_true(!b.name || *b.name);
	g_assert_true(!b.no_default_project || !b.default_project_id);
	check_text(b.name);
	check_text(b.description);
	check_text(b.password);
	record_body_clear(&b);
}

static void read_app(const json_t *root)
{
	g_autoptr(GError) err = NULL;
	struct app_body b = { 0 };

	if (!app_body_parse(root, &b, &err)) {
		g_assert_nonnull(err);
		return;
	}
	g_assert_true((!b.name || *b.name) && (!b.secret || *b.secret) && b.expires_us >= 0);
	check_text(b.name);
	check_text(b.description);
	check_text(b.secret);
	for (char **role = b.roles; role && *role; role++)
		check_text(*role);
	app_body_clear(&b);
}

/* As api_decode() reads it: nothing beside, nothing unknown in it. */
static void read_session(const json_t *root)
{
	const json_t *body = json_object_get(root, session_body.member);
	g_autoptr(GError) err = NULL;
	struct session_request s = { 0 };

	if (!body)
		return;
	if (json_decode(body, session_body.fields, session_body.n, 0, session_body.member, &s, &err)) {
		g_assert_true(json_is_object(body) && s.user && *s.user && s.password && *s.password && (!s.project || *s.project));
		g_assert_cmpuint(json_object_size(body), <=, 3);
		g_assert_true(g_utf8_strlen(s.user, -1) <= 255 && g_utf8_strlen(s.password, -1) <= 1024 && (!s.project || g_utf8_strlen(s.project, -1) <= 255));
	} else {
		g_assert_nonnull(err);
	}
	session_request_clear(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(json_t) root = json_parse((const char *)data, size, NULL);

	if (!root)
		return 0;
	read_auth(root);
	read_record(root, &user_body);
	read_record(root, &project_body);
	read_app(root);
	read_session(root);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "reply.h"

#include <limits.h>
#include <string.h>

#include "base/json.h"
#include "base/util.h"
#include "render.h"

#define EXCERPT_MAX 200

/* {"badRequest": {"code": 400, "message": "..."}}, and Identity's {"error": {...}} alike. */
static const char *fault_message(const json_t *root)
{
	const char *name;
	json_t *fault;

	json_object_foreach((json_t *)root, name, fault) {
		const char *message = render_str(fault, "message");

		if (message)
			return message;
	}
	return NULL;
}

/* {"errors": [{"title": ..., "detail": ...}]}, as the services answer before their own API takes over (406). */
static const char *errors_message(const json_t *root)
{
	const json_t *first = json_array_get(render_get(root, "errors"), 0);
	const char *detail = render_str(first, "detail");

	return detail ? detail : render_str(first, "title");
}

/* The beginning of a text that is no JSON, unless it is a page for browsers. */
static char *excerpt(const char *body, size_t len)
{
	g_autofree char *text = g_strndup(body, MIN(len, EXCERPT_MAX));

	g_strstrip(text);
	return *text && *text != '<' ? render_safe(text, true) : NULL;
}

char *reply_fault(const char *body, size_t len)
{
	g_autoptr(json_t) root = json_parse(body, len, NULL);
	const char *message;

	if (!json_is_object(root))
		return excerpt(body, len);
	message = fault_message(root);
	if (!message)
		message = errors_message(root);
	return message && *message ? render_safe(message, true) : NULL;
}

bool reply_microversion(const char *text, int *ret_minor)
{
	int64_t minor;

	if (strcmp(text, "latest") == 0 || strcmp(text, "2.latest") == 0) {
		*ret_minor = INT_MAX;
		return true;
	}
	if (!g_str_has_prefix(text, "2.") || !util_parse_int(text + 2, 1, 100000, &minor))
		return false;
	*ret_minor = (int)minor;
	return true;
}

bool reply_versions(const json_t *doc, int *ret_min, int *ret_max, bool *ret_in_root)
{
	const json_t *one = render_get(doc, "version"), *v;
	const char *max = NULL, *min;
	size_t i;

	json_array_foreach(render_get(doc, "versions"), i, v)
		if (g_strcmp0(render_str(v, "id"), "v2.1") == 0)
			one = v;
	*ret_in_root = one != render_get(doc, "version");
	if (!one)
		return false;
	max = render_str(one, "version");
	min = render_str(one, "min_version");
	/* v2.0 has empty texts here: no microversions at all, which is what 2.1 without a header means */
	if (!max || !reply_microversion(max, ret_max))
		*ret_max = 1;
	if (!min || !reply_microversion(min, ret_min))
		*ret_min = 1;
	return true;
}

bool reply_has_next(const json_t *body, const char *name)
{
	g_autofree char *member = g_strconcat(name, "_links", NULL);
	const json_t *link;
	size_t i;

	json_array_foreach(json_object_get(body, member), i, link)
		if (g_strcmp0(render_str(link, "rel"), "next") == 0)
			return true;
	return false;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/body.h"

#include <string.h>

#include "base/err.h"
#include "base/util.h"

const char *body_leaf(const char *where)
{
	const char *dot = strrchr(where, '.');

	return dot ? dot + 1 : where;
}

bool body_take_bool(const json_t *v, const char *where, bool *ret, GError **err)
{
	static const char *const yes[] = { "true", "1", "on", "yes", "y", "t", NULL };
	static const char *const no[] = { "false", "0", "off", "no", "n", "f", NULL };
	g_autofree char *shown = NULL, *word = NULL;

	if (json_is_boolean(v)) {
		*ret = json_is_true(v);
		return true;
	}
	if (json_is_string(v)) {
		word = g_ascii_strdown(json_string_value(v), -1);
		if (g_strv_contains(yes, word) || g_strv_contains(no, word)) {
			*ret = g_strv_contains(yes, word);
			return true;
		}
	}
	shown = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);
	g_set_error(err, ERR, ERR_BAD_REQUEST, "Invalid input for field/attribute %s. Value: %.60s. %.60s is not a boolean: "
		    "true, false, or one of the words true, 1, on, yes, y, t, false, 0, off, no, n, f", body_leaf(where), shown, shown);
	return false;
}

bool body_take_host(const json_t *v, const char *where, const char *types, const char **ret, GError **err)
{
	const char *host = json_string_value(v);
	g_autofree char *shown = NULL;

	if (host && util_hostname_valid(host)) {
		*ret = host;
		return true;
	}
	shown = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);
	if (host)
		g_set_error(err, ERR, ERR_BAD_REQUEST, "Invalid input for field/attribute %s. Value: %.260s. %.260s does not match "
			    "'^[a-zA-Z0-9-._]*$'", body_leaf(where), shown, shown);
	else
		g_set_error(err, ERR, ERR_BAD_REQUEST, "Invalid input for field/attribute %s. Value: %.120s. %.120s is not of type %s",
			    body_leaf(where), shown, shown, types);
	return false;
}

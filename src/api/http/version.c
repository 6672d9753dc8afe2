/* SPDX-License-Identifier: Apache-2.0 */
#include "api/http/version.h"

#include <string.h>

#include "api/http/types.h"
#include "base/err.h"

/* The version of "compute" in "identity 3, compute 2.60"; the last one wins. Return: owned, or NULL. */
static char *compute_version(const char *header)
{
	g_auto(GStrv) parts = g_strsplit(header, ",", -1);

	for (int i = (int)g_strv_length(parts) - 1; i >= 0; i--) {
		char *service = g_strstrip(parts[i]);
		char *version = service + strcspn(service, " \t");

		if (*version)
			*version++ = '\0';
		if (g_ascii_strcasecmp(service, "compute") == 0)
			return g_strdup(g_strstrip(version));
	}
	return NULL;
}

/* One decimal number without leading zeros; on success *p is behind it. */
static bool take_number(const char **p, bool zero_ok, int *ret)
{
	const char *start = *p;
	int64_t v = 0;

	for (; g_ascii_isdigit(**p); (*p)++)
		v = MIN(v * 10 + (**p - '0'), G_MAXINT);
	if (*p == start || (*start == '0' && (*p - start > 1 || !zero_ok)))
		return false;
	*ret = (int)v;
	return true;
}

static bool parse(const char *text, int *ret_mv, GError **err)
{
	const char *p = text;
	int major, minor;

	if (!take_number(&p, false, &major) || *p++ != '.' || !take_number(&p, true, &minor) || *p) {
		g_set_error(err, ERR, ERR_BAD_REQUEST,
			    "API Version String '%.60s' is of invalid format. Must be of format MajorNum.MinorNum.", text);
		return false;
	}
	if (major != 2 || minor < API_MV_MIN || minor > API_MV_MAX) {
		g_set_error(err, ERR, ERR_NOT_ACCEPTABLE,
			    "Version %.60s is not supported by the API. Minimum is 2.%d and maximum is 2.%d.", text, API_MV_MIN, API_MV_MAX);
		return false;
	}
	*ret_mv = minor;
	return true;
}

bool version_negotiate(const char *standard, const char *legacy, int *ret_mv, GError **err)
{
	g_autofree char *wanted = standard ? compute_version(standard) : NULL;

	if (!wanted && legacy)
		wanted = g_strstrip(g_strdup(legacy));
	if (!wanted) {
		*ret_mv = API_MV_MIN;
		return true;
	}
	if (strcmp(wanted, "latest") == 0) {
		*ret_mv = API_MV_MAX;
		return true;
	}
	return parse(wanted, ret_mv, err);
}

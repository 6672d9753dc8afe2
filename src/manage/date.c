/* SPDX-License-Identifier: Apache-2.0 */
#include "manage/date.h"

#include <string.h>
#include <time.h>

#include <glib.h>

static const char *const formats[] = {
	"%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y/%m/%d", "%Y/%m/%d %H:%M", "%Y/%m/%d %H:%M:%S", "%Y%m%d",
	"%b %d %Y", "%b %d, %Y", "%d %b %Y", "%b %d %Y %H:%M", "%b %d, %Y %H:%M", "%d %b %Y %H:%M", "%d %b %Y %H:%M:%S",
};

/* No record is older: "26-10-21" is a mistake. */
static bool take(GDateTime *t, int64_t *ret_us)
{
	int64_t us = t ? g_date_time_to_unix(t) * G_USEC_PER_SEC + g_date_time_get_microsecond(t) : -1;

	if (us >= 0)
		*ret_us = us;
	return us >= 0;
}

static bool by_format(const char *text, const char *format, int64_t *ret_us)
{
	struct tm tm = { .tm_mday = 1 };
	const char *end = strptime(text, format, &tm);
	g_autoptr(GDateTime) t = NULL;

	if (!end || *end)
		return false;
	/* strptime() takes the 31st of February. */
	t = g_date_time_new_utc(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
	return take(t, ret_us);
}

bool date_parse(const char *text, int64_t *ret_us)
{
	g_autofree char *plain = g_strstrip(g_strdup(text));
	g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
	g_autoptr(GDateTime) iso = NULL;

	for (size_t i = 0; i < G_N_ELEMENTS(formats); i++)
		if (by_format(plain, formats[i], ret_us))
			return true;
	iso = g_date_time_new_from_iso8601(plain, utc);
	return take(iso, ret_us);
}

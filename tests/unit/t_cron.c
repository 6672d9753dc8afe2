/* SPDX-License-Identifier: Apache-2.0 */
#include <glib.h>
#include <string.h>

#include "base/cron.h"

#define BERLIN "CET-1CEST,M3.5.0,M10.5.0/3" /* 2026: 29 March 02:00 and 25 October 03:00 on its clock */
#define LORD_HOWE "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0" /* half an hour of summer time */

static const struct {
	const char *name, *fields, *zone, *after, *want; /* times in UTC */
} cases[] = {
	{ "daily", "1 0 * * *", "UTC", "2026-11-30T00:00:30Z", "2026-11-30T00:01:00Z" },
	{ "strictly after", "1 0 * * *", "UTC", "2026-11-30T00:01:00Z", "2026-12-01T00:01:00Z" },
	{ "within the minute", "1 0 * * *", "UTC", "2026-11-30T00:01:59Z", "2026-12-01T00:01:00Z" },
	{ "zone", "1 0 * * *", BERLIN, "2026-11-30T00:00:00Z", "2026-11-30T23:01:00Z" },
	{ "every minute", "* * * * *", "UTC", "2026-11-30T00:00:00Z", "2026-11-30T00:01:00Z" },
	{ "list", "5,35 * * * *", "UTC", "2026-11-30T00:05:00Z", "2026-11-30T00:35:00Z" },
	{ "step", "*/20 * * * *", "UTC", "2026-11-30T00:41:00Z", "2026-11-30T01:00:00Z" },
	{ "range with step", "0 8-18/5 * * *", "UTC", "2026-11-30T09:00:00Z", "2026-11-30T13:00:00Z" },
	{ "end of a range", "0 8-18/5 * * *", "UTC", "2026-11-30T18:00:00Z", "2026-12-01T08:00:00Z" },
	{ "day of the month", "0 5 15 * *", "UTC", "2026-11-30T00:00:00Z", "2026-12-15T05:00:00Z" },
	{ "31st", "0 5 31 * *", "UTC", "2026-11-01T00:00:00Z", "2026-12-31T05:00:00Z" },
	{ "month", "0 5 1 6 *", "UTC", "2026-11-30T00:00:00Z", "2027-06-01T05:00:00Z" },
	{ "name of a month", "0 5 1 Feb,JUN-aug *", "UTC", "2026-11-30T00:00:00Z", "2027-02-01T05:00:00Z" },
	{ "weekday", "0 5 * * 3", "UTC", "2026-11-30T00:00:00Z", "2026-12-02T05:00:00Z" },
	{ "Sunday is 0", "0 5 * * 0", "UTC", "2026-11-30T00:00:00Z", "2026-12-06T05:00:00Z" },
	{ "Sunday is 7", "0 5 * * 7", "UTC", "2026-11-30T00:00:00Z", "2026-12-06T05:00:00Z" },
	{ "names of days", "0 5 * * sat,sun", "UTC", "2026-11-30T00:00:00Z", "2026-12-05T05:00:00Z" },
	{ "either day", "0 5 13 * fri", "UTC", "2026-11-30T00:00:00Z", "2026-12-04T05:00:00Z" },
	{ "either day, the other", "0 5 13 * fri", "UTC", "2026-12-11T06:00:00Z", "2026-12-13T05:00:00Z" },
	{ "29 February", "0 5 29 2 *", "UTC", "2026-11-30T00:00:00Z", "2028-02-29T05:00:00Z" },
	{ "29 February, no leap year in 2100", "0 5 29 2 *", "UTC", "2096-03-01T00:00:00Z", "2104-02-29T05:00:00Z" },
	{ "29 February that is a Sunday or a Thursday", "0 * 29 2 */4", "UTC", "2026-11-30T00:00:00Z", "2032-02-29T00:00:00Z" },
	{ "year's end", "59 23 31 12 *", "UTC", "2026-12-31T23:59:00Z", "2027-12-31T23:59:00Z" },

	{ "summer: before", "30 2 * * *", BERLIN, "2026-03-27T12:00:00Z", "2026-03-28T01:30:00Z" },
	{ "summer: left out, so at the end", "30 2 * * *", BERLIN, "2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z" },
	{ "summer: the day after", "30 2 * * *", BERLIN, "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z" },
	{ "summer: several left out are one", "*/10 2 * * *", BERLIN, "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z" },
	{ "summer: several left out are one, then the day after", "*/10 2 * * *", BERLIN, "2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z" },
	{ "summer: both due at the end are one", "0 2,3 * * *", BERLIN, "2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z" },
	{ "summer: not on that day", "30 2 * * mon", BERLIN, "2026-03-28T12:00:00Z", "2026-03-30T00:30:00Z" },
	{ "summer: every hour as it passes", "30 * * * *", BERLIN, "2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z" },
	{ "winter: the first of the two", "30 2 * * *", BERLIN, "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z" },
	{ "winter: once", "30 2 * * *", BERLIN, "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z" },
	{ "winter: not in the second", "30 2 * * *", BERLIN, "2026-10-25T01:10:00Z", "2026-10-26T01:30:00Z" },
	{ "winter: behind it", "0 3 * * *", BERLIN, "2026-10-25T00:30:00Z", "2026-10-25T02:00:00Z" },
	{ "winter: every hour as it passes", "30 * * * *", BERLIN, "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z" },
	{ "half an hour left out", "15 2 * * *", LORD_HOWE, "2026-10-03T12:00:00Z", "2026-10-03T15:30:00Z" },
	{ "half an hour twice", "45 1 * * *", LORD_HOWE, "2026-04-04T12:00:00Z", "2026-04-04T14:45:00Z" },
	{ "half an hour twice, once", "45 1 * * *", LORD_HOWE, "2026-04-04T14:45:00Z", "2026-04-05T15:15:00Z" },
};

static int64_t time_of(const char *text)
{
	g_autoptr(GDateTime) t = g_date_time_new_from_iso8601(text, NULL);

	g_assert_nonnull(t);
	return g_date_time_to_unix(t) * G_USEC_PER_SEC;
}

static bool parse(const char *fields, struct cron *ret)
{
	g_auto(GStrv) f = g_strsplit(fields, " ", -1);
	const struct cron_text t = { f[0], f[1], f[2], f[3], f[4] };

	return cron_parse(&t, ret);
}

static void test_next(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GTimeZone) zone = g_time_zone_new_identifier(cases[i].zone);
		g_autoptr(GDateTime) got = NULL;
		g_autofree char *text = NULL;
		struct cron c;

		g_assert_nonnull(zone);
		g_assert_true(parse(cases[i].fields, &c));
		got = g_date_time_new_from_unix_utc(cron_next(&c, time_of(cases[i].after), zone) / G_USEC_PER_SEC);
		text = g_date_time_format(got, "%Y-%m-%dT%H:%M:%SZ");
		if (strcmp(text, cases[i].want) != 0)
			g_error("%s: '%s' after %s: %s, want %s", cases[i].name, cases[i].fields, cases[i].after, text, cases[i].want);
	}
}

/* For every day of a year with both changes: a daily time comes once on each day of the zone's calendar. */
static void test_each_day(void)
{
	g_autoptr(GTimeZone) zone = g_time_zone_new_identifier(BERLIN);

	for (int hour = 0; hour < 24; hour++) {
		g_autofree char *fields = g_strdup_printf("30 %d * * *", hour);
		int64_t at = time_of("2025-12-31T12:00:00Z");
		struct cron c;
		int before = 0;

		g_assert_true(parse(fields, &c));
		for (int i = 0; i < 365; i++) {
			g_autoptr(GDateTime) t = NULL, local = NULL;
			int day;

			at = cron_next(&c, at, zone);
			t = g_date_time_new_from_unix_utc(at / G_USEC_PER_SEC);
			local = g_date_time_to_timezone(t, zone);
			day = g_date_time_get_day_of_year(local);
			if (i > 0)
				g_assert_cmpint(day, ==, before % 365 + 1);
			before = day;
		}
	}
}

static void test_wrong(void)
{
	static const struct {
		const char *which, *text;
		bool right;
	} fields[] = {
		{ "minute", "*", true }, { "minute", "0", true }, { "minute", "59", true }, { "minute", "60", false }, { "minute", "", false },
		{ "minute", "-1", false }, { "minute", "1,", false }, { "minute", ",1", false }, { "minute", "5-1", false }, { "minute", "1-", false },
		{ "minute", "*/0", false }, { "minute", "*/", false }, { "minute", "*/5", true }, { "minute", "1/5", false }, { "minute", "1 2", false },
		{ "minute", "jan", false }, { "minute", "99999999999999999999", false }, { "minute", "1-99999999999", false },
		{ "hour", "23", true }, { "hour", "24", false }, { "monthday", "0", false }, { "monthday", "31", true }, { "monthday", "32", false },
		{ "month", "0", false }, { "month", "12", true }, { "month", "13", false }, { "month", "dec", true }, { "month", "december", false },
		{ "month", "mon", false }, { "weekday", "7", true }, { "weekday", "8", false }, { "weekday", "fri-sun", false },
		{ "weekday", "mon-fri", true }, { "weekday", "*-3", false },
	};
	struct cron c;

	for (size_t i = 0; i < G_N_ELEMENTS(fields); i++)
		if (!cron_field(fields[i].which, fields[i].text) != fields[i].right)
			g_error("%s = %s: it is %s", fields[i].which, fields[i].text, fields[i].right ? "right" : "wrong");
	g_assert_false(parse("0 5 30 2 *", &c));
	g_assert_false(parse("0 5 31 4,6,9,11 *", &c));
	g_assert_true(parse("0 5 30 2 mon", &c)); /* its Mondays */
	g_assert_true(parse("0 5 29 2 *", &c));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/cron/next", test_next);
	g_test_add_func("/cron/each-day", test_each_day);
	g_test_add_func("/cron/wrong", test_wrong);
	return g_test_run();
}

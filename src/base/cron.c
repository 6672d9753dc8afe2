/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cron.h"

#include <string.h>

#define MINUTE_S 60
#define DAY_S 86400
#define STEP_S (15 * MINUTE_S)      /* zones differ from UTC by multiples of it */
#define YEARS_S ((int64_t)9 * 366 * DAY_S) /* 29 February comes within eight years */

static const char *const month_names[] = { "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec", NULL };
static const char *const day_names[] = { "sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL };

static const struct field {
	const char *name;
	int min, max;
	const char *const *words; /* of min and on */
	const char *right;
} fields[] = {
	{ "minute", 0, 59, NULL, "*, or numbers from 0 to 59: 0,30 or 0-58/2" },
	{ "hour", 0, 23, NULL, "*, or numbers from 0 to 23: 1,13 or 0-22/2" },
	{ "monthday", 1, 31, NULL, "*, or numbers from 1 to 31: 1,15 or 1-7" },
	{ "month", 1, 12, month_names, "*, numbers from 1 to 12, or names: 1,7 or jan-jun" },
	{ "weekday", 0, 7, day_names, "*, numbers from 0 (Sunday) to 7 (Sunday), or names: 0,6 or mon-fri" },
};

/* ---- reading ---- */

static bool read_value(const struct field *f, const char **at, int *ret)
{
	char *end;

	for (int i = 0; f->words && f->words[i]; i++) {
		if (g_ascii_strncasecmp(*at, f->words[i], 3) == 0) {
			*at += 3;
			*ret = f->min + i;
			return true;
		}
	}
	if (!g_ascii_isdigit(**at))
		return false;
	*ret = (int)MIN(g_ascii_strtoull(*at, &end, 10), 1000);
	*at = end;
	return *ret >= f->min && *ret <= f->max;
}

/* "*", "N", "N-M", each but N alone with "/STEP". */
static bool read_item(const struct field *f, const char **at, uint64_t *bits)
{
	int from = f->min, to = f->max, step = 1;
	bool star = **at == '*';

	if (star)
		(*at)++;
	else if (!read_value(f, at, &from))
		return false;
	if (!star) {
		to = from;
		if (**at == '-') {
			(*at)++;
			if (!read_value(f, at, &to) || to < from)
				return false;
			star = true;
		}
	}
	if (star && **at == '/') {
		(*at)++;
		if (!g_ascii_isdigit(**at))
			return false;
		for (step = 0; g_ascii_isdigit(**at) && step < 1000; (*at)++)
			step = step * 10 + (**at - '0');
	}
	for (int i = from; step > 0 && i <= to; i += step)
		*bits |= UINT64_C(1) << i;
	return step > 0;
}

static bool read_field(const struct field *f, const char *text, uint64_t *ret_bits)
{
	const char *at = text;
	uint64_t bits = 0;

	do {
		if (at != text)
			at++;
		if (!read_item(f, &at, &bits))
			return false;
	} while (*at == ',');
	*ret_bits = bits;
	return *at == '\0';
}

const char *cron_field(const char *which, const char *text)
{
	uint64_t bits;

	for (size_t i = 0; i < G_N_ELEMENTS(fields); i++)
		if (strcmp(fields[i].name, which) == 0)
			return read_field(&fields[i], text, &bits) ? NULL : fields[i].right;
	g_assert_not_reached();
}

static bool some_day_comes(const struct cron *c)
{
	static const int days[] = { 0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	for (int m = 1; m <= 12; m++)
		for (int d = 1; (c->months >> m & 1) && d <= days[m]; d++)
			if (c->monthdays >> d & 1)
				return true;
	return !c->any_weekday; /* these days come in each month */
}

bool cron_parse(const struct cron_text *t, struct cron *ret)
{
	const char *const texts[] = { t->minute, t->hour, t->monthday, t->month, t->weekday };
	uint64_t bits[G_N_ELEMENTS(fields)];

	for (size_t i = 0; i < G_N_ELEMENTS(fields); i++)
		if (!read_field(&fields[i], texts[i], &bits[i]))
			return false;
	*ret = (struct cron){
		.minutes = bits[0], .hours = (uint32_t)bits[1], .monthdays = (uint32_t)bits[2], .months = (uint32_t)bits[3],
		.weekdays = (uint32_t)((bits[4] | bits[4] >> 7) & 0x7f), /* 7 is 0 */
		.any_hour = *t->hour == '*', .any_monthday = *t->monthday == '*', .any_weekday = *t->weekday == '*',
	};
	return some_day_comes(ret);
}

/* ---- looking ---- */

/* The zone's clock, as if it were UTC. */
static int64_t local_s(GTimeZone *zone, int64_t utc_s)
{
	return utc_s + g_time_zone_get_offset(zone, g_time_zone_find_interval(zone, G_TIME_TYPE_UNIVERSAL, utc_s));
}

static bool due_day(const struct cron *c, int64_t local)
{
	g_autoptr(GDateTime) t = g_date_time_new_from_unix_utc(local);
	bool monthday = c->monthdays >> g_date_time_get_day_of_month(t) & 1;
	bool weekday = c->weekdays >> (g_date_time_get_day_of_week(t) % 7) & 1;

	if (!(c->months >> g_date_time_get_month(t) & 1))
		return false;
	return c->any_monthday || c->any_weekday ? monthday && weekday : monthday || weekday;
}

static bool due_hour(const struct cron *c, int64_t local)
{
	return c->hours >> (local % DAY_S / 3600) & 1;
}

static bool due_minute(const struct cron *c, int64_t local)
{
	return c->minutes >> (local % 3600 / MINUTE_S) & 1;
}

/* The zone's clock showed this time before. */
static bool comes_twice(GTimeZone *zone, int64_t utc_s)
{
	gint now = g_time_zone_find_interval(zone, G_TIME_TYPE_UNIVERSAL, utc_s);
	int64_t back = now > 0 ? g_time_zone_get_offset(zone, now - 1) - g_time_zone_get_offset(zone, now) : 0;

	return back > 0 && g_time_zone_find_interval(zone, G_TIME_TYPE_UNIVERSAL, utc_s - back) == now - 1;
}

/* The zone's clock left out times before this one, and one of them was due. */
static bool left_out(const struct cron *c, GTimeZone *zone, int64_t utc_s)
{
	int64_t here = local_s(zone, utc_s);

	for (int64_t local = local_s(zone, utc_s - MINUTE_S) + MINUTE_S; local < here; local += MINUTE_S)
		if (due_day(c, local) && due_hour(c, local) && due_minute(c, local))
			return true;
	return false;
}

static bool is_due(const struct cron *c, GTimeZone *zone, int64_t utc_s)
{
	int64_t local = local_s(zone, utc_s);

	if (due_minute(c, local) && due_hour(c, local) && due_day(c, local) && (c->any_hour || !comes_twice(zone, utc_s)))
		return true;
	return !c->any_hour && utc_s % STEP_S == 0 && left_out(c, zone, utc_s);
}

/* The next one to look at: midnight, after a day that is not due, unless the clock is set until then; every minute of an hour that is due; else every quarter. */
static int64_t step(const struct cron *c, GTimeZone *zone, int64_t utc_s)
{
	int64_t local = local_s(zone, utc_s), left = DAY_S - local % DAY_S;

	if (!due_day(c, local) && local_s(zone, utc_s + left) == local + left)
		return utc_s + left;
	return utc_s + (due_hour(c, local) ? MINUTE_S : STEP_S - utc_s % STEP_S);
}

int64_t cron_next(const struct cron *c, int64_t after_us, GTimeZone *zone)
{
	int64_t from = after_us / G_USEC_PER_SEC / MINUTE_S * MINUTE_S, t = from + MINUTE_S;

	while (!is_due(c, zone, t) && t < from + YEARS_S)
		t = step(c, zone, t);
	return t * G_USEC_PER_SEC;
}

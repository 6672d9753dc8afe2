/* SPDX-License-Identifier: Apache-2.0
 *
 * cron: when something is due whose times are written as in a crontab. Pure.
 *
 * A field is *, or a list with commas of numbers, ranges (1-5), both with a step (0-58/2, and a star with one); months and days of the week
 * also by the first three letters of their English names, Sunday as 0 and as 7. Where both the day of the month and that of the week
 * are given, a day is due that is either.
 *
 * When the clock of the zone is set, as at the ends of the summer time: what is due at given hours runs once for each time that
 * is in its schedule, also where that hour is left out (at its end) or comes twice (in the first of the two). What is
 * due every hour runs by the hours as they pass.
 */
#ifndef CRON_H
#define CRON_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

struct cron {
	uint64_t minutes;
	uint32_t hours, monthdays, months, weekdays; /* bits; the first day and month are bit 1 */
	bool any_hour, any_monthday, any_weekday;    /* the field begins with a star */
};

struct cron_text {
	const char *minute, *hour, *monthday, *month, *weekday;
};

/**
 * cron_field() - check one field.
 * @which: its name as struct cron_text has it
 *
 * Return: NULL; or what would be right
 */
const char *cron_field(const char *which, const char *text);

/** cron_parse() - of fields that are right. Return: false when one is not, or no day ever comes (30 February) */
bool cron_parse(const struct cron_text *t, struct cron *ret);

/**
 * cron_next() - the first time after @after_us that is due, on a minute.
 * @after_us: microseconds since 1970 UTC
 * @zone: of the schedule
 *
 * Return: likewise
 */
int64_t cron_next(const struct cron *c, int64_t after_us, GTimeZone *zone);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Dates as operators write them.
 */
#include "manage/date.h"

#include <glib.h>

static const struct {
	const char *text;
	int64_t s; /* since 1970; -1: it is none */
	int64_t us;
} cases[] = {
	{ "2026-10-21", 1792540800, 0 },
	{ " 2026-10-21 ", 1792540800, 0 },
	{ "20261021", 1792540800, 0 },
	{ "2026/10/21", 1792540800, 0 },
	{ "2026-10-21 14:30", 1792593000, 0 },
	{ "2026-10-21 14:30:59", 1792593059, 0 },
	{ "2026-10-21T14:30", 1792593000, 0 },
	{ "2026-10-21T14:30:59Z", 1792593059, 0 },
	{ "2026-10-21T14:30:59.25+02:00", 1792585859, 250000 },
	{ "Oct 21 2026", 1792540800, 0 },
	{ "Oct 21, 2026 14:30", 1792593000, 0 },
	{ "21 October 2026", 1792540800, 0 },
	{ "21 Oct 2026 14:30:59", 1792593059, 0 },
	{ "1970-01-01", 0, 0 },
	{ "2024-02-29", 1709164800, 0 },
	{ "2026-02-29", -1, 0 },
	{ "2026-13-01", -1, 0 },
	{ "2026-10-21 24:61", -1, 0 },
	{ "26-10-21", -1, 0 },
	{ "1969-12-31", -1, 0 },
	{ "yesteryear", -1, 0 },
	{ "2026-10-21 and more", -1, 0 },
	{ "", -1, 0 },
};

static void test_dates(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		int64_t us = -1;
		bool ok = date_parse(cases[i].text, &us);

		if (ok != (cases[i].s >= 0) || (ok && us != cases[i].s * G_USEC_PER_SEC + cases[i].us))
			g_error("%s: %d, %" G_GINT64_FORMAT, cases[i].text, ok, us);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/date", test_dates);
	return g_test_run();
}

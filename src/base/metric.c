/* SPDX-License-Identifier: Apache-2.0 */
#include "base/metric.h"

#include <math.h>
#include <string.h>

const struct metric_bounds metric_turn_seconds = { { 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5 }, 12 };

const struct metric_bounds metric_call_seconds = {
	{ 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30 }, 15,
};

void metric_observe(struct metric_hist *h, double v)
{
	size_t i = 0;

	while (i < h->bounds->n && v > h->bounds->le[i])
		i++;
	h->counts[i]++;
	h->sum += v;
}

uint64_t metric_count(const struct metric_hist *h)
{
	uint64_t n = 0;

	for (size_t i = 0; i <= h->bounds->n; i++)
		n += h->counts[i];
	return n;
}

/* @quote: a label's value, where the quote is escaped too. */
static void put_escaped(GString *s, const char *text, bool quote)
{
	for (; *text; text++) {
		if (*text == '\n')
			g_string_append(s, "\\n");
		else if (*text == '\\' || (quote && *text == '"'))
			g_string_append_printf(s, "\\%c", *text);
		else
			g_string_append_c(s, *text);
	}
}

void metric_family(GString *s, const char *name, const char *type, const char *help)
{
	g_string_append_printf(s, "# HELP %s ", name);
	put_escaped(s, help, false);
	g_string_append_printf(s, "\n# TYPE %s %s\n", name, type);
}

/* Seventeen digits say a double exactly; whole numbers need no exponent to be read by people. */
static void put_number(GString *s, double v)
{
	char text[G_ASCII_DTOSTR_BUF_SIZE];

	if (isinf(v))
		g_string_append(s, v > 0 ? "+Inf" : "-Inf");
	else if (v == floor(v) && fabs(v) < 1e15)
		g_string_append_printf(s, "%" G_GINT64_FORMAT, (int64_t)v);
	else
		g_string_append(s, g_ascii_formatd(text, sizeof text, "%.9g", v));
}

static void put_label(GString *s, const struct metric_label *l, char *before)
{
	g_string_append_c(s, *before);
	*before = ',';
	g_string_append_printf(s, "%s=\"", l->name);
	put_escaped(s, l->value, true);
	g_string_append_c(s, '"');
}

/* @more: one label behind the others; NULL: none. */
static void put_line(GString *s, const char *name, const char *suffix, const struct metric_label *labels, const struct metric_label *more, double v)
{
	char before = '{';

	g_string_append_printf(s, "%s%s", name, suffix);
	for (; labels->name; labels++)
		put_label(s, labels, &before);
	if (more)
		put_label(s, more, &before);
	g_string_append(s, before == ',' ? "} " : " ");
	put_number(s, v);
	g_string_append_c(s, '\n');
}

void metric_sample(GString *s, const char *name, const struct metric_label *labels, double v)
{
	put_line(s, name, "", labels, NULL, v);
}

void metric_histogram(GString *s, const char *name, const struct metric_label *labels, const struct metric_hist *h)
{
	uint64_t n = 0;

	for (size_t i = 0; i <= h->bounds->n; i++) {
		g_autoptr(GString) le = g_string_new(NULL);
		struct metric_label bucket = { .name = "le" };

		n += h->counts[i];
		put_number(le, i < h->bounds->n ? h->bounds->le[i] : INFINITY);
		bucket.value = le->str;
		put_line(s, name, "_bucket", labels, &bucket, (double)n);
	}
	put_line(s, name, "_sum", labels, NULL, h->sum);
	put_line(s, name, "_count", labels, NULL, (double)n);
}

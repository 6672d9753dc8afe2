/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cpuset.h"

#include <string.h>

#include <glib.h>

#include "base/util.h"

#define WORDS (CPUSET_MAX / 64)

void cpuset_add(struct cpuset *s, int n)
{
	g_assert(n >= 0 && n < CPUSET_MAX);
	s->w[n / 64] |= UINT64_C(1) << n % 64;
}

void cpuset_remove(struct cpuset *s, int n)
{
	g_assert(n >= 0 && n < CPUSET_MAX);
	s->w[n / 64] &= ~(UINT64_C(1) << n % 64);
}

bool cpuset_has(const struct cpuset *s, int n)
{
	return n >= 0 && n < CPUSET_MAX && s->w[n / 64] >> n % 64 & 1;
}

int cpuset_count(const struct cpuset *s)
{
	int n = 0;

	for (int i = 0; i < WORDS; i++)
		n += __builtin_popcountll(s->w[i]);
	return n;
}

bool cpuset_is_empty(const struct cpuset *s)
{
	return cpuset_next(s, 0) < 0;
}

int cpuset_next(const struct cpuset *s, int from)
{
	for (int i = from / 64; i < WORDS; i++) {
		uint64_t w = s->w[i];

		if (i == from / 64)
			w &= ~UINT64_C(0) << from % 64;
		if (w)
			return i * 64 + __builtin_ctzll(w);
	}
	return -1;
}

void cpuset_join(struct cpuset *a, const struct cpuset *b)
{
	for (int i = 0; i < WORDS; i++)
		a->w[i] |= b->w[i];
}

void cpuset_meet(struct cpuset *a, const struct cpuset *b)
{
	for (int i = 0; i < WORDS; i++)
		a->w[i] &= b->w[i];
}

void cpuset_without(struct cpuset *a, const struct cpuset *b)
{
	for (int i = 0; i < WORDS; i++)
		a->w[i] &= ~b->w[i];
}

bool cpuset_equal(const struct cpuset *a, const struct cpuset *b)
{
	return memcmp(a, b, sizeof *a) == 0;
}

bool cpuset_contains(const struct cpuset *a, const struct cpuset *b)
{
	struct cpuset more = *b;

	cpuset_without(&more, a);
	return cpuset_is_empty(&more);
}

/* "4" or "4-7", of numbers below @max; changes @part. */
static bool add_range(struct cpuset *s, char *part, int64_t max)
{
	char *dash = strchr(part, '-');
	int64_t first, last;

	if (dash)
		*dash = '\0';
	if (!util_parse_int(g_strstrip(part), 0, max - 1, &first))
		return false;
	last = first;
	if (dash && !util_parse_int(g_strstrip(dash + 1), first, max - 1, &last))
		return false;
	for (int64_t n = first; n <= MIN(last, CPUSET_MAX - 1); n++)
		cpuset_add(s, (int)n);
	return true;
}

static bool parse(const char *text, int64_t max, struct cpuset *ret)
{
	g_auto(GStrv) parts = g_strsplit(text, ",", -1);
	struct cpuset in = { { 0 } }, out = { { 0 } };

	for (char **p = parts; *p; p++) {
		char *part = g_strstrip(*p);
		bool leave_out = *part == '^';

		if (!*part)
			continue; /* Nova passes over them too */
		if (!add_range(leave_out ? &out : &in, part + leave_out, max))
			return false;
	}
	cpuset_without(&in, &out);
	if (cpuset_is_empty(&in))
		return false;
	*ret = in;
	return true;
}

bool cpuset_parse(const char *text, struct cpuset *ret)
{
	return parse(text, CPUSET_MAX, ret);
}

bool cpuset_parse_host(const char *text, struct cpuset *ret)
{
	return parse(text, CPUSET_HOST_MAX, ret);
}

char *cpuset_text(const struct cpuset *s)
{
	GString *out = g_string_new(NULL);

	for (int a = cpuset_next(s, 0), b; a >= 0; a = cpuset_next(s, b)) {
		for (b = a + 1; cpuset_has(s, b);)
			b++;
		g_string_append_printf(out, "%s%d", out->len ? "," : "", a);
		if (b > a + 1)
			g_string_append_printf(out, "-%d", b - 1);
		if (b >= CPUSET_MAX)
			break;
	}
	return g_string_free(out, FALSE);
}

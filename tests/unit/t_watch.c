/* SPDX-License-Identifier: Apache-2.0
 *
 * Streams of events without their sockets: what a reader gets that reads at any time.
 */
#include <string.h>

#include "api/http/watch.h"
#include "base/clock.h"
#include "identity/identity.h"

#define T0 INT64_C(1760000000000000)
#define ALL ((1u << EVENT_TYPE_N) - 1)
#define RING 4
#define HOUR_US INT64_C(3600000000)
#define A "00000000-0000-4000-8000-00000000000a"
#define B "00000000-0000-4000-8000-00000000000b"

static bool good, admin;

struct auth *identity_check(struct identity *id, const char *token, GError **err)
{
	struct auth *a = g_new0(struct auth, 1);

	(void)id;
	g_assert_cmpstr(token, ==, "token");
	a->admin = admin;
	a->role = admin ? ROLE_ADMIN : ROLE_MEMBER;
	if (good)
		return a;
	g_free(a);
	g_set_error(err, ERR, ERR_UNAUTHORIZED, "no");
	return NULL;
}

void auth_free(struct auth *a)
{
	g_free(a);
}

/* ---- a reader ---- */

struct fixture {
	struct events *events;
	struct watches *watches;
};

static struct fixture setup(size_t max)
{
	struct fixture f;

	good = admin = true;
	clock_manual(T0);
	f.events = events_new(RING);
	f.watches = watches_new(f.events, NULL, max);
	return f;
}

static void teardown(struct fixture *f)
{
	watches_free(f->watches);
	events_free(f->events);
}

static void emit(struct fixture *f, enum event_type type, const char *server, int64_t migration)
{
	const struct event_about about = { .type = type, .server = server, .migration = migration };

	event_emit(f->events, &about, NULL, 0, NULL);
}

static struct api_stream *begin(struct fixture *f, unsigned types, const char *server, int64_t migration, const char *last_id)
{
	const struct watch_params p = {
		.types = types, .server = server, .migration = migration, .last_id = last_id, .token = "token", .expires_us = T0 + HOUR_US,
	};
	GError *err = NULL;
	struct api_stream *s = watch_open(f->watches, &p, &err);

	g_assert_no_error(err);
	return s;
}

/* What there is now, read in pieces of @piece bytes, in short: "1:server 3:reset(overrun) beat@3 |" with '|' for the end. */
static char *take(struct api_stream *s, size_t piece)
{
	g_autoptr(GString) text = g_string_new(NULL);
	g_autofree char *buf = g_malloc(piece);
	g_auto(GStrv) blocks = NULL;
	GString *out = g_string_new(NULL);
	ssize_t n;

	while ((n = s->read(s, buf, piece)) > 0) {
		g_assert_cmpint(n, <=, (ssize_t)piece);
		g_string_append_len(text, buf, n);
	}
	blocks = g_strsplit(text->str, "\n\n", -1);
	for (char **b = blocks; *b && **b; b++) {
		const char *id = strstr(*b, "id: 1760000000000000-"), *event = strstr(*b, "event: "), *reason = strstr(*b, "\"reason\":\"");

		id = id ? id + strlen("id: 1760000000000000-") : "";
		g_string_append(out, out->len ? " " : "");
		if (g_str_has_prefix(*b, "retry: 2000"))
			g_string_append_printf(out, "begin@%.*s", (int)strcspn(id, "\n"), id);
		else if (g_str_has_prefix(*b, ":\n"))
			g_string_append_printf(out, "beat@%.*s", (int)strcspn(id, "\n"), id);
		else if (event)
			g_string_append_printf(out, "%.*s:%.*s", (int)strcspn(id, "\n"), id, (int)strcspn(event + 7, "\n"), event + 7);
		else
			g_string_append(out, *b);
		if (reason)
			g_string_append_printf(out, "(%.*s)", (int)strcspn(reason + 10, "\""), reason + 10);
	}
	g_string_append(out, n < 0 ? "|" : "");
	return g_string_free(out, FALSE);
}

static void expect(struct api_stream *s, const char *want)
{
	g_autofree char *got = take(s, 4096);

	g_assert_cmpstr(got, ==, want);
}

/* ---- tests ---- */

static void test_text(void)
{
	struct fixture f = setup(1);
	struct api_stream *s = begin(&f, ALL, NULL, 0, NULL);
	char buf[1024];
	ssize_t n;

	emit(&f, EVENT_HOST, NULL, 0);
	n = s->read(s, buf, sizeof buf - 1);
	buf[n] = '\0';
	g_assert_cmpstr(buf, ==, "retry: 2000\nid: 1760000000000000-0\n\n"
			"id: 1760000000000000-1\nevent: host\n"
			"data: {\"id\":\"1760000000000000-1\",\"type\":\"host\",\"at\":\"2025-10-09T08:53:20.000000\"}\n\n");
	s->closed(s);
	teardown(&f);
}

/* Six events in a ring of four, 1 host, 2 server A, 3 migration 1 of A, 4 progress of it, 5 migration 2 of B, 6 server B. */
static const struct {
	const char *name;
	unsigned types;
	const char *server;
	int64_t migration;
	const char *last_id, *want;
} rows[] = {
	{ "from now on", ALL, NULL, 0, NULL, "begin@6 7:server" },
	{ "goes on", ALL, NULL, 0, "1760000000000000-4", "begin@4 5:migration 6:server 7:server" },
	{ "the oldest that is kept", ALL, NULL, 0, "1760000000000000-2", "begin@2 3:migration 4:progress 5:migration 6:server 7:server" },
	{ "nothing missed", ALL, NULL, 0, "1760000000000000-6", "begin@6 7:server" },
	{ "left the ring", ALL, NULL, 0, "1760000000000000-1", "begin@ 6:reset(overrun) 7:server" },
	{ "of another run", ALL, NULL, 0, "1750000000000000-5", "begin@ 6:reset(restart) 7:server" },
	{ "of the future", ALL, NULL, 0, "1760000000000000-9", "begin@ 6:reset(unknown) 7:server" },
	{ "no id", ALL, NULL, 0, "x", "begin@ 6:reset(unknown) 7:server" },
	{ "empty id", ALL, NULL, 0, "", "begin@ 6:reset(unknown) 7:server" },
	{ "type", 1u << EVENT_MIGRATION, NULL, 0, "1760000000000000-2", "begin@2 3:migration 5:migration" },
	{ "types", 1u << EVENT_MIGRATION | 1u << EVENT_PROGRESS, NULL, 0, "1760000000000000-2", "begin@2 3:migration 4:progress 5:migration" },
	{ "server", ALL, B, 0, "1760000000000000-2", "begin@2 5:migration 6:server 7:server" },
	{ "migration", ALL, NULL, 1, "1760000000000000-2", "begin@2 3:migration 4:progress" },
	{ "both", ALL, B, 1, "1760000000000000-2", "begin@2" },
	{ "a reset passes every filter", 1u << EVENT_HOST, A, 1, "1760000000000000-1", "begin@ 6:reset(overrun)" },
};

static void test_rows(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		for (size_t piece = 1; piece < 4096; piece = piece * 5 + 2) {
			struct fixture f = setup(1);
			struct api_stream *s;
			g_autofree char *first = NULL, *second = NULL, *got = NULL;

			emit(&f, EVENT_HOST, NULL, 0);
			emit(&f, EVENT_SERVER, A, 0);
			emit(&f, EVENT_MIGRATION, A, 1);
			emit(&f, EVENT_PROGRESS, A, 1);
			emit(&f, EVENT_MIGRATION, B, 2);
			emit(&f, EVENT_SERVER, B, 0);
			s = begin(&f, rows[i].types, rows[i].server, rows[i].migration, rows[i].last_id);
			first = take(s, piece);
			emit(&f, EVENT_SERVER, B, 0);
			second = take(s, piece);
			got = g_strconcat(first, *second ? " " : "", second, NULL);
			if (strcmp(got, rows[i].want) != 0)
				g_error("%s, by %zu: got \"%s\", want \"%s\"", rows[i].name, piece, got, rows[i].want);
			s->closed(s);
			teardown(&f);
		}
	}
}

/* A reader that is too late is told, and holds nothing but the block that it was reading. */
static void test_slow(void)
{
	struct fixture f = setup(1);
	struct api_stream *s = begin(&f, ALL, NULL, 0, NULL);
	char first;

	g_assert_cmpint(s->read(s, &first, 1), ==, 1);
	for (int i = 0; i < 100000; i++)
		emit(&f, EVENT_PROGRESS, A, 1);
	g_assert_cmpuint(watches_stats(f.watches).resets[EVENT_OVERRUN], ==, 0);
	expect(s, "etry: 2000\nid: 1760000000000000-0 100000:reset(overrun)");
	g_assert_cmpuint(watches_stats(f.watches).resets[EVENT_OVERRUN], ==, 1);
	emit(&f, EVENT_PROGRESS, A, 1);
	expect(s, "100001:progress");
	s->closed(s);
	teardown(&f);
}

/* A filter that lets nothing through for long must not make the position leave the ring. */
static void test_filtered_position(void)
{
	struct fixture f = setup(1);
	struct api_stream *s = begin(&f, ALL, B, 0, NULL);

	expect(s, "begin@0");
	for (int i = 0; i < 10 * RING; i++) {
		emit(&f, EVENT_PROGRESS, A, 1);
		clock_advance_ms(0);
	}
	clock_advance_ms(WATCH_BEAT_MS);
	expect(s, "beat@40");
	emit(&f, EVENT_SERVER, B, 0);
	expect(s, "41:server");
	g_assert_cmpuint(watches_stats(f.watches).resets[EVENT_OVERRUN], ==, 0);
	s->closed(s);
	teardown(&f);
}

static void test_beats(void)
{
	struct fixture f = setup(1);
	struct api_stream *s = begin(&f, ALL, NULL, 0, NULL);

	expect(s, "begin@0");
	clock_advance_ms(WATCH_BEAT_MS - 1);
	expect(s, "");
	clock_advance_ms(1);
	expect(s, "beat@0");
	/* three unread ones are one */
	clock_advance_ms(3 * WATCH_BEAT_MS);
	expect(s, "beat@0");
	/* an event is a sign of life, too */
	clock_advance_ms(WATCH_BEAT_MS);
	emit(&f, EVENT_HOST, NULL, 0);
	expect(s, "1:host");
	s->closed(s);
	teardown(&f);
}

/* The stream ends with its token: at its time, or at the next beat after it was taken. */
static void test_token(void)
{
	static const struct {
		const char *name;
		int64_t after_ms;
		bool good, admin;
	} ends[] = {
		{ "expired", HOUR_US / 1000 + 1, false, true },
		{ "revoked", WATCH_BEAT_MS, false, true },
		{ "no administrator any more", WATCH_BEAT_MS, true, false },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(ends); i++) {
		struct fixture f = setup(1);
		struct api_stream *s = begin(&f, ALL, NULL, 0, NULL);

		g_test_message("%s", ends[i].name);
		clock_advance_ms(ends[i].after_ms - WATCH_BEAT_MS);
		g_free(take(s, 100));
		good = ends[i].good;
		admin = ends[i].admin;
		clock_advance_ms(WATCH_BEAT_MS);
		/* what happened after it was noticed is not for this reader */
		emit(&f, EVENT_HOST, NULL, 0);
		expect(s, ": the token is no longer valid|");
		s->closed(s);
		teardown(&f);
	}
}

static void test_max(void)
{
	struct fixture f = setup(2);
	struct api_stream *a = begin(&f, ALL, NULL, 0, NULL), *b = begin(&f, ALL, NULL, 0, NULL);
	const struct watch_params p = { .types = ALL, .token = "token", .expires_us = T0 + HOUR_US };
	g_autoptr(GError) err = NULL;

	g_assert_null(watch_open(f.watches, &p, &err));
	g_assert_error(err, ERR, ERR_UNAVAILABLE);
	a->closed(a);
	g_assert_cmpuint(watches_stats(f.watches).open, ==, 1);
	a = begin(&f, ALL, NULL, 0, NULL);
	a->closed(a);
	b->closed(b);
	g_assert_cmpuint(watches_stats(f.watches).opened, ==, 3);
	teardown(&f);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/watch/text", test_text);
	g_test_add_func("/watch/rows", test_rows);
	g_test_add_func("/watch/slow", test_slow);
	g_test_add_func("/watch/filtered_position", test_filtered_position);
	g_test_add_func("/watch/beats", test_beats);
	g_test_add_func("/watch/token", test_token);
	g_test_add_func("/watch/max", test_max);
	return g_test_run();
}

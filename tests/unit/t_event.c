/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/clock.h"
#include "fleet/event.h"

#define T0 INT64_C(1760000000000000)
#define RING 4

struct thing {
	char *text;
	int n;
};

static const struct json_field thing_fields[] = {
	{ "text", JSON_STR, offsetof(struct thing, text) },
	{ "n",    JSON_INT, offsetof(struct thing, n) },
};

static void emit(struct events *e, enum event_type type, const char *text)
{
	const struct event_about about = { .type = type, .server = "s", .migration = 7 };
	struct thing thing = { .text = (char *)text, .n = (int)events_last(e) };

	event_emit(e, &about, thing_fields, G_N_ELEMENTS(thing_fields), &thing);
}

static void test_data(void)
{
	static const struct event_about bare = { .type = EVENT_HOST };
	struct events *e;

	clock_manual(T0);
	e = events_new(RING);
	emit(e, EVENT_SERVER, "a\"b\n\r\x01\xff");
	g_assert_cmpstr(events_next(e, 0)->data, ==,
			"{\"id\":\"1760000000000000-1\",\"type\":\"server\",\"at\":\"2025-10-09T08:53:20.000000\",\"server_uuid\":\"s\",\"migration_id\":7,"
			"\"text\":\"a\\\"b\\n\\r\\u0001\xef\xbf\xbd\",\"n\":0}");
	event_emit(e, &bare, NULL, 0, NULL);
	g_assert_cmpstr(events_next(e, 1)->data, ==, "{\"id\":\"1760000000000000-2\",\"type\":\"host\",\"at\":\"2025-10-09T08:53:20.000000\"}");
	g_assert_null(events_next(e, 2));
	g_assert_cmpuint(events_total(e, EVENT_SERVER), ==, 1);
	g_assert_cmpuint(events_total(e, EVENT_PROGRESS), ==, 0);
	events_free(e);
}

/* Ten events in a ring of four: what is kept, and what each id means. */
static void test_find(void)
{
	static const struct {
		const char *id;
		enum event_found want;
		uint64_t number;
	} rows[] = {
		{ "1760000000000000-10", EVENT_FOUND, 10 },
		{ "1760000000000000-6", EVENT_FOUND, 6 },
		{ "1760000000000000-5", EVENT_OVERRUN },
		{ "1760000000000000-0", EVENT_OVERRUN },
		{ "1760000000000000-11", EVENT_UNKNOWN },
		{ "1760000000000000--1", EVENT_UNKNOWN },
		{ "1760000000000000-", EVENT_UNKNOWN },
		{ "1760000000000000", EVENT_UNKNOWN },
		{ "", EVENT_UNKNOWN },
		{ "x-1", EVENT_UNKNOWN },
		{ "1759999999999999-10", EVENT_RESTARTED },
		{ "1760000000000001-3", EVENT_RESTARTED },
		{ "99999999999999999999-1", EVENT_UNKNOWN },
	};
	struct events *e;

	clock_manual(T0);
	e = events_new(RING);
	for (int i = 0; i < 10; i++)
		emit(e, EVENT_PROGRESS, "x");
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		uint64_t number = 0;

		g_test_message("%s", rows[i].id);
		g_assert_cmpint(events_find(e, rows[i].id, &number), ==, rows[i].want);
		g_assert_cmpuint(number, ==, rows[i].number);
	}
	for (uint64_t n = 6; n < 10; n++)
		g_assert_cmpuint(events_next(e, n)->number, ==, n + 1);
	g_assert_false(events_kept(e, 5));
	g_assert_false(events_kept(e, 11));
	events_free(e);
}

/* Numbers begin again after a restart, ids do not. */
static void test_restart(void)
{
	char before[EVENT_ID_MAX], after[EVENT_ID_MAX];
	struct events *e;
	uint64_t number;

	clock_manual(T0);
	e = events_new(RING);
	for (int i = 0; i < 3; i++)
		emit(e, EVENT_PROGRESS, "x");
	events_id(e, events_last(e), before);
	events_free(e);
	clock_advance_ms(1);
	e = events_new(RING);
	emit(e, EVENT_PROGRESS, "x");
	events_id(e, events_last(e), after);
	g_assert_cmpint(strcmp(after, before), >, 0);
	g_assert_cmpint(events_find(e, before, &number), ==, EVENT_RESTARTED);
	events_free(e);
}

static void count(void *user)
{
	++*(int *)user;
}

static void test_listener(void)
{
	struct events *e = events_new(1);
	int heard = 0;

	events_listen(e, count, &heard);
	emit(e, EVENT_HOST, "x");
	emit(e, EVENT_HOST, "x");
	g_assert_cmpint(heard, ==, 2);
	events_unlisten(e, &heard);
	emit(e, EVENT_HOST, "x");
	g_assert_cmpint(heard, ==, 2);
	events_free(e);
}

static void test_names(void)
{
	for (int i = 0; i < EVENT_TYPE_N; i++) {
		enum event_type t;

		g_assert_true(event_type_parse(event_type_name((enum event_type)i), &t));
		g_assert_cmpint(t, ==, i);
	}
	g_assert_false(event_type_parse("reset", &(enum event_type){ 0 }));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/event/data", test_data);
	g_test_add_func("/event/find", test_find);
	g_test_add_func("/event/restart", test_restart);
	g_test_add_func("/event/listener", test_listener);
	g_test_add_func("/event/names", test_names);
	return g_test_run();
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of the client that need no server: progress, texts, versions, reasons.
 */
#include <limits.h>
#include <string.h>

#include "args.h"
#include "auth.h"
#include "base/json.h"
#include "cli.h"
#include "client.h"
#include "near.h"
#include "progress.h"
#include "reason.h"
#include "render.h"
#include "reply.h"
#include "sse.h"

#define MIB (INT64_C(1) << 20)

/* ---- progress ---- */

struct sample {
	int at_s;
	int sent_mib, left_mib;   /* no bytes in the record if both are 0 */
	const char *status;       /* NULL: running */
	const char *stage;        /* NULL: none is told */
};

#define SAMPLES 6

/* Each row: samples of a guest of 4096 MiB, and the line after the last one; @later_s after it. */
static const struct {
	const char *name;
	struct sample samples[SAMPLES];
	const char *want;
	int later_s;
} progress_rows[] = {
	{ "nothing yet", { { 0, 0, 0, "queued" } }, "queued  a -> b" },
	{ "one sample", { { 0, 1024, 3072 } }, "running  a -> b  1.0/4.0 GiB  ~" },
	{ "the same again is no sample", { { 0, 1024, 3072 }, { 5, 1024, 3072 } }, "running  a -> b  1.0/4.0 GiB  ~" },
	{ "the first pass is a lower bound", { { 0, 0, 4096 }, { 2, 200, 3896 } },
	  "running  a -> b  0.2/4.0 GiB  ~100.0 MiB/s  at least 39 s left" },
	{ "its end", { { 0, 0, 1000 }, { 10, 1000, 0 } }, "running  a -> b  4.0/4.0 GiB  ~100.0 MiB/s  ~0 s left" },
	{ "a smaller second pass", { { 0, 0, 4000 }, { 35, 3500, 500 }, { 42, 4200, 2000 } },
	  "running  a -> b  2.0/4.0 GiB  ~100.0 MiB/s  ~40 s left" },
	{ "half of it is done", { { 0, 0, 4000 }, { 35, 3500, 500 }, { 42, 4200, 2000 }, { 52, 5200, 1000 } },
	  "running  a -> b  3.0/4.0 GiB  ~100.0 MiB/s  ~30 s left" },
	{ "a third pass of the same size", { { 0, 0, 4000 }, { 39, 3900, 100 }, { 42, 4200, 2000 }, { 60, 6000, 200 }, { 62, 6200, 2000 } },
	  "running  a -> b  2.0/4.0 GiB  ~100.0 MiB/s  no end in sight" },
	{ "nor is its end one", { { 0, 0, 4000 }, { 39, 3900, 100 }, { 42, 4200, 2000 }, { 60, 6000, 200 }, { 62, 6200, 2000 }, { 81, 8100, 100 } },
	  "running  a -> b  3.9/4.0 GiB  ~100.0 MiB/s  no end in sight" },
	{ "an old fast start is forgotten", { { 0, 0, 4096 }, { 1, 1000, 3096 }, { 40, 1010, 3086 }, { 50, 1110, 2986 } },
	  "running  a -> b  1.1/4.0 GiB  ~10.0 MiB/s  at least 4 min 59 s left" },
	{ "the copy began again", { { 0, 500, 3596 }, { 5, 1000, 3096 }, { 9, 10, 4086 } }, "running  a -> b  0.0/4.0 GiB  ~" },
	{ "two samples at one time", { { 0, 0, 4096 }, { 0, 10, 4086 } }, "running  a -> b  0.0/4.0 GiB  ~" },
	{ "hours", { { 0, 0, 4096 }, { 100, 10, 4086 } }, "running  a -> b  0.0/4.0 GiB  ~102.4 KiB/s  at least 11 h 21 min left" },
	{ "too long to be said", { { 0, 0, 4096 }, { 10000, 1, 4095 } }, "running  a -> b  0.0/4.0 GiB  ~104 B/s" },
	{ "post-copy sends nothing twice", { { 0, 0, 4000 }, { 35, 3500, 500 }, { 42, 4200, 2000 }, { 52, 5200, 1000, "running (post-copy)" } },
	  "running (post-copy)  a -> b  3.0/4.0 GiB  ~100.0 MiB/s  ~10 s left" },
	{ "post-copy without bytes, as Nova tells it", { { 0, 0, 4096 }, { 2, 200, 3896 }, { 3, 0, 0, "running (post-copy)" } },
	  "running (post-copy)  a -> b  0.2/4.0 GiB", 60 },
	{ "a cold one sends nothing twice", { { 0, 0, 4096, "migrating", "carry" }, { 2, 200, 3896, "migrating", "carry" } },
	  "migrating (carry)  a -> b  0.2/4.0 GiB  ~100.0 MiB/s  ~39 s left" },
	{ "and has other things to do", { { 0, 0, 4096, "migrating", "carry" }, { 2, 4096, 0, "post-migrating", "land" } },
	  "post-migrating (land)  a -> b  4.0/4.0 GiB", 60 },
	{ "a stage of the status's name", { { 0, 0, 0, "queued", "queued" } }, "queued  a -> b" },
	{ "a stage that is over", { { 0, 0, 0, "post-migrating", "start" }, { 1, 0, 0, "finished" } }, "finished  a -> b" },
	{ "standing still", { { 0, 0, 4096 }, { 2, 200, 3896 } }, "running  a -> b  0.2/4.0 GiB  nothing sent for 20 s", 20 },
};

static json_t *record(const struct sample *s)
{
	json_t *m = json_pack("{s:s, s:s, s:s}", "status", s->status ? s->status : "running", "source_compute", "a", "dest_compute", "b");

	if (s->stage)
		json_object_set_new(m, "stage", json_string(s->stage));
	if (s->sent_mib || s->left_mib) {
		json_object_set_new(m, "memory_total_bytes", json_integer(4096 * MIB));
		json_object_set_new(m, "memory_processed_bytes", json_integer(s->sent_mib * MIB));
		json_object_set_new(m, "memory_remaining_bytes", json_integer(s->left_mib * MIB));
	}
	return m;
}

static void test_progress(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(progress_rows); i++) {
		struct progress p = { 0 };
		g_autofree char *line = NULL;
		int now_s = 0;

		for (const struct sample *s = progress_rows[i].samples; s < progress_rows[i].samples + SAMPLES; s++) {
			g_autoptr(json_t) m = record(s);

			if (!s->status && !s->sent_mib && !s->left_mib)
				continue;
			progress_feed(&p, m, s->at_s * 1000);
			now_s = s->at_s;
		}
		line = progress_line(&p, (now_s + progress_rows[i].later_s) * 1000);
		g_test_message("%s", progress_rows[i].name);
		g_assert_cmpstr(line, ==, progress_rows[i].want);
	}
}

static void test_progress_changes(void)
{
	struct progress p = { 0 };
	g_autoptr(json_t) a = json_pack("{s:s, s:s, s:n}", "status", "queued", "source_compute", "a", "dest_compute");
	g_autoptr(json_t) b = json_pack("{s:s, s:s, s:s}", "status", "queued", "source_compute", "a", "dest_compute", "b");
	g_autoptr(json_t) hidden = json_pack("{s:s, s:n}", "status", "queued", "dest_compute");

	g_assert_true(progress_feed(&p, a, 0));
	g_assert_false(progress_feed(&p, a, 1));
	g_assert_true(progress_feed(&p, b, 2));
	g_assert_false(progress_feed(&p, hidden, 3));
	g_assert_cmpstr(p.dest, ==, "b");
}

static void test_progress_long_words(void)
{
	struct progress p = { 0 };
	g_autofree char *word = g_strnfill(500, 'x');
	g_autoptr(json_t) m = json_pack("{s:s, s:I, s:I, s:I}", "status", word, "memory_total_bytes", (json_int_t)INT64_MAX,
					"memory_processed_bytes", (json_int_t)INT64_MIN, "disk_total_bytes", (json_int_t)INT64_MAX);
	g_autofree char *line = NULL;

	g_assert_true(progress_feed(&p, m, 0));
	g_assert_false(progress_feed(&p, m, 1));
	line = progress_line(&p, 1);
	g_assert_cmpuint(strlen(line), <, 200);
}

static void test_eta(void)
{
	static const struct {
		int64_t ms, low_ms, high_ms;
		const char *want;
	} rows[] = {
		{ 199001, 125000, 400000, "~3 min 20 s (2 min 05 s to 6 min 40 s)" },
		{ 8000, 5500, -1, "~8 s (at least 6 s, perhaps never)" },
		{ 900, 850, 1000, "~1 s" },
		{ 0, 0, 0, "~0 s" },
		{ -1, -1, -1, "~0 s (at least 0 s, perhaps never)" },
		{ 7500000, 3600000, 86400000, "~2 h 05 min (1 h 00 min to 24 h 00 min)" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *got = progress_eta(rows[i].ms, rows[i].low_ms, rows[i].high_ms);

		g_assert_cmpstr(got, ==, rows[i].want);
	}
}

/* ---- texts ---- */

static const struct {
	const char *text, *want;
	bool lines;
	size_t width;
} safe_rows[] = {
	{ "plain", "plain", false, 5 },
	{ "", "", false, 0 },
	{ "a\nb\tc\r", "a\\nb\\tc\\x0d", false, 11 },
	{ "a\nb", "a\nb", true, 3 },
	{ "\x1b[2J", "\\x1b[2J", false, 7 },
	{ "\xc2\x9b" "31m", "\\u009b31m", false, 9 },
	{ "\xe2\x80\xae" "abc", "\\u202eabc", false, 9 },
	{ "\xff\xfe", "\\xff\\xfe", false, 8 },
	{ "\xe6\x97\xa5\xe6\x9c\xac", "\xe6\x97\xa5\xe6\x9c\xac", false, 4 },
	{ "e\xcc\x81", "e\xcc\x81", false, 1 },
	{ "\xf3\xa0\x81\x81", "\\U000e0041", false, 10 },
	{ "\xe6\x97", "\\xe6\\x97", false, 8 },
};

static void test_safe(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(safe_rows); i++) {
		g_autofree char *got = render_safe(safe_rows[i].text, safe_rows[i].lines);

		g_assert_cmpstr(got, ==, safe_rows[i].want);
		g_assert_cmpuint(render_width(got), ==, safe_rows[i].width);
	}
}

static void test_bytes(void)
{
	static const struct {
		int64_t n;
		const char *want;
	} rows[] = {
		{ 0, "0 B" }, { 1023, "1023 B" }, { 1024, "1.0 KiB" }, { 1536, "1.5 KiB" }, { 1048524, "1023.9 KiB" }, { 1048575, "1.0 MiB" },
		{ INT64_MAX, "8.0 EiB" }, { -1536, "-1.5 KiB" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *got = render_bytes(rows[i].n);

		g_assert_cmpstr(got, ==, rows[i].want);
	}
}

static void test_nearest(void)
{
	static const char *const known[] = { "server", "migration", "service", "host", NULL };

	g_assert_cmpstr(near_word("servr", known), ==, "server");
	g_assert_cmpstr(near_word("hots", known), ==, "host");
	g_assert_cmpstr(near_word("migratoin", known), ==, "migration");
	g_assert_null(near_word("x", known));
	g_assert_null(near_word("completely-different", known));
}

static void test_path(void)
{
	g_autofree char *path = client_path("servers", "../os-hosts?x=1#/\xc3\xa9", "..", NULL);
	GString *query = g_string_new(NULL);

	g_assert_cmpstr(path, ==, "/servers/..%2Fos-hosts%3Fx%3D1%23%2F%C3%A9/-");
	client_query(query, "name", "^a&b$");
	client_query(query, "none", NULL);
	client_query(query, "host", "h 1");
	g_assert_cmpstr(query->str, ==, "name=%5Ea%26b%24&host=h%201");
	g_string_free(query, TRUE);
}

/* ---- what servers say ---- */

static void test_microversion(void)
{
	static const struct {
		const char *text;
		int want;   /* 0: refused */
	} rows[] = {
		{ "2.1", 1 }, { "2.96", 96 }, { "2.latest", INT_MAX }, { "latest", INT_MAX }, { "2.0", 0 }, { "2", 0 }, { "3.1", 0 }, { "2.-1", 0 },
		{ "2.99999999999", 0 }, { "2.1 ", 0 }, { "", 0 }, { "2.0x10", 0 },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		int got = 0;

		g_assert_cmpint(reply_microversion(rows[i].text, &got), ==, rows[i].want != 0);
		g_assert_cmpint(got, ==, rows[i].want);
	}
}

static void test_fault(void)
{
	static const struct {
		const char *body, *want;
	} rows[] = {
		{ "{\"badRequest\": {\"code\": 400, \"message\": \"Bad.\"}}", "Bad." },
		{ "{\"error\": {\"code\": 401, \"message\": \"Who?\", \"title\": \"Unauthorized\"}}", "Who?" },
		{ "{\"errors\": [{\"title\": \"t\", \"detail\": \"d\"}]}", "d" },
		{ "{\"errors\": [{\"title\": \"t\"}]}", "t" },
		{ "{\"x\": {\"message\": \"a\\nb\\u001b\"}}", "a\nb\\x1b" },
		{ "{\"x\": 1}", NULL }, { "", NULL }, { "<html>", NULL }, { "  tired  ", "tired" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *got = reply_fault(rows[i].body, strlen(rows[i].body));

		g_assert_cmpstr(got, ==, rows[i].want);
	}
}

static void test_auth_url(void)
{
	static const struct {
		const char *url, *want;
	} rows[] = {
		{ "http://x/identity", "http://x/identity/v3/auth/tokens" }, { "http://x:5000/v3/", "http://x:5000/v3/auth/tokens" },
		{ "http://x:5000/v2.0", "http://x:5000/v3/auth/tokens" }, { "http://x//", "http://x/v3/auth/tokens" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct cloud c = { .auth_url = (char *)rows[i].url };
		g_autofree char *got = auth_tokens_url(&c);

		g_assert_cmpstr(got, ==, rows[i].want);
	}
}

static void test_reason(void)
{
	g_autoptr(json_t) actions = json_pack("[{s:s, s:s, s:s}, {s:s, s:s, s:s}, {s:s, s:s, s:s}, {s:s}, i]",
		"action", "live-migration", "request_id", "late", "start_time", "2024-05-03T00:00:00.000000",
		"action", "live-migration", "request_id", "early", "start_time", "2024-05-01T00:00:00.000000",
		"action", "reboot", "request_id", "other", "start_time", "2024-05-01T00:00:00.000001",
		"action", "live-migration", 5);

	g_assert_cmpstr(reason_pick_action(actions, INT64_MAX), ==, "late");
	g_assert_cmpstr(reason_pick_action(actions, INT64_C(1714608000000000)), ==, "early");
	g_assert_null(reason_pick_action(actions, 0));
	g_assert_null(reason_pick_action(NULL, 0));
}

/* ---- server-sent events ---- */

static bool note_event(const char *data, void *user)
{
	g_string_append_printf(user, "[%s]", data);
	return strcmp(data, "stop") != 0;
}

static void test_sse(void)
{
	static const struct {
		const char *bytes, *want, *id;
	} rows[] = {
		{ "data: a\n\n", "[a]", NULL },
		{ "id: 1-2\nevent: x\ndata: a\n\n", "[a]", "1-2" },
		{ "retry: 5\nid: 1-2\n\n", "", "1-2" },
		{ ":\nid: 1\n\n:comment\n\ndata:b\n\n", "[b]", "1" },
		{ "data: a\r\ndata:  b\rdata\n\r\n", "[a\n b\n]", NULL },
		{ "id: 1\ndata: a\n\nid: 2\ndata: torn", "[a]", "1" },
		{ "datum: a\n\n\n\n", "", NULL },
		{ "data: stop\n\ndata: a\n\n", "[stop]", NULL },
		{ "id: 1\ndata: a\n\nid\ndata: b\n\n", "[a][b]", "1" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		for (size_t piece = 1; piece < 64; piece *= 3) {
			g_autoptr(GString) got = g_string_new(NULL);
			size_t len = strlen(rows[i].bytes), at = 0;
			struct sse s;

			sse_init(&s);
			while (at < len && sse_feed(&s, rows[i].bytes + at, MIN(piece, len - at), note_event, got))
				at += piece;
			g_assert_cmpstr(got->str, ==, rows[i].want);
			g_assert_cmpstr(s.last_id, ==, rows[i].id);
			/* what was torn does not join what comes next */
			sse_restart(&s);
			g_string_truncate(got, 0);
			g_assert_true(sse_feed(&s, "data: z\n\n", 9, note_event, got));
			g_assert_cmpstr(got->str, ==, "[z]");
			g_assert_cmpstr(s.last_id, ==, rows[i].id);
			sse_clear(&s);
		}
	}
}

static void test_sse_too_long(void)
{
	g_autofree char *much = g_strnfill(SSE_BLOCK_MAX, 'x');
	g_autoptr(GString) got = g_string_new(NULL);
	struct sse s;

	sse_init(&s);
	g_assert_true(sse_feed(&s, much, SSE_BLOCK_MAX, note_event, got));
	g_assert_false(sse_feed(&s, "x", 1, note_event, got));
	sse_clear(&s);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/cli/progress", test_progress);
	g_test_add_func("/cli/progress-changes", test_progress_changes);
	g_test_add_func("/cli/progress-long-words", test_progress_long_words);
	g_test_add_func("/cli/eta", test_eta);
	g_test_add_func("/cli/safe", test_safe);
	g_test_add_func("/cli/bytes", test_bytes);
	g_test_add_func("/cli/nearest", test_nearest);
	g_test_add_func("/cli/path", test_path);
	g_test_add_func("/cli/microversion", test_microversion);
	g_test_add_func("/cli/fault", test_fault);
	g_test_add_func("/cli/auth-url", test_auth_url);
	g_test_add_func("/cli/reason", test_reason);
	g_test_add_func("/cli/sse", test_sse);
	g_test_add_func("/cli/sse-too-long", test_sse_too_long);
	return g_test_run();
}

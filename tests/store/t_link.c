/* SPDX-License-Identifier: Apache-2.0
 *
 * PostgreSQL over a connection that is lost at every point of a write.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/err.h"
#include "fixture.h"
#include "proxy.h"

#define NAME "the-row"

enum ends {
	ENDS_WELL,    /* it was done again on a new connection, once */
	ENDS_NOTHING, /* ERR_UNAVAILABLE, and nothing is written */
	ENDS_UNKNOWN, /* ERR_STORE that says so */
};

static const struct {
	const char *name, *token;
	enum loss loss;
	bool alone; /* one statement, no transaction */
	bool cold;  /* the statement was not prepared before */
	enum ends ends;
	bool written;
} cases[] = {
	/* The statement was not sent yet. */
	{ "prepare, before", "INSERT INTO hosts", LOSS_BEFORE, true, true, ENDS_WELL, true },
	{ "prepare, after", "INSERT INTO hosts", LOSS_AFTER, true, true, ENDS_WELL, true },
	{ "begin, before", "BEGIN", LOSS_BEFORE, false, false, ENDS_WELL, true },
	{ "begin, after", "BEGIN", LOSS_AFTER, false, false, ENDS_WELL, true },
	/* In a transaction: the server rolls back what it cannot ask about. */
	{ "prepare in a transaction", "INSERT INTO hosts", LOSS_AFTER, false, true, ENDS_NOTHING, false },
	{ "statement in a transaction, before", NAME, LOSS_BEFORE, false, false, ENDS_NOTHING, false },
	{ "statement in a transaction, after", NAME, LOSS_AFTER, false, false, ENDS_NOTHING, false },
	{ "statement in a transaction, silence", NAME, LOSS_SILENT, false, false, ENDS_NOTHING, false },
	/* Only the server knows; never done again. */
	{ "statement, before", NAME, LOSS_BEFORE, true, false, ENDS_UNKNOWN, false },
	{ "statement, after", NAME, LOSS_AFTER, true, false, ENDS_UNKNOWN, true },
	{ "commit, before", "COMMIT", LOSS_BEFORE, false, false, ENDS_UNKNOWN, false },
	{ "commit, after", "COMMIT", LOSS_AFTER, false, false, ENDS_UNKNOWN, true },
	{ "commit, silence", "COMMIT", LOSS_SILENT, false, false, ENDS_UNKNOWN, false },
};

static bool no_socket_of_ours(void)
{
	if (!fx_is_sqlite() && fx_dir())
		return false;
	g_test_skip(fx_is_sqlite() ? "there is no connection" : "the server is not ours");
	return true;
}

static struct proxy *make_proxy(void)
{
	g_autofree char *dir = g_build_filename(fx_dir(), "proxy", NULL);

	g_assert_true(mkdir(dir, 0700) == 0 || errno == EEXIST);
	fx_reset();
	return proxy_new(dir, fx_url());
}

static struct store *open_by(struct proxy *p)
{
	g_autoptr(GError) err = NULL;
	struct store *s = store_open(proxy_url(p), &err);

	g_assert_no_error(err);
	g_assert_true(store_serve(s, &err));
	return s;
}

static char *hosts(struct store *s)
{
	g_autoptr(GError) err = NULL;
	char *rows = fx_dump(s, Q_HOST_ALL, STORE_NO_ARGS, &err);

	g_assert_no_error(err);
	return rows;
}

static enum ends how_it_ended(const GError *err)
{
	if (!err)
		return ENDS_WELL;
	if (g_error_matches(err, ERR, ERR_UNAVAILABLE))
		return ENDS_NOTHING;
	g_assert_error(err, ERR, ERR_STORE);
	g_assert_nonnull(strstr(err->message, "outcome is unknown"));
	return ENDS_UNKNOWN;
}

static void test_loss(const void *data)
{
	size_t i = GPOINTER_TO_SIZE(data);
	g_autoptr(GError) err = NULL;
	g_autofree char *rows = NULL;
	struct proxy *p;
	struct store *s;
	bool ok;

	if (no_socket_of_ours())
		return;
	p = make_proxy();
	s = open_by(p);
	store_postgres_stall_ms = 1000;
	if (!cases[i].cold)
		g_assert_true(fx_put_host(s, "warm", cases[i].alone, &err));
	proxy_arm(p, cases[i].loss, cases[i].token);
	ok = fx_put_host(s, NAME, cases[i].alone, &err);
	g_test_message("%s", err ? err->message : "done");
	g_assert_cmpint(how_it_ended(err), ==, cases[i].ends);
	g_assert_cmpint(ok, ==, cases[i].ends == ENDS_WELL);
	rows = hosts(s); /* it goes on by itself */
	g_assert_cmpint(strstr(rows, NAME) != NULL, ==, cases[i].written);
	store_postgres_stall_ms = 2000;
	store_close(s);
	proxy_free(p);
}

/* The server went away while there was no request. */
static void test_idle(void)
{
	g_autoptr(GError) err = NULL;
	struct proxy *p;
	struct store *s;

	if (no_socket_of_ours())
		return;
	p = make_proxy();
	s = open_by(p);
	proxy_arm(p, LOSS_NOW, NULL);
	g_assert_true(fx_put_host(s, "alone", true, &err));
	proxy_arm(p, LOSS_NOW, NULL);
	g_assert_true(fx_put_host(s, "transaction", false, &err));
	proxy_arm(p, LOSS_NOW, NULL);
	g_free(hosts(s));

	g_assert_true(store_begin(s, &err));
	proxy_arm(p, LOSS_NOW, NULL);
	g_assert_false(fx_put_host(s, "lost-1", true, &err));
	g_assert_error(err, ERR, ERR_UNAVAILABLE);
	g_clear_error(&err);
	g_assert_false(fx_put_host(s, "lost-2", true, &err)); /* not on a new connection, outside the transaction */
	g_clear_error(&err);
	g_assert_false(store_commit(s, &err));
	g_clear_error(&err);

	/* seen before the COMMIT was sent: the outcome is known */
	g_assert_true(store_begin(s, &err) && fx_put_host(s, "lost-3", true, &err));
	proxy_arm(p, LOSS_NOW, NULL);
	g_assert_false(store_commit(s, &err));
	g_assert_error(err, ERR, ERR_UNAVAILABLE);
	g_clear_error(&err);
	g_autofree char *rows = hosts(s);
	g_assert_null(strstr(rows, "lost"));
	store_close(s);
	proxy_free(p);
}

/* A silent server at a read: nothing was changed by it. */
static void test_silent_read(void)
{
	g_autoptr(GError) err = NULL;
	struct proxy *p;
	struct store *s;

	if (no_socket_of_ours())
		return;
	p = make_proxy();
	s = open_by(p);
	g_free(hosts(s));
	store_postgres_stall_ms = 1000;
	proxy_arm(p, LOSS_SILENT, "host_all");
	g_assert_null(fx_dump(s, Q_HOST_ALL, STORE_NO_ARGS, &err));
	g_assert_error(err, ERR, ERR_UNAVAILABLE);
	store_postgres_stall_ms = 2000;
	g_free(hosts(s));
	store_close(s);
	proxy_free(p);
}

/* While the server is away, the loop thread is not held up by one try after another. */
static void test_server_away(void)
{
	g_autoptr(GError) err = NULL;
	g_autoptr(store) s = NULL;

	if (no_socket_of_ours())
		return;
	fx_reset();
	s = fx_open();
	fx_server_kill(SIGKILL);
	g_assert_false(fx_put_host(s, "a", false, &err));
	g_assert_error(err, ERR, ERR_UNAVAILABLE);
	g_assert_nonnull(strstr(err->message, "cannot connect to the database"));
	g_assert_null(strstr(err->message, "s3cret"));
	g_clear_error(&err);
	fx_server_start();
	g_assert_false(fx_put_host(s, "b", false, &err));
	g_assert_error(err, ERR, ERR_UNAVAILABLE);
	g_assert_nonnull(strstr(err->message, "the next try is in 5000 ms"));
	g_clear_error(&err);
	clock_advance_ms(5000);
	g_assert_true(fx_put_host(s, "c", false, &err));
	g_autofree char *rows = hosts(s);
	g_assert_true(g_str_has_prefix(rows, "1|c|uri|") && !strstr(rows, "\n2|"));
}

/* The administrator ends the session: an error message comes, then the end. */
static void test_terminated(void)
{
	g_autoptr(GError) err = NULL;
	g_autoptr(store) s = NULL;

	if (no_socket_of_ours())
		return;
	fx_reset();
	s = fx_open();
	g_assert_true(store_begin(s, &err) && fx_put_host(s, "a", true, &err));
	g_free(fx_sql("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = 'droverd' AND pid <> pg_backend_pid()"));
	g_assert_false(store_commit(s, &err));
	g_assert_error(err, ERR, ERR_UNAVAILABLE);
	g_clear_error(&err);
	g_free(fx_sql("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = 'droverd' AND pid <> pg_backend_pid()"));
	g_assert_true(fx_put_host(s, "b", false, &err));
	g_free(fx_sql("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = 'droverd' AND pid <> pg_backend_pid()"));
	g_assert_true(fx_put_host(s, "c", true, &err));
	g_autofree char *rows = hosts(s);
	g_assert_true(!strstr(rows, "|a|") && strstr(rows, "|b|") && strstr(rows, "|c|"));
}

/* A server that is slow: it gives up by itself what the loop cannot wait for, so that the outcome is known. */
static void test_slow_statement(void)
{
	g_autoptr(GError) err = NULL;
	g_autoptr(store) s = NULL;
	g_autofree char *rows = NULL;

	if (no_socket_of_ours())
		return;
	fx_reset();
	s = fx_open();
	g_free(fx_sql("CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(2.5); RETURN NEW; END'"));
	g_free(fx_sql("CREATE TRIGGER slow BEFORE INSERT ON hosts FOR EACH ROW WHEN (NEW.name LIKE 'slow%') EXECUTE FUNCTION slow()"));
	g_assert_true(fx_put_host(s, "slow at the start", true, &err)); /* then there is time */
	g_assert_true(store_serve(s, &err));
	for (int alone = 0; alone < 2; alone++) {
		g_assert_false(fx_put_host(s, "slow later", alone, &err));
		g_assert_error(err, ERR, ERR_STORE);
		g_assert_nonnull(strstr(err->message, "SQLSTATE 57014"));
		g_clear_error(&err);
	}
	g_assert_true(fx_put_host(s, "quick", true, &err));
	rows = hosts(s);
	g_assert_null(strstr(rows, "later"));
}

/* A server that takes the connection and is silent: the call that connects waits until its limit, the next ones do not. */
static void test_silent_connect(void)
{
	g_autoptr(GError) err = NULL;
	struct proxy *p;
	struct store *s;

	if (no_socket_of_ours())
		return;
	p = make_proxy();
	s = open_by(p);
	store_postgres_stall_ms = 200;
	proxy_arm(p, LOSS_NOW, NULL);
	proxy_arm(p, LOSS_SILENT, "droverd");
	for (int i = 0; i < 20; i++) {
		g_assert_false(fx_put_host(s, "a", i % 2, &err));
		g_assert_error(err, ERR, ERR_UNAVAILABLE);
		g_assert_nonnull(strstr(err->message, "it does not answer"));
		g_clear_error(&err);
	}
	store_postgres_stall_ms = 2000;
	store_close(s);
	proxy_free(p);
}

/* A server that is slow to answer at a start: its limit is not that of one that serves. */
static void test_slow_connect(void)
{
	g_autoptr(GError) err = NULL;
	g_autoptr(store) s = NULL;
	g_autofree char *url = NULL;

	if (no_socket_of_ours())
		return;
	fx_reset();
	url = g_strconcat(fx_url(), strchr(fx_url(), '?') ? "&" : "?", "options=-c%20post_auth_delay%3D3", NULL);
	s = store_open(url, &err);
	g_assert_no_error(err);
	g_free(hosts(s));
}

void t_link_add(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *path = g_strdelimit(g_strconcat("/store/link/", cases[i].name, NULL), ", ", '-');

		g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_loss);
	}
	g_test_add_func("/store/link/idle", test_idle);
	g_test_add_func("/store/link/silent-read", test_silent_read);
	g_test_add_func("/store/link/server-away", test_server_away);
	g_test_add_func("/store/link/terminated", test_terminated);
	g_test_add_func("/store/link/slow-statement", test_slow_statement);
	g_test_add_func("/store/link/silent-connect", test_silent_connect);
	g_test_add_func("/store/link/slow-connect", test_slow_connect);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * store_postgres: the store in a PostgreSQL database, through libpq.
 *
 * Theory of operation
 * -------------------
 * One connection. It can die at any moment, so every failure is one of three:
 *
 *   the server answered with an error     nothing was done; ERR_STORE, its words
 *   lost, and surely nothing was done     ERR_UNAVAILABLE
 *   lost after the statement was sent     ERR_STORE, "the outcome is unknown"
 *
 * Nothing was done for sure when the loss was seen before anything was sent
 * (a server that restarted has closed the idle socket), when only a PREPARE or a
 * BEGIN was sent, and inside a transaction before its COMMIT, since a server
 * rolls back what it cannot ask about any more. In the first two cases, outside
 * a transaction, the connection is made again and the statement sent, once.
 * Nothing else is ever sent twice.
 *
 * A server may also fall silent without closing, or be slow. A call has until
 * db->until_ms, a transaction as a whole; then the connection counts as lost.
 * The server itself gives up a statement a little earlier (timeouts[]), so that
 * a slow statement is an error and not an unknown outcome. A connection is made
 * by a thread of its own, since looking up a name cannot be bounded: the call
 * that wants it waits until its limit, later ones take it when it is there.
 * After a failed connect, the next tries fail at once for RETRY_MS: the loop
 * thread must go on serving what needs no database.
 *
 * Whose database it is has a module of its own, leader.h: what begins a
 * transaction asks for it, and so does each new connection.
 *
 * Messages hold the server's primary text alone. Its detail shows whole rows,
 * and a row of users has a password hash. The URL is never shown.
 */
#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "store/leader.h"
#include "store/store.h"

#define RETRY_MS 5000
#define ARGS_MAX 32

#define START_FACTOR 15       /* what the start may take longer: schema steps, loading of all that there is */

int store_postgres_stall_ms = 2000;

/* A connection under way, of the thread that makes it and of the store. */
struct dial {
	char *url;
	bool serving;
	int ready; /* eventfd: conn is set */
	PGconn *conn;
};

struct pg_db {
	char *url;          /* as libpq reads it */
	PGconn *conn;       /* NULL when it was lost */
	bool in_tx;
	bool prepared[Q_N]; /* on this connection */
	int64_t retry_at_ms; /* no new try before */
	int64_t until_ms;    /* this call's limit, or this transaction's */
	bool serving;
	bool beside; /* beside a daemon: no lock, and no row of ours in leader */
	struct dial *dial;   /* NULL: none under way */
	struct leader *leader;
};

/* What the URL itself says wins, because it comes behind these. */
static const struct {
	const char *key, *value;
} defaults[] = {
	{ "keepalives", "1" },
	{ "keepalives_idle", "10" },
	{ "keepalives_interval", "5" },
	{ "keepalives_count", "3" },
	{ "tcp_user_timeout", "20000" },
	{ "target_session_attrs", "read-write" }, /* of several servers, the one that is not a standby */
	{ "fallback_application_name", "droverd" },
};

/* A commit that was acknowledged is on the disk. Where the server promises more than "on", that stays. */
static const char session[] =
	"SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') IN ('off', 'local');"
	"SET idle_in_transaction_session_timeout = '60s';"
	/* A session of a machine that went down must not hold the lock for hours. */
	"SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3;"
	"SET client_min_messages = warning; SET standard_conforming_strings = on";

/* By db->serving: three and two quarters of the client's own limit, which is counted from an earlier moment. */
static const char *const timeouts[] = {
	"SET statement_timeout = '20s'; SET lock_timeout = '10s'",
	"SET statement_timeout = '1500ms'; SET lock_timeout = '1000ms'",
};

/* Likewise, in seconds, of each server that the URL names: a start rather waits for a busy one, what serves tries the next soon. */
static const char *const connect_timeouts[] = { "10", "2" };

/* What it asks for is found by indexes, whatever is not known yet of tables that were empty a moment ago. */
static const char session_beside[] = "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_material = off; SET jit = off";

/* ---- messages ---- */

/* libpq's messages end with a newline and may have several lines. */
static char *one_line(const char *text)
{
	g_autofree char *trimmed = g_strstrip(g_strdup(text ? text : ""));
	g_auto(GStrv) lines = g_strsplit(trimmed, "\n", -1);

	for (char **l = lines; *l; l++)
		g_strstrip(*l);
	return g_strjoinv("; ", lines);
}

static bool refused(const PGresult *r, GError **err)
{
	const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
	g_autofree char *text = one_line(PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY));

	g_set_error(err, ERR, ERR_STORE, "database: %s (SQLSTATE %s)", text, state ? state : "none");
	return false;
}

static void lose(struct pg_db *db)
{
	PQfinish(db->conn);
	db->conn = NULL;
	memset(db->prepared, 0, sizeof db->prepared);
}

static bool lost_before(struct pg_db *db, GError **err)
{
	g_set_error(err, ERR, ERR_UNAVAILABLE, "the connection to the database was lost%s",
		    db->in_tx ? ", the transaction is rolled back" : "");
	return false;
}

static bool lost_after(const char *what, GError **err)
{
	g_set_error(err, ERR, ERR_STORE, "the connection to the database was lost during %s, the outcome is unknown", what);
	return false;
}

/* ---- talking ---- */

static bool is_error(const PGresult *r)
{
	ExecStatusType s = PQresultStatus(r);

	return s != PGRES_COMMAND_OK && s != PGRES_TUPLES_OK;
}

/* A call begins; those of a transaction share its limit. */
static void set_limit(struct pg_db *db)
{
	if (!db->in_tx)
		db->until_ms = clock_now_ms() + (int64_t)store_postgres_stall_ms * (db->serving ? 1 : START_FACTOR);
}

static int left_ms(const struct pg_db *db)
{
	return (int)CLAMP(db->until_ms - clock_now_ms(), 0, G_MAXINT);
}

/* Until the next result can be taken without blocking; false if the server closed or the limit has come. */
static bool wait_result(const struct pg_db *db)
{
	PGconn *conn = db->conn;
	int unsent;

	while ((unsent = PQflush(conn)) > 0 || PQisBusy(conn)) {
		struct pollfd p = { .fd = PQsocket(conn), .events = (short)(POLLIN | (unsent > 0 ? POLLOUT : 0)) };
		int n = poll(&p, 1, left_ms(db));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		if ((p.revents & ~POLLOUT) && !PQconsumeInput(conn))
			return false;
	}
	return unsent == 0;
}

static struct dial *dial_start(const struct pg_db *db);

/*
 * Wait for the answer to what was sent.
 *
 * Return: the first error or else the last result; NULL when the connection was
 * lost, which is then closed
 */
static PGresult *answer(struct pg_db *db, int sent)
{
	PGresult *kept = NULL, *r = NULL;
	bool ok = sent;

	while (ok && (ok = wait_result(db)) && (r = PQgetResult(db->conn))) {
		if (kept && is_error(kept)) {
			PQclear(r);
			continue;
		}
		PQclear(kept);
		kept = r;
	}
	if (ok && kept && PQstatus(db->conn) == CONNECTION_OK)
		return kept;
	PQclear(kept);
	lose(db);
	/* It had its time. What else this turn of the loop has to write does not wait for a connection as well. */
	if (left_ms(db) == 0 && !db->dial)
		db->dial = dial_start(db);
	return NULL;
}

/* Send text without parameters. Return: false with @err, or with the connection lost and no error set. */
static bool command(struct pg_db *db, const char *sql, PGresult **ret_result, GError **err)
{
	PGresult *r = answer(db, PQsendQuery(db->conn, sql));

	if (r && is_error(r))
		refused(r, err);
	*ret_result = r;
	if (r && !is_error(r))
		return true;
	return false;
}

/* command() whose result does not matter and whose loss is an error like another. */
static bool simple(struct pg_db *db, const char *sql, GError **err)
{
	PGresult *r;
	bool ok = command(db, sql, &r, err);

	if (!r)
		lost_before(db, err);
	PQclear(r);
	return ok;
}

/* ---- connecting ---- */

static void no_notice(void *user, const PGresult *r)
{
	(void)user;
	(void)r;
}

static PGconn *dial_now(const struct dial *d)
{
	const char *keys[G_N_ELEMENTS(defaults) + 4], *values[G_N_ELEMENTS(keys)];
	size_t n = 0;

	for (; n < G_N_ELEMENTS(defaults); n++) {
		keys[n] = defaults[n].key;
		values[n] = defaults[n].value;
	}
	keys[n] = "connect_timeout";
	values[n++] = connect_timeouts[d->serving];
	keys[n] = "dbname";
	values[n++] = d->url;
	keys[n] = "client_encoding";
	values[n++] = "UTF8";
	keys[n] = values[n] = NULL;
	return PQconnectdbParams(keys, values, 1);
}

static void dial_clear(void *data)
{
	struct dial *d = data;

	PQfinish(d->conn);
	close(d->ready);
	g_free(d->url);
}

static void dial_unref(struct dial *d)
{
	if (d)
		g_atomic_rc_box_release_full(d, dial_clear);
}

static void *dial_thread(void *data)
{
	struct dial *d = data;

	d->conn = dial_now(d);
	(void)!write(d->ready, &(uint64_t){ 1 }, sizeof(uint64_t)); /* its counter is far from full */
	dial_unref(d);
	return NULL;
}

/* Return: NULL where no descriptor or no thread can be had. */
static struct dial *dial_start(const struct pg_db *db)
{
	struct dial *d;
	GThread *t;
	int fd = eventfd(0, EFD_CLOEXEC);

	if (fd < 0)
		return NULL;
	d = g_atomic_rc_box_new0(struct dial);
	d->ready = fd;
	d->url = g_strdup(db->url);
	d->serving = db->serving;
	t = g_thread_try_new("connect", dial_thread, g_atomic_rc_box_acquire(d), NULL);
	if (!t) {
		dial_unref(d);
		dial_unref(d);
		return NULL;
	}
	g_thread_unref(t);
	return d;
}

/* Return: whether db->conn is what the thread has made. The call that starts it waits for it, later ones only look. */
static bool dialled(struct pg_db *db, GError **err)
{
	bool first = !db->dial;
	struct pollfd p = { .events = POLLIN };

	if (first)
		db->dial = dial_start(db);
	if (!db->dial) {
		g_set_error(err, ERR, ERR_UNAVAILABLE, "cannot connect to the database: %s", g_strerror(errno));
		return false;
	}
	p.fd = db->dial->ready;
	if (poll(&p, 1, first ? left_ms(db) : 0) <= 0 || read(p.fd, &(uint64_t){ 0 }, sizeof(uint64_t)) < 0) {
		g_set_error(err, ERR, ERR_UNAVAILABLE, "cannot connect to the database yet: it does not answer");
		return false;
	}
	db->conn = g_steal_pointer(&db->dial->conn);
	dial_unref(g_steal_pointer(&db->dial));
	return true;
}

static bool start_session(struct pg_db *db, GError **err)
{
	PQsetNoticeReceiver(db->conn, no_notice, NULL);
	if (PQsetnonblocking(db->conn, 1) != 0)
		return lost_before(db, err);
	if (simple(db, session, err) && simple(db, timeouts[db->serving], err) && (!db->beside || simple(db, session_beside, err)))
		return true;
	if (db->conn)
		lose(db);
	return false;
}

/* ---- whose database it is ---- */

static bool is_lost(struct pg_db *db, GError **err)
{
	if (leader_lost(db->leader))
		g_set_error(err, ERR, ERR_STORE, "%s", leader_lost(db->leader));
	return leader_lost(db->leader) != NULL;
}

static int send_values(struct pg_db *db, int q, const char *sql, const struct store_val *args, size_t n);

static int leader_ask(void *vdb, const char *sql, const struct store_val *args, size_t n, char **ret_text, GError **err)
{
	struct pg_db *db = vdb;
	PGresult *r = answer(db, n ? send_values(db, -1, sql, args, n) : PQsendQuery(db->conn, sql));
	int rows = -1;

	if (!r)
		lost_before(db, err);
	else if (!is_error(r) || refused(r, err))
		rows = PQntuples(r);
	if (rows > 0 && ret_text && !PQgetisnull(r, 0, 0))
		*ret_text = g_strdup(PQgetvalue(r, 0, 0));
	PQclear(r);
	return rows;
}

static int leader_left_ms(const void *db)
{
	return left_ms(db);
}

static bool is_connected(const void *db)
{
	return ((const struct pg_db *)db)->conn != NULL;
}

static void drop(void *vdb)
{
	struct pg_db *db = vdb;

	if (db->conn)
		lose(db);
}

static const struct leader_session leader_session = { .ask = leader_ask, .left_ms = leader_left_ms, .connected = is_connected, .drop = drop };

static bool pg_lock(void *vdb, GError **err)
{
	struct pg_db *db = vdb;

	return leader_lock(db->leader, err);
}

static bool pg_take(void *vdb, GError **err)
{
	struct pg_db *db = vdb;

	return leader_take(db->leader, err);
}

static const char *pg_lost(void *vdb)
{
	return leader_lost(((const struct pg_db *)vdb)->leader);
}

static bool connect_now(struct pg_db *db, GError **err)
{
	g_autofree char *why = NULL;

	g_assert(!db->conn);
	if (!db->dial && clock_now_ms() < db->retry_at_ms) {
		g_set_error(err, ERR, ERR_UNAVAILABLE, "the database cannot be reached; the next try is in %d ms",
			    (int)(db->retry_at_ms - clock_now_ms()));
		return false;
	}
	if (!dialled(db, err))
		return false;
	if (PQstatus(db->conn) == CONNECTION_OK && start_session(db, err) && leader_regain(db->leader, err)) {
		db->retry_at_ms = 0;
		return true;
	}
	db->retry_at_ms = clock_now_ms() + RETRY_MS;
	if (db->conn && PQstatus(db->conn) == CONNECTION_OK)
		lose(db); /* the error is set */
	if (!db->conn)
		return false;
	why = one_line(PQerrorMessage(db->conn));
	g_set_error(err, ERR, ERR_UNAVAILABLE, "cannot connect to the database: %s", why);
	lose(db);
	return false;
}

/*
 * Look at an idle connection before something is sent over it: a server that
 * went away has closed it, and then nothing was done yet.
 */
static void notice_loss(struct pg_db *db)
{
	struct pollfd p = { .events = POLLIN };

	if (!db->conn)
		return;
	p.fd = PQsocket(db->conn);
	while (p.fd >= 0 && poll(&p, 1, 0) > 0) {
		if (!PQconsumeInput(db->conn))
			break;
		/* Without a query, only notices and parameters may come; an error message ends the connection. */
		if (PQisBusy(db->conn) || PQstatus(db->conn) != CONNECTION_OK)
			break;
		p.fd = PQsocket(db->conn);
	}
	if (PQstatus(db->conn) != CONNECTION_OK)
		lose(db);
}

static bool prepare(struct pg_db *db, int q, const char *sql, GError **err)
{
	PGresult *r;
	bool ok;

	if (q < 0 || db->prepared[q])
		return true;
	r = answer(db, PQsendPrepare(db->conn, query_table[q].name, sql, 0, NULL));
	if (!r)
		return lost_before(db, err);
	ok = !is_error(r) || refused(r, err);
	PQclear(r);
	if (ok)
		db->prepared[q] = true;
	return ok;
}

/* A connection on which statement @q is prepared; @q < 0: any connection. */
static bool ready(struct pg_db *db, int q, const char *sql, GError **err)
{
	bool fresh = false;

	set_limit(db);
	if (is_lost(db, err))
		return false;
	notice_loss(db);
	if (!db->conn) {
		if (db->in_tx)
			return lost_before(db, err);
		if (!connect_now(db, err))
			return false;
		fresh = true;
	}
	if (prepare(db, q, sql, err))
		return true;
	if (db->conn || db->in_tx || fresh)
		return false;
	g_clear_error(err);
	return connect_now(db, err) && prepare(db, q, sql, err);
}

/* ---- opening ---- */

static bool all_digits_and_commas(const char *text)
{
	return strspn(text, "0123456789,") == strlen(text);
}

/*
 * A password with an '@', '/' or ':' that is not percent-encoded ends too early,
 * and its rest would be shown as a host, port or database that does not exist.
 */
static bool url_is_sound(const char *url)
{
	PQconninfoOption *o = PQconninfoParse(url, NULL);
	bool ok = o != NULL;

	for (PQconninfoOption *i = o; ok && i->keyword; i++) {
		if (!i->val)
			continue;
		if (strcmp(i->keyword, "host") == 0 || strcmp(i->keyword, "dbname") == 0)
			ok = !strchr(i->val, '@');
		else if (strcmp(i->keyword, "port") == 0)
			ok = all_digits_and_commas(i->val);
	}
	PQconninfoFree(o);
	return ok;
}

static void pg_close(void *vdb)
{
	struct pg_db *db = vdb;

	PQfinish(db->conn);
	dial_unref(db->dial);
	leader_free(db->leader);
	g_free(db->url);
	g_free(db);
}

static void *open_as(const char *url, bool beside, GError **err)
{
	g_autofree char *plain = g_strconcat("postgresql", strchr(url, ':'), NULL); /* without SQLAlchemy's "+driver" */
	struct pg_db *db;

	if (!url_is_sound(plain)) {
		g_set_error(err, ERR, ERR_STORE, "the database's URL is malformed: postgresql://USER:PASSWORD@HOST:PORT/NAME, "
			    "with '@', ':', '/', '%%' in a name or a password as %%40, %%3A, %%2F, %%25");
		return NULL;
	}
	db = g_new0(struct pg_db, 1);
	db->url = g_steal_pointer(&plain);
	db->beside = beside;
	db->leader = leader_new(&leader_session, db);
	set_limit(db);
	if (connect_now(db, err))
		return db;
	pg_close(db);
	/* At the start nothing is unavailable for a while: it is not there. */
	if (err && *err)
		(*err)->code = ERR_STORE;
	return NULL;
}

static void *pg_open(const char *url, GError **err)
{
	return open_as(url, false, err);
}

static void *pg_open_beside(const char *url, GError **err)
{
	return open_as(url, true, err);
}

static bool pg_in_use(void *vdb)
{
	struct pg_db *db = vdb;

	return !ready(db, -1, NULL, NULL) || leader_is_locked(db->leader);
}

/* ---- transactions ---- */

static bool pg_script(void *vdb, const char *sql, GError **err)
{
	struct pg_db *db = vdb;

	return ready(db, -1, NULL, err) && simple(db, sql, err);
}

/* The row leader is looked at in the same message. */
static bool begin(struct pg_db *db, GError **err)
{
	int rows = leader_ask(db, leader_begin(db->leader), NULL, 0, NULL, err);

	return rows >= 0 && leader_saw(db->leader, rows, err);
}

static bool pg_begin(void *vdb, GError **err)
{
	struct pg_db *db = vdb;

	if (!ready(db, -1, NULL, err))
		return false;
	if (!begin(db, err)) {
		if (db->conn || leader_lost(db->leader))
			return false;
		g_clear_error(err);
		if (!connect_now(db, err) || !begin(db, err))
			return false;
	}
	db->in_tx = true;
	return true;
}

static bool pg_check(void *vdb, GError **err)
{
	struct pg_db *db = vdb;

	return ready(db, -1, NULL, err) && leader_look(db->leader, err);
}

static bool pg_serve(void *vdb, GError **err)
{
	struct pg_db *db = vdb;

	db->serving = true;
	return ready(db, -1, NULL, err) && simple(db, timeouts[true], err);
}

static bool pg_commit(void *vdb, GError **err)
{
	struct pg_db *db = vdb;
	PGresult *r;
	bool ok;

	notice_loss(db);
	if (db->conn && left_ms(db) == 0)
		lose(db); /* the answer would not be waited for */
	if (!db->conn)
		return lost_before(db, err);
	ok = command(db, "COMMIT", &r, err);
	if (!r)
		return lost_after("the commit", err);
	/* A transaction that failed is rolled back by COMMIT, and that is not an error to the server. */
	if (ok && strcmp(PQcmdStatus(r), "COMMIT") != 0) {
		g_set_error(err, ERR, ERR_STORE, "the database rolled the transaction back");
		ok = false;
	}
	PQclear(r);
	db->in_tx = !ok;
	return ok;
}

static void pg_rollback(void *vdb)
{
	struct pg_db *db = vdb;

	/* Without an answer the connection is closed, and that rolls back as well. */
	if (db->conn && !simple(db, "ROLLBACK", NULL) && db->conn)
		lose(db);
	db->in_tx = false;
}

static bool pg_begin_soft(void *vdb, GError **err)
{
	struct pg_db *db = vdb;

	if (!pg_begin(vdb, err))
		return false;
	if (simple(db, "SET LOCAL synchronous_commit = off", err))
		return true;
	pg_rollback(vdb);
	return false;
}

/* ---- statements ---- */

struct pg_row {
	const PGresult *result;
	int at;
};

static const char *get_text(const struct store_row *row, int col)
{
	const struct pg_row *r = row->impl;

	return PQgetisnull(r->result, r->at, col) ? NULL : PQgetvalue(r->result, r->at, col);
}

static int64_t get_int(const struct store_row *row, int col)
{
	const char *text = get_text(row, col);

	return text ? g_ascii_strtoll(text, NULL, 10) : 0;
}

/* @q: the name of the prepared one; < 0: @sql itself. Return: 0 if it cannot be sent. */
static int send_values(struct pg_db *db, int q, const char *sql, const struct store_val *args, size_t n)
{
	const char *values[ARGS_MAX] = { NULL };
	char digits[ARGS_MAX][24];

	g_assert(n <= ARGS_MAX);
	for (size_t i = 0; i < n; i++) {
		if (args[i].type == STORE_INT) {
			g_snprintf(digits[i], sizeof digits[i], "%" G_GINT64_FORMAT, args[i].i);
			values[i] = digits[i];
		} else if (args[i].type == STORE_TEXT) {
			values[i] = args[i].s;
		}
	}
	if (q >= 0)
		return PQsendQueryPrepared(db->conn, query_table[q].name, (int)n, values, NULL, NULL, 0);
	return PQsendQueryParams(db->conn, sql, (int)n, NULL, values, NULL, NULL, 0);
}

static void each_row(const PGresult *r, store_row_f *fn, void *user)
{
	struct pg_row at = { r, 0 };
	struct store_row row = { get_int, get_text, &at, PQnfields(r) };

	for (; at.at < PQntuples(r); at.at++)
		if (!fn(&row, user))
			return;
}

static bool pg_each(void *vdb, int q, const char *sql, const struct store_val *args, size_t n, store_row_f *fn, void *user,
		    int64_t *ret_changed, GError **err)
{
	struct pg_db *db = vdb;
	bool reads = g_str_has_prefix(sql, "SELECT");
	PGresult *r;
	bool ok;

	/* From the sixth time on, a prepared statement may have a plan that was made without the values. */
	if (q >= 0 && query_table[q].varied)
		q = -1;
	if (!ready(db, q, sql, err))
		return false;
	r = answer(db, send_values(db, q, sql, args, n));
	if (!r)
		return reads || db->in_tx ? lost_before(db, err) : lost_after("a statement that writes", err);
	ok = !is_error(r) || refused(r, err);
	if (ok && ret_changed)
		*ret_changed = reads ? 0 : g_ascii_strtoll(PQcmdTuples(r), NULL, 10);
	if (ok && fn)
		each_row(r, fn, user);
	PQclear(r);
	return ok;
}

static const char *const schemes[] = { "postgresql", "postgres", "postgresql+psycopg2", NULL };

const struct store_ops store_postgres_ops = {
	.name = "postgres",
	.schemes = schemes,
	.id_type = "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
	.clustered = "",
	.has_version = "SELECT count(*) FROM pg_catalog.pg_class WHERE oid = to_regclass('schema_version')",
	.lock = pg_lock,
	.take = pg_take,
	.check = pg_check,
	.serve = pg_serve,
	.lost = pg_lost,
	.upgrade_lock = "SELECT pg_advisory_xact_lock(7236828736)", /* any number that is ours alone */
	.open = pg_open,
	.open_beside = pg_open_beside,
	.in_use = pg_in_use,
	.close = pg_close,
	.script = pg_script,
	.begin = pg_begin,
	.begin_soft = pg_begin_soft,
	.commit = pg_commit,
	.rollback = pg_rollback,
	.each = pg_each,
};

/* SPDX-License-Identifier: Apache-2.0 */
#include "store/leader.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"

#define LOCK_TRIES 20
#define LOCK_TRY_MS 100
#define FILE_TRIES_MS 500
#define FILE_TRY_US 10000

/* PostgreSQL's. The second number keeps schemas of one database apart. */
#define LOCK_CLASS "1685221238"
#define LOCK_ARGS LOCK_CLASS ", hashtext(COALESCE(current_schema(), ''))"
#define LOCK_ROW "locktype = 'advisory' AND classid = " LOCK_CLASS " AND objsubid = 2 " \
	"AND objid = (hashtext(COALESCE(current_schema(), ''))::bigint & 4294967295)::oid " \
	"AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"

struct leader {
	const struct leader_session *session;
	void *db;
	bool locked; /* we have had the lock: a new connection must have it again */
	char *begin; /* BEGIN, and a look at the row; NULL: it is not written yet */
	char *look;  /* the look alone */
	char *lost;  /* why the database is not ours any more; for good */
};

struct leader *leader_new(const struct leader_session *s, void *db)
{
	struct leader *l = g_new0(struct leader, 1);

	l->session = s;
	l->db = db;
	return l;
}

void leader_free(struct leader *l)
{
	if (!l)
		return;
	g_free(l->begin);
	g_free(l->look);
	g_free(l->lost);
	g_free(l);
}

/* ---- the lock ---- */

static bool try_lock(struct leader *l, bool *ret_got, GError **err)
{
	g_autofree char *got = NULL;

	if (l->session->ask(l->db, "SELECT pg_try_advisory_lock(" LOCK_ARGS ")", NULL, 0, &got, err) < 0)
		return false;
	*ret_got = g_strcmp0(got, "t") == 0;
	return true;
}

/* In words; of a daemon that is older, or is just starting, there is only its session. */
static char *owner(struct leader *l)
{
	static const char *const sql[] = {
		"SELECT told || ', since ' || to_char(to_timestamp(since / 1000000), 'YYYY-MM-DD HH24:MI:SS TZ') FROM leader WHERE name = 'droverd'",
		"SELECT 'session ' || l.pid || ' of PostgreSQL, from ' || COALESCE(host(a.client_addr), 'its own machine') "
		"FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid WHERE granted AND " LOCK_ROW,
	};
	char *text = NULL;

	for (size_t i = 0; i < G_N_ELEMENTS(sql) && !text && l->session->connected(l->db); i++)
		(void)l->session->ask(l->db, sql[i], NULL, 0, &text, NULL); /* what is not told is not known */
	return text ? text : g_strdup("an unknown process");
}

bool leader_lock(struct leader *l, GError **err)
{
	g_autofree char *other = NULL;
	bool got = false;

	for (int i = 0; i < LOCK_TRIES && !got; i++) {
		if (i > 0)
			(void)poll(NULL, 0, LOCK_TRY_MS);
		if (!try_lock(l, &got, err))
			return false;
	}
	l->locked = got;
	if (got)
		return true;
	other = owner(l);
	g_set_error(err, ERR, ERR_STORE, "the database is in use by another droverd: %s", other);
	return false;
}

bool leader_is_locked(struct leader *l)
{
	return l->session->ask(l->db, "SELECT 1 FROM pg_locks WHERE granted AND " LOCK_ROW, NULL, 0, NULL, NULL) != 0;
}

/* ---- the row ---- */

const char *leader_lost(const struct leader *l)
{
	return l->lost;
}

static bool lose_to_other(struct leader *l, GError **err)
{
	g_autofree char *other = owner(l);

	l->lost = g_strdup_printf("the database belongs to another droverd now: %s", other);
	l->session->drop(l->db);
	g_set_error(err, ERR, ERR_STORE, "%s", l->lost);
	return false;
}

bool leader_take(struct leader *l, GError **err)
{
	g_autofree char *holder = g_uuid_string_random(), *epoch = NULL;
	g_autofree char *told = g_strdup_printf("%s, process %d", g_get_host_name(), (int)getpid());

	if (l->session->ask(l->db, query_table[Q_LEADER_TAKE].sql, STORE_ARGS(SV_S(holder), SV_S(told), SV_I(clock_wall_us())), &epoch, err) < 0)
		return false;
	l->look = g_strdup_printf("SELECT 1 FROM leader WHERE name = 'droverd' AND holder = '%s' AND epoch = %s", holder, epoch);
	l->begin = g_strconcat("BEGIN; ", l->look, NULL);
	return true;
}

const char *leader_begin(const struct leader *l)
{
	return l->begin ? l->begin : "BEGIN";
}

bool leader_saw(struct leader *l, int rows, GError **err)
{
	return !l->look || rows == 1 || lose_to_other(l, err);
}

bool leader_look(struct leader *l, GError **err)
{
	int rows = l->look ? l->session->ask(l->db, l->look, NULL, 0, NULL, err) : 1;

	return rows >= 0 && leader_saw(l, rows, err);
}

/* ---- a new connection ---- */

/* The row is ours, so what has the lock is our own former session, or that of a daemon which is just starting and has written nothing yet. */
static bool end_holder(struct leader *l, GError **err)
{
	return l->session->ask(l->db, "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE granted AND " LOCK_ROW, NULL, 0, NULL, err) >= 0;
}

/* The row comes first: what is not ours any more must not be locked again. */
bool leader_regain(struct leader *l, GError **err)
{
	bool got = false;

	if (!l->locked)
		return true;
	if (!leader_look(l, err))
		return false;
	do {
		if (!try_lock(l, &got, err) || (!got && l->look && !end_holder(l, err)))
			return false;
		if (!got)
			(void)poll(NULL, 0, MIN(l->session->left_ms(l->db), LOCK_TRY_MS / 10));
	} while (!got && l->session->left_ms(l->db) > 0);
	if (!got)
		g_set_error(err, ERR, ERR_UNAVAILABLE, "the database is locked by another session; whether it is still ours is not known yet");
	/* between the look and the lock another one may have had both */
	return got && leader_look(l, err);
}

/* ---- a file ---- */

bool leader_file_in_use(const char *path, GError **err)
{
	g_set_error(err, ERR, ERR_STORE, "database %s is in use by another process", path);
	return false;
}

/* One that starts in the moment in which the shared lock is ours tries again: leader_lock_file(). */
bool leader_file_is_locked(const char *path)
{
	g_autofree char *lock = g_strconcat(path, LEADER_LOCK_TAIL, NULL);
	int fd = open(lock, O_RDONLY | O_CLOEXEC);
	bool locked = fd >= 0 ? flock(fd, LOCK_SH | LOCK_NB) < 0 : errno != ENOENT;

	if (fd >= 0)
		close(fd);
	return locked;
}

int leader_lock_file(const char *path, GError **err)
{
	g_autofree char *lock = g_strconcat(path, LEADER_LOCK_TAIL, NULL);
	int64_t until_us = g_get_monotonic_time() + FILE_TRIES_MS * 1000;
	int fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0) {
		g_set_error(err, ERR, ERR_STORE, "database %s: cannot open %s: %s", path, lock, g_strerror(errno));
		return -1;
	}
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		int code = errno;
		bool held = code == EWOULDBLOCK || code == EINTR;

		if (held && g_get_monotonic_time() < until_us) {
			g_usleep(FILE_TRY_US);
			continue;
		}
		if (held)
			(void)leader_file_in_use(path, err); /* what it returns is ours */
		else
			g_set_error(err, ERR, ERR_STORE, "database %s: cannot lock %s: %s", path, lock, g_strerror(code));
		close(fd);
		return -1;
	}
	return fd;
}

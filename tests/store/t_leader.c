/* SPDX-License-Identifier: Apache-2.0
 *
 * Whose database it is, without one: a session whose answers are written down beforehand.
 */
#include <string.h>

#include <glib.h>

#include "base/err.h"
#include "store/leader.h"

enum act { LOCK, TAKE, LOOK, REGAIN, SAW_NONE };

/*
 * @script: an answer a letter, in the order of the questions.
 *	t f   the lock is ours, or another's          e   another's session was ended
 *	5     the row is written, and has this epoch  o n the row is ours, or not
 *	w     the other's words                       x   the connection was lost
 * @want: of the last act; @why: in its error, or in leader_lost() if @lost
 */
static const struct leader_case {
	const char *name, *script;
	enum act acts[4];
	int n;
	bool want, lost;
	const char *why;
} cases[] = {
	{ "free", "t", { LOCK }, 1, true, false, NULL },
	{ "lock not answered", "x", { LOCK }, 1, false, false, "gone" },
	{ "new connection before the lock", "", { REGAIN }, 1, true, false, NULL },
	{ "new connection before the row", "tt", { LOCK, REGAIN }, 2, true, false, NULL },
	{ "look before the row", "", { LOOK }, 1, true, false, NULL },
	{ "begin before the row", "", { SAW_NONE }, 1, true, false, NULL },
	{ "row not written", "tx", { LOCK, TAKE }, 2, false, false, "gone" },
	{ "ours", "t5o", { LOCK, TAKE, LOOK }, 3, true, false, NULL },
	{ "look not answered", "t5x", { LOCK, TAKE, LOOK }, 3, false, false, "gone" },
	{ "begin finds another", "t5w", { LOCK, TAKE, SAW_NONE }, 3, false, true, "belongs to another droverd now: there, process 1" },
	{ "look finds another", "t5nw", { LOCK, TAKE, LOOK }, 3, false, true, "belongs to another droverd now: there, process 1" },
	{ "another that is not told", "t5nxx", { LOCK, TAKE, LOOK }, 3, false, true, "belongs to another droverd now: an unknown process" },
	{ "reconnected", "t5oto", { LOCK, TAKE, REGAIN }, 3, true, false, NULL },
	{ "our former session has it", "t5ofeto", { LOCK, TAKE, REGAIN }, 3, true, false, NULL },
	{ "that session stays", "t5ofefefefefe", { LOCK, TAKE, REGAIN }, 3, false, false, "locked by another session" },
	{ "another's row, and it is not locked again", "t5nw", { LOCK, TAKE, REGAIN }, 3, false, true, "belongs to another droverd now" },
	{ "another came between the look and the lock", "t5otnw", { LOCK, TAKE, REGAIN }, 3, false, true, "belongs to another droverd now" },
};

struct session {
	const char *script;
	int left; /* questions until the limit of the call */
	bool connected;
};

static const struct {
	char letter;
	const char *sql; /* how the question begins */
	int rows;
	const char *text;
} answers[] = {
	{ 't', "SELECT pg_try_advisory_lock(", 1, "t" },
	{ 'f', "SELECT pg_try_advisory_lock(", 1, "f" },
	{ 'e', "SELECT pg_terminate_backend(", 1, "t" },
	{ '5', "INSERT INTO leader ", 1, "5" },
	{ 'o', "SELECT 1 FROM leader WHERE name = 'droverd' AND holder = '", 1, "1" },
	{ 'n', "SELECT 1 FROM leader WHERE name = 'droverd' AND holder = '", 0, NULL },
	{ 'w', "SELECT told ", 1, "there, process 1" },
	{ 'x', "", -1, NULL },
};

static int ask(void *db, const char *sql, const struct store_val *args, size_t n, char **ret_text, GError **err)
{
	struct session *s = db;
	char letter = *s->script++;

	g_assert_true(s->connected);
	s->left--;
	for (size_t i = 0; i < G_N_ELEMENTS(answers); i++) {
		if (answers[i].letter != letter)
			continue;
		g_assert_true(g_str_has_prefix(sql, answers[i].sql));
		g_assert_true((n == 3) == (letter == '5') || letter == 'x');
		g_assert_true(n == 0 || args[0].type == STORE_TEXT);
		if (answers[i].rows < 0)
			g_set_error(err, ERR, ERR_UNAVAILABLE, "gone");
		else if (ret_text)
			*ret_text = g_strdup(answers[i].text);
		return answers[i].rows;
	}
	g_error("no answer to %s", sql);
}

static int left_ms(const void *db)
{
	return MAX(0, ((const struct session *)db)->left);
}

static bool connected(const void *db)
{
	return ((const struct session *)db)->connected;
}

static void drop(void *db)
{
	((struct session *)db)->connected = false;
}

static bool act(struct leader *l, enum act a, GError **err)
{
	switch (a) {
	case LOCK: return leader_lock(l, err);
	case TAKE: return leader_take(l, err);
	case LOOK: return leader_look(l, err);
	case REGAIN: return leader_regain(l, err);
	case SAW_NONE: return leader_saw(l, 0, err);
	}
	g_assert_not_reached();
}

static void test_case(const void *data)
{
	static const struct leader_session calls = { ask, left_ms, connected, drop };
	const struct leader_case *c = data;
	struct session s = { c->script, 13, true };
	struct leader *l = leader_new(&calls, &s);
	g_autoptr(GError) err = NULL;
	bool got = true;

	for (int i = 0; i < c->n; i++) {
		g_assert_true(got);
		got = act(l, c->acts[i], &err);
		g_assert_true(got == !err);
		g_assert_true(g_str_has_prefix(leader_begin(l), "BEGIN"));
	}
	g_assert_true(got == c->want);
	g_assert_cmpstr(s.script, ==, "");
	g_assert_true(!!leader_lost(l) == c->lost && s.connected == !c->lost);
	if (c->why)
		g_assert_nonnull(strstr(err->message, c->why));
	if (c->lost)
		g_assert_cmpstr(err->message, ==, leader_lost(l));
	leader_free(l);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *path = g_strdup_printf("/leader/%s", cases[i].name);

		g_test_add_data_func(path, &cases[i], test_case);
	}
	return g_test_run();
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/tally.h"

#include <string.h>

#include "fleet/fleet_priv.h"

#define STATUSES_MAX 32

static bool same(const struct server_counted *a, const struct server_counted *b)
{
	return a->vm == b->vm && a->task == b->task && a->lost == b->lost && a->duplicate == b->duplicate && a->unreadable == b->unreadable;
}

static struct server_counted now(const struct server *s)
{
	return (struct server_counted){ true, server_is_lost(s), s->duplicate_at != NULL, server_unreadable(s) || s->unknown, s->vm, s->task };
}

static void count(struct server_counts *t, const struct server_counted *c, int n)
{
	t->servers += (guint)n;
	t->states[c->vm][c->task] += (guint)n;
	t->lost += c->lost ? (guint)n : 0;
	t->duplicates += c->duplicate ? (guint)n : 0;
	t->unreadable += c->unreadable ? (guint)n : 0;
}

static const char *project_of(const struct server *s)
{
	return s->project_id ? s->project_id : "";
}

static struct server_counts *find(const struct fleet *f, const struct server *s)
{
	struct server_counts *t = g_hash_table_lookup(f->tallies, project_of(s));

	if (!t) {
		t = g_new0(struct server_counts, 1);
		g_hash_table_insert(f->tallies, g_strdup(project_of(s)), t);
	}
	return t;
}

static void set_alarmed(struct fleet *f, struct server *s, bool on)
{
	if (on)
		g_hash_table_add(f->alarmed, s);
	else
		g_hash_table_remove(f->alarmed, s);
}

static void recount(struct fleet *f, struct server *s, const struct server_counted *c)
{
	struct server_counts *of = find(f, s);

	if (s->counted.in) {
		count(f->tally, &s->counted, -1);
		count(of, &s->counted, -1);
	}
	if (c->in) {
		count(f->tally, c, 1);
		count(of, c, 1);
	}
	set_alarmed(f, s, c->lost || c->duplicate);
	s->counted = *c;
	if (of->servers == 0)
		g_hash_table_remove(f->tallies, project_of(s));
}

void tally_note(struct fleet *f, struct server *s)
{
	struct server_counted c = now(s);

	if (s->counted.in && !same(&c, &s->counted))
		recount(f, s, &c);
}

void tally_add(struct fleet *f, struct server *s)
{
	struct server_counted c = now(s);

	recount(f, s, &c);
}

void tally_remove(struct fleet *f, struct server *s)
{
	static const struct server_counted none;

	recount(f, s, &none);
}

const struct server_counts *fleet_tally(const struct fleet *f)
{
	return f->tally;
}

const struct server_counts *fleet_tally_of(const struct fleet *f, const char *project_id)
{
	return g_hash_table_lookup(f->tallies, project_id);
}

GHashTable *fleet_alarmed(const struct fleet *f)
{
	return f->alarmed;
}

struct statuses {
	const char *word[STATUSES_MAX];
	guint n[STATUSES_MAX], used;
};

static guint *place(struct statuses *all, const char *word)
{
	guint i = 0;

	while (i < all->used && strcmp(all->word[i], word) != 0)
		i++;
	g_assert(i < STATUSES_MAX);
	all->word[i] = word;
	all->used = MAX(all->used, i + 1);
	return &all->n[i];
}

void tally_each_status(const struct server_counts *t, tally_status_f *fn, void *user)
{
	struct statuses all = { .used = 0 };

	for (int vm = 0; vm < SERVER_VM_N; vm++)
		for (int task = 0; task < SERVER_TASK_N; task++) {
			const struct server s = { .vm = (enum server_vm)vm, .task = (enum server_task)task };

			if (vm != SERVER_DELETED)
				*place(&all, server_status(&s)) += t ? t->states[vm][task] : 0;
		}
	for (guint i = 0; i < all.used; i++)
		fn(all.word[i], all.n[i], user);
}

const struct server *tally_check(const struct fleet *f)
{
	g_autofree struct server_counts *all = g_new0(struct server_counts, 1);
	GHashTableIter it;
	void *of;
	guint servers = 0;

	for (guint i = 0; i < f->servers->len; i++) {
		const struct server *s = g_ptr_array_index(f->servers, i);
		struct server_counted c = now(s);

		if (!s->counted.in || !same(&c, &s->counted) || g_hash_table_contains(f->alarmed, s) != (c.lost || c.duplicate))
			return s;
		count(all, &c, 1);
	}
	g_hash_table_iter_init(&it, f->tallies);
	while (g_hash_table_iter_next(&it, NULL, &of))
		servers += ((const struct server_counts *)of)->servers;
	if (f->servers->len && (memcmp(all, f->tally, sizeof *all) != 0 || servers != all->servers))
		return g_ptr_array_index(f->servers, 0);
	return NULL;
}

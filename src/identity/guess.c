/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/guess.h"

#include <stdint.h>

#include "base/clock.h"

#define COUNT_MAX 16

struct count {
	double n;
	int64_t at_ms; /* when it was so many */
};

struct guess {
	GHashTable *counts; /* "a ADDRESS" or "n NAME" -> struct count * */
};

struct guess *guess_new(void)
{
	struct guess *g = g_new0(struct guess, 1);

	g->counts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	return g;
}

void guess_free(struct guess *g)
{
	if (!g)
		return;
	g_hash_table_unref(g->counts);
	g_free(g);
}

static double now_of(const struct count *c, int64_t now_ms)
{
	return MAX(0, c->n - (double)(now_ms - c->at_ms) / GUESS_FORGET_MS);
}

static gboolean is_over(void *key, void *value, void *user)
{
	(void)key;
	return now_of(value, *(const int64_t *)user) <= 0;
}

/* Names cost a client nothing: when there are too many, all begin again but those of addresses. */
static gboolean is_name(void *key, void *value, void *user)
{
	(void)value;
	(void)user;
	return *(const char *)key == 'n';
}

static void make_room(struct guess *g, int64_t now_ms)
{
	if (g_hash_table_size(g->counts) < GUESS_KEYS_MAX)
		return;
	g_hash_table_foreach_remove(g->counts, is_over, &now_ms);
	if (g_hash_table_size(g->counts) >= GUESS_KEYS_MAX / 2)
		g_hash_table_foreach_remove(g->counts, is_name, NULL);
	if (g_hash_table_size(g->counts) >= GUESS_KEYS_MAX / 2)
		g_hash_table_remove_all(g->counts);
}

static double add(struct guess *g, char kind, const char *key)
{
	g_autofree char *full = g_strdup_printf("%c %s", kind, key);
	struct count *c = g_hash_table_lookup(g->counts, full);
	int64_t now_ms = clock_now_ms();

	if (!c) {
		make_room(g, now_ms);
		c = g_new0(struct count, 1);
		g_hash_table_insert(g->counts, g_steal_pointer(&full), c);
	}
	c->n = MIN(now_of(c, now_ms) + 1, COUNT_MAX);
	c->at_ms = now_ms;
	return c->n;
}

unsigned guess_refused(struct guess *g, const char *address, const char *name)
{
	double of_address = add(g, 'a', address), of_name = add(g, 'n', name);
	unsigned over = (unsigned)MAX(0, MAX(of_address, of_name) - GUESS_FREE);

	return MIN((unsigned)GUESS_DELAY_MS << over, GUESS_DELAY_MAX_MS);
}

void guess_accepted(struct guess *g, const char *name)
{
	g_autofree char *full = g_strdup_printf("n %s", name);

	g_hash_table_remove(g->counts, full);
}

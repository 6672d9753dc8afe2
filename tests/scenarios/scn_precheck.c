/* SPDX-License-Identifier: Apache-2.0
 *
 * precheck SERVER [to HOST] [block | no-block]: run the table of prechecks and wait for it.
 * expect precheck HOST fits
 * expect precheck HOST goes WAY: "live", "cold" or "nowhere"
 * expect precheck HOST CHECK RESULT [TEXT]
 * Of another way than the first, its name stands before: cold:fits, cold:storage
 */
#include <string.h>

#include "move/check_all.h"
#include "scn.h"

struct line {
	char *host, *check, *result, *reason;
};

static void line_free(void *data)
{
	struct line *x = data;

	g_free(x->host);
	g_free(x->check);
	g_free(x->result);
	g_free(x->reason);
	g_free(x);
}

/* @way: NULL: the first, or none */
static void add(struct run *r, const char *host, const char *way, const char *check, const char *result, const char *reason)
{
	struct line *x = g_new(struct line, 1);

	*x = (struct line){ g_strdup(host), way ? g_strconcat(way, ":", check, NULL) : g_strdup(check), g_strdup(result), g_strdup(reason) };
	g_ptr_array_add(r->prechecks, x);
}

static const char *name_of(const struct check_way *w)
{
	return w->kind->checks->words.way;
}

static void add_way(struct run *r, const char *host, const struct check_way *w, bool first)
{
	const char *way = first ? NULL : name_of(w);

	add(r, host, way, w->fits ? "fits" : "does not fit", "", NULL);
	for (guint k = 0; k < w->checks->len; k++) {
		const struct check_finding *c = g_ptr_array_index(w->checks, k);

		add(r, host, way, c->name, check_result_name(c->result), c->reason);
	}
}

static void done(GPtrArray *hosts, void *user)
{
	struct run *r = user;

	r->prechecked = true;
	for (guint i = 0; i < hosts->len; i++) {
		const struct check_host *h = g_ptr_array_index(hosts, i);
		const char *goes = NULL;

		for (guint k = 0; k < h->n; k++) {
			add_way(r, h->host, &h->ways[k], k == 0);
			goes = goes || !h->ways[k].fits ? goes : name_of(&h->ways[k]);
		}
		add(r, h->host, NULL, "goes", goes ? goes : "nowhere", NULL);
	}
}

static bool is_done(struct run *r, void *unused)
{
	(void)unused;
	return r->prechecked || !r->engine;
}

static bool has_word(const struct scn_line *l, const char *word)
{
	return g_strv_contains((const char *const *)l->w, word);
}

void check_precheck(struct run *r, const struct scn_line *l)
{
	const struct guest *g = run_guest(r, l->w[1]);
	struct check_request req = {
		.server_uuid = g->uuid,
		.dest = word_after(l, "to"),
		.block = has_word(l, "block") ? MIG_BLOCK_YES : has_word(l, "no-block") ? MIG_BLOCK_NO : MIG_BLOCK_AUTO,
	};

	g_clear_pointer(&r->prechecks, g_ptr_array_unref);
	r->prechecks = g_ptr_array_new_with_free_func(line_free);
	r->prechecked = false;
	check_all(r->engine, &req, done, r);
	if (!run_until(r, WAIT_MS, is_done, NULL) && !r->opt->sweep)
		run_fail(r, "the prechecks do not end");
}

static bool fits(const struct scn_line *l, const struct line *x)
{
	if (!g_str_equal(x->host, l->w[2]) || !g_str_equal(x->check, l->w[3]))
		return false;
	return l->n < 5 || (g_str_equal(x->result, l->w[4]) && (l->n < 6 || (x->reason && strstr(x->reason, l->w[5]))));
}

void check_precheck_says(struct run *r, const struct scn_line *l)
{
	g_autoptr(GString) have = g_string_new(NULL);

	for (guint i = 0; r->prechecks && i < r->prechecks->len; i++) {
		const struct line *x = g_ptr_array_index(r->prechecks, i);

		if (fits(l, x))
			return;
		if (g_str_equal(x->host, l->w[2]))
			g_string_append_printf(have, "; %s %s %s", x->check, x->result, x->reason ? x->reason : "");
	}
	run_fail(r, "precheck of %s: no %s%s", l->w[2], l->w[3], have->str);
}

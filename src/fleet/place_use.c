/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/place_use.h"

#include <string.h>

#include "base/util.h"

struct place_use *place_use_new(void)
{
	struct place_use *u = g_new0(struct place_use, 1);

	u->memory = g_array_new(FALSE, TRUE, sizeof(struct place_memory));
	return u;
}

void place_use_free(struct place_use *u)
{
	if (!u)
		return;
	g_array_unref(u->memory);
	g_free(u);
}

static void take(struct place_use *u, int node, int64_t page_kib, int64_t mib)
{
	for (guint i = 0; i < u->memory->len; i++) {
		struct place_memory *m = &g_array_index(u->memory, struct place_memory, i);

		if (m->node == node && m->page_kib == page_kib) {
			m->mib += mib;
			return;
		}
	}
	g_array_append_val(u->memory, ((struct place_memory){ .node = node, .page_kib = page_kib, .mib = mib }));
}

/* Memory that may come from several nodes is not counted anywhere. */
static void take_nodes(struct place_use *u, const struct cpuset *nodes, int64_t page_kib, int64_t mib)
{
	if (cpuset_count(nodes) == 1)
		take(u, cpuset_next(nodes, 0), page_kib, mib);
}

static void take_cpu(struct place_use *u, const struct cpuset *s, const struct cpuset *shared)
{
	if (cpuset_count(s) == 1 && !cpuset_contains(shared, s))
		cpuset_join(&u->cpus, s);
}

void place_use_add(struct place_use *u, const struct hv_numa_fit *p, const struct cpuset *shared)
{
	for (guint i = 0; i < p->pins->len; i++)
		take_cpu(u, &g_array_index(p->pins, struct hv_pin, i).cpus, shared);
	if (p->pins->len > 0)
		take_cpu(u, &p->emulator, shared);
	for (guint i = 0; i < p->cells->len; i++) {
		const struct hv_cell *c = &g_array_index(p->cells, struct hv_cell, i);

		take_nodes(u, &c->nodes, c->page_kib, c->mem_mib);
	}
	if (p->cells->len == 0)
		take_nodes(u, &p->nodes, p->page_kib, p->mem_mib);
}

void place_use_join(struct place_use *u, const struct place_use *more)
{
	cpuset_join(&u->cpus, &more->cpus);
	for (guint i = 0; i < more->memory->len; i++) {
		const struct place_memory *m = &g_array_index(more->memory, struct place_memory, i);

		take(u, m->node, m->page_kib, m->mib);
	}
}

char *place_use_text(const struct place_use *u)
{
	GString *s = g_string_new(NULL);
	g_autofree char *cpus = cpuset_text(&u->cpus);

	if (*cpus || u->memory->len)
		g_string_append(s, *cpus ? cpus : "-");
	for (guint i = 0; i < u->memory->len; i++) {
		const struct place_memory *m = &g_array_index(u->memory, struct place_memory, i);

		g_string_append_printf(s, " %d/%" G_GINT64_FORMAT ":%" G_GINT64_FORMAT, m->node, m->page_kib, m->mib);
	}
	return g_string_free(s, FALSE);
}

/* "NODE/PAGE_KIB:MIB" */
static bool parse_memory(struct place_use *u, const char *text)
{
	g_auto(GStrv) v = g_strsplit_set(text, "/:", -1);
	int64_t node, page_kib, mib;

	if (g_strv_length(v) != 3 || !util_parse_int(v[0], 0, CPUSET_MAX - 1, &node) || !util_parse_int(v[1], 0, INT32_MAX, &page_kib) ||
	    !util_parse_int(v[2], 0, INT64_MAX >> 20, &mib))
		return false;
	take(u, (int)node, page_kib, mib);
	return true;
}

struct place_use *place_use_parse(const char *text)
{
	g_auto(GStrv) words = g_strsplit(text, " ", -1);
	struct place_use *u = place_use_new();
	bool good = !words[0] || strcmp(words[0], "-") == 0 || cpuset_parse(words[0], &u->cpus);

	for (char **w = words; good && *w && *++w;)
		good = parse_memory(u, *w);
	if (good)
		return u;
	place_use_free(u);
	return NULL;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * A guest, its source, a destination: where it goes, or why nowhere.
 *
 * Hosts: "numa=2 cpus=8 threads=2 memory=8192 pages=100 shared=0-1 dedicated=2-7 taken=4 claimed=5 use=0/0:1024"
 * (numa, cpus, threads: 1, 4, 1; memory of a node in MiB, 1024; pages: 2 MiB huge ones of a node, free= of them; taken,
 * claimed: CPUs; use: place_use_text() without CPUs).
 * Guests: "pins=2/3/4-5 numa=0/1 cpuset= emulator= iothread= nodes= memory=512 page=2048 threads" (numa: a node of each
 * cell, "-" for none; vCPUs and memory are shared out evenly).
 */
#include <stdlib.h>
#include <string.h>

#include <glib.h>

#include "fleet/place.h"

static const struct {
	const char *name, *guest, *source, *dest, *want; /* "!...": part of the reason */
} cases[] = {
	/* nothing is said */
	{ "free", "", "", "", "" },
	{ "free, no NUMA told", "", "cpus=0", "cpus=0", "" },
	{ "pinned, no NUMA told", "pins=0", "", "cpus=0", "!does not tell its CPUs" },
	/* dedicated CPUs */
	{ "stays", "pins=2/3", "", "", "2/3" },
	{ "taken by a server", "pins=0", "", "taken=0", "1" },
	{ "claimed by a migration", "pins=0", "", "claimed=0", "1" },
	{ "both", "pins=0", "", "taken=0-1 claimed=2", "3" },
	{ "what is free keeps its number", "pins=0/2", "", "taken=0", "1/2" },
	{ "the last ones", "pins=0/1", "", "taken=0-1", "2/3" },
	{ "one too few", "pins=0/1", "", "taken=0-2", "!2 dedicated CPUs needed, 1 free" },
	{ "none at all", "pins=0", "", "cpus=2 taken=0-1", "!1 dedicated CPUs needed, 0 free" },
	{ "no such CPU there", "pins=7", "cpus=8", "cpus=2", "0" },
	{ "two vCPUs on one CPU", "pins=3/3", "", "taken=3", "0/0" },
	{ "dedicated set", "pins=0/1", "", "dedicated=2-3", "2/3" },
	{ "dedicated set, part taken", "pins=0/1", "", "dedicated=2-3 taken=3", "!2 dedicated CPUs needed, 1 free" },
	{ "not of the shared set", "pins=0", "", "shared=0-1", "2" },
	/* the emulator */
	{ "emulator with its vCPUs", "pins=0/1 emulator=0-1", "", "taken=0", "2/1 emulator=1-2" },
	{ "emulator isolated", "pins=0/1 emulator=2", "", "taken=2", "0/1 emulator=3" },
	{ "emulator isolated, none left", "pins=0/1 emulator=2", "", "taken=2-3", "!3 dedicated CPUs needed, 2 free" },
	{ "emulator shared", "pins=2 emulator=0-1", "shared=0-1", "shared=3", "2 emulator=3" },
	{ "emulator shared on one", "pins=2 emulator=0", "shared=0", "shared=1", "2 emulator=1" },
	{ "emulator alone", "emulator=3", "", "cpus=2", "emulator=0-1" },
	{ "iothread with its vCPU", "pins=0/1 iothread=1", "", "taken=1", "0/2 iothread=2" },
	/* floating */
	{ "gets the shared set", "", "", "shared=1-2", "cpuset=1-2" },
	{ "another shared set", "cpuset=0-1", "shared=0-1", "shared=2-3", "cpuset=2-3" },
	{ "no shared set there", "cpuset=0-1", "shared=0-1", "", "" },
	{ "by hand", "cpuset=0-1", "", "", "cpuset=0-1" },
	{ "by hand, CPUs that are not there", "cpuset=2-3", "", "cpus=2", "cpuset=0-1" },
	{ "by hand, not those of others", "cpuset=2-5", "cpus=8", "dedicated=0-1", "cpuset=2-3" },
	{ "pins to several", "pins=0-1/0-1", "shared=0-1", "shared=2-3", "2-3/2-3" },
	{ "a shared set of one", "pins=0/0", "shared=0", "shared=1", "1/1" },
	{ "pinned, with a cpuset", "pins=0/1 cpuset=0-1", "", "taken=1", "0/2 cpuset=0,2" },
	/* NUMA cells */
	{ "cells stay", "pins=0/2 numa=0/1", "numa=2", "numa=2", "0/2 nodes=0/1" },
	{ "the other node", "pins=0 numa=0", "numa=2", "numa=2 taken=0-1", "2 nodes=1" },
	{ "nodes trade places", "pins=0/1/2 numa=0", "numa=2 cpus=8", "numa=2 cpus=8 taken=0-1", "4/5/6 nodes=1" },
	{ "a node fewer", "pins=0/2 numa=0/1", "numa=2", "", "!2 NUMA nodes needed, it has 1" },
	{ "a node more", "pins=0/1 numa=0", "", "numa=2 cpus=8", "0/1 nodes=0" },
	{ "a node too small", "pins=0/1/2 numa=0", "", "numa=2", "!3 dedicated CPUs needed, 2 free" },
	{ "makes room for the other cell", "pins=0/2/3 numa=0/1 uneven", "numa=2", "numa=2 taken=2", "3/0/1 nodes=1/0" },
	{ "two cells of one node", "pins=0/1 numa=0/0", "", "taken=0", "2/1 nodes=0/0" },
	{ "cells with vCPUs that float", "pins=0-1/2-3 numa=0/1", "numa=2 shared=0-3", "numa=2 cpus=8 shared=1,6", "1/6 nodes=0/1" },
	{ "a node without shared CPUs", "pins=0-1/2-3 numa=0/1", "numa=2 shared=0-3", "numa=2 shared=0-1", "!has no shared CPU" },
	{ "cells without nodes", "numa=-/-", "numa=2", "", "" },
	/* memory */
	{ "memory of a node", "pins=0 numa=0 memory=1024", "", "memory=1024", "0 nodes=0" },
	{ "too little", "pins=0 numa=0 memory=1024", "", "memory=1023", "!node 0 has room for 1023 MiB, 1024 needed" },
	{ "taken by others", "pins=0 numa=0 memory=1024", "", "memory=1024 use=0/0:1", "!node 0 has room for 1023 MiB, 1024 needed" },
	{ "taken, the other node", "pins=0 numa=0 memory=1024", "", "numa=2 use=0/0:1", "2 nodes=1" },
	{ "memory bound without cells", "nodes=0 memory=1024", "numa=2", "numa=2 use=0/0:1", "nodes=1" },
	{ "bound to nodes that are not there", "nodes=0-1", "numa=2", "", "!lacks NUMA nodes" },
	{ "bound to several", "nodes=0-1", "numa=2", "numa=2", "nodes=0-1" },
	{ "huge pages", "pins=0 numa=0 page=2048 memory=512", "", "pages=256", "0 nodes=0" },
	{ "no such pages", "pins=0 numa=0 page=1048576 memory=1024", "", "pages=512", "!0 MiB of free pages of 1048576 KiB" },
	{ "too few pages", "pins=0 numa=0 page=2048 memory=512", "", "pages=255", "!node 0 has 510 MiB of free pages of 2048 KiB, 512 needed" },
	{ "pages taken", "pins=0 numa=0 page=2048 memory=512", "", "pages=256 use=0/2048:2", "!510 MiB of free pages" },
	{ "pages in use", "pins=0 numa=0 page=2048 memory=512", "", "pages=512 free=255", "!510 MiB of free pages" },
	{ "pages free, the server counted", "pins=0 numa=0 page=2048 memory=512", "", "pages=512 free=256 use=0/2048:512", "0 nodes=0" },
	{ "pages on the other node", "pins=0 page=2048 numa=1 memory=512", "numa=2", "numa=2 pages=512 use=1/2048:1024", "0 nodes=0" },
	/* threads */
	{ "cores stay", "pins=0/1/2/3", "threads=2", "threads=2", "0/1/2/3" },
	{ "a core for a core", "pins=0/1", "threads=2", "threads=2 taken=0", "2/3" },
	{ "no core, prefers one", "pins=0/1", "threads=2", "threads=2 taken=0,2", "1/3" },
	{ "no core, sees threads", "pins=0/1 threads", "threads=2", "threads=2 taken=0,2", "!no core with enough free threads" },
	{ "no threads there, sees them", "pins=0/1 threads", "threads=2", "", "!no core with enough free threads" },
	{ "no threads there", "pins=0/1", "threads=2", "", "0/1" },
	{ "alone on its core", "pins=0/2", "threads=2", "threads=2 cpus=8 taken=0", "4/2" },
	{ "a wider core", "pins=0/1", "threads=2", "threads=4 cpus=8 taken=0-2", "4/5" },
};

static const char *opt(char **words, const char *key, const char *otherwise)
{
	for (char **w = words; *w; w++)
		if (g_str_has_prefix(*w, key) && (*w)[strlen(key)] == '=')
			return *w + strlen(key) + 1;
	return otherwise;
}

static struct cpuset set_of(char **words, const char *key)
{
	struct cpuset s = { { 0 } };
	const char *text = opt(words, key, NULL);

	if (text)
		g_assert_true(cpuset_parse(text, &s));
	return s;
}

static void add_pins(char **words, const char *key, GArray *pins)
{
	g_auto(GStrv) sets = g_strsplit(opt(words, key, ""), "/", -1);

	for (int i = 0; sets[i]; i++) {
		struct hv_pin pin = { .id = i };

		g_assert_true(cpuset_parse(sets[i], &pin.cpus));
		g_array_append_val(pins, pin);
	}
}

static void add_cells(char **words, struct hv_numa_fit *p, bool uneven)
{
	g_auto(GStrv) nodes = g_strsplit(opt(words, "numa", ""), "/", -1);
	int n = (int)g_strv_length(nodes), vcpus = (int)p->pins->len;

	for (int i = 0; i < n; i++) {
		struct hv_cell c = { .mem_mib = p->mem_mib / n, .page_kib = p->page_kib };

		if (strcmp(nodes[i], "-") != 0)
			g_assert_true(cpuset_parse(nodes[i], &c.nodes));
		cpuset_join(&p->nodes, &c.nodes);
		for (int v = uneven ? i : i * vcpus / n; v < (i + 1 == n ? vcpus : uneven ? i + 1 : (i + 1) * vcpus / n); v++)
			cpuset_add(&c.vcpus, v);
		g_array_append_val(p->cells, c);
	}
}

static struct hv_numa_fit *guest_of(const char *text)
{
	g_auto(GStrv) words = g_strsplit(text, " ", -1);
	struct hv_numa_fit *p = hv_numa_fit_new();

	p->strict = true;
	p->threads = g_strv_contains((const char *const *)words, "threads");
	p->mem_mib = atoi(opt(words, "memory", "512"));
	p->page_kib = atoi(opt(words, "page", "0"));
	p->cpuset = set_of(words, "cpuset");
	p->emulator = set_of(words, "emulator");
	p->nodes = set_of(words, "nodes");
	add_pins(words, "pins", p->pins);
	add_pins(words, "iothread", p->iothreads);
	add_cells(words, p, g_strv_contains((const char *const *)words, "uneven"));
	return p;
}

static struct hv_numa *numa_of(char **words, GArray **ret_free)
{
	int nodes = atoi(opt(words, "numa", "1")), cpus = atoi(opt(words, "cpus", "4")), threads = atoi(opt(words, "threads", "1"));
	struct hv_numa *numa = cpus ? hv_numa_new() : NULL;

	*ret_free = opt(words, "free", NULL) ? g_array_new(FALSE, FALSE, sizeof(struct hv_free_pages)) : NULL;
	for (int n = 0; numa && n < nodes; n++) {
		struct hv_node node = { .id = n, .mem_mib = atoi(opt(words, "memory", "1024")) };
		struct hv_free_pages f = { .node = n, .size_kib = 2048, .count = atoi(opt(words, "free", "0")) };

		for (int c = n * cpus / nodes; c < (n + 1) * cpus / nodes; c++) {
			cpuset_add(&node.cpus, c);
			numa->core[c] = (int16_t)(c - c % threads);
		}
		node.pages[0].total = atoi(opt(words, "pages", "0"));
		node.pages[0].size_kib = node.pages[0].total ? 2048 : 0;
		g_array_append_val(numa->nodes, node);
		if (*ret_free)
			g_array_append_val(*ret_free, f);
	}
	return numa;
}

static void host_of(const char *text, struct place_host *h)
{
	g_auto(GStrv) words = g_strsplit(text, " ", -1);
	g_autofree char *use = g_strconcat("- ", opt(words, "use", ""), NULL);
	GArray *free_pages;

	*h = (struct place_host){ .numa = numa_of(words, &free_pages), .ram_ratio = 1, .shared = set_of(words, "shared"),
				  .dedicated = set_of(words, "dedicated"), .use = place_use_parse(g_strchomp(use)), .claimed = place_use_new() };
	g_assert_nonnull(h->use);
	h->free_pages = free_pages;
	h->use->cpus = set_of(words, "taken");
	h->claimed->cpus = set_of(words, "claimed");
}

static void host_clear(struct place_host *h)
{
	hv_numa_unref((struct hv_numa *)h->numa);
	if (h->free_pages)
		g_array_unref((GArray *)h->free_pages);
	place_use_free(h->use);
	place_use_free(h->claimed);
}

static void write_set(GString *s, const char *before, const struct cpuset *set)
{
	g_autofree char *text = cpuset_text(set);

	if (*text)
		g_string_append_printf(s, "%s%s", before, text);
}

static char *text_of(const struct hv_numa_fit *p)
{
	GString *s = g_string_new(NULL);
	bool bound = false;

	for (guint i = 0; i < p->pins->len; i++)
		write_set(s, i ? "/" : "", &g_array_index(p->pins, struct hv_pin, i).cpus);
	write_set(s, " cpuset=", &p->cpuset);
	write_set(s, " emulator=", &p->emulator);
	for (guint i = 0; i < p->iothreads->len; i++)
		write_set(s, i ? "/" : " iothread=", &g_array_index(p->iothreads, struct hv_pin, i).cpus);
	for (guint i = 0; i < p->cells->len; i++) {
		const struct hv_cell *c = &g_array_index(p->cells, struct hv_cell, i);

		write_set(s, bound ? "/" : " nodes=", &c->nodes);
		bound |= !cpuset_is_empty(&c->nodes);
	}
	if (!bound)
		write_set(s, " nodes=", &p->nodes);
	return g_strstrip(g_string_free(s, FALSE));
}

static void test_find(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct hv_numa_fit *guest = guest_of(cases[i].guest), *there;
		g_autofree char *why = NULL, *got = NULL;
		struct place_host src, dst;

		host_of(cases[i].source, &src);
		host_of(cases[i].dest, &dst);
		there = place_find(guest, &src, &dst, &why);
		got = there ? text_of(there) : g_strdup(why);
		g_test_message("%s: %s", cases[i].name, got);
		g_assert_cmpint(!there, ==, why != NULL);
		if (*cases[i].want == '!')
			g_assert_true(!there && strstr(got, cases[i].want + 1));
		else
			g_assert_cmpstr(got, ==, cases[i].want);
		hv_numa_fit_free(guest);
		hv_numa_fit_free(there);
		host_clear(&src);
		host_clear(&dst);
	}
}

static const struct {
	const char *text, *want; /* NULL: refused */
} uses[] = {
	{ "", "" }, { "-", "" }, { "4-5,7", "4-5,7" }, { "- 0/0:1024", "- 0/0:1024" },
	{ "2 0/0:1024 1/2048:512", "2 0/0:1024 1/2048:512" }, { "2 0/0:1 0/0:2", "2 0/0:3" },
	{ "a", NULL }, { "1 0/0", NULL }, { "1 0/0:1:2", NULL }, { "1 -1/0:1", NULL }, { "1 2048/0:1", NULL }, { "1 ", NULL },
};

static void test_use(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(uses); i++) {
		struct place_use *u = place_use_parse(uses[i].text);
		g_autofree char *got = u ? place_use_text(u) : NULL;

		g_test_message("\"%s\": %s", uses[i].text, got ? got : "refused");
		g_assert_cmpstr(got, ==, uses[i].want);
		place_use_free(u);
	}
}

/* What a place takes is what the next guest does not get. */
static void test_take(void)
{
	struct hv_numa_fit *p = guest_of("pins=0/1-2/3 emulator=2 numa=0/1 memory=1024 page=2048");
	const struct cpuset shared = { { 8 } };
	struct place_use *u = place_use_new();
	g_autofree char *got = NULL;

	place_use_add(u, p, &shared);
	got = place_use_text(u);
	g_assert_cmpstr(got, ==, "0,2 0/2048:512 1/2048:512");
	place_use_free(u);
	hv_numa_fit_free(p);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/place/find", test_find);
	g_test_add_func("/place/use", test_use);
	g_test_add_func("/place/take", test_take);
	return g_test_run();
}

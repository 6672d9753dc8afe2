/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/ties.h"

/* ---- a domain ---- */

struct hv_numa_fit *hv_numa_fit_new(void)
{
	struct hv_numa_fit *p = g_new0(struct hv_numa_fit, 1);

	p->pins = g_array_new(FALSE, TRUE, sizeof(struct hv_pin));
	p->iothreads = g_array_new(FALSE, TRUE, sizeof(struct hv_pin));
	p->cells = g_array_new(FALSE, TRUE, sizeof(struct hv_cell));
	return p;
}

struct hv_numa_fit *hv_numa_fit_copy(const struct hv_numa_fit *p)
{
	struct hv_numa_fit *c;

	if (!p)
		return NULL;
	c = g_memdup2(p, sizeof *p);
	c->pins = g_array_copy(p->pins);
	c->iothreads = g_array_copy(p->iothreads);
	c->cells = g_array_copy(p->cells);
	return c;
}

void hv_numa_fit_free(struct hv_numa_fit *p)
{
	if (!p)
		return;
	g_array_unref(p->pins);
	g_array_unref(p->iothreads);
	g_array_unref(p->cells);
	g_free(p);
}

struct hv_ties *hv_ties_new(void)
{
	struct hv_ties *t = g_atomic_rc_box_new0(struct hv_ties);

	t->devices = g_ptr_array_new_with_free_func(g_free);
	t->mdevs = g_ptr_array_new_with_free_func(g_free);
	t->numa_fit = hv_numa_fit_new();
	return t;
}

struct hv_ties *hv_ties_ref(struct hv_ties *t)
{
	return t ? g_atomic_rc_box_acquire(t) : NULL;
}

static void ties_clear(void *data)
{
	struct hv_ties *t = data;

	g_ptr_array_unref(t->devices);
	g_ptr_array_unref(t->mdevs);
	g_free(t->sealed);
	hv_numa_fit_free(t->numa_fit);
}

void hv_ties_unref(struct hv_ties *t)
{
	if (t)
		g_atomic_rc_box_release_full(t, ties_clear);
}

/* ---- plain ones ---- */

#define PLAIN_MAX 256 /* sizes; a host's answer can name any */

G_LOCK_DEFINE_STATIC(plain);
static GHashTable *plain; /* int64_t, MiB -> struct hv_ties * */

static struct hv_ties *make_plain(int64_t mem_mib)
{
	struct hv_ties *t = hv_ties_new();

	t->numa_fit->mem_mib = mem_mib;
	return t;
}

struct hv_ties *hv_ties_plain(int64_t mem_mib)
{
	struct hv_ties *t;

	G_LOCK(plain);
	if (!plain)
		plain = g_hash_table_new(g_int64_hash, g_int64_equal);
	t = hv_ties_ref(g_hash_table_lookup(plain, &mem_mib));
	if (!t) {
		t = make_plain(mem_mib);
		if (g_hash_table_size(plain) < PLAIN_MAX)
			g_hash_table_insert(plain, &t->numa_fit->mem_mib, hv_ties_ref(t));
	}
	G_UNLOCK(plain);
	return t;
}

static bool is_plain_fit(const struct hv_numa_fit *p)
{
	return cpuset_is_empty(&p->cpuset) && cpuset_is_empty(&p->emulator) && cpuset_is_empty(&p->nodes) && p->pins->len == 0 &&
	       p->iothreads->len == 0 && p->cells->len == 0 && p->page_kib == 0 && !p->strict && !p->threads;
}

struct hv_ties *hv_ties_share(struct hv_ties *t)
{
	struct hv_ties *shared;

	if (t->devices->len || t->mdevs->len || t->vpmem || t->shares || t->sealed || t->tpm != HV_TPM_NONE || !is_plain_fit(t->numa_fit))
		return t;
	shared = hv_ties_plain(t->numa_fit->mem_mib);
	hv_ties_unref(t);
	return shared;
}

/* ---- a host ---- */

struct hv_numa *hv_numa_new(void)
{
	struct hv_numa *n = g_atomic_rc_box_new0(struct hv_numa);

	n->nodes = g_array_new(FALSE, TRUE, sizeof(struct hv_node));
	for (int i = 0; i < CPUSET_MAX; i++)
		n->core[i] = (int16_t)i;
	return n;
}

struct hv_numa *hv_numa_ref(struct hv_numa *n)
{
	return n ? g_atomic_rc_box_acquire(n) : NULL;
}

static void numa_clear(void *data)
{
	g_array_unref(((struct hv_numa *)data)->nodes);
}

void hv_numa_unref(struct hv_numa *n)
{
	if (n)
		g_atomic_rc_box_release_full(n, numa_clear);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "api/network/network_list.h"

#include <string.h>

#include "fleet/addr.h"

static void network_free(void *data)
{
	struct network *n = data;

	g_free(n->name);
	g_ptr_array_unref(n->cidrs);
	g_hash_table_unref(n->seen);
	g_free(n);
}

void network_list_init(struct network_list *l, const char *id)
{
	l->id = id;
	l->networks = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, network_free);
}

void network_list_clear(struct network_list *l)
{
	g_hash_table_unref(l->networks);
}

bool network_list_takes(struct network_list *l, const struct api_req *r, const struct network_filter *f, size_t n, const char *id, const void *obj)
{
	if (!l->id)
		return network_fits(r, f, n, obj);
	if (strcmp(id, l->id) != 0)
		return false;
	l->found = true;
	return true;
}

static void add_cidr(struct network *n, const struct hv_addr *a)
{
	char *cidr = port_cidr(a);

	if (cidr && g_hash_table_add(n->seen, cidr))
		g_ptr_array_add(n->cidrs, g_strdup(cidr));
}

static void add_of(GHashTable *all, const struct server *s, const struct server_nic *nic)
{
	struct network *n = g_hash_table_lookup(all, nic->network);
	const struct hv_addr *a;

	if (!n) {
		n = g_new0(struct network, 1);
		n->name = g_strdup(nic->network);
		n->cidrs = g_ptr_array_new_with_free_func(g_free);
		n->seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
		port_network_id(n->id, n->name);
		g_hash_table_insert(all, n->name, n);
	}
	for (guint i = 0; (a = addr_of(s, nic->mac, i)); i++)
		add_cidr(n, a);
}

void network_list_add(struct network_list *l, struct api_req *r, const struct server *s)
{
	(void)r;
	for (guint i = 0; s->nics && i < s->nics->len; i++)
		add_of(l->networks, s, g_ptr_array_index(s->nics, i));
}

static int by_text(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

GPtrArray *network_list_names(struct network_list *l)
{
	GHashTableIter it;
	void *value;

	g_hash_table_iter_init(&it, l->networks);
	while (g_hash_table_iter_next(&it, NULL, &value))
		g_ptr_array_sort(((struct network *)value)->cidrs, by_text);
	return view_keys(l->networks, by_text);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * HV_DOM_LIST. The poll asks for all states in one question, which waits for no
 * domain. Descriptions come from the cache; sizes of disks are asked together with
 * a new description, in one more question for all domains that need it.
 */
#include "hv/libvirt_priv.h"

#include <string.h>

#include "base/err.h"

struct listing {
	GPtrArray *doms;        /* struct hv_dom * */
	GHashTable *by_uuid;    /* UUID -> struct hv_dom *, all of them */
	GPtrArray *fresh;       /* virDomainPtr, described in this listing. Borrowed from the records */
	uint64_t stamp;
};

static bool record_state(virDomainStatsRecordPtr rec, int *ret_state, int *ret_reason)
{
	int64_t state = VIR_DOMAIN_NOSTATE, reason = 0;
	bool ok = lv_param(rec->params, rec->nparams, "state.state", &state);

	(void)lv_param(rec->params, rec->nparams, "state.reason", &reason);
	*ret_state = (int)CLAMP(state, 0, G_MAXINT);
	*ret_reason = (int)CLAMP(reason, 0, G_MAXINT);
	return ok;
}

static bool is_active(enum hv_state s)
{
	return s != HV_SHUTOFF && s != HV_CRASHED;
}

/* One domain of the listing. A domain that goes away while it is described is left out. */
static bool list_one(struct lv_conn *c, virDomainStatsRecordPtr rec, struct listing *l, GError **err)
{
	char uuid[VIR_UUID_STRING_BUFLEN];
	enum hv_state state;
	enum hv_reason reason;
	struct hv_dom *d;
	int vs, vr;

	if (virDomainGetUUIDString(rec->dom, uuid) < 0 || !record_state(rec, &vs, &vr)) {
		g_set_error(err, ERR, ERR_HV, "list domains: one has no state");
		return false;
	}
	lv_state(vs, vr, &state, &reason);
	d = lv_cache_get(c->cache, uuid, is_active(state));
	if (!d) {
		g_autoptr(GError) e = NULL;

		d = lv_dom_describe(c, rec->dom, &e);
		if (!d && g_error_matches(e, ERR, ERR_HV_ABSENT))
			return true;
		if (!d) {
			g_propagate_prefixed_error(err, g_steal_pointer(&e), "domain %s: ", uuid);
			return false;
		}
		g_ptr_array_add(l->fresh, rec->dom);
	}
	d->state = state;
	d->reason = reason;
	g_ptr_array_add(l->doms, d);
	g_hash_table_insert(l->by_uuid, d->uuid, d);
	return true;
}

/* ---- sizes of disks ---- */

static struct hv_disk *find_disk(struct hv_dom *d, const char *target)
{
	for (guint i = 0; i < d->disks->len; i++) {
		struct hv_disk *k = g_ptr_array_index(d->disks, i);

		if (!g_strcmp0(k->target, target))
			return k;
	}
	return NULL;
}

static void record_sizes(virDomainStatsRecordPtr rec, struct hv_dom *d)
{
	int64_t count = 0;

	(void)lv_param(rec->params, rec->nparams, "block.count", &count);
	for (int64_t i = 0; i < MIN(count, rec->nparams); i++) {
		g_autofree char *name = g_strdup_printf("block.%d.name", (int)i);
		g_autofree char *capacity = g_strdup_printf("block.%d.capacity", (int)i);
		g_autofree char *allocation = g_strdup_printf("block.%d.allocation", (int)i);
		const char *target = lv_param_string(rec->params, rec->nparams, name);
		struct hv_disk *k = target ? find_disk(d, target) : NULL;

		if (!k)
			continue;
		(void)lv_param(rec->params, rec->nparams, capacity, &k->capacity_bytes);
		(void)lv_param(rec->params, rec->nparams, allocation, &k->allocation_bytes);
	}
}

/* Sizes are a help; without them a listing is still true. */
static void read_sizes(struct listing *l)
{
	virDomainStatsRecordPtr *recs = NULL;
	int n;

	if (!l->fresh->len)
		return;
	g_ptr_array_add(l->fresh, NULL);
	n = virDomainListGetStats((virDomainPtr *)l->fresh->pdata, VIR_DOMAIN_STATS_BLOCK, &recs,
	                          VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT);
	g_ptr_array_set_size(l->fresh, (int)l->fresh->len - 1);
	for (int i = 0; i < n; i++) {
		char uuid[VIR_UUID_STRING_BUFLEN];
		struct hv_dom *d = NULL;

		if (virDomainGetUUIDString(recs[i]->dom, uuid) == 0)
			d = g_hash_table_lookup(l->by_uuid, uuid);
		if (d)
			record_sizes(recs[i], d);
	}
	if (n >= 0)
		virDomainStatsRecordListFree(recs);
}

static void keep(struct lv_conn *c, struct listing *l)
{
	for (guint i = 0; i < l->fresh->len; i++) {
		char uuid[VIR_UUID_STRING_BUFLEN];
		struct hv_dom *d = NULL;

		if (virDomainGetUUIDString(g_ptr_array_index(l->fresh, i), uuid) == 0)
			d = g_hash_table_lookup(l->by_uuid, uuid);
		if (d)
			lv_cache_put(c->cache, d, l->stamp);
	}
	lv_cache_keep(c->cache, l->by_uuid);
}

static bool list_all(struct lv_conn *c, virDomainStatsRecordPtr *recs, int n, struct listing *l, GError **err)
{
	if (n > LV_DOMS_MAX) {
		g_set_error(err, ERR, ERR_HV, "list domains: the host has more than %d", LV_DOMS_MAX);
		return false;
	}
	for (int i = 0; i < n; i++) {
		if (!list_one(c, recs[i], l, err))
			return false;
	}
	read_sizes(l);
	keep(c, l);
	return true;
}

bool lv_dom_list(struct lv_conn *c, const struct hv_req *req, struct hv_reply *r, GError **err)
{
	struct listing l = { .stamp = lv_cache_stamp(c->cache) };
	virDomainStatsRecordPtr *recs = NULL;
	bool ok;
	int n;

	(void)req;
	n = virConnectGetAllDomainStats(c->vir, VIR_DOMAIN_STATS_STATE, &recs, VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT);
	if (n < 0)
		return lv_error(c->vir, "list domains", err);
	l.doms = g_ptr_array_new_with_free_func((GDestroyNotify)hv_dom_free);
	l.by_uuid = g_hash_table_new(g_str_hash, g_str_equal);
	l.fresh = g_ptr_array_new();
	ok = list_all(c, recs, n, &l, err);
	if (ok)
		r->doms = g_ptr_array_ref(l.doms);
	g_hash_table_unref(l.by_uuid);
	g_ptr_array_unref(l.fresh);
	g_ptr_array_unref(l.doms);
	virDomainStatsRecordListFree(recs);
	return ok;
}

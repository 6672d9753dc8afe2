/* SPDX-License-Identifier: Apache-2.0
 *
 * HV_DOM_LIST. The poll asks for all states in one question, which waits for no
 * domain. Descriptions come from the cache, or one by one from libvirtd, which
 * does not wait for a domain either. How many domains there are libvirt bounds: its
 * protocol lists 16,384 at most, and refuses beyond (REMOTE_DOMAIN_LIST_MAX, 9.0).
 */
#include "hv/libvirt/list.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "hv/libvirt/cache.h"
#include "hv/libvirt/call.h"
#include "hv/libvirt/dom.h"
#include "hv/libvirt/err.h"
#include "hv/libvirt/state.h"

struct listing {
	GPtrArray *doms;        /* struct hv_dom * */
	GHashTable *by_uuid;    /* UUID -> struct hv_dom *, all of them */
	GPtrArray *fresh;       /* UUIDs of those described in this listing */
	uint64_t stamp;
};

static void record_state(virDomainStatsRecordPtr rec, enum hv_state *ret_state, enum hv_reason *ret_reason)
{
	int64_t state = VIR_DOMAIN_NOSTATE, reason = 0;

	(void)lv_param(rec->params, rec->nparams, "state.state", &state);
	(void)lv_param(rec->params, rec->nparams, "state.reason", &reason);
	lv_state((int)CLAMP(state, 0, G_MAXINT), (int)CLAMP(reason, 0, G_MAXINT), ret_state, ret_reason);
}

static bool is_active(enum hv_state s)
{
	return s != HV_SHUTOFF && s != HV_CRASHED;
}

/*
 * One domain of the listing. One that goes away while it is described is left out; one that cannot be described is listed all the same, so
 * that the others are. Return: false if the host was lost meanwhile.
 */
static bool list_one(const struct lv_ctx *x, virDomainStatsRecordPtr rec, struct listing *l, GError **err)
{
	char uuid[VIR_UUID_STRING_BUFLEN];
	enum hv_state state;
	enum hv_reason reason;
	struct hv_dom *d;

	if (virDomainGetUUIDString(rec->dom, uuid) < 0 || g_hash_table_contains(l->by_uuid, uuid))
		return true;
	if (hv_is_ours(virDomainGetName(rec->dom), uuid))
		return true;
	record_state(rec, &state, &reason);
	d = lv_cache_get(x->conn->cache, uuid, is_active(state));
	if (!d) {
		g_autoptr(GError) e = NULL;
		bool lasts;

		d = lv_dom_describe(x, rec->dom, &lasts, &e);
		if (!d && g_error_matches(e, ERR, ERR_HV_ABSENT))
			return true;
		if (!d) {
			g_propagate_prefixed_error(err, g_steal_pointer(&e), "domain %s: ", uuid);
			return false;
		}
		if (lasts)
			g_ptr_array_add(l->fresh, g_strdup(uuid));
	}
	d->state = state;
	d->reason = reason;
	g_ptr_array_add(l->doms, d);
	g_hash_table_insert(l->by_uuid, d->uuid, d);
	return true;
}

/* ---- sizes of disks ---- */

static void record_sizes(struct lv_cache *k, virDomainStatsRecordPtr rec)
{
	char uuid[VIR_UUID_STRING_BUFLEN];
	int64_t count = 0;

	(void)lv_param(rec->params, rec->nparams, "block.count", &count);
	if (virDomainGetUUIDString(rec->dom, uuid) < 0)
		return;
	for (int64_t i = 0; i < MIN(count, rec->nparams); i++) {
		g_autofree char *name = g_strdup_printf("block.%d.name", (int)i);
		g_autofree char *capacity = g_strdup_printf("block.%d.capacity", (int)i);
		g_autofree char *allocation = g_strdup_printf("block.%d.allocation", (int)i);
		const char *target = lv_param_string(rec->params, rec->nparams, name);
		int64_t c = 0, a = 0;

		if (!target || !lv_param(rec->params, rec->nparams, capacity, &c))
			continue;
		(void)lv_param(rec->params, rec->nparams, allocation, &a);
		lv_cache_set_size(k, uuid, target, c, a);
	}
}

static virDomainPtr *look_up(virConnectPtr vir, GPtrArray *uuids)
{
	virDomainPtr *doms = g_new0(virDomainPtr, uuids->len + 1);
	guint n = 0;

	for (guint i = 0; i < uuids->len; i++) {
		doms[n] = virDomainLookupByUUIDString(vir, g_ptr_array_index(uuids, i));
		n += doms[n] != NULL;
	}
	return doms;
}

/* Sizes are a help; without them a listing is still true. */
static void size_chore(const struct lv_ctx *x, void *user)
{
	virDomainStatsRecordPtr *recs = NULL;
	virDomainPtr *doms;
	int n = -1;

	doms = look_up(x->vir, user);
	if (doms[0])
		n = virDomainListGetStats(doms, VIR_DOMAIN_STATS_BLOCK, &recs, VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT);
	for (int i = 0; i < n; i++)
		record_sizes(x->conn->cache, recs[i]);
	if (n >= 0)
		virDomainStatsRecordListFree(recs);
	for (size_t i = 0; doms[i]; i++)
		lv_domain_free(doms[i]);
	g_free(doms);
}

static void keep(const struct lv_ctx *x, struct listing *l)
{
	for (guint i = 0; i < l->fresh->len; i++)
		lv_cache_put(x->conn->cache, g_hash_table_lookup(l->by_uuid, g_ptr_array_index(l->fresh, i)), l->stamp);
	lv_cache_keep(x->conn->cache, l->by_uuid);
}

/* One question for all of them. It is a help: without it a listing is still true. */
static void mark_autostart(const struct lv_ctx *x, struct listing *l)
{
	virDomainPtr *doms = NULL;
	int n = virConnectListAllDomains(x->vir, &doms, VIR_CONNECT_LIST_DOMAINS_AUTOSTART);

	for (guint i = 0; n >= 0 && i < l->doms->len; i++)
		((struct hv_dom *)g_ptr_array_index(l->doms, i))->kept.told = true;
	for (int i = 0; i < n; i++) {
		char uuid[VIR_UUID_STRING_BUFLEN];
		struct hv_dom *d = virDomainGetUUIDString(doms[i], uuid) == 0 ? g_hash_table_lookup(l->by_uuid, uuid) : NULL;

		if (d)
			d->kept.autostart = true;
		lv_domain_free(doms[i]);
	}
	free(doms); /* libvirt's */
}

static bool list_all(const struct lv_ctx *x, virDomainStatsRecordPtr *recs, int n, struct listing *l, GError **err)
{
	for (int i = 0; i < n; i++) {
		if (!list_one(x, recs[i], l, err))
			return false;
	}
	keep(x, l);
	mark_autostart(x, l);
	if (l->fresh->len)
		lv_chore(x->conn, LV_SIZES, size_chore, g_ptr_array_ref(l->fresh), (GDestroyNotify)g_ptr_array_unref);
	for (guint i = 0; i < l->doms->len; i++)
		lv_cache_fill_sizes(x->conn->cache, g_ptr_array_index(l->doms, i));
	return true;
}

bool lv_dom_list(const struct lv_ctx *x, const struct hv_req *req, struct hv_reply *r, GError **err)
{
	struct listing l = { .stamp = lv_cache_stamp(x->conn->cache) };
	virDomainStatsRecordPtr *recs = NULL;
	bool ok;
	int n;

	(void)req;
	n = virConnectGetAllDomainStats(x->vir, VIR_DOMAIN_STATS_STATE, &recs, VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT);
	if (n < 0)
		return lv_error(x->vir, "list domains", err);
	l.doms = g_ptr_array_new_with_free_func((GDestroyNotify)hv_dom_free);
	l.by_uuid = g_hash_table_new(g_str_hash, g_str_equal);
	l.fresh = g_ptr_array_new_with_free_func(g_free);
	ok = list_all(x, recs, n, &l, err);
	if (ok)
		r->doms = g_ptr_array_ref(l.doms);
	g_hash_table_unref(l.by_uuid);
	g_ptr_array_unref(l.fresh);
	g_ptr_array_unref(l.doms);
	virDomainStatsRecordListFree(recs);
	return ok;
}

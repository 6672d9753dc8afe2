/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/libvirt/snapshot.h"

#include <stdlib.h>

#include "hv/libvirt/dom.h"
#include "hv/libvirt/err.h"
#include "hv/xml/snapshot_xml.h"
#include "hv/xml/xml.h"

static void snapshot_free(virDomainSnapshotPtr s)
{
	if (s)
		(void)virDomainSnapshotFree(s);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(virDomainSnapshot, snapshot_free)

/* ---- HV_SNAPSHOTS_GET ---- */

/* One that has gone meanwhile is none. */
static bool describe(const struct lv_ctx *x, virDomainSnapshotPtr snap, GPtrArray *all, GError **err)
{
	char *xml = virDomainSnapshotGetXMLDesc(snap, VIR_DOMAIN_SNAPSHOT_XML_SECURE);
	struct hv_snapshot *s = xml ? snapshot_xml_read(all, xml, err) : NULL;

	if (!xml)
		return lv_error_is(VIR_ERR_NO_DOMAIN_SNAPSHOT) || lv_error(x->vir, "read a snapshot's description", err);
	free(xml); /* libvirt's */
	if (s)
		s->current = virDomainSnapshotIsCurrent(snap, 0) > 0;
	return s;
}

static bool list(const struct lv_ctx *x, virDomainPtr dom, GPtrArray *all, GError **err)
{
	virDomainSnapshotPtr *snaps = NULL;
	int n = virDomainListAllSnapshots(dom, &snaps, VIR_DOMAIN_SNAPSHOT_LIST_TOPOLOGICAL);
	bool ok = n >= 0 || lv_error_is(VIR_ERR_NO_SUPPORT) || lv_error(x->vir, "list the domain's snapshots", err);

	for (int i = 0; i < n; i++) {
		ok = ok && describe(x, snaps[i], all, err);
		snapshot_free(snaps[i]);
	}
	free(snaps); /* libvirt's */
	return ok;
}

bool lv_snapshots_get(const struct lv_ctx *x, const struct hv_req *req, struct hv_reply *r, GError **err)
{
	g_autoptr(virDomain) dom = NULL;
	g_autoptr(GError) why = NULL;

	if (!lv_dom_lookup_or_absent(x, req->uuid, &dom, err))
		return false;
	r->snapshots = hv_snapshots_new();
	/* It can go away between the questions. */
	if (!dom || list(x, dom, r->snapshots, &why) || g_error_matches(why, ERR, ERR_HV_ABSENT))
		return true;
	g_propagate_error(err, g_steal_pointer(&why));
	return false;
}

/* ---- HV_SNAPSHOTS_SET ---- */

bool lv_snapshots_set(const struct lv_ctx *x, const struct hv_req *req, struct hv_reply *r, GError **err)
{
	g_autoptr(virDomain) dom = lv_dom_lookup(x, req->uuid, err);

	(void)r;
	for (guint i = 0; dom && i < req->snapshots->len; i++) {
		const struct hv_snapshot *s = g_ptr_array_index(req->snapshots, i);
		unsigned flags = VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE | (s->current ? VIR_DOMAIN_SNAPSHOT_CREATE_CURRENT : 0);
		g_autoptr(virDomainSnapshot) made = virDomainSnapshotCreateXML(dom, s->xml, flags);

		if (!made)
			return lv_error(x->vir, "describe a snapshot", err);
	}
	return dom;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * HV_PEER_TRY: libvirt connects to the destination before it looks at what is to be migrated (qemuMigrationSrcPerformPeer2Peer()), and
 * refuses an offline migration that is not to leave a definition there (VIR_ERR_OPERATION_INVALID, in the phase Begin), still at the
 * source. So that very refusal says that the two have talked, and the destination is not asked for anything.
 *
 * The source's libvirtd may hang as long as its kernel tries to connect: a link and a thread of its own, and nothing waits behind it.
 */
#include "hv/libvirt/peer.h"

#include "base/err.h"
#include "base/loop.h"
#include "hv/libvirt/call.h"
#include "hv/libvirt/dom.h"
#include "hv/libvirt/err.h"
#include "hv/libvirt/link.h"
#include "hv/libvirt/spawn.h"

struct trial {
	struct hv_call *call;
	struct lv_link *link;
};

static virDomainPtr define_probe(virConnectPtr vir, const char *uuid, GError **err)
{
	g_autofree char *name = hv_probe_name(uuid);
	g_autofree char *xml = g_markup_printf_escaped(
		"<domain type='qemu'><name>%s</name><uuid>%s</uuid><metadata><d:probe xmlns:d='urn:drover'/></metadata><memory unit='KiB'>16384</memory>"
		"<os><type>hvm</type></os><devices><controller type='usb' model='none'/><memballoon model='none'/></devices></domain>", name, uuid);
	virDomainPtr dom = virDomainDefineXML(vir, xml);

	if (!dom)
		(void)lv_error(vir, "define a domain to reach the host with", err);
	return dom;
}

static bool ask(virConnectPtr vir, virDomainPtr dom, const char *uri, GError **err)
{
	GError *e = NULL;

	if (virDomainMigrateToURI3(dom, uri, NULL, 0, VIR_MIGRATE_PEER2PEER | VIR_MIGRATE_OFFLINE) == 0 || lv_error_is(VIR_ERR_OPERATION_INVALID))
		return true;
	(void)lv_error(vir, "reach the destination", &e);
	/* What the source passes on of its own client is no loss of ours. */
	if (e->code == ERR_HV_ABSENT || (e->code == ERR_HV_LOST && !lv_lost(vir)))
		e->code = ERR_HV;
	g_propagate_error(err, e);
	return false;
}

static void try(virConnectPtr vir, const struct hv_req *req, GError **err)
{
	g_autoptr(virDomain) dom = define_probe(vir, req->uuid, err);

	if (!dom)
		return;
	(void)ask(vir, dom, req->migrate.dest_uri, err);
	/* One that stays is known by its name, is no guest, and gone with the next undefine of it. */
	(void)virDomainUndefine(dom);
}

static void end(void *user)
{
	struct trial *t = user;

	hv_complete(t->call);
	lv_link_close(t->link);
	g_free(t);
}

static void run(void *user)
{
	struct trial *t = user;

	try(lv_link_enter(t->link), &t->call->req, &t->call->reply.err);
	lv_link_leave(t->link);
	loop_post(end, t);
}

static void connected(struct lv_link *l, const char *why, void *user)
{
	struct trial *t = user;

	t->link = l;
	if (l && !t->call->answered) {
		lv_spawn(run, t);
		return;
	}
	g_set_error(&t->call->reply.err, ERR, ERR_HV_LOST, "reach the destination: %s", why ? why : "not begun in time");
	end(t);
}

void lv_peer_try(struct lv_conn *c, struct hv_call *call)
{
	struct trial *t;

	if (!call->req.migrate.dest_uri || !call->req.uuid) {
		lv_call_fail_later(call, ERR_BAD_REQUEST, "no destination to reach");
		return;
	}
	t = g_new0(struct trial, 1);
	t->call = call;
	lv_link_open(c, c->uri, true, connected, t);
}

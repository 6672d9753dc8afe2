/* SPDX-License-Identifier: Apache-2.0
 *
 * A domain's definition: read it, write it, drop it, and have its host start it.
 */
#include "hv/libvirt/define.h"

#include <string.h>

#include "hv/libvirt/dom.h"
#include "hv/libvirt/err.h"
#include "hv/xml/domdef.h"
#include "hv/xml/xml.h"

#define LIBVIRT_KEEP_TPM 8009000 /* VIR_DOMAIN_UNDEFINE_KEEP_TPM exists from here on */

/* 1: it has a definition; 0: it has none; below 0, with @err. */
static int is_persistent(const struct lv_ctx *x, virDomainPtr dom, GError **err)
{
	int persistent = virDomainIsPersistent(dom);

	if (persistent < 0)
		(void)lv_error(x->vir, "ask whether the domain is persistent", err);
	return persistent;
}

static char *definition_of(const struct lv_ctx *x, virDomainPtr dom, GError **err)
{
	char *xml = virDomainGetXMLDesc(dom, VIR_DOMAIN_XML_SECURE | VIR_DOMAIN_XML_INACTIVE);

	if (!xml)
		(void)lv_error(x->vir, "read the domain's definition", err);
	return xml;
}

bool lv_dom_definition(const struct lv_ctx *x, const struct hv_req *req, struct hv_reply *r, GError **err)
{
	g_autoptr(virDomain) dom = NULL;
	g_autoptr(GError) why = NULL;
	int persistent;

	if (!lv_dom_lookup_or_absent(x, req->uuid, &dom, err))
		return false;
	persistent = dom ? is_persistent(x, dom, &why) : 0;
	if (persistent > 0)
		r->definition = definition_of(x, dom, &why);
	/* It can go away between the questions. */
	if (!why || g_error_matches(why, ERR, ERR_HV_ABSENT))
		return true;
	g_propagate_error(err, g_steal_pointer(&why));
	return false;
}

/* A definition of another domain would be one more domain. */
static bool names(const char *xml, const char *uuid, GError **err)
{
	g_autoptr(xmlDoc) doc = xml_read(xml, "domain", err);
	g_autofree char *said = doc ? xml_text(xml_child(xmlDocGetRootElement(doc), "uuid")) : NULL;

	if (doc && (!said || g_ascii_strcasecmp(said, uuid) != 0))
		return xml_refuse(err, "the definition is of another domain");
	return doc != NULL;
}

bool lv_dom_define(const struct lv_ctx *x, const struct hv_req *req, struct hv_reply *r, GError **err)
{
	g_autoptr(virDomain) dom = NULL, defined = NULL;
	int persistent;

	(void)r;
	if (!names(req->xml, req->uuid, err) || !lv_dom_lookup_or_absent(x, req->uuid, &dom, err))
		return false;
	persistent = dom ? is_persistent(x, dom, err) : 0;
	if (persistent)
		return persistent > 0;
	defined = virDomainDefineXMLFlags(x->vir, req->xml, 0);
	return defined || lv_error(x->vir, "define the domain", err);
}

/* Firmware variables and the TPM's state are disks of the guest: they may lie on shared storage, in use elsewhere. */
static unsigned undefine_flags(const struct lv_ctx *x, bool forgets)
{
	unsigned long version = 0;
	unsigned flags = VIR_DOMAIN_UNDEFINE_KEEP_NVRAM;

	if (forgets)
		flags |= VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA | VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA;
	if (virConnectGetLibVersion(x->vir, &version) == 0 && version >= LIBVIRT_KEEP_TPM)
		flags |= VIR_DOMAIN_UNDEFINE_KEEP_TPM;
	return flags;
}

static bool is_as_named(const struct lv_ctx *x, virDomainPtr dom, const char *want, GError **err)
{
	g_autofree char *have = want ? definition_of(x, dom, err) : NULL, *differs = NULL;

	if (!want)
		return true;
	if (have && !domdef_same(have, want, &differs))
		g_set_error(err, ERR, ERR_CONFLICT, "undefine the domain: %s", differs);
	return have && !differs;
}

bool lv_dom_undefine(const struct lv_ctx *x, const struct hv_req *req, struct hv_reply *r, GError **err)
{
	g_autoptr(virDomain) dom = NULL;
	int active;

	(void)r;
	if (!lv_dom_lookup_or_absent(x, req->uuid, &dom, err))
		return false;
	if (!dom)
		return true;
	/* libvirt would make a transient domain of a running one. */
	active = virDomainIsActive(dom);
	if (active > 0) {
		g_set_error(err, ERR, ERR_HV, "undefine the domain: it is active");
		return false;
	}
	if (active == 0 && !is_as_named(x, dom, req->xml, err))
		return false;
	if (active == 0 && virDomainUndefineFlags(dom, undefine_flags(x, req->forgets)) == 0)
		return true;
	if (lv_error_is(VIR_ERR_NO_DOMAIN) && !lv_lost(x->vir))
		return true;
	return lv_error(x->vir, "undefine the domain", err);
}

bool lv_dom_autostart(const struct lv_ctx *x, const struct hv_req *req, struct hv_reply *r, GError **err)
{
	g_autoptr(virDomain) dom = lv_dom_lookup(x, req->uuid, err);

	(void)r;
	return dom && (virDomainSetAutostart(dom, req->autostart) == 0 || lv_error(x->vir, "set the domain's autostart", err));
}

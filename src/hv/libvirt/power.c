/* SPDX-License-Identifier: Apache-2.0
 *
 * No flags with virDomainShutdownFlags() and virDomainReboot(): libvirt asks the
 * guest's agent where it answers, and else presses the power button. An agent that
 * hangs costs 5 s, one that takes the order and does not do it a minute (libvirt 9.0).
 */
#include "hv/libvirt/power.h"

#include "base/err.h"
#include "hv/libvirt/dom.h"
#include "hv/libvirt/err.h"

bool lv_dom_start(const struct lv_ctx *x, const struct hv_req *req, struct hv_reply *r, GError **err)
{
	g_autoptr(virDomain) dom = lv_dom_lookup(x, req->uuid, err);
	unsigned flags = (req->paused ? VIR_DOMAIN_START_PAUSED : 0) | (req->boot ? VIR_DOMAIN_START_FORCE_BOOT : 0);
	g_autoptr(GError) refused = NULL;

	(void)r;
	if (!dom)
		return false;
	if (virDomainCreateWithFlags(dom, flags) == 0)
		return true;
	(void)lv_error(x->vir, "start the domain", &refused);
	if (!g_error_matches(refused, ERR, ERR_HV_LOST) && virDomainIsActive(dom) > 0)
		return true;
	g_propagate_error(err, g_steal_pointer(&refused));
	return false;
}

/* libvirt says "not running" of one that is shutting off or off, as of one that is paused. */
bool lv_dom_shutdown(const struct lv_ctx *x, const struct hv_req *req, struct hv_reply *r, GError **err)
{
	g_autoptr(virDomain) dom = NULL;

	(void)r;
	if (!lv_dom_lookup_or_absent(x, req->uuid, &dom, err))
		return false;
	/* A transient one is gone when it is off. */
	if (!dom || virDomainShutdownFlags(dom, 0) == 0 || (lv_error_is(VIR_ERR_NO_DOMAIN) && !lv_lost(x->vir)))
		return true;
	return lv_dom_is_already(x, dom, LV_IS(SHUTDOWN) | LV_IS(SHUTOFF), "ask the guest to shut off", err);
}

bool lv_dom_reboot(const struct lv_ctx *x, const struct hv_req *req, struct hv_reply *r, GError **err)
{
	g_autoptr(virDomain) dom = lv_dom_lookup(x, req->uuid, err);

	(void)r;
	return dom && (virDomainReboot(dom, 0) == 0 || lv_error(x->vir, "ask the guest to boot again", err));
}

bool lv_dom_reset(const struct lv_ctx *x, const struct hv_req *req, struct hv_reply *r, GError **err)
{
	g_autoptr(virDomain) dom = lv_dom_lookup(x, req->uuid, err);

	(void)r;
	return dom && (virDomainReset(dom, 0) == 0 || lv_error(x->vir, "reset the domain", err));
}

/* A domain that is shut off can have an image of long ago; one that is shut off and has one is as wanted. */
bool lv_dom_save(const struct lv_ctx *x, const struct hv_req *req, struct hv_reply *r, GError **err)
{
	g_autoptr(virDomain) dom = lv_dom_lookup(x, req->uuid, err);
	g_autoptr(GError) refused = NULL;

	(void)r;
	if (!dom)
		return false;
	if (virDomainManagedSave(dom, 0) == 0)
		return true;
	if (lv_dom_is_already(x, dom, LV_IS(SHUTOFF), "save the domain", &refused) && virDomainHasManagedSaveImage(dom, 0) > 0)
		return true;
	if (refused)
		g_propagate_error(err, g_steal_pointer(&refused));
	else
		g_set_error(err, ERR, ERR_HV, "save the domain: it is shut off");
	return false;
}

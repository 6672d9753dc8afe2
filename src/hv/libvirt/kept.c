/* SPDX-License-Identifier: Apache-2.0
 *
 * What libvirt keeps beside a domain's description. libvirtd answers all of it
 * by itself, without the domain's monitor and without its job lock (9.0).
 */
#include "hv/libvirt/kept.h"

#include "hv/libvirt/err.h"

/* @n: what libvirt answered, below 0 for an error. */
static bool number(const struct lv_ctx *x, int n, const char *what, int *ret, GError **err)
{
	bool unsupported = n < 0 && lv_error_is(VIR_ERR_NO_SUPPORT);

	if (n < 0 && !unsupported)
		return lv_error(x->vir, what, err);
	*ret = unsupported ? 0 : n;
	return true;
}

static int get_autostart(virDomainPtr dom)
{
	int on = 0;

	return virDomainGetAutostart(dom, &on) < 0 ? -1 : on != 0;
}

bool lv_dom_kept(const struct lv_ctx *x, virDomainPtr dom, struct hv_kept *ret, GError **err)
{
	struct hv_kept k = { .told = true };
	int autostart = 0, saved = 0;

	if (!number(x, get_autostart(dom), "read the domain's autostart", &autostart, err) ||
	    !number(x, virDomainHasManagedSaveImage(dom, 0), "ask for the domain's managed save image", &saved, err) ||
	    !number(x, virDomainSnapshotNum(dom, 0), "count the domain's snapshots", &k.snapshots, err) ||
	    !number(x, virDomainListAllCheckpoints(dom, NULL, 0), "count the domain's checkpoints", &k.checkpoints, err))
		return false;
	k.autostart = autostart;
	k.managed_save = saved;
	*ret = k;
	return true;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * HV_LOG_GET. libvirt has no call for the log of a console, but reads any file as a volume of a pool (pool.h).
 */
#include "hv/libvirt/log.h"

#include <stdlib.h>

#include "base/err.h"
#include "hv/libvirt/dom.h"
#include "hv/libvirt/err.h"
#include "hv/libvirt/pool.h"
#include "hv/libvirt/vol.h"
#include "hv/xml/domxml_log.h"

/* Return: owned; NULL: it has none, or with @err. */
static char *path_of(const struct lv_ctx *x, const char *uuid, GError **err)
{
	g_autoptr(virDomain) dom = lv_dom_lookup(x, uuid, err);
	char *xml = dom ? virDomainGetXMLDesc(dom, 0) : NULL, *path;

	if (!xml) {
		if (dom)
			(void)lv_error(x->vir, "read the domain's description", err);
		return NULL;
	}
	path = domxml_log(xml, err);
	free(xml); /* libvirt's allocator need not be ours */
	return path;
}

static bool none(GError **err)
{
	g_set_error(err, ERR, ERR_NOT_FOUND, "the console of the domain is not written to a file, or its host has no such file yet");
	return false;
}

static bool read_end(const struct lv_pool *p, char **ret, GError **err)
{
	g_autoptr(virStorageVol) vol = NULL;
	g_autoptr(GByteArray) text = NULL;
	virStorageVolInfo info;

	/* Its size now: a pool tells what it saw when it was refreshed, and the guest writes on. */
	if (!lv_pool_find(p, 0, &vol, &info, err))
		return false;
	if (!vol)
		return none(err);
	text = lv_vol_read(p, vol, info.capacity > HV_LOG_BYTES ? info.capacity - HV_LOG_BYTES : 0, HV_LOG_BYTES, "read the console's log", err);
	if (text)
		*ret = g_utf8_make_valid((const char *)text->data, text->len);
	return text != NULL;
}

bool lv_log_get(const struct lv_ctx *x, const struct hv_req *req, struct hv_reply *r, GError **err)
{
	g_autoptr(GError) why = NULL;
	g_autofree char *path = path_of(x, req->uuid, &why);
	struct lv_pool p;
	bool ok;

	if (why) {
		g_propagate_error(err, g_steal_pointer(&why));
		return false;
	}
	if (!path)
		return none(err);
	ok = lv_pool_init(&p, x->vir, path, err) && lv_pool_enter(&p, x->conn->uri, false, err) && (p.pool ? read_end(&p, &r->log, err) : none(err));
	lv_pool_leave(&p);
	return ok;
}

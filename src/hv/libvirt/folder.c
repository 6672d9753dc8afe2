/* SPDX-License-Identifier: Apache-2.0
 *
 * HV_FOLDER_GET: a folder as the pool that has it tells after a refresh.
 */
#include "hv/libvirt/folder.h"

#include <stdlib.h>
#include <string.h>

#include "hv/libvirt/err.h"
#include "hv/libvirt/pool.h"
#include "hv/xml/facts_xml.h"
#include "hv/xml/xml.h"

/* One that goes away meanwhile, or is not to be read, is left out. */
static void read_volume(virStorageVolPtr vol, const char *name, struct hv_folder *ret)
{
	char *text = virStorageVolGetXMLDesc(vol, 0);

	if (text)
		facts_xml_file(text, name, ret);
	free(text); /* libvirt's */
}

static bool read_volumes(const struct lv_pool *p, struct hv_folder *ret, GError **err)
{
	virStorageVolPtr *vols = NULL;
	int n = virStoragePoolListAllVolumes(p->pool, &vols, 0);

	if (n < 0)
		return lv_error(p->vir, "list the folder", err);
	for (int i = 0; i < n; i++) {
		const char *name = virStorageVolGetName(vols[i]);

		if (name && g_str_has_prefix(name, p->name) && strlen(name) <= DOMXML_NAME_MAX && ret->markers->len < HV_MARKERS_MAX)
			read_volume(vols[i], name, ret);
		(void)virStorageVolFree(vols[i]);
	}
	free(vols);
	return !lv_lost(p->vir) || lv_error(p->vir, "read the folder", err);
}

static bool read_folder(const struct lv_pool *p, struct hv_folder *ret, GError **err)
{
	char *text = virStoragePoolGetXMLDesc(p->pool, 0);
	bool ok;

	if (!text)
		return lv_error(p->vir, "read the storage pool's description", err);
	ok = facts_xml_folder(text, ret, err);
	free(text);
	return ok && read_volumes(p, ret, err);
}

bool lv_folder_get(const struct lv_ctx *x, const struct hv_req *req, struct hv_reply *r, GError **err)
{
	struct lv_pool p;
	bool ok = lv_pool_init(&p, x->vir, req->vol.path, err) && lv_pool_enter(&p, x->conn->uri, false, err);

	r->folder = hv_folder_new();
	if (ok && p.pool)
		ok = read_folder(&p, r->folder, err);
	lv_pool_leave(&p);
	return ok;
}

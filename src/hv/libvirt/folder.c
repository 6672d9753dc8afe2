/* SPDX-License-Identifier: Apache-2.0
 *
 * HV_FOLDER_GET: a folder as the pool that has it tells after a refresh.
 */
#include "hv/libvirt/folder.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/util.h"
#include "hv/libvirt/err.h"
#include "hv/libvirt/pool.h"
#include "hv/xml/xml.h"

static int64_t number(const xmlNode *n, int base)
{
	g_autofree char *text = xml_text(n);
	char *end = NULL;
	gint64 v = text ? g_ascii_strtoll(text, &end, base) : -1;

	return text && end != text && !*end && v >= 0 ? v : HV_NOT_KNOWN;
}

/* <permissions><mode>0711</mode><owner>0</owner><group>0</group></permissions> */
static struct hv_perms read_perms(const xmlNode *target)
{
	const xmlNode *n = xml_child(target, "permissions");

	return (struct hv_perms){ number(xml_child(n, "owner"), 10), number(xml_child(n, "group"), 10), number(xml_child(n, "mode"), 8) };
}

/* "1700000000.123456789" */
static int64_t read_time_us(const xmlNode *n)
{
	g_autofree char *text = xml_text(n);
	char *end = NULL;
	gint64 s = text ? g_ascii_strtoll(text, &end, 10) : 0;
	char us[7] = "000000";

	if (!text || end == text || s <= 0 || s > INT64_C(1) << 40)
		return 0;
	for (size_t i = 0; *end == '.' && i < 6 && g_ascii_isdigit(end[1 + i]); i++)
		us[i] = end[1 + i];
	return s * G_USEC_PER_SEC + g_ascii_strtoll(us, NULL, 10);
}

/* One that goes away meanwhile, or is not to be read, is left out. */
static void read_volume(virStorageVolPtr vol, const char *name, struct hv_folder *ret)
{
	char *text = virStorageVolGetXMLDesc(vol, 0);
	g_autoptr(xmlDoc) doc = text ? xml_read(text, "volume", NULL) : NULL;
	const xmlNode *target = doc ? xml_child(xmlDocGetRootElement(doc), "target") : NULL;
	struct hv_marker *m = target ? hv_folder_add(ret, name) : NULL;

	if (m) {
		m->perms = read_perms(target);
		m->modified_us = read_time_us(xml_child(xml_child(target, "timestamps"), "mtime"));
	}
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
	g_autoptr(xmlDoc) doc = text ? xml_read(text, "pool", err) : NULL;
	const xmlNode *root = doc ? xmlDocGetRootElement(doc) : NULL;

	if (!text)
		return lv_error(p->vir, "read the storage pool's description", err);
	free(text);
	if (!root)
		return false;
	ret->exists = true;
	ret->perms = read_perms(xml_child(root, "target"));
	ret->size_bytes = MAX(xml_bytes(xml_child(root, "capacity"), NULL), 0);
	ret->free_bytes = MAX(xml_bytes(xml_child(root, "available"), NULL), 0);
	return read_volumes(p, ret, err);
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

/* SPDX-License-Identifier: Apache-2.0
 *
 * HV_VOL_GET, HV_VOL_CREATE, HV_VOL_DELETE: one file of a host.
 */
#include "hv/libvirt_place.h"

#include <string.h>

#include "base/err.h"
#include "hv/domxml.h"

static int64_t to_int64(unsigned long long v)
{
	return (int64_t)MIN(v, (unsigned long long)INT64_MAX);
}

/* NULL where libvirt does not say. */
static bool read_format(const struct lv_place *p, virStorageVolPtr vol, char **ret, GError **err)
{
	g_autofree char *xml = virStorageVolGetXMLDesc(vol, 0);
	g_autoptr(xmlDoc) doc = NULL;
	char *format;

	if (!xml)
		return lv_error(p->vir, "read the volume's description", err);
	doc = domxml_read(xml, "volume", err);
	if (!doc)
		return false;
	format = domxml_attr(domxml_child(domxml_child(xmlDocGetRootElement(doc), "target"), "format"), "type");
	if (format && strlen(format) > DOMXML_NAME_MAX)
		g_clear_pointer(&format, g_free);
	*ret = format;
	return true;
}

/* ---- HV_VOL_GET ---- */

static bool get(const struct lv_place *p, struct hv_vol *ret, GError **err)
{
	g_autoptr(virStorageVol) vol = NULL;
	virStorageVolInfo info;

	if (!lv_place_find(p, 0, &vol, &info, err))
		return false;
	if (!vol)
		return true;
	if (!read_format(p, vol, &ret->format, err))
		return false;
	ret->exists = true;
	ret->capacity_bytes = to_int64(info.capacity);
	ret->allocation_bytes = to_int64(info.allocation);
	return true;
}

bool lv_vol_get(const struct lv_ctx *x, const struct hv_req *req, struct hv_reply *r, GError **err)
{
	struct lv_place p;
	bool ok = lv_place_init(&p, x->vir, req->vol.path, err) && lv_place_enter(&p, x->conn->uri, false, err) &&
	          get(&p, &r->vol, err);

	lv_place_leave(&p);
	return ok;
}

/* ---- HV_VOL_CREATE ---- */

static const char *const formats[] = { "qcow2", "raw", NULL };

static bool check_create(const struct hv_vol_params *v, GError **err)
{
	struct lv_place backing;
	bool ok;

	if (!v->format || !g_strv_contains(formats, v->format) || v->capacity_bytes <= 0) {
		g_set_error(err, ERR, ERR_BAD_REQUEST, "a new volume is qcow2 or raw, and larger than 0 bytes");
		return false;
	}
	if (!v->backing)
		return true;
	if (!strcmp(v->format, "raw") || !v->backing_format || !g_strv_contains(formats, v->backing_format)) {
		g_set_error(err, ERR, ERR_BAD_REQUEST, "only a qcow2 has a backing file, which is qcow2 or raw");
		return false;
	}
	ok = lv_place_init(&backing, NULL, v->backing, err);
	lv_place_leave(&backing);
	return ok;
}

/* A capacity that is not exactly the other disk's fails the copy, minutes later. */
static bool check_capacity(const struct lv_place *p, virStorageVolPtr vol, int64_t want_bytes, GError **err)
{
	virStorageVolInfo info;

	if (virStorageVolGetInfo(vol, &info) < 0)
		(void)lv_error(p->vir, "look at the new volume", err);
	else if (to_int64(info.capacity) == want_bytes)
		return true;
	else
		g_set_error(err, ERR, ERR_HV, "the new volume has %" G_GINT64_FORMAT " bytes, not %" G_GINT64_FORMAT, to_int64(info.capacity),
		            want_bytes);
	(void)virStorageVolDelete(vol, 0);
	return false;
}

static bool create(const struct lv_place *p, const struct hv_vol_params *v, GError **err)
{
	g_autoptr(virStorageVol) vol = lv_place_create(p, v, err);

	return vol && check_capacity(p, vol, v->capacity_bytes, err);
}

bool lv_vol_create(const struct lv_ctx *x, const struct hv_req *req, struct hv_reply *r, GError **err)
{
	struct lv_place p;
	bool ok = lv_place_init(&p, x->vir, req->vol.path, err) && check_create(&req->vol, err) &&
	          lv_place_enter(&p, x->conn->uri, true, err) && create(&p, &req->vol, err);

	(void)r;
	lv_place_leave(&p);
	return ok;
}

/* ---- HV_VOL_DELETE ---- */

static bool delete(const struct lv_place *p, GError **err)
{
	g_autoptr(virStorageVol) vol = NULL;
	virStorageVolInfo info;

	if (!lv_place_find(p, 0, &vol, &info, err))
		return false;
	if (!vol || virStorageVolDelete(vol, 0) == 0)
		return true;
	return lv_error_is(VIR_ERR_NO_STORAGE_VOL) || lv_error(p->vir, "delete the volume", err);
}

bool lv_vol_delete(const struct lv_ctx *x, const struct hv_req *req, struct hv_reply *r, GError **err)
{
	struct lv_place p;
	bool ok = lv_place_init(&p, x->vir, req->vol.path, err) && lv_place_enter(&p, x->conn->uri, false, err) && delete(&p, err);

	(void)r;
	lv_place_leave(&p);
	return ok;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * HV_VOL_GET, HV_VOL_CREATE, HV_VOL_DELETE, HV_VOL_FIND: one volume of a host.
 */
#include "hv/libvirt/vol.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "hv/libvirt/err.h"
#include "hv/libvirt/pool.h"
#include "hv/xml/xml.h"
#include "hv/xml/xml_served.h"

static int64_t to_int64(unsigned long long v)
{
	return (int64_t)MIN(v, (unsigned long long)INT64_MAX);
}

/* @s: taken. NULL where libvirt does not say, or says too much. */
static char *short_text(char *s, size_t max)
{
	if (s && *s && strlen(s) <= max)
		return s;
	g_free(s);
	return NULL;
}

static char *format_of(const xmlNode *of)
{
	return short_text(xml_attr(xml_child(of, "format"), "type"), DOMXML_NAME_MAX);
}

static bool read_description(const struct lv_pool *p, virStorageVolPtr vol, struct hv_vol *ret, GError **err)
{
	g_autofree char *xml = virStorageVolGetXMLDesc(vol, 0);
	g_autoptr(xmlDoc) doc = NULL;
	const xmlNode *root, *backing, *times;

	if (!xml)
		return lv_error(p->vir, "read the volume's description", err);
	doc = xml_read(xml, "volume", err);
	if (!doc)
		return false;
	root = xmlDocGetRootElement(doc);
	backing = xml_child(root, "backingStore");
	ret->format = format_of(xml_child(root, "target"));
	ret->backing = short_text(xml_text(xml_child(backing, "path")), DOMXML_TEXT_MAX);
	ret->backing_format = ret->backing ? format_of(backing) : NULL;
	times = xml_child(xml_child(root, "target"), "timestamps");
	ret->changed_ns = xml_time_ns(xml_child(times, "ctime"));
	ret->written_ns = xml_time_ns(xml_child(times, "mtime"));
	ret->physical_bytes = MAX(xml_bytes(xml_child(root, "physical"), NULL), 0);
	return true;
}

/* ---- what is in a file ---- */

static void stream_free(virStreamPtr st)
{
	if (st)
		(void)virStreamFree(st);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(virStream, stream_free)

static bool receive(const struct lv_pool *p, virStreamPtr st, GByteArray *into, size_t max, const char *what, GError **err)
{
	size_t n = 0;
	int got;

	g_byte_array_set_size(into, (guint)max);
	do {
		got = virStreamRecv(st, (char *)into->data + n, max - n);
		n += (size_t)MAX(got, 0);
	} while (got > 0 && n < max);
	g_byte_array_set_size(into, (guint)n);
	return got >= 0 || lv_error(p->vir, what, err);
}

GByteArray *lv_vol_read(const struct lv_pool *p, virStorageVolPtr vol, uint64_t at, size_t max, const char *what, GError **err)
{
	g_autoptr(virStream) st = virStreamNew(p->vir, 0);
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	bool ok;

	if (!st || virStorageVolDownload(vol, st, at, max, 0) < 0) {
		(void)lv_error(p->vir, what, err);
		return NULL;
	}
	ok = receive(p, st, bytes, max, what, err);
	(void)virStreamAbort(st); /* what was asked for is here */
	return ok ? g_steal_pointer(&bytes) : NULL;
}

static bool read_head(const struct lv_pool *p, virStorageVolPtr vol, struct qcow2_head *ret, GError **err)
{
	g_autoptr(GByteArray) head = lv_vol_read(p, vol, 0, QCOW2_HEAD_BYTES, "read the volume's head", err);

	if (head)
		*ret = qcow2_head_read(head->data, head->len);
	return head != NULL;
}

/* ---- HV_VOL_GET ---- */

static bool get(const struct lv_pool *p, bool head, struct hv_vol *ret, GError **err)
{
	g_autoptr(virStorageVol) vol = NULL;
	virStorageVolInfo info;

	ret->folder = p->pool;
	if (!lv_pool_find(p, 0, &vol, &info, err))
		return false;
	if (!vol)
		return true;
	if (!read_description(p, vol, ret, err) || (head && !read_head(p, vol, &ret->head, err)))
		return false;
	ret->exists = true;
	ret->kind = info.type == VIR_STORAGE_VOL_BLOCK ? HV_SOURCE_DEVICE : HV_SOURCE_FILE;
	ret->capacity_bytes = to_int64(info.capacity);
	ret->allocation_bytes = to_int64(info.allocation);
	return true;
}

bool lv_vol_get(const struct lv_ctx *x, const struct hv_req *req, struct hv_reply *r, GError **err)
{
	struct lv_pool p;
	bool ok = lv_pool_init(&p, x->vir, req->vol.path, err) && lv_pool_enter(&p, x->conn->uri, false, err) &&
	          get(&p, req->vol.head, &r->vol, err);

	lv_pool_leave(&p);
	return ok;
}

/* ---- HV_VOL_CREATE ---- */

static const char *const formats[] = { "qcow2", "raw", NULL };

static bool check_create(const struct hv_vol_params *v, GError **err)
{
	struct lv_pool backing;
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
	ok = lv_pool_init(&backing, NULL, v->backing, err);
	lv_pool_leave(&backing);
	return ok;
}

/* A capacity that is not exactly the other disk's fails the copy, minutes later. */
static bool check_capacity(const struct lv_pool *p, virStorageVolPtr vol, int64_t want_bytes, GError **err)
{
	virStorageVolInfo info;

	if (virStorageVolGetInfo(vol, &info) < 0)
		(void)lv_error(p->vir, "inspect the new volume", err);
	else if (to_int64(info.capacity) == want_bytes)
		return true;
	else
		g_set_error(err, ERR, ERR_HV, "the new volume has %" G_GINT64_FORMAT " bytes, not %" G_GINT64_FORMAT, to_int64(info.capacity),
		            want_bytes);
	(void)virStorageVolDelete(vol, 0);
	return false;
}

static bool create(const struct lv_pool *p, const struct hv_vol_params *v, GError **err)
{
	g_autoptr(virStorageVol) vol = lv_pool_create(p, v, err);

	return vol && check_capacity(p, vol, v->capacity_bytes, err);
}

bool lv_vol_create(const struct lv_ctx *x, const struct hv_req *req, struct hv_reply *r, GError **err)
{
	struct lv_pool p;
	bool ok = lv_pool_init(&p, x->vir, req->vol.path, err) && check_create(&req->vol, err) &&
	          lv_pool_enter(&p, x->conn->uri, true, err) && create(&p, &req->vol, err);

	(void)r;
	lv_pool_leave(&p);
	return ok;
}

/* ---- HV_VOL_DELETE ---- */

static bool delete(const struct lv_pool *p, GError **err)
{
	g_autoptr(virStorageVol) vol = NULL;
	virStorageVolInfo info;

	if (!lv_pool_find(p, 0, &vol, &info, err))
		return false;
	if (!vol || virStorageVolDelete(vol, 0) == 0)
		return true;
	return lv_error_is(VIR_ERR_NO_STORAGE_VOL) || lv_error(p->vir, "delete the volume", err);
}

bool lv_vol_delete(const struct lv_ctx *x, const struct hv_req *req, struct hv_reply *r, GError **err)
{
	struct lv_pool p;
	bool ok = lv_pool_init(&p, x->vir, req->vol.path, err) && lv_pool_enter(&p, x->conn->uri, false, err) && delete(&p, err);

	(void)r;
	lv_pool_leave(&p);
	return ok;
}

/* ---- HV_VOL_FIND ---- */

/* Types that are not here are folders, or of hypervisors that have no live migration. */
enum hv_source lv_vol_kind(int type, const char *path, const xmlNode *pool)
{
	static const enum hv_source kinds[] = {
		[VIR_STORAGE_VOL_FILE] = HV_SOURCE_FILE, [VIR_STORAGE_VOL_BLOCK] = HV_SOURCE_DEVICE,
		[VIR_STORAGE_VOL_DIR] = HV_SOURCE_OTHER, [VIR_STORAGE_VOL_NETWORK] = HV_SOURCE_NETWORK,
	};

	if (g_str_has_prefix(path, "/dev/"))
		return HV_SOURCE_DEVICE;
	if (type < 0 || type >= (int)G_N_ELEMENTS(kinds))
		return HV_SOURCE_OTHER;
	if (kinds[type] == HV_SOURCE_NETWORK && xml_served_locally(xml_child(pool, "source")))
		return HV_SOURCE_LOOPBACK;
	return kinds[type];
}

static bool no_pool(const char *name, const char *what, GError **err)
{
	g_set_error(err, ERR, ERR_NOT_FOUND, "the storage pool \"%s\" %s", name, what);
	return false;
}

/* It is active, and has just looked at what it has. */
static bool enter_pool(virConnectPtr vir, const char *name, virStoragePoolPtr *ret, GError **err)
{
	g_autoptr(virStoragePool) pool = virStoragePoolLookupByName(vir, name);
	g_autoptr(GError) e = NULL;

	if (!pool && lv_error_is(VIR_ERR_NO_STORAGE_POOL))
		return no_pool(name, "does not exist", err);
	if (!pool)
		return lv_error(vir, "look up the storage pool", err);
	if (virStoragePoolIsActive(pool) == 0)
		return no_pool(name, "is not active", err);
	if (!lv_pool_refresh(vir, pool, &e)) {
		if (!e)
			return no_pool(name, "has lost its folder", err);
		g_propagate_error(err, g_steal_pointer(&e));
		return false;
	}
	*ret = g_steal_pointer(&pool);
	return true;
}

/* Which network storage a pool is: what its <source> says but for how to log in there. */
static const char *const origins[] = { "host", "name", "device", "dir", "format" };

static char *origin_of(const xmlNode *pool)
{
	const xmlNode *source = xml_child(pool, "source");
	GString *s = g_string_new(NULL);

	for (size_t i = 0; i < G_N_ELEMENTS(origins); i++) {
		for (xmlNode *n = xml_child(source, origins[i]); n; n = xml_next(n, origins[i])) {
			g_autofree char *text = xml_dump(n);

			g_string_append(s, text ? text : "?");
		}
	}
	return g_string_free(s, FALSE);
}

/* Where the pool has, or would have, a volume of that name. */
static char *path_in(const xmlNode *pool, const char *name)
{
	g_autofree char *target = xml_text(xml_child(xml_child(pool, "target"), "path"));

	return target && *target == '/' ? g_build_filename(target, name, NULL) : NULL;
}

static bool describe(virConnectPtr vir, virStorageVolPtr vol, const xmlNode *pool, struct hv_vol *ret, GError **err)
{
	virStorageVolInfo info;
	char *path;

	if (virStorageVolGetInfo(vol, &info) < 0)
		return lv_error_is(VIR_ERR_NO_STORAGE_VOL) || lv_error(vir, "look at the volume", err);
	path = virStorageVolGetPath(vol);
	if (!path)
		return lv_error(vir, "look at the volume", err);
	ret->exists = true;
	ret->kind = lv_vol_kind(info.type, path, pool);
	ret->capacity_bytes = to_int64(info.capacity);
	ret->allocation_bytes = to_int64(info.allocation);
	util_replace(&ret->path, path);
	free(path); /* libvirt's allocator need not be ours */
	if (ret->kind == HV_SOURCE_NETWORK || ret->kind == HV_SOURCE_LOOPBACK)
		ret->origin = origin_of(pool);
	return true;
}

static bool find(virConnectPtr vir, virStoragePoolPtr pool, const char *name, struct hv_vol *ret, GError **err)
{
	char *xml = virStoragePoolGetXMLDesc(pool, 0);
	g_autoptr(xmlDoc) doc = xml ? xml_read(xml, "pool", err) : NULL;
	g_autoptr(virStorageVol) vol = NULL;

	if (!xml)
		return lv_error(vir, "read the storage pool's description", err);
	free(xml);
	if (!doc)
		return false;
	ret->path = path_in(xmlDocGetRootElement(doc), name);
	vol = virStorageVolLookupByName(pool, name);
	if (!vol)
		return lv_error_is(VIR_ERR_NO_STORAGE_VOL) || lv_error(vir, "look up the volume", err);
	if (!describe(vir, vol, xmlDocGetRootElement(doc), ret, err))
		return false;
	if (!ret->path || strlen(ret->path) <= DOMXML_TEXT_MAX)
		return true;
	g_set_error(err, ERR, ERR_HV, "the volume's path is too long");
	return false;
}

bool lv_vol_find(const struct lv_ctx *x, const struct hv_req *req, struct hv_reply *r, GError **err)
{
	g_autoptr(virStoragePool) pool = NULL;

	return enter_pool(x->vir, req->vol.pool, &pool, err) && find(x->vir, pool, req->vol.name, &r->vol, err);
}

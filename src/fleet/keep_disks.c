/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/keep_disks.h"

#include <assert.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"

static const char *const kinds[] = {
	[HV_SOURCE_FILE] = "file", [HV_SOURCE_NETWORK] = "network", [HV_SOURCE_LOOPBACK] = "loopback", [HV_SOURCE_DEVICE] = "device",
	[HV_SOURCE_OTHER] = "other",
};
static_assert(G_N_ELEMENTS(kinds) == HV_SOURCE_N, "kinds is missing one");

static bool take_kind(const json_t *v, enum hv_source *ret, const char *where, GError **err)
{
	for (int i = 0; json_is_string(v) && i < HV_SOURCE_N; i++) {
		if (strcmp(kinds[i], json_string_value(v)) == 0) {
			*ret = (enum hv_source)i;
			return true;
		}
	}
	g_set_error(err, ERR, ERR_INTERNAL, "%s: no such kind of disk is known", where);
	return false;
}

/* ---- what a disk is laid over ---- */

static void emit_base_kind(struct jout *o, const void *obj)
{
	jout_str(o, kinds[((const struct hv_backing *)obj)->kind]);
}

static bool take_base_kind(const json_t *v, void *obj, const char *where, GError **err)
{
	return take_kind(v, &((struct hv_backing *)obj)->kind, where, err);
}

static const struct json_field base_fields[] = {
	{ "path", JSON_STR, offsetof(struct hv_backing, path), .nullable = true },
	{ "format", JSON_STR, offsetof(struct hv_backing, format), .nullable = true },
	{ "pool", JSON_STR, offsetof(struct hv_backing, pool), .nullable = true },
	{ "kind", JSON_EMIT, .emit = emit_base_kind, .take = take_base_kind, .required = true },
};

static void emit_backing(struct jout *o, const void *obj)
{
	const GPtrArray *list = ((const struct hv_disk *)obj)->backing;

	if (!list) {
		jout_null(o);
		return;
	}
	jout_open(o, '[');
	for (guint i = 0; i < list->len; i++)
		jout_object(o, base_fields, G_N_ELEMENTS(base_fields), g_ptr_array_index(list, i));
	jout_close(o, ']');
}

static bool take_backing(const json_t *v, void *obj, const char *where, GError **err)
{
	g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func((GDestroyNotify)hv_backing_free);

	if (json_is_null(v))
		return true;
	for (size_t i = 0; i < json_array_size(v); i++) {
		struct hv_backing *b = g_new0(struct hv_backing, 1);

		g_ptr_array_add(list, b);
		if (!json_decode(json_array_get(v, i), base_fields, G_N_ELEMENTS(base_fields), 0, where, b, err))
			return false;
	}
	((struct hv_disk *)obj)->backing = g_steal_pointer(&list);
	return true;
}

/* ---- disks ---- */

static void emit_kind(struct jout *o, const void *obj)
{
	jout_str(o, kinds[((const struct hv_disk *)obj)->kind]);
}

static bool take_disk_kind(const json_t *v, void *obj, const char *where, GError **err)
{
	return take_kind(v, &((struct hv_disk *)obj)->kind, where, err);
}

static const struct json_field disk_fields[] = {
	{ "target", JSON_STR, offsetof(struct hv_disk, target), .nullable = true },
	{ "source", JSON_STR, offsetof(struct hv_disk, source), .nullable = true },
	{ "format", JSON_STR, offsetof(struct hv_disk, format), .nullable = true },
	{ "kind", JSON_EMIT, .emit = emit_kind, .take = take_disk_kind, .required = true },
	{ "pool", JSON_STR, offsetof(struct hv_disk, pool), .nullable = true },
	{ "readonly", JSON_BOOL, offsetof(struct hv_disk, readonly) },
	{ "cdrom", JSON_BOOL, offsetof(struct hv_disk, cdrom) },
	{ "shareable", JSON_BOOL, offsetof(struct hv_disk, shareable) },
	{ "capacity", JSON_INT64, offsetof(struct hv_disk, capacity_bytes) },
	{ "backing", JSON_EMIT, .emit = emit_backing, .take = take_backing },
};

char *keep_disks_text(const GPtrArray *disks)
{
	GString *s = g_string_new(NULL);
	struct jout o;

	jout_init(&o, s, 0);
	jout_open(&o, '[');
	for (guint i = 0; i < disks->len; i++)
		jout_object(&o, disk_fields, G_N_ELEMENTS(disk_fields), g_ptr_array_index(disks, i));
	jout_close(&o, ']');
	return g_string_free(s, FALSE);
}

static bool read_all(const json_t *root, GPtrArray *list, GError **err)
{
	if (!json_is_array(root)) {
		g_set_error(err, ERR, ERR_INTERNAL, "not a list of disks");
		return false;
	}
	for (size_t i = 0; i < json_array_size(root); i++) {
		struct hv_disk *k = g_new0(struct hv_disk, 1);

		g_ptr_array_add(list, k);
		if (!json_decode(json_array_get(root, i), disk_fields, G_N_ELEMENTS(disk_fields), 0, "disk", k, err))
			return false;
	}
	return true;
}

GPtrArray *keep_disks_read(const char *text, GError **err)
{
	g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func((GDestroyNotify)hv_disk_free);
	g_autoptr(GError) why = NULL;
	g_autoptr(json_t) root = json_parse(text, strlen(text), &why);

	if (root && read_all(root, list, &why))
		return g_steal_pointer(&list);
	g_set_error(err, ERR, ERR_INTERNAL, "The disks that are kept cannot be read: %s", why->message);
	return NULL;
}

/* ---- what is not told ---- */

static const struct hv_disk *same_file(const GPtrArray *disks, const struct hv_disk *as)
{
	for (guint i = 0; i < disks->len; i++) {
		const struct hv_disk *k = g_ptr_array_index(disks, i);

		if (k->kind == as->kind && g_strcmp0(k->source, as->source) == 0 && g_strcmp0(k->pool, as->pool) == 0)
			return k;
	}
	return NULL;
}

void keep_disks_recall(GPtrArray *disks, const GPtrArray *before)
{
	for (guint i = 0; i < disks->len; i++) {
		struct hv_disk *k = g_ptr_array_index(disks, i);
		const struct hv_disk *was = k->source ? same_file(before, k) : NULL;

		if (!was)
			continue;
		if (!k->backing && was->backing)
			k->backing = hv_backings_copy(was->backing);
		if (!k->capacity_bytes)
			k->capacity_bytes = was->capacity_bytes;
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/libvirt/pool.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/err.h"
#include "hv/libvirt/err.h"

#define NAME_MAX_BYTES 255
#define POOL_PREFIX "drover-"

/* ---- paths ---- */

static bool bad_path(const char *path, GError **err)
{
	g_set_error(err, ERR, ERR_BAD_REQUEST, "\"%.200s\" is not a volume path: it must be absolute, outside of /dev, /proc and /sys, without \".\", \"..\" and control characters",
	            path);
	return false;
}

/* Folders of the kernel's, in which a path leads to no file. */
static const char *const kernels[] = { "/dev/", "/proc/", "/sys/" };

static bool is_kernels(const char *path)
{
	for (size_t i = 0; i < G_N_ELEMENTS(kernels); i++)
		if (g_str_has_prefix(path, kernels[i]))
			return true;
	return false;
}

static bool is_step(const char *s)
{
	return *s && strcmp(s, ".") && strcmp(s, "..") && strlen(s) <= NAME_MAX_BYTES;
}

static bool is_text(const char *s)
{
	for (const char *c = s; *c; c++) {
		if (g_ascii_iscntrl(*c))
			return false;
	}
	return g_utf8_validate(s, -1, NULL);
}

bool lv_pool_init(struct lv_pool *p, virConnectPtr vir, const char *path, GError **err)
{
	g_auto(GStrv) steps = NULL;
	size_t n;

	memset(p, 0, sizeof(*p));
	p->vir = vir;
	/* The path can be a host's word on its own domain: any bytes. */
	if (!path || *path != '/' || strnlen(path, PATH_MAX) == PATH_MAX || !is_text(path))
		return bad_path(path && is_text(path) ? path : "?", err);
	steps = g_strsplit(path + 1, "/", -1);
	n = g_strv_length(steps);
	for (size_t i = 0; i < n; i++) {
		if (!is_step(steps[i]))
			return bad_path(path, err);
	}
	/* A file in the root folder: a pool of all that is the host. */
	if (n < 2 || is_kernels(path))
		return bad_path(path, err);
	p->folder = g_path_get_dirname(path);
	p->name = g_strdup(steps[n - 1]);
	return true;
}

/* ---- users of a folder ---- */

struct lv_folder {
	char *key;
	unsigned users;
	GMutex lock; /* held while its pool is looked for, changed, or taken away */
};

static GMutex folders_lock;
static GHashTable *folders; /* key -> struct lv_folder * */

static struct lv_folder *folder_enter(const char *uri, const char *folder)
{
	g_autofree char *key = g_strjoin("\n", uri, folder, NULL);
	struct lv_folder *f;

	g_mutex_lock(&folders_lock);
	if (!folders)
		folders = g_hash_table_new(g_str_hash, g_str_equal);
	f = g_hash_table_lookup(folders, key);
	if (!f) {
		f = g_new0(struct lv_folder, 1);
		f->key = g_steal_pointer(&key);
		g_mutex_init(&f->lock);
		g_hash_table_insert(folders, f->key, f);
	}
	f->users++;
	g_mutex_unlock(&folders_lock);
	g_mutex_lock(&f->lock);
	return f;
}

/* Later callers wait for the lock. */
static bool folder_is_last(const struct lv_folder *f)
{
	bool last;

	g_mutex_lock(&folders_lock);
	last = f->users == 1;
	g_mutex_unlock(&folders_lock);
	return last;
}

static void folder_leave(struct lv_folder *f)
{
	bool last;

	g_mutex_unlock(&f->lock);
	g_mutex_lock(&folders_lock);
	last = --f->users == 0;
	if (last)
		g_hash_table_remove(folders, f->key);
	g_mutex_unlock(&folders_lock);
	if (!last)
		return;
	g_mutex_clear(&f->lock);
	g_free(f->key);
	g_free(f);
}

/* ---- pools ---- */

/* What the system said: libvirt passes the number on. */
static bool is_missing(void)
{
	const virError *e = virGetLastError();

	return e && e->code == VIR_ERR_SYSTEM_ERROR && e->int1 == ENOENT;
}

static char *transient_name(const char *folder)
{
	g_autofree char *sum = g_compute_checksum_for_string(G_CHECKSUM_SHA1, folder, -1);

	return g_strconcat(POOL_PREFIX, sum, NULL);
}

/* true with *ret NULL: there is none. */
static bool find_pool(struct lv_pool *p, GError **err)
{
	g_autofree char *name = transient_name(p->folder);

	p->transient = false;
	p->pool = virStoragePoolLookupByTargetPath(p->vir, p->folder);
	if (!p->pool && lv_error_is(VIR_ERR_NO_STORAGE_POOL)) {
		p->transient = true;
		p->pool = virStoragePoolLookupByName(p->vir, name);
	}
	return p->pool || lv_error_is(VIR_ERR_NO_STORAGE_POOL) || lv_error(p->vir, "look up the storage pool", err);
}

/* An active pool that cannot be refreshed has a volume under construction. */
bool lv_pool_refresh(virConnectPtr vir, virStoragePoolPtr pool, GError **err)
{
	g_autoptr(GError) e = NULL;
	bool missing;

	if (virStoragePoolRefresh(pool, 0) == 0)
		return true;
	missing = is_missing();
	(void)lv_error(vir, "refresh the storage pool", &e);
	if (missing && e->code != ERR_HV_LOST)
		return false;
	if (e->code == ERR_HV && virStoragePoolIsActive(pool) == 1)
		e->code = ERR_HV_BUSY;
	g_propagate_error(err, g_steal_pointer(&e));
	return false;
}

static bool make_pool(struct lv_pool *p, bool build, GError **err)
{
	g_autofree char *name = transient_name(p->folder);
	g_autofree char *xml = g_markup_printf_escaped("<pool type='dir'><name>%s</name><target><path>%s/.</path></target></pool>", name,
	                                               p->folder);

	p->transient = true;
	p->pool = virStoragePoolCreateXML(p->vir, xml, 0);
	if (!p->pool && is_missing() && !lv_lost(p->vir)) {
		if (!build)
			return true;
		p->pool = virStoragePoolCreateXML(p->vir, xml, VIR_STORAGE_POOL_CREATE_WITH_BUILD);
	}
	return p->pool || lv_error(p->vir, "create a storage pool for the folder", err);
}

static bool open_pool(struct lv_pool *p, bool build, GError **err)
{
	GError *e = NULL;

	if (!find_pool(p, err))
		return false;
	if (p->pool && lv_pool_refresh(p->vir, p->pool, &e))
		return true;
	if (e) {
		g_propagate_error(err, e);
		return false;
	}
	g_clear_pointer(&p->pool, lv_storage_pool_free);
	return make_pool(p, build, err);
}

bool lv_pool_enter(struct lv_pool *p, const char *uri, bool build, GError **err)
{
	p->users = folder_enter(uri, p->folder);
	return open_pool(p, build, err);
}

void lv_pool_lock(struct lv_pool *p)
{
	g_mutex_lock(&p->users->lock);
}

void lv_pool_unlock(struct lv_pool *p)
{
	g_mutex_unlock(&p->users->lock);
}

void lv_pool_leave(struct lv_pool *p)
{
	/* If this fails the host is gone, or another took it away. The next call into the folder tries again. */
	if (p->pool && p->transient && folder_is_last(p->users))
		(void)virStoragePoolDestroy(p->pool);
	g_clear_pointer(&p->pool, lv_storage_pool_free);
	if (p->users)
		folder_leave(g_steal_pointer(&p->users));
	g_clear_pointer(&p->folder, g_free);
	g_clear_pointer(&p->name, g_free);
}

/* ---- volumes ---- */

bool lv_pool_find(const struct lv_pool *p, unsigned flags, virStorageVolPtr *ret, virStorageVolInfo *ret_info, GError **err)
{
	g_autoptr(virStorageVol) vol = NULL;

	*ret = NULL;
	if (!p->pool)
		return true;
	vol = virStorageVolLookupByName(p->pool, p->name);
	/* It can go away after the refresh. */
	if (!vol || virStorageVolGetInfoFlags(vol, ret_info, flags) < 0)
		return lv_error_is(VIR_ERR_NO_STORAGE_VOL) || lv_error(p->vir, "look up the volume", err);
	if (ret_info->type != VIR_STORAGE_VOL_FILE && ret_info->type != VIR_STORAGE_VOL_BLOCK) {
		g_set_error(err, ERR, ERR_HV, "%s/%s is not a file", p->folder, p->name);
		return false;
	}
	*ret = g_steal_pointer(&vol);
	return true;
}

static char *backing_xml(const struct hv_vol_params *v)
{
	if (!v->backing)
		return g_strdup("");
	return g_markup_printf_escaped("<backingStore><path>%s</path><format type='%s'/></backingStore>", v->backing,
	                               v->backing_format ? v->backing_format : "raw");
}

static char *volume_xml(const struct lv_pool *p, const struct hv_vol_params *v, int64_t capacity_bytes)
{
	g_autofree char *backing = backing_xml(v);
	/* libvirt's own choice is of 2010, and has no way to say "zeros" over a base that has data: they would be written out. */
	const char *compat = strcmp(v->format, "qcow2") ? "" : "<compat>1.1</compat>";
	g_autofree char *head = g_markup_printf_escaped("<volume><name>%s</name><capacity unit='bytes'>%" G_GINT64_FORMAT "</capacity>"
	                                                "<allocation>0</allocation><target><format type='%s'/>",
	                                                p->name, capacity_bytes, v->format);

	return g_strconcat(head, compat, "</target>", backing, "</volume>", NULL);
}

static bool conflict(const struct lv_pool *p, GError **err)
{
	g_set_error(err, ERR, ERR_CONFLICT, "%s/%s exists", p->folder, p->name);
	return false;
}

/* libvirt never writes over a file, but has two errors for one that is there: of the second kind are other complaints too. */
static bool create_failed(const struct lv_pool *p, GError **err)
{
	bool exists = lv_error_is(VIR_ERR_STORAGE_VOL_EXIST), invalid = lv_error_is(VIR_ERR_OPERATION_INVALID);
	g_autoptr(virStorageVol) vol = NULL;
	g_autoptr(GError) e = NULL;
	virStorageVolInfo info;

	(void)lv_error(p->vir, "create the volume", &e);
	if (e->code != ERR_HV_LOST && invalid && virStoragePoolRefresh(p->pool, 0) == 0)
		exists = lv_pool_find(p, 0, &vol, &info, NULL) && vol;
	if (e->code != ERR_HV_LOST && exists)
		return conflict(p, err);
	g_propagate_error(err, g_steal_pointer(&e));
	return false;
}

virStorageVolPtr lv_pool_create(const struct lv_pool *p, const struct hv_vol_params *v, GError **err)
{
	/* libvirt rounds a qcow2's capacity up to a KiB; growing one it does exactly, to a sector. */
	bool grow = strcmp(v->format, "raw") && v->capacity_bytes % 1024;
	g_autofree char *xml = volume_xml(p, v, grow ? v->capacity_bytes / 1024 * 1024 : v->capacity_bytes);
	g_autoptr(virStorageVol) vol = NULL;
	virStorageVolInfo info;

	if (!lv_pool_find(p, 0, &vol, &info, err))
		return NULL;
	if (vol) {
		(void)conflict(p, err);
		return NULL;
	}
	vol = virStorageVolCreateXML(p->pool, xml, 0);
	if (!vol) {
		(void)create_failed(p, err);
		return NULL;
	}
	if (grow && virStorageVolResize(vol, (unsigned long long)v->capacity_bytes, 0) < 0) {
		(void)lv_error(p->vir, "set the volume's capacity", err);
		(void)virStorageVolDelete(vol, 0);
		return NULL;
	}
	return g_steal_pointer(&vol);
}

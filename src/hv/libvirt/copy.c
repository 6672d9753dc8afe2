/* SPDX-License-Identifier: Apache-2.0
 *
 * HV_VOL_COPY: a file's bytes from one host to another, through this program.
 *
 * Two connections of its own, and a worker that takes from one and gives to the
 * other, holes as holes. The first bytes go last and the file grows as they come:
 * a copy that broke off is shorter than its source, or has no header. What cannot
 * be finished is deleted while the caller waits; once it has been told that the
 * reply was lost, the file's name is its own again.
 */
#include "hv/libvirt/copy.h"

#include <string.h>

#include "base/err.h"
#include "base/loop.h"
#include "hv/libvirt/call.h"
#include "hv/libvirt/conn.h"
#include "hv/libvirt/err.h"
#include "hv/libvirt/link.h"
#include "hv/libvirt/pool.h"
#include "hv/libvirt/spawn.h"

#define HEAD_BYTES (64 * 1024)
#define BUFFER_BYTES (256 * 1024) /* as much as one message of libvirt's carries */

struct copy {
	struct hv_call *call;
	struct lv_conn *conn;    /* of the host that gets it; a reference */
	struct lv_link *to_link, *from_link;
	virConnectPtr to, from;  /* theirs, on the worker */
};

static bool given_up(const struct copy *c)
{
	return g_atomic_int_get(&c->call->answered);
}

/* ---- streams ---- */

static void stream_free(virStreamPtr st)
{
	if (st)
		(void)virStreamFree(st);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(virStream, stream_free)

/* A part of the file on its way. */
struct part {
	const struct copy *copy;
	virStreamPtr from, to;
	int64_t left_bytes;
	bool sparse;
	char buffer[BUFFER_BYTES];
};

static bool too_much(GError **err)
{
	g_set_error(err, ERR, ERR_HV, "the source sends more than the file has");
	return false;
}

static bool pass_hole(struct part *k, GError **err)
{
	long long bytes = 0;

	if (virStreamRecvHole(k->from, &bytes, 0) < 0)
		return lv_error(k->copy->from, "read the volume", err);
	if (bytes <= 0 || bytes > k->left_bytes)
		return too_much(err);
	k->left_bytes -= bytes;
	return virStreamSendHole(k->to, bytes, 0) == 0 || lv_error(k->copy->to, "write the volume", err);
}

static bool pass_data(struct part *k, size_t n, GError **err)
{
	for (size_t at = 0; at < n;) {
		int sent = virStreamSend(k->to, k->buffer + at, n - at);

		if (sent < 0)
			return lv_error(k->copy->to, "write the volume", err);
		at += (size_t)sent;
	}
	return true;
}

/* The next data or hole. */
static bool pass(struct part *k, GError **err)
{
	int n = virStreamRecvFlags(k->from, k->buffer, sizeof(k->buffer), k->sparse ? VIR_STREAM_RECV_STOP_AT_HOLE : 0);

	if (n == -3)
		return pass_hole(k, err);
	if (n < 0)
		return lv_error(k->copy->from, "read the volume", err);
	if (n == 0) {
		g_set_error(err, ERR, ERR_HV, "the source's file ended too early");
		return false;
	}
	if (n > k->left_bytes)
		return too_much(err);
	k->left_bytes -= n;
	return pass_data(k, (size_t)n, err);
}

static bool pass_all(struct part *k, GError **err)
{
	while (k->left_bytes > 0) {
		if (given_up(k->copy)) {
			g_set_error(err, ERR, ERR_HV_LOST, "the copy is no longer wanted");
			return false;
		}
		if (!pass(k, err))
			return false;
	}
	if (virStreamFinish(k->to) < 0)
		return lv_error(k->copy->to, "write the volume", err);
	(void)virStreamAbort(k->from); /* all of it is here */
	return true;
}

/* @sparse is for the file's end: libvirt cuts a file behind a hole that it gets. */
static bool copy_part(const struct copy *c, virStorageVolPtr from, virStorageVolPtr to, int64_t offset, int64_t bytes, bool sparse,
                      GError **err)
{
	g_autoptr(virStream) down = virStreamNew(c->from, 0);
	g_autoptr(virStream) up = virStreamNew(c->to, 0);
	g_autofree struct part *k = g_new0(struct part, 1);

	if (bytes <= 0)
		return true;
	*k = (struct part){ .copy = c, .from = down, .to = up, .left_bytes = bytes, .sparse = sparse };
	if (!down || virStorageVolDownload(from, down, (unsigned long long)offset, (unsigned long long)bytes,
	                                   sparse ? VIR_STORAGE_VOL_DOWNLOAD_SPARSE_STREAM : 0) < 0)
		return lv_error(c->from, "read the volume", err);
	if (!up || virStorageVolUpload(to, up, (unsigned long long)offset, (unsigned long long)bytes,
	                               sparse ? VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM : 0) < 0) {
		(void)lv_error(c->to, "write the volume", err);
		(void)virStreamAbort(down);
		return false;
	}
	if (pass_all(k, err))
		return true;
	(void)virStreamAbort(down);
	(void)virStreamAbort(up);
	return false;
}

/* ---- both ends ---- */

static int64_t physical_bytes(const virStorageVolInfo *info)
{
	return (int64_t)MIN(info->allocation, (unsigned long long)INT64_MAX);
}

static bool find_source(const struct lv_pool *p, virStorageVolPtr *ret, int64_t *ret_bytes, GError **err)
{
	virStorageVolInfo info;

	if (!lv_pool_find(p, VIR_STORAGE_VOL_GET_PHYSICAL, ret, &info, err))
		return false;
	if (!*ret) {
		g_set_error(err, ERR, ERR_HV, "there is no %s/%s to copy", p->folder, p->name);
		return false;
	}
	*ret_bytes = physical_bytes(&info);
	return true;
}

/* libvirt writes a volume's bytes past what it takes for its size. */
static virStorageVolPtr make_target(const struct copy *c, const struct lv_pool *p, GError **err)
{
	if (given_up(c)) {
		g_set_error(err, ERR, ERR_HV_LOST, "not begun in time");
		return NULL;
	}
	return lv_pool_create(p, &(struct hv_vol_params){ .format = "raw" }, err);
}

static bool check_size(const struct copy *c, virStorageVolPtr vol, int64_t want_bytes, GError **err)
{
	virStorageVolInfo info;

	if (virStorageVolGetInfoFlags(vol, &info, VIR_STORAGE_VOL_GET_PHYSICAL) < 0)
		return lv_error(c->to, "inspect the new volume", err);
	if (physical_bytes(&info) == want_bytes)
		return true;
	g_set_error(err, ERR, ERR_HV, "the copy has %" G_GINT64_FORMAT " bytes, not %" G_GINT64_FORMAT, physical_bytes(&info), want_bytes);
	return false;
}

/*
 * A failure that leaves nothing behind is the host's answer, whichever connection it was that broke. What cannot be deleted may
 * be there.
 */
static void undo(const struct copy *c, virStorageVolPtr vol, GError **err)
{
	if (given_up(c))
		return;
	if (virStorageVolDelete(vol, 0) == 0 || (lv_error_is(VIR_ERR_NO_STORAGE_VOL) && !lv_lost(c->to)))
		(*err)->code = (*err)->code == ERR_HV_LOST ? ERR_HV : (*err)->code;
	else
		(*err)->code = ERR_HV_LOST;
}

static bool copy_to(const struct copy *c, struct lv_pool *p, virStorageVolPtr from, int64_t bytes, GError **err)
{
	g_autoptr(virStorageVol) to = make_target(c, p, err);
	int64_t head = MIN(bytes, HEAD_BYTES);
	bool ok;

	if (!to)
		return false;
	lv_pool_unlock(p);
	ok = copy_part(c, from, to, head, bytes - head, true, err) && copy_part(c, from, to, 0, head, false, err) &&
	     check_size(c, to, bytes, err);
	lv_pool_lock(p);
	if (!ok)
		undo(c, to, err);
	return ok;
}

static bool copy(const struct copy *c, GError **err)
{
	const struct hv_vol_params *v = &c->call->req.vol;
	g_autoptr(virStorageVol) vol = NULL;
	GError *e = NULL;
	struct lv_pool from, to;
	int64_t bytes = 0;
	bool ok;

	/* Both pools stay until the end, but the folders are free meanwhile. */
	ok = lv_pool_init(&from, c->from, v->path, &e) && lv_pool_init(&to, c->to, v->path, &e);
	if (!ok) {
		lv_pool_leave(&from);
		g_propagate_error(err, e);
		return false;
	}
	ok = lv_pool_enter(&from, v->source_uri, false, &e) && find_source(&from, &vol, &bytes, &e);
	lv_pool_unlock(&from);
	/* A broken connection to the source says nothing about this host: nothing was made here. */
	if (e && e->code == ERR_HV_LOST)
		e->code = ERR_HV;
	if (e)
		g_prefix_error(&e, "at the source: ");
	ok = ok && lv_pool_enter(&to, c->conn->uri, true, &e) && copy_to(c, &to, vol, bytes, &e);
	lv_pool_leave(&to);
	lv_pool_lock(&from);
	lv_pool_leave(&from);
	if (e)
		g_propagate_error(err, e);
	return ok;
}

/* ---- the call ---- */

static void copy_end(void *user)
{
	struct copy *c = user;

	lv_link_close(c->to_link);
	lv_link_close(c->from_link);
	hv_complete(c->call);
	lv_conn_unref(c->conn);
	g_free(c);
}

static void copy_run(void *user)
{
	struct copy *c = user;

	c->to = lv_link_enter(c->to_link);
	c->from = lv_link_enter(c->from_link);
	(void)copy(c, &c->call->reply.err);
	lv_link_leave(c->from_link);
	lv_link_leave(c->to_link);
	loop_post(copy_end, c);
}

static void not_begun(struct copy *c, enum err_code code, const char *which, const char *why)
{
	g_set_error(&c->call->reply.err, ERR, (int)code, "copy a volume: %s: %s", which, why ? why : "not begun in time");
	copy_end(c);
}

static void source_connected(struct lv_link *l, const char *why, void *user)
{
	struct copy *c = user;

	c->from_link = l;
	if (l && !c->call->answered)
		lv_spawn(copy_run, c);
	else
		not_begun(c, ERR_HV, "the source", why);
}

/* The source's link is its host's, so that its silence ends the copy too. */
static void target_connected(struct lv_link *l, const char *why, void *user)
{
	struct copy *c = user;
	const char *uri = c->call->req.vol.source_uri;
	struct lv_conn *source = lv_conn_by_uri(uri);

	c->to_link = l;
	if (l && !c->call->answered)
		lv_link_open(source ? source : c->conn, uri, true, source_connected, c);
	else
		not_begun(c, ERR_HV_LOST, "the host", why);
}

void lv_vol_copy(struct lv_conn *conn, struct hv_call *call)
{
	struct copy *c;

	if (!call->req.vol.source_uri) {
		lv_call_fail_later(call, ERR_BAD_REQUEST, "no source to copy from");
		return;
	}
	c = g_new0(struct copy, 1);
	c->call = call;
	c->conn = lv_conn_ref(conn);
	lv_link_open(conn, conn->uri, true, target_connected, c);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/hv.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"

struct hv {
	hv_event_f *on_event;
	void *user;
	GHashTable *hosts;   /* name -> struct hv_host * */
	GPtrArray *ops;
	struct hv_stats stats;
};

static const char *const state_names[] = {
	[HV_UNKNOWN] = "unknown", [HV_ABSENT] = "absent",   [HV_SHUTOFF] = "shutoff",     [HV_SHUTDOWN] = "shutdown", [HV_RUNNING] = "running",
	[HV_PAUSED] = "paused",   [HV_CRASHED] = "crashed", [HV_SUSPENDED] = "suspended",
};
static_assert(G_N_ELEMENTS(state_names) == HV_STATE_N, "state_names is missing one");

static const char *const reason_names[] = {
	[HV_R_OTHER] = "other",           [HV_R_USER] = "user",
	[HV_R_MIGRATION] = "migration",   [HV_R_MIGRATED] = "migrated",
	[HV_R_POSTCOPY] = "postcopy",     [HV_R_POSTCOPY_FAILED] = "postcopy-failed",
	[HV_R_STARTING] = "starting",     [HV_R_CRASHED] = "crashed",
	[HV_R_IOERROR] = "ioerror",       [HV_R_FAILED] = "failed",
	[HV_R_SAVED] = "saved",           [HV_R_UNSEEN] = "unseen",
};
static_assert(G_N_ELEMENTS(reason_names) == HV_REASON_N, "reason_names is missing one");

/* A pointer in a struct: how what it points to is copied and freed. copy is NULL where it never is. */
struct owned {
	size_t at;
	void *(*copy)(const void *v);
	void (*free)(void *v);
};

/* A struct: what it owns, its size, how one is freed. */
struct shape {
	const struct owned *fields;
	size_t n, size;
	GDestroyNotify free;
};

static const struct shape migrate_shape, vol_shape, carrier_shape;

/* Default time limits; a migration has none, its end is found out by other means. And what the parameters of a request own, if it has some. */
static const struct {
	const char *name;
	int64_t timeout_ms;
	const struct shape *params;
} op_table[] = {
	[HV_HOST_GET]     = { "host_get",     10000 },
	[HV_DOM_LIST]     = { "dom_list",     30000 },
	[HV_DOM_GET]      = { "dom_get",      10000 },
	[HV_DOM_LOADS]    = { "dom_loads",    30000 },
	[HV_DOM_ADDRS]    = { "dom_addrs",    30000 },
	[HV_DOM_XML]      = { "dom_xml",      10000 },
	[HV_CPU_COMPARE]  = { "cpu_compare",  10000 },
	[HV_LOOKUP]       = { "lookup",       10000 },
	[HV_MIGRATE]      = { "migrate",      0, &migrate_shape },
	[HV_JOB_GET]      = { "job_get",      10000 },
	[HV_JOB_DONE]     = { "job_done",     10000 },
	[HV_JOB_ABORT]    = { "job_abort",    35000 },
	[HV_JOB_TUNE]     = { "job_tune",     10000 },
	[HV_POSTCOPY]     = { "postcopy",     35000 },
	[HV_POSTCOPY_PAUSE] = { "postcopy_pause", 35000 },
	[HV_DOM_SUSPEND]  = { "dom_suspend",  35000 },
	[HV_DOM_RESUME]   = { "dom_resume",   35000 },
	[HV_DOM_DESTROY]  = { "dom_destroy",  35000 },
	[HV_DOM_START]    = { "dom_start",    600000 },
	[HV_DOM_SHUTDOWN] = { "dom_shutdown", 75000 },
	[HV_DOM_REBOOT]   = { "dom_reboot",   75000 },
	[HV_DOM_RESET]    = { "dom_reset",    35000 },
	[HV_DOM_SAVE]     = { "dom_save",     1800000 },
	[HV_DOM_UNDEFINE] = { "dom_undefine", 35000 },
	[HV_SNAPSHOTS_GET] = { "snapshots_get", 10000 },
	[HV_SNAPSHOTS_SET] = { "snapshots_set", 35000 },
	[HV_DOM_DEFINITION] = { "dom_definition", 10000 },
	[HV_DOM_DEFINE]   = { "dom_define",   35000 },
	[HV_DOM_AUTOSTART] = { "dom_autostart", 35000 },
	[HV_ANNOUNCE]     = { "announce",     10000 },
	[HV_VOL_GET]      = { "vol_get",      30000, &vol_shape },
	[HV_VOL_CREATE]   = { "vol_create",   60000, &vol_shape },
	[HV_VOL_COPY]     = { "vol_copy",     1200000, &vol_shape },
	[HV_VOL_DELETE]   = { "vol_delete",   60000, &vol_shape },
	[HV_VOL_FIND]     = { "vol_find",     30000, &vol_shape },
	[HV_DEVICE_GET]   = { "device_get",   30000, &vol_shape },
	[HV_CARRIER_START] = { "carrier_start", 60000, &carrier_shape },
	[HV_CARRIER_GET]  = { "carrier_get",  10000 },
	[HV_CARRIER_LIST] = { "carrier_list", 10000 },
	[HV_FACTS_GET]    = { "facts_get",    30000, &migrate_shape },
	[HV_FOLDER_GET]   = { "folder_get",   30000, &vol_shape },
	[HV_PEER_TRY]     = { "peer_try",     30000, &migrate_shape },
	[HV_CPU_BASELINE] = { "cpu_baseline", 10000 },
	[HV_CONSOLE]      = { "console",      20000 },
	[HV_LOG_GET]      = { "log_get",      30000 },
};
static_assert(G_N_ELEMENTS(op_table) == HV_OP_N, "op_table is missing one");

const char *hv_state_name(enum hv_state s)
{
	return state_names[s];
}

const char *hv_reason_name(enum hv_reason r)
{
	return reason_names[r];
}

const char *hv_op_name(enum hv_op op)
{
	return op_table[op].name;
}

static const char *const device_id_names[] = { [HV_ID_SERIAL] = "serial", [HV_ID_WWN] = "WWN", [HV_ID_VOLUME] = "volume key" };
static_assert(G_N_ELEMENTS(device_id_names) == HV_DEVICE_ID_N, "device_id_names is missing one");

const char *hv_device_id_name(enum hv_device_id id)
{
	return device_id_names[id];
}

/* A file system writes near its beginning and notes there when it was mounted: that tells copies of one image apart. */
int64_t hv_sample_at(int64_t size_bytes, int i)
{
	const int64_t first_partition = 1 << 20, last = MAX(size_bytes - HV_SAMPLE_BYTES, 0);

	if (i == 1)
		return MIN(first_partition, last);
	return i == 0 ? 0 : last / (HV_SAMPLES - 1) * i + (i == HV_SAMPLES - 1 ? last % (HV_SAMPLES - 1) : 0);
}

#define PROBE_PREFIX "drover-probe-"

char *hv_probe_name(const char *uuid)
{
	return g_strconcat(PROBE_PREFIX, uuid, NULL);
}

bool hv_is_probe(const char *name, const char *uuid)
{
	return name && g_str_has_prefix(name, PROBE_PREFIX) && strcmp(name + strlen(PROBE_PREFIX), uuid) == 0;
}

bool hv_is_ours(const char *name, const char *uuid)
{
	return hv_is_probe(name, uuid) || hv_is_carrier(name, uuid);
}

static const char *const outcome_names[] = { [HV_DONE] = "done", [HV_REFUSED] = "refused", [HV_LOST] = "lost" };
static_assert(G_N_ELEMENTS(outcome_names) == HV_OUTCOME_N, "outcome_names is missing one");

const char *hv_outcome_name(enum hv_outcome o)
{
	return outcome_names[o];
}

const struct hv_stats *hv_stats(const struct hv *hv)
{
	return &hv->stats;
}

/* ---- what a struct owns ---- */

#define OWNED(type, member, copy, free) { offsetof(type, member), (void *(*)(const void *))(copy), (void (*)(void *))(free) }
#define TEXT(type, member) OWNED(type, member, copy_text, g_free)
#define SHAPE(type, fields, free) { fields, G_N_ELEMENTS(fields), sizeof(type), (GDestroyNotify)(free) }

static char *copy_text(const char *text)
{
	return g_strdup(text);
}

/* After *o = *other: what they share becomes o's own. */
static void own_all(void *o, const struct shape *k)
{
	for (size_t i = 0; i < k->n; i++) {
		void **v = (void **)((char *)o + k->fields[i].at);

		if (*v)
			*v = k->fields[i].copy(*v);
	}
}

static void clear_all(void *o, const struct shape *k)
{
	for (size_t i = 0; i < k->n; i++) {
		void **v = (void **)((char *)o + k->fields[i].at);

		if (*v)
			k->fields[i].free(g_steal_pointer(v));
	}
}

/* Of one that g_malloc() has made; NULL is nothing. */
static void free_value(void *o, const struct shape *k)
{
	if (o)
		clear_all(o, k);
	g_free(o);
}

static void *copy_value(const void *o, void *shape)
{
	const struct shape *k = shape;
	void *c = g_memdup2(o, k->size);

	own_all(c, k);
	return c;
}

static GPtrArray *copy_values(GPtrArray *all, const struct shape *k)
{
	GPtrArray *c = g_ptr_array_copy(all, copy_value, (void *)k);

	g_ptr_array_set_free_func(c, k->free);
	return c;
}

static const struct owned req_fields[] = {
	TEXT(struct hv_req, uuid), TEXT(struct hv_req, xml), TEXT(struct hv_req, host_cpu_xml),
	OWNED(struct hv_req, needs, g_ptr_array_ref, g_ptr_array_unref), /* without answers it is not written to */
	OWNED(struct hv_req, snapshots, g_ptr_array_ref, g_ptr_array_unref), /* nor is that */
};
static const struct shape req_shape = SHAPE(struct hv_req, req_fields, NULL);

static const struct owned migrate_fields[] = {
	TEXT(struct hv_migrate_params, dest_uri), TEXT(struct hv_migrate_params, migrate_uri),
	TEXT(struct hv_migrate_params, dest_xml), TEXT(struct hv_migrate_params, persistent_xml),
	TEXT(struct hv_migrate_params, dest_host),
	OWNED(struct hv_migrate_params, copy_disks, g_strdupv, g_strfreev),
};
static const struct shape migrate_shape = SHAPE(struct hv_migrate_params, migrate_fields, NULL);

static const struct owned vol_fields[] = {
	TEXT(struct hv_vol_params, path), TEXT(struct hv_vol_params, format), TEXT(struct hv_vol_params, backing),
	TEXT(struct hv_vol_params, backing_format), TEXT(struct hv_vol_params, source_uri), TEXT(struct hv_vol_params, source_host),
	TEXT(struct hv_vol_params, pool), TEXT(struct hv_vol_params, name), TEXT(struct hv_vol_params, probe),
	TEXT(struct hv_vol_params, virt_type), TEXT(struct hv_vol_params, arch),
};
static const struct shape vol_shape = SHAPE(struct hv_vol_params, vol_fields, NULL);

static const struct owned carrier_fields[] = {
	TEXT(struct carrier_params, task), TEXT(struct carrier_params, guest), TEXT(struct carrier_params, arch),
	TEXT(struct carrier_params, machine), OWNED(struct carrier_params, files, carrier_files_copy, g_ptr_array_unref),
};
static const struct shape carrier_shape = SHAPE(struct carrier_params, carrier_fields, NULL);

static_assert(sizeof(struct hv_vol_params) >= sizeof(struct hv_migrate_params) && sizeof(struct hv_vol_params) >= sizeof(struct carrier_params),
	      "the longest parameters come first");

static void req_copy(struct hv_req *to, const struct hv_req *r)
{
	const struct shape *params = op_table[r->op].params;

	*to = *r;
	own_all(to, &req_shape);
	if (params)
		own_all(&to->vol, params); /* whichever it is, it begins there */
}

static void req_clear(struct hv_req *r)
{
	const struct shape *params = op_table[r->op].params;

	clear_all(r, &req_shape);
	if (params)
		clear_all(&r->vol, params);
}

static void count(const struct hv_call *c, const struct hv_reply *r)
{
	enum hv_outcome o = !r->err ? HV_DONE : g_error_matches(r->err, ERR, ERR_HV_LOST) ? HV_LOST : HV_REFUSED;

	c->stats->calls[c->req.op][o]++;
	metric_observe(&c->stats->seconds[c->req.op], (double)(clock_now_us() - c->began_us) / 1e6);
}

/* Give the caller its one answer; the call lives on until the implementation is done with it. */
static void answer(struct hv_call *c, struct hv_reply *r)
{
	hv_done_f *done = c->done;

	clock_cancel(&c->limit);
	g_atomic_int_set(&c->answered, true);
	count(c, r);
	done(r, c->user);
}

static void answer_lost(struct hv_call *c, const char *why)
{
	struct hv_reply lost = { .err = NULL };

	g_set_error(&lost.err, ERR, ERR_HV_LOST, "%s on host %s: %s", hv_op_name(c->req.op), c->host ? c->host->name : "-", why);
	answer(c, &lost);
	hv_reply_clear(&lost);
}

static void call_expired(void *user)
{
	struct hv_call *c = user;

	c->limit = NULL;
	answer_lost(c, "no answer in time");
}

void hv_complete(struct hv_call *c)
{
	if (c->host)
		g_ptr_array_remove(c->host->calls, c);
	if (!c->answered)
		answer(c, &c->reply);
	hv_reply_clear(&c->reply);
	req_clear(&c->req);
	g_free(c);
}

int64_t hv_op_limit_ms(enum hv_op op)
{
	return op_table[op].timeout_ms;
}

void hv_call(struct hv_host *h, const struct hv_req *req, hv_done_f *done, void *user)
{
	struct hv_call *c = g_new0(struct hv_call, 1);
	int64_t limit = req->timeout_ms ? req->timeout_ms : op_table[req->op].timeout_ms;

	c->host = h;
	c->stats = &h->hv->stats;
	c->began_us = clock_now_us();
	req_copy(&c->req, req);
	c->done = done;
	c->user = user;
	if (limit)
		c->limit = clock_limit(limit, call_expired, c);
	g_ptr_array_add(h->calls, c);
	h->ops->submit(h, c);
}

/* ---- hosts ---- */

struct hv *hv_new(hv_event_f *on_event, void *user)
{
	struct hv *hv = g_new0(struct hv, 1);

	hv->on_event = on_event;
	hv->user = user;
	hv->hosts = g_hash_table_new(g_str_hash, g_str_equal);
	hv->ops = g_ptr_array_new();
	for (size_t i = 0; i < HV_OP_N; i++)
		hv->stats.seconds[i].bounds = &metric_call_seconds;
	return hv;
}

void hv_register(struct hv *hv, const struct hv_ops *ops)
{
	g_ptr_array_add(hv->ops, (void *)ops);
}

static const struct hv_ops *choose_ops(struct hv *hv, const char *uri)
{
	for (guint i = 0; i < hv->ops->len; i++) {
		const struct hv_ops *o = g_ptr_array_index(hv->ops, i);

		if (!o->scheme || g_str_has_prefix(uri, o->scheme))
			return o;
	}
	g_assert_not_reached();
}

struct hv_host *hv_host_add(struct hv *hv, const char *name, const char *uri)
{
	struct hv_host *h = g_new0(struct hv_host, 1);

	h->hv = hv;
	h->name = g_strdup(name);
	h->uri = g_strdup(uri);
	h->ops = choose_ops(hv, uri);
	h->calls = g_ptr_array_new();
	g_hash_table_insert(hv->hosts, h->name, h);
	return h;
}

void hv_host_open(struct hv_host *h)
{
	h->ops->open(h);
}

static void call_closed(void *user)
{
	struct hv_call *c = user;

	c->limit = NULL;
	answer_lost(c, "the connection was closed");
}

void hv_host_close(struct hv_host *h)
{
	for (guint i = 0; i < h->calls->len; i++) {
		struct hv_call *c = g_ptr_array_index(h->calls, i);

		if (c->answered)
			continue;
		clock_cancel(&c->limit);
		c->limit = clock_after(0, call_closed, c);
	}
	h->ops->close(h);
}

void hv_host_remove(struct hv_host *h)
{
	g_autoptr(GPtrArray) open = g_ptr_array_copy(h->calls, NULL, NULL);

	/* Now, not on the next turn: the code that removes a host may be gone by then, and the callers with it. */
	for (guint i = 0; i < open->len; i++) {
		struct hv_call *c = g_ptr_array_index(open, i);

		if (!c->answered)
			answer_lost(c, "the host was removed");
	}
	h->ops->close(h);
	for (guint i = 0; i < h->calls->len; i++)
		((struct hv_call *)g_ptr_array_index(h->calls, i))->host = NULL;
	g_ptr_array_unref(h->calls);
	g_hash_table_remove(h->hv->hosts, h->name);
	g_free(h->name);
	g_free(h->uri);
	g_free(h);
}

void hv_free(struct hv *hv)
{
	g_autoptr(GList) all = NULL;

	if (!hv)
		return;
	all = g_hash_table_get_values(hv->hosts);
	for (GList *l = all; l; l = l->next)
		hv_host_remove(l->data);
	g_hash_table_unref(hv->hosts);
	g_ptr_array_unref(hv->ops);
	g_free(hv);
}

void hv_emit(struct hv_host *h, const struct hv_event *ev)
{
	struct hv_event named = *ev;

	named.host = h->name;
	h->hv->on_event(&named, h->hv->user);
}

/* ---- values ---- */

static const struct owned backing_fields[] = {
	TEXT(struct hv_backing, path), TEXT(struct hv_backing, format), TEXT(struct hv_backing, pool),
};
static const struct shape backing_shape = SHAPE(struct hv_backing, backing_fields, hv_backing_free);

void hv_backing_free(struct hv_backing *b)
{
	free_value(b, &backing_shape);
}

GPtrArray *hv_backings_copy(GPtrArray *all)
{
	return copy_values(all, &backing_shape);
}

static const struct owned disk_fields[] = {
	TEXT(struct hv_disk, target), TEXT(struct hv_disk, source), TEXT(struct hv_disk, format), TEXT(struct hv_disk, pool),
	OWNED(struct hv_disk, backing, hv_backings_copy, g_ptr_array_unref),
};
static const struct shape disk_shape = SHAPE(struct hv_disk, disk_fields, hv_disk_free);

void hv_disk_free(struct hv_disk *d)
{
	free_value(d, &disk_shape);
}

static GPtrArray *disks_copy(GPtrArray *all)
{
	return copy_values(all, &disk_shape);
}

static const struct owned nic_fields[] = { TEXT(struct hv_nic, mac), TEXT(struct hv_nic, bridge), TEXT(struct hv_nic, type) };
static const struct shape nic_shape = SHAPE(struct hv_nic, nic_fields, hv_nic_free);

void hv_nic_free(struct hv_nic *n)
{
	free_value(n, &nic_shape);
}

static GPtrArray *nics_copy(GPtrArray *all)
{
	return copy_values(all, &nic_shape);
}

static const struct owned dom_fields[] = {
	TEXT(struct hv_dom, name), TEXT(struct hv_dom, title), TEXT(struct hv_dom, shutdown_timeout), TEXT(struct hv_dom, unreadable), TEXT(struct hv_dom, virt_type),
	TEXT(struct hv_dom, arch), TEXT(struct hv_dom, machine), TEXT(struct hv_dom, vnc_listen), TEXT(struct hv_dom, spice_listen),
	OWNED(struct hv_dom, disks, disks_copy, g_ptr_array_unref),
	OWNED(struct hv_dom, nics, nics_copy, g_ptr_array_unref),
	OWNED(struct hv_dom, ties, hv_ties_ref, hv_ties_unref),
};
static const struct shape dom_shape = SHAPE(struct hv_dom, dom_fields, hv_dom_free);

struct hv_dom *hv_dom_new(void)
{
	struct hv_dom *d = g_new0(struct hv_dom, 1);

	d->vnc_port = -1;
	d->disks = g_ptr_array_new_with_free_func((GDestroyNotify)hv_disk_free);
	d->nics = g_ptr_array_new_with_free_func((GDestroyNotify)hv_nic_free);
	return d;
}

void hv_dom_free(struct hv_dom *d)
{
	free_value(d, &dom_shape);
}

struct hv_dom *hv_dom_copy(const struct hv_dom *d)
{
	return copy_value(d, (void *)&dom_shape);
}

static const struct owned info_fields[] = {
	TEXT(struct hv_host_info, hostname), TEXT(struct hv_host_info, hv_type), TEXT(struct hv_host_info, arch),
	TEXT(struct hv_host_info, cpu_model), TEXT(struct hv_host_info, cpu_vendor), TEXT(struct hv_host_info, cpu_xml),
	OWNED(struct hv_host_info, cpu_features, NULL, g_strfreev),
	OWNED(struct hv_host_info, numa, NULL, hv_numa_unref),
	OWNED(struct hv_host_info, free_pages, NULL, g_array_unref),
};
static const struct shape info_shape = SHAPE(struct hv_host_info, info_fields, hv_host_info_free);

void hv_host_info_free(struct hv_host_info *i)
{
	free_value(i, &info_shape);
}

void hv_device_clear(struct hv_device *d)
{
	for (int i = 0; i < HV_DEVICE_ID_N; i++)
		g_clear_pointer(&d->id[i], g_free);
	for (int i = 0; i < HV_SAMPLES && d->samples[i]; i++)
		g_clear_pointer(&d->samples[i], g_free);
	d->size_bytes = 0;
}

void hv_device_free(struct hv_device *d)
{
	if (d)
		hv_device_clear(d);
	g_free(d);
}

static const struct owned reply_fields[] = {
	OWNED(struct hv_reply, err, NULL, g_error_free),
	OWNED(struct hv_reply, info, NULL, hv_host_info_free),
	OWNED(struct hv_reply, doms, NULL, g_ptr_array_unref),
	OWNED(struct hv_reply, loads, NULL, g_array_unref),
	OWNED(struct hv_reply, dom, NULL, hv_dom_free),
	OWNED(struct hv_reply, addrs, NULL, g_array_unref),
	OWNED(struct hv_reply, needs, NULL, g_ptr_array_unref),
	OWNED(struct hv_reply, snapshots, NULL, g_ptr_array_unref),
	OWNED(struct hv_reply, device, NULL, hv_device_free),
	TEXT(struct hv_reply, xml), TEXT(struct hv_reply, xml_inactive), TEXT(struct hv_reply, definition), TEXT(struct hv_reply, cpu_why),
	TEXT(struct hv_reply, vol.format), TEXT(struct hv_reply, vol.path), TEXT(struct hv_reply, vol.origin), TEXT(struct hv_reply, vol.backing),
	TEXT(struct hv_reply, vol.backing_format),
	OWNED(struct hv_reply, carrier, NULL, carrier_free),
	OWNED(struct hv_reply, carriers, NULL, g_ptr_array_unref),
	OWNED(struct hv_reply, facts, NULL, hv_facts_free),
	OWNED(struct hv_reply, folder, NULL, hv_folder_free),
	OWNED(struct hv_reply, stream, NULL, hv_stream_close),
	TEXT(struct hv_reply, log),
};
static const struct shape reply_shape = SHAPE(struct hv_reply, reply_fields, NULL);

void hv_reply_clear(struct hv_reply *r)
{
	clear_all(r, &reply_shape);
}

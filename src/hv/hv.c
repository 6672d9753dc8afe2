/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/hv.h"

#include <assert.h>
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
	[HV_UNKNOWN] = "unknown", [HV_ABSENT] = "absent",   [HV_SHUTOFF] = "shutoff",     [HV_RUNNING] = "running",
	[HV_PAUSED] = "paused",   [HV_CRASHED] = "crashed", [HV_SUSPENDED] = "suspended",
};
static_assert(G_N_ELEMENTS(state_names) == HV_STATE_N, "state_names is missing one");

static const char *const reason_names[] = {
	[HV_R_OTHER] = "other",           [HV_R_USER] = "user",
	[HV_R_MIGRATION] = "migration",   [HV_R_MIGRATED] = "migrated",
	[HV_R_POSTCOPY] = "postcopy",     [HV_R_POSTCOPY_FAILED] = "postcopy-failed",
	[HV_R_STARTING] = "starting",     [HV_R_CRASHED] = "crashed",
	[HV_R_IOERROR] = "ioerror",       [HV_R_FAILED] = "failed",
};
static_assert(G_N_ELEMENTS(reason_names) == HV_REASON_N, "reason_names is missing one");

/* Default time limits; a migration has none, its end is found out by other means. And which parameters of a request count. */
static const struct {
	const char *name;
	int64_t timeout_ms;
	bool migrate, vol;
} op_table[] = {
	[HV_HOST_GET]     = { "host_get",     10000 },
	[HV_DOM_LIST]     = { "dom_list",     30000 },
	[HV_DOM_GET]      = { "dom_get",      10000 },
	[HV_DOM_ADDRS]    = { "dom_addrs",    30000 },
	[HV_DOM_XML]      = { "dom_xml",      10000 },
	[HV_CPU_COMPARE]  = { "cpu_compare",  10000 },
	[HV_LOOKUP]       = { "lookup",       10000 },
	[HV_MIGRATE]      = { "migrate",      0, .migrate = true },
	[HV_JOB_GET]      = { "job_get",      10000 },
	[HV_JOB_DONE]     = { "job_done",     10000 },
	[HV_JOB_ABORT]    = { "job_abort",    35000 },
	[HV_JOB_TUNE]     = { "job_tune",     10000 },
	[HV_POSTCOPY]     = { "postcopy",     35000 },
	[HV_POSTCOPY_PAUSE] = { "postcopy_pause", 35000 },
	[HV_DOM_SUSPEND]  = { "dom_suspend",  35000 },
	[HV_DOM_RESUME]   = { "dom_resume",   35000 },
	[HV_DOM_DESTROY]  = { "dom_destroy",  35000 },
	[HV_DOM_UNDEFINE] = { "dom_undefine", 35000 },
	[HV_DOM_DEFINITION] = { "dom_definition", 10000 },
	[HV_DOM_DEFINE]   = { "dom_define",   35000 },
	[HV_DOM_AUTOSTART] = { "dom_autostart", 35000 },
	[HV_ANNOUNCE]     = { "announce",     10000 },
	[HV_VOL_GET]      = { "vol_get",      30000, .vol = true },
	[HV_VOL_CREATE]   = { "vol_create",   60000, .vol = true },
	[HV_VOL_COPY]     = { "vol_copy",     1200000, .vol = true },
	[HV_VOL_DELETE]   = { "vol_delete",   60000, .vol = true },
	[HV_VOL_FIND]     = { "vol_find",     30000, .vol = true },
	[HV_DEVICE_GET]   = { "device_get",   30000, .vol = true },
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

/* ---- calls ---- */

static void copy_migrate(struct hv_migrate_params *p)
{
	p->dest_uri = g_strdup(p->dest_uri);
	p->migrate_uri = g_strdup(p->migrate_uri);
	p->dest_xml = g_strdup(p->dest_xml);
	p->persistent_xml = g_strdup(p->persistent_xml);
	p->dest_host = g_strdup(p->dest_host);
	p->copy_disks = (const char *const *)g_strdupv((char **)p->copy_disks);
}

static void copy_vol(struct hv_vol_params *p)
{
	p->path = g_strdup(p->path);
	p->format = g_strdup(p->format);
	p->backing = g_strdup(p->backing);
	p->backing_format = g_strdup(p->backing_format);
	p->source_uri = g_strdup(p->source_uri);
	p->source_host = g_strdup(p->source_host);
	p->pool = g_strdup(p->pool);
	p->name = g_strdup(p->name);
	p->probe = g_strdup(p->probe);
	p->virt_type = g_strdup(p->virt_type);
	p->arch = g_strdup(p->arch);
}

/* Of the strings those that count: most calls have one. */
static void req_copy(struct hv_req *to, const struct hv_req *r)
{
	*to = *r;
	to->uuid = g_strdup(r->uuid);
	to->xml = g_strdup(r->xml);
	to->host_cpu_xml = g_strdup(r->host_cpu_xml);
	to->needs = hv_needs_copy(r->needs);
	if (op_table[r->op].migrate)
		copy_migrate(&to->migrate);
	else
		to->migrate = (struct hv_migrate_params){ .dest_uri = NULL };
	if (op_table[r->op].vol)
		copy_vol(&to->vol);
	else
		to->vol = (struct hv_vol_params){ .path = NULL };
}

static void clear_migrate(struct hv_migrate_params *p)
{
	g_free((char *)p->dest_uri);
	g_free((char *)p->migrate_uri);
	g_free((char *)p->dest_xml);
	g_free((char *)p->persistent_xml);
	g_free((char *)p->dest_host);
	g_strfreev((char **)p->copy_disks);
}

static void clear_vol(struct hv_vol_params *p)
{
	g_free((char *)p->path);
	g_free((char *)p->format);
	g_free((char *)p->backing);
	g_free((char *)p->backing_format);
	g_free((char *)p->source_uri);
	g_free((char *)p->source_host);
	g_free((char *)p->pool);
	g_free((char *)p->name);
	g_free((char *)p->probe);
	g_free((char *)p->virt_type);
	g_free((char *)p->arch);
}

static void req_clear(struct hv_req *r)
{
	g_free((char *)r->uuid);
	g_free((char *)r->xml);
	g_free((char *)r->host_cpu_xml);
	g_clear_pointer(&r->needs, g_ptr_array_unref);
	if (op_table[r->op].migrate)
		clear_migrate(&r->migrate);
	if (op_table[r->op].vol)
		clear_vol(&r->vol);
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

void hv_backing_free(struct hv_backing *b)
{
	if (!b)
		return;
	g_free(b->path);
	g_free(b->format);
	g_free(b->pool);
	g_free(b);
}

void hv_disk_free(struct hv_disk *d)
{
	if (!d)
		return;
	g_free(d->target);
	g_free(d->source);
	g_free(d->format);
	g_free(d->pool);
	g_clear_pointer(&d->backing, g_ptr_array_unref);
	g_free(d);
}

void hv_nic_free(struct hv_nic *n)
{
	if (!n)
		return;
	g_free(n->mac);
	g_free(n->bridge);
	g_free(n->type);
	g_free(n);
}

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
	if (!d)
		return;
	g_free(d->name);
	g_free(d->title);
	g_free(d->unreadable);
	g_free(d->virt_type);
	g_free(d->arch);
	g_free(d->machine);
	g_free(d->vnc_listen);
	g_ptr_array_unref(d->disks);
	g_ptr_array_unref(d->nics);
	hv_ties_unref(d->ties);
	g_free(d);
}

static void *backing_copy(const void *src, void *unused)
{
	const struct hv_backing *b = src;
	struct hv_backing *c = g_new0(struct hv_backing, 1);

	(void)unused;
	c->path = g_strdup(b->path);
	c->kind = b->kind;
	c->format = g_strdup(b->format);
	c->pool = g_strdup(b->pool);
	return c;
}

static struct hv_disk *disk_copy(const struct hv_disk *d)
{
	struct hv_disk *c = g_memdup2(d, sizeof(*d));

	c->backing = d->backing ? g_ptr_array_copy(d->backing, backing_copy, NULL) : NULL;
	if (c->backing)
		g_ptr_array_set_free_func(c->backing, (GDestroyNotify)hv_backing_free);

	c->target = g_strdup(d->target);
	c->source = g_strdup(d->source);
	c->format = g_strdup(d->format);
	c->pool = g_strdup(d->pool);
	return c;
}

static struct hv_nic *nic_copy(const struct hv_nic *n)
{
	struct hv_nic *c = g_memdup2(n, sizeof(*n));

	c->mac = g_strdup(n->mac);
	c->bridge = g_strdup(n->bridge);
	c->type = g_strdup(n->type);
	return c;
}

struct hv_dom *hv_dom_copy(const struct hv_dom *d)
{
	struct hv_dom *c = hv_dom_new();
	GPtrArray *disks = c->disks, *nics = c->nics;

	*c = *d;
	c->disks = disks;
	c->nics = nics;
	c->ties = hv_ties_ref(d->ties);
	c->name = g_strdup(d->name);
	c->title = g_strdup(d->title);
	c->unreadable = g_strdup(d->unreadable);
	c->virt_type = g_strdup(d->virt_type);
	c->arch = g_strdup(d->arch);
	c->machine = g_strdup(d->machine);
	c->vnc_listen = g_strdup(d->vnc_listen);
	for (guint i = 0; i < d->disks->len; i++)
		g_ptr_array_add(disks, disk_copy(g_ptr_array_index(d->disks, i)));
	for (guint i = 0; i < d->nics->len; i++)
		g_ptr_array_add(nics, nic_copy(g_ptr_array_index(d->nics, i)));
	return c;
}

void hv_host_info_free(struct hv_host_info *i)
{
	if (!i)
		return;
	g_free(i->hostname);
	g_free(i->hv_type);
	g_free(i->arch);
	g_free(i->cpu_model);
	g_free(i->cpu_vendor);
	g_strfreev(i->cpu_features);
	g_free(i->cpu_xml);
	hv_numa_unref(i->numa);
	g_clear_pointer(&i->free_pages, g_array_unref);
	g_free(i);
}

void hv_device_clear(struct hv_device *d)
{
	for (int i = 0; i < HV_DEVICE_ID_N; i++)
		g_clear_pointer(&d->id[i], g_free);
	for (int i = 0; i < HV_SAMPLES && d->samples[i]; i++)
		g_clear_pointer(&d->samples[i], g_free);
	d->size_bytes = 0;
}

void hv_reply_clear(struct hv_reply *r)
{
	g_clear_error(&r->err);
	g_clear_pointer(&r->info, hv_host_info_free);
	g_clear_pointer(&r->doms, g_ptr_array_unref);
	g_clear_pointer(&r->dom, hv_dom_free);
	g_clear_pointer(&r->addrs, g_array_unref);
	g_clear_pointer(&r->xml, g_free);
	g_clear_pointer(&r->xml_inactive, g_free);
	g_clear_pointer(&r->definition, g_free);
	g_clear_pointer(&r->needs, g_ptr_array_unref);
	g_clear_pointer(&r->cpu_why, g_free);
	g_clear_pointer(&r->vol.format, g_free);
	g_clear_pointer(&r->vol.path, g_free);
	g_clear_pointer(&r->vol.origin, g_free);
	hv_device_clear(&r->device);
}

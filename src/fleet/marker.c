/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/marker.h"

#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/log.h"
#include "fleet/host_link.h"
#include "fleet/registry.h"
#include "store/columns.h"
#include "store/row.h"

#define FIRST_MS 5000        /* after the host is up, or told of another disk */
#define BUSY_MS 5000         /* a task is under way there */
#define BUSY_MAX 12          /* ... so often */
#define AGAIN_MS 60000       /* the host or the database could not be asked */
#define LOOK_MS 3600000      /* each marker is looked at */
#define MARKER_BYTES 512

struct marker {
	char *folder, *path;
	int64_t changed_ns;      /* 0: it is not known to be there */
	int64_t since_ms;        /* when that was heard first, by this process */
	bool made;               /* the host has just made it */
	bool seen;               /* it was looked at */
	bool refused;            /* it cannot be made there: not tried again before the next look at all */
	bool told;               /* ... and the log has it */
	bool noted;              /* it has a row */
	bool unsaved;            /* ... with another time */
	bool gone;               /* it was removed, and its row is to go */
};

struct host_marks {
	GHashTable *all;         /* folder -> struct marker *, owned */
	GHashTable *pools;       /* name, owned -> folder, owned; "": it has none */
	GHashTable *needed;      /* folders, a set, while one question follows the other; NULL: they are to be found */
	bool whole;              /* ... each guest has told */
	struct clock_timer *timer;
	bool soon;               /* ... it was wanted */
	bool busy;               /* the host has a question */
	int waits;
	int64_t look_ms;         /* when all are to be looked at again */
};

static const char *const verdicts[] = {
	[MARKER_SHARED] = "shared", [MARKER_APART] = "apart", [MARKER_NONE] = "none", [MARKER_UNKNOWN] = "unknown",
};
static_assert(G_N_ELEMENTS(verdicts) == MARKER_VERDICT_N, "verdicts is missing one");

const char *marker_verdict_name(enum marker_verdict v)
{
	return verdicts[v];
}

static void marker_free(void *data)
{
	struct marker *m = data;

	g_free(m->folder);
	g_free(m->path);
	g_free(m);
}

static struct marker *marker_new(const char *folder, const char *name)
{
	struct marker *m = g_new0(struct marker, 1);

	m->folder = g_strdup(folder);
	m->path = g_build_filename(folder, name, NULL);
	return m;
}

/* ---- rows ---- */

struct marker_row {
	const char *host, *folder;
	char *name;
	int64_t changed_ns;
};

#define FIELD(n, col, type, f) ROW_FIELD_##type(marker_row, col, f),

static const struct row_field row_fields[] = { MARKER_ROW(FIELD, FIELD) }, put_fields[] = { MARKER_COLUMNS(FIELD, FIELD) };

static bool take_row(const struct store_row *row, void *user)
{
	struct marker_row r = { .host = NULL };
	struct marker *m;
	struct host *h;

	(void)row_read(row, row_fields, G_N_ELEMENTS(row_fields), &r); /* it has no words */
	h = r.host ? fleet_host(user, r.host) : NULL;
	if (h && h->marks && r.folder && r.name) {
		m = marker_new(r.folder, r.name);
		m->changed_ns = r.changed_ns;
		m->since_ms = clock_now_ms();
		m->noted = true;
		g_hash_table_replace(h->marks->all, m->folder, m);
	}
	g_free(r.name);
	return true;
}

bool marker_load(struct fleet *f, GError **err)
{
	return store_each(fleet_store(f), Q_MARKER_ALL, STORE_NO_ARGS, take_row, f, err);
}

static bool put_row(const struct host *h, const struct marker *m, GError **err)
{
	g_autofree char *name = g_path_get_basename(m->path);
	const struct marker_row r = { .name = name, .changed_ns = m->changed_ns };
	struct store_val row[2 + G_N_ELEMENTS(put_fields)] = { SV_S(h->name), SV_S(m->folder) };

	row_values(put_fields, G_N_ELEMENTS(put_fields), &r, 0, row + 2);
	return store_run(fleet_store(h->fleet), Q_MARKER_PUT, row, G_N_ELEMENTS(row), NULL, err);
}

static bool drop_row(const struct host *h, const struct marker *m, GError **err)
{
	return store_run(fleet_store(h->fleet), Q_MARKER_DROP, STORE_ARGS(SV_S(h->name), SV_S(m->folder)), NULL, err);
}

/* @list: struct marker * */
static bool write_all(const struct host *h, const GPtrArray *list, GError **err)
{
	if (!store_begin_soft(fleet_store(h->fleet), err))
		return false;
	for (guint i = 0; i < list->len; i++) {
		const struct marker *m = g_ptr_array_index(list, i);

		if (!(m->gone ? drop_row(h, m, err) : put_row(h, m, err))) {
			store_rollback(fleet_store(h->fleet));
			return false;
		}
	}
	return store_commit(fleet_store(h->fleet), err);
}

/* What the host has said, in one transaction. Return: false: the database is away. */
static bool save(struct host *h)
{
	g_autoptr(GPtrArray) list = g_ptr_array_new();
	g_autoptr(GError) err = NULL;
	GHashTableIter i;
	void *m;

	g_hash_table_iter_init(&i, h->marks->all);
	while (g_hash_table_iter_next(&i, NULL, &m))
		if (((struct marker *)m)->unsaved)
			g_ptr_array_add(list, m);
	if (list->len == 0)
		return true;
	if (!write_all(h, list, &err)) {
		log_warning("storage_markers_not_saved", LOG_S("host", h->name), LOG_S("error", err->message));
		return false;
	}
	for (guint k = 0; k < list->len; k++) {
		struct marker *one = g_ptr_array_index(list, k);

		one->unsaved = false;
		one->noted = true;
		if (one->gone)
			g_hash_table_remove(h->marks->all, one->folder);
	}
	return true;
}

/* ---- which folders ---- */

/* Where guests of a host have files. */
struct folders {
	struct host *h;
	GHashTable *all;         /* char *, owned; a set */
	const char *pool, *volume; /* a pool whose folder is not known, and what it has; NULL: there is none */
	bool whole;              /* each guest has told */
};

static void add_file(struct folders *w, enum hv_source kind, const char *pool, const char *source)
{
	const char *folder = pool ? g_hash_table_lookup(w->h->marks->pools, pool) : NULL;

	if (kind != HV_SOURCE_FILE || !source)
		return;
	if (pool && !folder) {
		w->pool = pool;
		w->volume = source;
		w->whole = false;
	} else if (pool && *folder) {
		g_hash_table_add(w->all, g_strdup(folder));
	} else if (!pool && *source == '/' && !g_str_has_prefix(source, "/dev/")) {
		g_hash_table_add(w->all, g_path_get_dirname(source));
	}
}

static void add_disks(struct folders *w, const GPtrArray *disks)
{
	for (guint i = 0; i < disks->len; i++) {
		const struct hv_disk *k = g_ptr_array_index(disks, i);

		if (k->cdrom)
			continue; /* it may lie anywhere, and the guest goes without */
		add_file(w, k->kind, k->pool, k->source);
		for (guint b = 0; k->backing && b < k->backing->len; b++) {
			const struct hv_backing *base = g_ptr_array_index(k->backing, b);

			add_file(w, base->kind, base->pool, base->path);
		}
	}
}

/* Again after each answer would take a look at all guests for each folder, of which there may be as many. */
static void find_folders(struct folders *w)
{
	GHashTableIter i;
	void *key;

	struct host_marks *k = w->h->marks;

	if (k->needed) {
		w->all = g_hash_table_ref(k->needed);
		w->whole = k->whole;
		return;
	}
	w->whole = true;
	w->all = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_hash_table_iter_init(&i, w->h->servers);
	while (g_hash_table_iter_next(&i, &key, NULL)) {
		const struct server *s = key;

		if (s->dom && !s->dom->unreadable)
			add_disks(w, s->dom->disks);
		else
			w->whole &= s->missing;
	}
	if (w->pool)
		return; /* its folder is missing still */
	k->needed = g_hash_table_ref(w->all);
	k->whole = w->whole;
}

static void forget_folders(struct host *h)
{
	g_clear_pointer(&h->marks->needed, g_hash_table_unref);
}

/* Its storage is a task's to use. */
static bool has_task(const struct host *h)
{
	GHashTableIter i;
	void *key;

	g_hash_table_iter_init(&i, h->servers);
	while (g_hash_table_iter_next(&i, &key, NULL))
		if (((const struct server *)key)->task != SERVER_TASK_NONE)
			return true;
	return g_hash_table_size(h->claims) > 0;
}

/* ---- one question at a time ---- */

struct question {
	struct fleet *fleet;
	char *host, *of;         /* the folder, or the pool */
	uint64_t turn;
	void (*done)(struct host *h, const char *of, const struct hv_reply *r);
};

static void step(void *user);

static void wake(struct host *h, int64_t after_ms)
{
	if (h->conn == HOST_UP && !h->marks->busy && !h->marks->timer)
		h->marks->timer = clock_after(after_ms, step, h);
}

static void answered(struct hv_reply *r, void *user)
{
	struct question *q = user;
	struct host *h = fleet_host(q->fleet, q->host);

	if (h && h->marks && host_link_turn(h) == q->turn) {
		h->marks->busy = false;
		if (r->err && (err_code(r->err) == ERR_HV_LOST || err_code(r->err) == ERR_HV_BUSY)) {
			wake(h, AGAIN_MS);
		} else {
			q->done(h, q->of, r);
			wake(h, 0);
		}
	}
	g_free(q->host);
	g_free(q->of);
	g_free(q);
}

static void ask(struct host *h, const char *of, const struct hv_req *req, void (*done)(struct host *, const char *, const struct hv_reply *))
{
	struct question *q = g_new0(struct question, 1);

	q->fleet = h->fleet;
	q->host = g_strdup(h->name);
	q->of = g_strdup(of);
	q->turn = host_link_turn(h);
	q->done = done;
	h->marks->busy = true;
	hv_call(h->hv, req, answered, q);
}

/* ---- the folder of a pool ---- */

static void pool_found(struct host *h, const char *pool, const struct hv_reply *r)
{
	bool file = !r->err && r->vol.kind == HV_SOURCE_FILE && r->vol.path && *r->vol.path == '/';

	g_hash_table_replace(h->marks->pools, g_strdup(pool), file ? g_path_get_dirname(r->vol.path) : g_strdup(""));
}

static void find_pool(struct host *h, const struct folders *w)
{
	struct hv_req req = { .op = HV_VOL_FIND, .vol = { .pool = w->pool, .name = w->volume } };

	ask(h, w->pool, &req, pool_found);
}

/* ---- one marker ---- */

/* The host says no: once in the log, until it says yes. */
static void refused(const struct host *h, struct marker *m, const char *why)
{
	m->refused = true;
	if (!m->told)
		log_warning("storage_marker_refused", LOG_S("host", h->name), LOG_S("folder", m->folder), LOG_S("error", why),
			    LOG_S("do", "servers with disks there cannot be evacuated from this host: let libvirt make files in the folder"));
	m->told = true;
}

static void looked(struct host *h, const char *folder, const struct hv_reply *r)
{
	struct marker *m = g_hash_table_lookup(h->marks->all, folder);
	int64_t now = r->err || !r->vol.exists ? 0 : r->vol.changed_ns;

	if (!m)
		return;
	if (r->err || (m->made && !now)) {
		refused(h, m, r->err ? r->err->message : "what was made there cannot be seen, or does not tell when it was changed");
		return;
	}
	if (now && m->changed_ns != now)
		log_info("storage_marker_made", LOG_S("host", h->name), LOG_S("path", m->path));
	else if (!now && m->changed_ns)
		log_warning("storage_marker_gone", LOG_S("host", h->name), LOG_S("path", m->path));
	m->unsaved |= m->changed_ns != now;
	m->since_ms = m->changed_ns == now ? m->since_ms : clock_now_ms();
	m->changed_ns = now;
	m->seen = now != 0;
	m->made = false;
	m->told &= !m->seen;
}

static void made(struct host *h, const char *folder, const struct hv_reply *r)
{
	struct marker *m = g_hash_table_lookup(h->marks->all, folder);

	if (m && r->err && err_code(r->err) != ERR_CONFLICT)
		refused(h, m, r->err->message);
	else if (m)
		m->made = true;
}

/* Return: the host was asked. */
static bool see_to(struct host *h, struct marker *m)
{
	struct hv_req req = { .op = HV_VOL_GET, .vol = { .path = m->path } };

	if (m->refused || m->seen)
		return false;
	if (!m->changed_ns && !m->made) {
		req.op = HV_VOL_CREATE;
		req.vol.format = "raw";
		req.vol.capacity_bytes = MARKER_BYTES;
		ask(h, m->folder, &req, made);
	} else {
		ask(h, m->folder, &req, looked);
	}
	return true;
}

static void removed(struct host *h, const char *folder, const struct hv_reply *r)
{
	struct marker *m = g_hash_table_lookup(h->marks->all, folder);

	if (m && r->err)
		log_warning("storage_marker_not_removed", LOG_S("host", h->name), LOG_S("path", m->path), LOG_S("error", r->err->message));
	if (m && r->err)
		m->refused = true;
	else if (m)
		m->gone = m->unsaved = true;
}

/* ---- all of a host ---- */

static void begin(struct host *h, const char *folder)
{
	g_autofree char *uuid = util_uuid_new(), *name = g_strconcat(MARKER_PREFIX, h->name, "-", uuid, NULL);
	struct marker *m = marker_new(folder, name);

	m->unsaved = true;
	g_hash_table_replace(h->marks->all, m->folder, m);
}

/* A row is written before its file is made. Return: false: the database is away. */
static bool begin_new(struct host *h, const struct folders *w)
{
	GHashTableIter i;
	void *folder;
	bool some = false;

	g_hash_table_iter_init(&i, w->all);
	while (g_hash_table_iter_next(&i, &folder, NULL)) {
		struct marker *m = g_hash_table_lookup(h->marks->all, folder);

		if (m && m->gone) { /* a guest came back before its row was dropped */
			m->gone = m->seen = false;
			m->changed_ns = 0;
		} else if (!m) {
			begin(h, folder);
		}
		some |= !m || !m->noted;
	}
	return !some || save(h);
}

/* Return: the host was asked. */
static bool see_to_needed(struct host *h, const struct folders *w)
{
	GHashTableIter i;
	void *folder;

	g_hash_table_iter_init(&i, w->all);
	while (g_hash_table_iter_next(&i, &folder, NULL))
		if (see_to(h, g_hash_table_lookup(h->marks->all, folder)))
			return true;
	return false;
}

static bool remove_others(struct host *h, const struct folders *w)
{
	GHashTableIter i;
	void *value;

	g_hash_table_iter_init(&i, h->marks->all);
	while (w->whole && g_hash_table_iter_next(&i, NULL, &value)) {
		const struct marker *m = value;
		struct hv_req req = { .op = HV_VOL_DELETE, .vol = { .path = m->path } };

		if (m->refused || m->gone || g_hash_table_contains(w->all, m->folder))
			continue;
		ask(h, m->folder, &req, removed);
		return true;
	}
	return false;
}

static void look_at_all(struct host *h)
{
	GHashTableIter i;
	void *m;

	g_hash_table_iter_init(&i, h->marks->all);
	while (g_hash_table_iter_next(&i, NULL, &m))
		((struct marker *)m)->seen = ((struct marker *)m)->refused = false;
	g_hash_table_remove_all(h->marks->pools);
	forget_folders(h);
	h->marks->look_ms = clock_now_ms() + LOOK_MS;
}

static void step(void *user)
{
	struct host *h = user;
	struct host_marks *k = h->marks;
	struct folders w = { .h = h };

	k->timer = NULL;
	k->soon = false;
	if (h->conn != HOST_UP || !h->hv || k->busy)
		return;
	if (has_task(h) && k->waits++ < BUSY_MAX) {
		forget_folders(h);
		wake(h, BUSY_MS);
		return;
	}
	k->waits = 0;
	if (clock_now_ms() >= k->look_ms)
		look_at_all(h);
	find_folders(&w);
	if (w.pool)
		find_pool(h, &w);
	else if (!begin_new(h, &w))
		wake(h, AGAIN_MS);
	else if (!see_to_needed(h, &w) && !remove_others(h, &w)) {
		forget_folders(h);
		wake(h, save(h) ? MAX(k->look_ms - clock_now_ms(), 0) : AGAIN_MS);
	}
	g_hash_table_unref(w.all);
}

void marker_want(struct host *h)
{
	if (!h || !h->marks || h->marks->soon || h->conn != HOST_UP || !fleet_conf(h->fleet)->storage_markers)
		return;
	forget_folders(h);
	clock_cancel(&h->marks->timer); /* the hour's */
	h->marks->soon = true;
	h->marks->timer = clock_after(FIRST_MS, step, h);
}

void marker_host_up(struct host *h)
{
	h->marks->look_ms = 0;
	h->marks->busy = false;
	marker_want(h);
}

void marker_host_down(struct host *h)
{
	clock_cancel(&h->marks->timer);
	h->marks->soon = false;
	(void)save(h); /* what it is not, is known again when it is back */
}

static void forgotten(struct hv_reply *r, void *user)
{
	(void)r; /* a file that stays is no harm */
	(void)user;
}

/* A folder that it shared is still some other's. */
static void remove_by_others(struct fleet *f, const struct host *h, const struct marker *m)
{
	struct hv_req req = { .op = HV_VOL_DELETE, .vol = { .path = m->path } };
	GPtrArray *hosts = fleet_hosts(f);

	for (guint i = 0; i < hosts->len; i++) {
		struct host *other = g_ptr_array_index(hosts, i);

		if (other != h && other->conn == HOST_UP && g_hash_table_contains(other->marks->all, m->folder))
			(void)host_call(other, &req, forgotten, NULL);
	}
}

bool marker_host_forget(struct fleet *f, const struct host *h, GError **err)
{
	return g_hash_table_size(h->marks->all) == 0 || store_run(fleet_store(f), Q_MARKER_DROP, STORE_ARGS(SV_S(h->name), SV_NULL), NULL, err);
}

void marker_host_forgotten(struct fleet *f, const struct host *h)
{
	GHashTableIter i;
	void *m;

	g_hash_table_iter_init(&i, h->marks->all);
	while (g_hash_table_iter_next(&i, NULL, &m))
		remove_by_others(f, h, m);
}

void marker_host_new(struct host *h)
{
	h->marks = g_new0(struct host_marks, 1);
	h->marks->all = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, marker_free);
	h->marks->pools = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

void marker_host_free(struct host *h)
{
	clock_cancel(&h->marks->timer);
	forget_folders(h);
	g_hash_table_unref(h->marks->all);
	g_hash_table_unref(h->marks->pools);
	g_clear_pointer(&h->marks, g_free);
}

/* ---- reading ---- */

bool marker_of(const struct fleet *f, const char *host, const char *file, struct marker_proof *ret)
{
	const struct host *h = fleet_host(f, host);
	g_autofree char *folder = g_path_get_dirname(file);
	const struct marker *m = h ? g_hash_table_lookup(h->marks->all, folder) : NULL;

	if (!m || m->gone || !m->changed_ns)
		return false;
	*ret = (struct marker_proof){ m->path, m->changed_ns, clock_now_ms() - m->since_ms };
	return true;
}

bool marker_proves(const struct marker_proof *p, const struct hv_vol *v)
{
	return v->exists && p->changed_ns && v->changed_ns == p->changed_ns;
}

/* ---- asking another host ---- */

struct inquiry {
	struct fleet *fleet;
	struct marker_question q;
	enum marker_verdict verdict;
	char *why;
	marker_done_f *done;
	void *user;
};

static void inquiry_free(struct inquiry *x)
{
	g_free((char *)x->q.source);
	g_free((char *)x->q.dest);
	g_free((char *)x->q.file);
	g_free(x->why);
	g_free(x);
}

static void judge(struct inquiry *x, enum marker_verdict v, char *why)
{
	x->verdict = v;
	g_free(x->why);
	x->why = why;
}

static void finish(struct inquiry *x, const struct hv_vol *vol)
{
	const struct marker_answer a = { x->verdict, x->verdict == MARKER_SHARED ? NULL : x->why, vol };

	log_debug("storage_marker_asked", LOG_S("source", x->q.source), LOG_S("dest", x->q.dest), LOG_S("file", x->q.file),
		  LOG_S("verdict", marker_verdict_name(x->verdict)), LOG_D("there", vol && vol->exists));
	x->done(&a, x->user);
	inquiry_free(x);
}

static void cannot_tell(struct inquiry *x, const char *why)
{
	judge(x, MARKER_UNKNOWN, g_strdup_printf("%s cannot tell what it has in the folder of %s: %s", x->q.dest, x->q.file, why));
	finish(x, NULL);
}

static void file_looked_for(struct hv_reply *r, void *user)
{
	if (r->err)
		cannot_tell(user, r->err->message);
	else
		finish(user, &r->vol);
}

/* Return: false: the host is not connected. */
static bool look_for(struct inquiry *x, const char *path, hv_done_f *done)
{
	struct hv_req req = { .op = HV_VOL_GET, .vol = { .path = path } };

	return host_call(fleet_host(x->fleet, x->q.dest), &req, done, x);
}

static void marker_looked_for(struct hv_reply *r, void *user)
{
	struct inquiry *x = user;
	g_autofree char *folder = g_path_get_dirname(x->q.file);
	struct marker_proof p;

	if (r->err) {
		cannot_tell(x, r->err->message);
		return;
	}
	if (!marker_of(x->fleet, x->q.source, x->q.file, &p))
		judge(x, MARKER_NONE, g_strdup_printf("no marker of %s is kept for %s", x->q.source, folder));
	else if (marker_proves(&p, &r->vol))
		judge(x, MARKER_SHARED, NULL);
	else
		judge(x, MARKER_APART, g_strdup_printf("the folder %s of %s is not that of %s: %s", folder, x->q.dest, x->q.source,
		                                       r->vol.exists ? "it has another file of the marker's name, perhaps in a copy" : "the marker is not there"));
	if (!look_for(x, x->q.file, file_looked_for))
		cannot_tell(x, "it is not connected");
}

bool marker_ask(struct fleet *f, const struct marker_question *q, marker_done_f *done, void *user)
{
	struct inquiry *x = g_new0(struct inquiry, 1);
	g_autofree char *folder = g_path_get_dirname(q->file);
	struct marker_proof p;

	*x = (struct inquiry){ .fleet = f, .q = { g_strdup(q->source), g_strdup(q->dest), g_strdup(q->file) }, .done = done, .user = user };
	if (marker_of(f, q->source, q->file, &p) ? look_for(x, p.path, marker_looked_for) : look_for(x, q->file, file_looked_for)) {
		judge(x, MARKER_NONE, g_strdup_printf("no marker of %s is kept for %s", q->source, folder));
		return true;
	}
	inquiry_free(x);
	return false;
}

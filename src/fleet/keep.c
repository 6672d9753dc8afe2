/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/keep.h"

#include <openssl/evp.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "fleet/fleet_priv.h"
#include "fleet/keep_disks.h"
#include "fleet/keep_pack.h"
#include "fleet/marker.h"
#include "fleet/registry.h"
#include "store/columns.h"
#include "store/row.h"

#define FIRST_MS 2000        /* after a host is up: what else is to be asked of it comes first */
#define WRITE_AFTER_MS 2000
#define WRITE_AGAIN_MS 60000
#define WRITE_AT_ONCE 32     /* in a transaction: the loop waits for it */

/* Of a host. */
struct host_keep {
	GQueue *queue;           /* char *, owned: UUIDs of servers to be read; each once (server.keep_at) */
	struct clock_timer *timer;
	bool busy;               /* one is being read */
};

/* One that is to be written. */
struct unwritten {
	char *uuid, *xml;        /* xml: NULL when it is packed */
	char *packed;
	char *disks;             /* keep_disks_text(); NULL: not told */
	bool drops;              /* nothing is kept of it: its row goes. Without either of them */
	int priority;
	bool transient;
	int64_t read_us;
	uint64_t sum;
};

struct job;

struct keep {
	GHashTable *unwritten;   /* uuid -> struct unwritten * */
	struct clock_timer *writing;
	struct job *packing;     /* NULL: none is under way */
};

static void unwritten_free(void *data)
{
	struct unwritten *u = data;

	g_free(u->uuid);
	g_free(u->xml);
	g_free(u->packed);
	g_free(u->disks);
	g_free(u);
}

/* Two texts of one number are taken for one: of 64 bits of a SHA-256. OpenSSL's, as it asks the processor. */
static uint64_t sum_of(const char *xml, bool transient, const char *disks)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	unsigned char digest[EVP_MAX_MD_SIZE];
	uint64_t sum;
	int ok;

	ok = EVP_DigestInit_ex(c, EVP_sha256(), NULL) && EVP_DigestUpdate(c, xml, strlen(xml)) && EVP_DigestUpdate(c, transient ? "t" : "d", 1) &&
		(!disks || EVP_DigestUpdate(c, disks, strlen(disks))) && EVP_DigestFinal_ex(c, digest, NULL);
	g_assert(ok == 1);
	EVP_MD_CTX_free(c);
	memcpy(&sum, digest, sizeof sum);
	return sum ? sum >> 1 : 1; /* the store has signed numbers; 0 is none */
}

/* ---- rows ---- */

/* A row, as it is read and written. */
struct kept_row {
	char *packed;
	int64_t sum;
	bool transient;
	int64_t updated_us;
	char *disks;
	int priority;
};

struct sum_row {
	const char *uuid;
	int64_t sum;
	int priority;
};

#define KEPT_FIELD(n, col, type, f) ROW_FIELD_##type(kept_row, col, f),
#define SUM_FIELD(n, col, type, f) ROW_FIELD_##type(sum_row, col, f),

static const struct row_field kept_fields[] = { KEPT_COLUMNS(KEPT_FIELD, KEPT_FIELD) }, sum_fields[] = { KEPT_SUM_ROW(SUM_FIELD, SUM_FIELD) };

static bool load_row(const struct store_row *row, void *user)
{
	struct sum_row r = { .uuid = NULL };
	struct server *s;

	(void)row_read(row, sum_fields, G_N_ELEMENTS(sum_fields), &r); /* it has no words */
	s = r.uuid ? fleet_server(user, r.uuid) : NULL;
	if (s) {
		s->keep_sum = (uint64_t)r.sum;
		s->priority = r.priority;
	}
	return true;
}

void keep_new(struct fleet *f)
{
	f->keep = g_new0(struct keep, 1);
	f->keep->unwritten = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, unwritten_free);
}

bool keep_load(struct fleet *f, GError **err)
{
	return store_each(f->store, Q_DEFINITION_SUMS, STORE_NO_ARGS, load_row, f, err);
}

static bool take_row(const struct store_row *row, void *user)
{
	(void)row_read(row, kept_fields, G_N_ELEMENTS(kept_fields), user); /* it has no words */
	return true;
}

void kept_definition_clear(struct kept_definition *k)
{
	g_free(k->xml);
	g_clear_pointer(&k->disks, g_ptr_array_unref);
	*k = (struct kept_definition){ .xml = NULL };
}

bool keep_read(struct fleet *f, const char *uuid, struct kept_definition *ret, GError **err)
{
	struct kept_row row = { .packed = NULL };
	g_autofree char *packed = NULL, *disks_text = NULL, *xml = NULL;
	GPtrArray *disks = NULL;

	if (!store_each(f->store, Q_DEFINITION_KEPT, STORE_ARGS(SV_S(uuid)), take_row, &row, err))
		return false;
	packed = row.packed;
	disks_text = row.disks;
	xml = packed ? keep_unpack(packed, err) : NULL;
	if (!packed)
		g_set_error(err, ERR, ERR_NOT_FOUND, "No definition of server %s is kept: its host has not told it yet.", uuid);
	if (!xml)
		return false;
	if (disks_text)
		disks = keep_disks_read(disks_text, err);
	if (disks_text && !disks)
		return false;
	*ret = (struct kept_definition){ .xml = g_steal_pointer(&xml), .transient = row.transient, .updated_us = row.updated_us, .disks = disks };
	return true;
}

static bool write_one(struct fleet *f, const struct unwritten *u, GError **err)
{
	struct kept_row kept = { u->packed, (int64_t)u->sum, u->transient, u->read_us, u->disks, u->priority };
	struct store_val row[1 + G_N_ELEMENTS(kept_fields)] = { SV_S(u->uuid) };

	if (!fleet_server(f, u->uuid))
		return true; /* it is gone */
	if (u->drops)
		return store_run(f->store, Q_DEFINITION_DROP, STORE_ARGS(SV_S(u->uuid)), NULL, err);
	row_values(kept_fields, G_N_ELEMENTS(kept_fields), &kept, 0, row + 1);
	return store_run(f->store, Q_DEFINITION_KEEP, row, G_N_ELEMENTS(row), NULL, err);
}

static void plan_write(struct fleet *f, int64_t after_ms);

/* Return: how many were written; -1 with @err. */
static int write_packed(struct fleet *f, GError **err)
{
	g_autoptr(GPtrArray) due = g_ptr_array_new();
	GHashTableIter i;
	struct unwritten *u;

	g_hash_table_iter_init(&i, f->keep->unwritten);
	while (due->len < WRITE_AT_ONCE && g_hash_table_iter_next(&i, NULL, (void **)&u))
		if (u->packed || u->drops)
			g_ptr_array_add(due, u);
	if (due->len == 0)
		return 0;
	if (!store_begin_soft(f->store, err))
		return -1;
	for (guint k = 0; k < due->len; k++) {
		if (write_one(f, g_ptr_array_index(due, k), err))
			continue;
		store_rollback(f->store);
		return -1;
	}
	if (!store_commit(f->store, err))
		return -1;
	for (guint k = 0; k < due->len; k++)
		g_hash_table_remove(f->keep->unwritten, ((struct unwritten *)g_ptr_array_index(due, k))->uuid);
	return (int)due->len;
}

/* ---- packing on a worker ---- */

struct job {
	struct fleet *fleet;     /* NULL: gone */
	GPtrArray *texts;        /* char *: uuid, xml, uuid, xml ... */
	GPtrArray *packed;       /* char *, one for each two of them */
};

static void pack_all(void *user)
{
	struct job *j = user;

	for (guint i = 1; i < j->texts->len; i += 2)
		g_ptr_array_add(j->packed, keep_pack(g_ptr_array_index(j->texts, i)));
}

static void write_now(void *user);

static void packed_all(void *user)
{
	struct job *j = user;

	for (guint i = 0; j->fleet && i < j->packed->len; i++) {
		struct unwritten *u = g_hash_table_lookup(j->fleet->keep->unwritten, g_ptr_array_index(j->texts, 2 * i));

		/* another text may have come meanwhile */
		if (u && u->xml && strcmp(u->xml, g_ptr_array_index(j->texts, 2 * i + 1)) == 0) {
			u->packed = g_strdup(g_ptr_array_index(j->packed, i));
			g_clear_pointer(&u->xml, g_free);
		}
	}
	if (j->fleet) {
		j->fleet->keep->packing = NULL;
		plan_write(j->fleet, 0);
	}
	g_ptr_array_unref(j->texts);
	g_ptr_array_unref(j->packed);
	g_free(j);
}

/* Return: there is something to pack. */
static bool begin_pack(struct fleet *f)
{
	struct job *j = g_new0(struct job, 1);
	GHashTableIter i;
	struct unwritten *u;

	j->fleet = f;
	j->texts = g_ptr_array_new_with_free_func(g_free);
	j->packed = g_ptr_array_new_with_free_func(g_free);
	g_hash_table_iter_init(&i, f->keep->unwritten);
	while (j->texts->len < 2 * WRITE_AT_ONCE && g_hash_table_iter_next(&i, NULL, (void **)&u)) {
		if (!u->xml)
			continue;
		g_ptr_array_add(j->texts, g_strdup(u->uuid));
		g_ptr_array_add(j->texts, g_strdup(u->xml));
	}
	if (j->texts->len == 0) {
		g_ptr_array_unref(j->texts);
		g_ptr_array_unref(j->packed);
		g_free(j);
		return false;
	}
	f->keep->packing = j;
	loop_job(pack_all, packed_all, j);
	return true;
}

static void write_now(void *user)
{
	struct fleet *f = user;
	g_autoptr(GError) why = NULL;
	int n;

	f->keep->writing = NULL;
	if (f->keep->packing)
		return; /* it is called again when that is done */
	n = write_packed(f, &why);
	if (n < 0)
		log_warning("definitions_not_saved", LOG_D("servers", g_hash_table_size(f->keep->unwritten)), LOG_S("error", why->message));
	else if (begin_pack(f))
		return; /* likewise */
	if (g_hash_table_size(f->keep->unwritten) > 0)
		plan_write(f, n < 0 ? WRITE_AGAIN_MS : 0);
}

static void plan_write(struct fleet *f, int64_t after_ms)
{
	if (!f->keep->writing)
		f->keep->writing = clock_after(after_ms, write_now, f);
}

/* ---- reading ---- */

struct question {
	struct fleet *fleet;
	char *host;
	char uuid[UTIL_UUID_LEN + 1];
	bool live;               /* it has no definition: how it runs */
};

static void ask_next(struct host *h);

/* Some file of it may be laid over another one, and the description of a guest that is off does not say so. */
static bool keeps_silent(const struct hv_dom *d)
{
	for (guint i = 0; i < d->disks->len; i++) {
		const struct hv_disk *k = g_ptr_array_index(d->disks, i);

		if (k->source && !k->backing)
			return d->state == HV_SHUTOFF;
	}
	return false;
}

/* Return: what is to be kept of the disks, owned; NULL: they are not told. */
static char *disks_of(struct fleet *f, const struct server *s)
{
	const struct unwritten *u = g_hash_table_lookup(f->keep->unwritten, s->uuid);
	g_autofree char *before = u ? g_strdup(u->disks) : NULL;
	g_autoptr(GPtrArray) was = NULL;
	struct hv_dom *d;
	char *text;

	if (!s->dom || s->dom->unreadable)
		return NULL;
	if (!keeps_silent(s->dom) || !s->keep_sum)
		return keep_disks_text(s->dom->disks);
	if (!u && !store_word(f->store, Q_DEFINITION_DISKS, STORE_ARGS(SV_S(s->uuid)), &before, NULL))
		return NULL; /* it is read again after the next event */
	was = before ? keep_disks_read(before, NULL) : NULL;
	d = hv_dom_copy(s->dom);
	if (was)
		keep_disks_recall(d->disks, was);
	text = keep_disks_text(d->disks);
	hv_dom_free(d);
	return text;
}

static void take(struct fleet *f, struct server *s, const char *xml, bool transient)
{
	g_autofree char *disks = disks_of(f, s);
	uint64_t sum = sum_of(xml, transient, disks);
	struct unwritten *u;
	bool enough; /* for a transaction */

	s->keep_seen = true;
	s->priority = s->dom ? s->dom->priority : s->priority; /* it is in the text, too */
	if (sum == s->keep_sum)
		return;
	u = g_new0(struct unwritten, 1);
	u->uuid = g_strdup(s->uuid);
	u->drops = strlen(xml) > KEEP_XML_MAX;
	if (u->drops) /* an older one in its place would be another guest */
		log_warning("definition_not_kept", LOG_S("server", s->uuid), LOG_S("reason", "it is too long"));
	else
		u->xml = g_strdup(xml);
	u->disks = g_steal_pointer(&disks);
	u->priority = s->priority;
	u->transient = transient;
	u->read_us = clock_wall_us();
	u->sum = s->keep_sum = sum;
	g_hash_table_replace(f->keep->unwritten, u->uuid, u);
	enough = g_hash_table_size(f->keep->unwritten) == WRITE_AT_ONCE;
	if (enough)
		clock_cancel(&f->keep->writing); /* as texts they need six times the memory */
	plan_write(f, enough ? 0 : WRITE_AFTER_MS);
}

static void ask(struct host *h, const char *uuid, bool live);

static void answered(struct hv_reply *r, void *user)
{
	struct question *q = user;
	struct host *h = fleet_host(q->fleet, q->host);
	struct server *s = fleet_server(q->fleet, q->uuid);
	const char *xml = q->live ? r->xml : r->definition;
	bool here = s && !r->err && !server_is_taken(s) && g_strcmp0(s->host, q->host) == 0;

	if (h)
		h->keep->busy = false;
	if (s && r->err)
		s->keep_seen = false; /* the next list asks again */
	if (here && xml) {
		take(q->fleet, s, xml, q->live);
		marker_want(h);
	}
	if (here && !xml && h && !q->live && s->dom && s->dom->state != HV_SHUTOFF)
		ask(h, q->uuid, true);
	if (h && !h->keep->busy)
		ask_next(h);
	g_free(q->host);
	g_free(q);
}

static void ask(struct host *h, const char *uuid, bool live)
{
	struct hv_req req = { .op = live ? HV_DOM_XML : HV_DOM_DEFINITION, .uuid = uuid };
	struct question *q = g_new0(struct question, 1);

	q->fleet = h->fleet;
	q->host = g_strdup(h->name);
	g_strlcpy(q->uuid, uuid, sizeof q->uuid);
	q->live = live;
	h->keep->busy = true;
	hv_call(h->hv, &req, answered, q);
}

static void ask_next(struct host *h)
{
	struct host_keep *k = h->keep;

	while (!k->busy && h->conn == HOST_UP && h->hv && !g_queue_is_empty(k->queue)) {
		g_autofree char *uuid = g_queue_pop_head(k->queue);
		struct server *s = fleet_server(h->fleet, uuid);

		if (!s || g_strcmp0(s->host, h->name) != 0)
			continue; /* it is in the queue of another one */
		s->keep_at = 0;
		/* One that has a task is wanted again when it has ended. */
		if (!server_is_taken(s) && !s->unknown && s->dom && !s->dom->unreadable)
			ask(h, uuid, false);
	}
}

static void step(void *user)
{
	struct host *h = user;

	h->keep->timer = NULL;
	ask_next(h);
}

static void wake(struct host *h, int64_t after_ms)
{
	if (h->conn == HOST_UP && !h->keep->busy && !h->keep->timer)
		h->keep->timer = clock_after(after_ms, step, h);
}

void keep_want(struct fleet *f, struct server *s)
{
	struct host *h = fleet_host(f, s->host);

	if (!h || server_is_taken(s) || s->keep_at == h->id)
		return;
	s->keep_at = h->id;
	g_queue_push_tail(h->keep->queue, g_strdup(s->uuid));
	wake(h, FIRST_MS);
}

void keep_want_first(struct fleet *f, struct server *s)
{
	if (!s->keep_seen)
		keep_want(f, s);
}

/* ---- hosts, and the fleet ---- */

void keep_host_up(struct host *h)
{
	wake(h, FIRST_MS);
}

void keep_host_down(struct host *h)
{
	GHashTableIter i;
	void *s;

	g_hash_table_iter_init(&i, h->servers);
	while (g_hash_table_iter_next(&i, &s, NULL))
		((struct server *)s)->keep_seen = false;
}

void keep_host_new(struct host *h)
{
	h->keep = g_new0(struct host_keep, 1);
	h->keep->queue = g_queue_new();
}

void keep_host_free(struct host *h)
{
	clock_cancel(&h->keep->timer);
	g_queue_free_full(h->keep->queue, g_free);
	g_clear_pointer(&h->keep, g_free);
}

void keep_free(struct fleet *f)
{
	clock_cancel(&f->keep->writing);
	if (f->keep->packing)
		f->keep->packing->fleet = NULL;
	g_hash_table_unref(f->keep->unwritten);
	g_clear_pointer(&f->keep, g_free);
}

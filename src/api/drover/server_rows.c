/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /drover/v1/servers: rows of servers as a table shows them, with the number of all that match, from any place on.
 *
 *	?offset=20000&limit=100&sort=-memory_mb&status=ACTIVE&host=h1&q=web&fields=name,status
 *
 * All servers are looked at, in pieces (slice.h). Of those that match so far the first offset + limit are kept as a heap whose top is the one
 * that comes last, by key and server.nth: copies, as a record may be gone by the next piece. The page is what lies on top at the end.
 */
#include <string.h>

#include "api/drover/drover.h"
#include "api/http/slice.h"
#include "api/http/view.h"
#include "fleet/fleet.h"
#include "task/engine.h"

#define OFFSET_MAX 10000000
#define TEXT_MAX 255
#define ROW_BYTES 320
#define HELD_MAX 1000000 /* entries of all such requests: 40 MB or so */
#define TEXTS_BLOCK 4096
#define SLICES 8 /* in a piece, of SLICE_SERVERS each: 3 ms where the offset is large. Each turn between two may cost more than a slice */

/* ---- columns ---- */

static void put_id(struct jout *o, const void *obj)
{
	jout_str(o, ((const struct server *)obj)->uuid);
}

static void put_status(struct jout *o, const void *obj)
{
	jout_str(o, server_status(obj));
}

static void put_vm(struct jout *o, const void *obj)
{
	jout_str(o, server_vm_name(((const struct server *)obj)->vm));
}

static void put_task(struct jout *o, const void *obj)
{
	jout_str(o, server_task_name(((const struct server *)obj)->task));
}

/* The one under way. */
static void put_migration(struct jout *o, const void *obj)
{
	const struct server *s = obj;
	const struct mig *m = engine_active_of(api_engine(o->ctx), s->uuid);

	if (!m || !m->kind->migration) {
		jout_null(o);
		return;
	}
	jout_open(o, '{');
	jout_kv(o, "id", int, m->id);
	jout_kv(o, "type", str, m->kind->type);
	jout_kv(o, "status", str, mig_status(m));
	jout_kv(o, "dest", str, m->dest);
	jout_kv(o, "percent", int, s->progress);
	jout_close(o, '}');
}

#define SERVER(member) offsetof(struct server, member)

static const struct column {
	struct json_field field;
	bool usual;   /* without ?fields= */
	bool admin;   /* it tells of hosts */
	bool sorts;   /* a text, or a number */
	bool text;
} columns[] = {
	{ { "id",           JSON_EMIT,    .emit = put_id }, true },
	{ { "name",         JSON_STR,     SERVER(name) }, true, .sorts = true, .text = true },
	{ { "status",       JSON_EMIT,    .emit = put_status }, true, .sorts = true, .text = true },
	{ { "host",         JSON_STR,     SERVER(host) }, true, .admin = true, .sorts = true, .text = true },
	{ { "vcpus",        JSON_INT,     SERVER(vcpus) }, true, .sorts = true },
	{ { "memory_mb",    JSON_INT64,   SERVER(memory_mb) }, true, .sorts = true },
	{ { "disk_gb",      JSON_INT64,   SERVER(disk_gb) }, true, .sorts = true },
	{ { "project_id",   JSON_STR,     SERVER(project_id) }, true, .sorts = true, .text = true },
	{ { "locked",       JSON_BOOL,    SERVER(locked) }, true },
	{ { "migration",    JSON_EMIT,    .emit = put_migration }, true, .admin = true },
	{ { "user_id",      JSON_STR,     SERVER(user_id) } },
	{ { "vm_state",     JSON_EMIT,    .emit = put_vm } },
	{ { "task_state",   JSON_EMIT,    .emit = put_task } },
	{ { "power_state",  JSON_INT,     SERVER(power) } },
	{ { "fault",        JSON_STR,     SERVER(fault) }, .admin = true },
	{ { "created_at",   JSON_TIME_US, SERVER(created_us) }, .sorts = true },
	{ { "updated_at",   JSON_TIME_US, SERVER(updated_us) }, .sorts = true },
	{ { "launched_at",  JSON_TIME_US, SERVER(launched_us) }, .sorts = true },
};

/* Of a column that sorts. Return: borrowed. */
static const char *text_of(const struct column *c, const struct server *s)
{
	const char *text = c->field.type == JSON_EMIT ? server_status(s) : *(char *const *)((const char *)s + c->field.offset);

	return text ? text : "";
}

static int64_t number_of(const struct column *c, const struct server *s)
{
	const char *at = (const char *)s + c->field.offset;

	return c->field.type == JSON_INT ? *(const int *)(const void *)at : *(const int64_t *)(const void *)at;
}

static const struct column *column_named(const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(columns); i++)
		if (strcmp(columns[i].field.name, name) == 0)
			return &columns[i];
	return NULL;
}

/* ---- what is asked ---- */

struct entry {
	const char *text; /* in rows.texts; NULL: the number is the key */
	int64_t number, nth;
};

struct rows {
	bool shown[G_N_ELEMENTS(columns)];
	const struct column *sort;
	bool down;
	char *q;               /* in small letters; NULL */
	const char *host, *project;
	bool by_status, states[SERVER_VM_N][SERVER_TASK_N];
	int64_t offset;
	int limit;
	int64_t seen;     /* server.nth of the last one that was looked at */
	guint total;
	GArray *heap;          /* struct entry; [0] comes last */
	GStringChunk *texts;
	bool full;             /* too many are held */
};

static size_t held; /* entries of all requests */

static bool only_admin(const struct api_req *r, const struct column *c, GError **err)
{
	if (!c->admin || r->auth->admin)
		return true;
	g_set_error(err, ERR, ERR_FORBIDDEN, "Only administrators may ask for %s.", c->field.name);
	return false;
}

static bool take_fields(const struct api_req *r, struct rows *w, GError **err)
{
	const char *text = api_query(r, "fields");
	g_auto(GStrv) words = text ? g_strsplit(text, ",", -1) : NULL;

	for (size_t i = 0; !words && i < G_N_ELEMENTS(columns); i++)
		w->shown[i] = columns[i].usual && (!columns[i].admin || r->auth->admin);
	for (char **word = words; word && *word; word++) {
		const struct column *c = column_named(*word);

		if (!c) {
			g_set_error(err, ERR, ERR_BAD_REQUEST, "Invalid input for query parameter fields: servers have no '%.60s'.", *word);
			return false;
		}
		if (!only_admin(r, c, err))
			return false;
		w->shown[c - columns] = true;
	}
	w->shown[0] = true; /* its id */
	return true;
}

static bool take_sort(const struct api_req *r, struct rows *w, GError **err)
{
	const char *text = api_query(r, "sort");

	w->down = text && *text == '-';
	w->sort = column_named(text ? text + w->down : "name");
	if (w->sort && w->sort->sorts)
		return only_admin(r, w->sort, err);
	g_set_error(err, ERR, ERR_BAD_REQUEST, "Invalid input for query parameter sort: servers are not sorted by '%.60s'.", text);
	return false;
}

/* As each pair of states that has this status. */
static bool take_status(struct rows *w, const char *status, GError **err)
{
	struct server s = { .task = SERVER_TASK_NONE };
	bool any = false;

	for (int vm = 0; vm < SERVER_VM_N; vm++)
		for (int task = 0; task < SERVER_TASK_N; task++) {
			s.vm = (enum server_vm)vm;
			s.task = (enum server_task)task;
			if (g_ascii_strcasecmp(server_status(&s), status) == 0)
				any = w->states[vm][task] = true;
		}
	w->by_status = true;
	if (!any)
		g_set_error(err, ERR, ERR_BAD_REQUEST, "Invalid input for query parameter status: there is no status '%.60s'.", status);
	return any;
}

static bool take_filters(const struct api_req *r, struct rows *w, GError **err)
{
	const char *q = api_query(r, "q");

	for (guint i = 0; i < r->query->len; i++) {
		const struct api_pair *p = g_ptr_array_index(r->query, i);

		if (strcmp(p->name, "status") == 0 && !take_status(w, p->value, err))
			return false;
	}
	if (q && strlen(q) > TEXT_MAX) {
		g_set_error(err, ERR, ERR_BAD_REQUEST, "Invalid input for query parameter q: it is longer than %d bytes.", TEXT_MAX);
		return false;
	}
	w->q = q && *q ? g_ascii_strdown(q, -1) : NULL;
	w->host = api_query(r, "host");
	w->project = api_query(r, "project_id");
	if (w->host && !only_admin(r, column_named("host"), err))
		return false;
	if (!w->project || r->auth->admin || g_strcmp0(w->project, r->auth->project_id) == 0)
		return true;
	g_set_error(err, ERR, ERR_FORBIDDEN, "Only administrators may ask for another project's servers.");
	return false;
}

static bool take_page(const struct api_req *r, struct rows *w, GError **err)
{
	const char *text = api_query(r, "offset");
	struct api_page page;

	if (text && !util_parse_int(text, 0, OFFSET_MAX, &w->offset)) {
		g_set_error(err, ERR, ERR_BAD_REQUEST, "Invalid input for query parameter offset: '%.60s' is no number from 0 to %d.", text, OFFSET_MAX);
		return false;
	}
	if (!api_page(r, &page, err))
		return false;
	w->limit = page.limit;
	return true;
}

/* ---- the heap ---- */

/* <0: a comes before b */
static int compare(const struct rows *w, const struct entry *a, const struct entry *b)
{
	int c = a->text ? strcmp(a->text, b->text) : (a->number > b->number) - (a->number < b->number);

	if (c != 0)
		return w->down ? -c : c;
	return (a->nth > b->nth) - (a->nth < b->nth);
}

static void sift_up(struct rows *w, struct entry *at, guint i)
{
	for (; i > 0 && compare(w, &at[i], &at[(i - 1) / 2]) > 0; i = (i - 1) / 2) {
		struct entry t = at[i];

		at[i] = at[(i - 1) / 2];
		at[(i - 1) / 2] = t;
	}
}

static void sift_down(struct rows *w, struct entry *at, guint n)
{
	for (guint i = 0, child; (child = 2 * i + 1) < n; i = child) {
		struct entry t = at[i];

		if (child + 1 < n && compare(w, &at[child + 1], &at[child]) > 0)
			child++;
		if (compare(w, &at[child], &at[i]) <= 0)
			return;
		at[i] = at[child];
		at[child] = t;
	}
}

static struct entry *heap_of(const struct rows *w)
{
	return (struct entry *)(void *)w->heap->data;
}

static struct entry entry_of(const struct rows *w, const struct server *s)
{
	if (w->sort->text)
		return (struct entry){ .text = text_of(w->sort, s), .nth = s->nth };
	return (struct entry){ .number = number_of(w->sort, s), .nth = s->nth };
}

/* Texts of entries that were pushed out stay until the end: of a random order a few times as many as are kept. */
static struct entry kept(struct rows *w, struct entry e)
{
	if (e.text)
		e.text = g_string_chunk_insert_const(w->texts, e.text);
	return e;
}

static void offer(struct rows *w, const struct server *s)
{
	struct entry e = entry_of(w, s);

	if (w->heap->len < w->offset + w->limit) {
		e = kept(w, e);
		g_array_append_val(w->heap, e);
		held++;
		sift_up(w, heap_of(w), w->heap->len - 1);
	} else if (compare(w, &e, heap_of(w)) < 0) {
		heap_of(w)[0] = kept(w, e);
		sift_down(w, heap_of(w), w->heap->len);
	}
	w->full |= held > HELD_MAX;
}

/* ---- a piece ---- */

/* @want: in small letters */
static bool has_text(const char *text, const char *want)
{
	for (; text && *text; text++) {
		size_t i = 0;

		while (want[i] && g_ascii_tolower(text[i]) == want[i])
			i++;
		if (!want[i])
			return true;
	}
	return false;
}

static bool matches(const struct api_req *r, const struct rows *w, const struct server *s)
{
	if (!view_sees(r, s) || (w->by_status && !w->states[s->vm][s->task]))
		return false;
	if ((w->host && g_strcmp0(w->host, s->host) != 0) || (w->project && g_strcmp0(w->project, s->project_id) != 0))
		return false;
	return !w->q || has_text(s->name, w->q) || g_str_has_prefix(s->uuid, w->q);
}

static void look(struct api_req *r, const struct server *s, void *user)
{
	struct rows *w = user;

	if (!matches(r, w, s))
		return;
	w->total++;
	if (w->limit > 0 && !w->full)
		offer(w, s);
}

/* The page: what comes last of all that are kept is on top. Return: server.nth of each, the last one first. */
static GArray *take_top(struct rows *w)
{
	GArray *nths = g_array_new(FALSE, FALSE, sizeof(int64_t));
	struct entry *at = heap_of(w);
	guint n = w->heap->len;

	while (n > w->offset) {
		g_array_append_val(nths, at[0].nth);
		at[0] = at[--n];
		sift_down(w, at, n);
	}
	return nths;
}

static void put_row(struct jout *o, const struct rows *w, const struct server *s)
{
	jout_open(o, '{');
	for (size_t i = 0; i < G_N_ELEMENTS(columns); i++)
		if (w->shown[i])
			jout_fields(o, &columns[i].field, 1, s);
	jout_close(o, '}');
}

static void reply(struct api_req *r, struct rows *w)
{
	g_autoptr(GArray) nths = take_top(w);
	struct jout o;

	view_open(&o, r, 128 + nths->len * ROW_BYTES);
	o.ctx = r;
	jout_kv(&o, "total", int, w->total);
	jout_kv(&o, "offset", int, w->offset);
	jout_kv(&o, "limit", int, w->limit);
	jout_key(&o, "servers");
	jout_open(&o, '[');
	for (guint i = nths->len; i-- > 0;) {
		const struct server *s = slice_server(r, g_array_index(nths, int64_t, i));

		if (s)
			put_row(&o, w, s);
	}
	jout_close(&o, ']');
	view_close(&o, r, 200);
}

static bool piece(struct api_req *r, void *user)
{
	struct rows *w = user;
	bool last = !api_wanted(r);

	for (int i = 0; i < SLICES && !last; i++)
		last = slice_servers(r, &w->seen, look, w) || w->full;

	if (w->full) {
		api_header(r, "Retry-After", "1");
		api_fail_new(r, ERR_UNAVAILABLE, "Too many long lists of servers are being made; ask again, or for an earlier page.");
	} else if (last) {
		reply(r, w);
	}
	return last;
}

/* ---- the call ---- */

static void rows_free(void *user)
{
	struct rows *w = user;

	held -= w->heap->len;
	g_array_unref(w->heap);
	g_string_chunk_free(w->texts);
	g_free(w->q);
	g_free(w);
}

static void list(struct api_req *r)
{
	static const char *const known[] = { "offset", "limit", "sort", "status", "host", "project_id", "q", "fields", NULL };
	struct rows *w = g_new0(struct rows, 1);
	GError *err = NULL;

	w->heap = g_array_new(FALSE, FALSE, sizeof(struct entry));
	w->texts = g_string_chunk_new(TEXTS_BLOCK);
	if (view_only_query(r, known, &err) && take_fields(r, w, &err) && take_sort(r, w, &err) && take_filters(r, w, &err) && take_page(r, w, &err)) {
		slice_run(r, piece, w, rows_free);
		return;
	}
	rows_free(w);
	api_fail(r, err);
}

static const struct route routes[] = {
	{ "GET", "/drover/v1/servers", "drover:servers:list", list },
};
const struct route_table server_rows_routes = { routes, G_N_ELEMENTS(routes) };

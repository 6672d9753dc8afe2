/* SPDX-License-Identifier: Apache-2.0
 *
 * hypervisors: /os-hypervisors. Every host is one hypervisor of the same name;
 * the names of hosts are the operator's, so that both always agree.
 */
#include <string.h>

#include "api/compute/compute.h"
#include "api/http/view.h"

static const struct api_req *request_of(const struct jout *o)
{
	return o->ctx;
}

static struct usage used(const struct jout *o, const void *obj)
{
	return view_used(request_of(o), obj);
}

/* ---- one emitter a member ---- */

static void put_uuid(struct jout *o, const void *obj)
{
	jout_str(o, ((const struct host *)obj)->uuid);
}

static void put_state(struct jout *o, const void *obj)
{
	jout_str(o, host_is_up(api_fleet(request_of(o)), obj) ? "up" : "down");
}

static void put_status(struct jout *o, const void *obj)
{
	jout_str(o, ((const struct host *)obj)->disabled ? "disabled" : "enabled");
}

static void put_ip(struct jout *o, const void *obj)
{
	g_autofree char *ip = view_host_ip(obj);

	jout_str(o, ip);
}

static void put_type(struct jout *o, const void *obj)
{
	const struct host *h = obj;

	jout_str(o, h->info && h->info->hv_type ? h->info->hv_type : "QEMU");
}

static void put_version(struct jout *o, const void *obj)
{
	const struct host *h = obj;

	jout_int(o, h->info ? h->info->hv_version : 0);
}

static void put_service(struct jout *o, const void *obj)
{
	const struct host *h = obj;

	jout_open(o, '{');
	if (o->mv >= 53)
		jout_kv(o, "id", str, h->uuid);
	else
		jout_kv(o, "id", int, VIEW_SERVICE_ID(h));
	jout_kv(o, "host", str, h->name);
	jout_kv(o, "disabled_reason", str, h->disabled_reason);
	jout_close(o, '}');
}

static void put_features(struct jout *o, char **features)
{
	jout_open(o, '[');
	for (; features && *features; features++)
		jout_str(o, *features);
	jout_close(o, ']');
}

static void put_cpu(struct jout *o, const void *obj)
{
	const struct hv_host_info *i = ((const struct host *)obj)->info;

	jout_open(o, '{');
	if (i) {
		jout_kv(o, "arch", str, i->arch);
		jout_kv(o, "model", str, i->cpu_model);
		jout_kv(o, "vendor", str, i->cpu_vendor);
		jout_key(o, "topology");
		jout_open(o, '{');
		jout_kv(o, "sockets", int, i->sockets);
		jout_kv(o, "cores", int, i->cores);
		jout_kv(o, "threads", int, i->threads);
		jout_close(o, '}');
		jout_key(o, "features");
		put_features(o, i->cpu_features);
	}
	jout_close(o, '}');
}

/* Up to 2.27 the object came as text. */
static void put_cpu_text(struct jout *o, const void *obj)
{
	g_autoptr(GString) text = g_string_new(NULL);
	struct jout inner;

	jout_init(&inner, text, o->mv);
	put_cpu(&inner, obj);
	jout_str(o, text->str);
}

static void put_vcpus(struct jout *o, const void *obj)
{
	jout_int(o, host_total(obj).vcpus);
}

static void put_vcpus_used(struct jout *o, const void *obj)
{
	jout_int(o, used(o, obj).vcpus);
}

static void put_memory(struct jout *o, const void *obj)
{
	jout_int(o, host_total(obj).memory_mb);
}

static void put_memory_used(struct jout *o, const void *obj)
{
	jout_int(o, used(o, obj).memory_mb);
}

/* A host that never answered has nothing, also nothing free. */
static void put_memory_free(struct jout *o, const void *obj)
{
	jout_int(o, ((const struct host *)obj)->info ? host_total(obj).memory_mb - used(o, obj).memory_mb : 0);
}

static void put_disk(struct jout *o, const void *obj)
{
	jout_int(o, host_total(obj).disk_gb);
}

static void put_disk_used(struct jout *o, const void *obj)
{
	jout_int(o, used(o, obj).disk_gb);
}

static void put_disk_free(struct jout *o, const void *obj)
{
	jout_int(o, ((const struct host *)obj)->info ? host_total(obj).disk_gb - used(o, obj).disk_gb : 0);
}

static int64_t disk_least(const struct host *h)
{
	return h->info ? h->info->disk_free_bytes / FLEET_UNIT_GIB : 0;
}

static void put_disk_least(struct jout *o, const void *obj)
{
	jout_int(o, disk_least(obj));
}

static void put_running(struct jout *o, const void *obj)
{
	jout_int(o, host_used(obj).servers);
}

static int workload(const struct host *h)
{
	GHashTableIter i;
	gpointer s;
	int n = 0;

	g_hash_table_iter_init(&i, h->servers);
	while (g_hash_table_iter_next(&i, &s, NULL))
		n += ((const struct server *)s)->task != SERVER_TASK_NONE;
	return n;
}

static void put_workload(struct jout *o, const void *obj)
{
	jout_int(o, workload(obj));
}

#define FIELD(member) offsetof(struct host, member)

static const struct json_field brief[] = {
	{ "id",                  JSON_INT64, FIELD(id), .until = 52 },
	{ "id",                  JSON_EMIT,  .emit = put_uuid, .since = 53 },
	{ "hypervisor_hostname", JSON_STR,   FIELD(name) },
	{ "state",               JSON_EMIT,  .emit = put_state },
	{ "status",              JSON_EMIT,  .emit = put_status },
};

static const struct json_field full[] = {
	{ "hypervisor_type",      JSON_EMIT,  .emit = put_type },
	{ "hypervisor_version",   JSON_EMIT,  .emit = put_version },
	{ "host_ip",              JSON_EMIT,  .emit = put_ip },
	{ "service",              JSON_EMIT,  .emit = put_service },
	{ "cpu_info",             JSON_EMIT,  .emit = put_cpu_text, .until = 27 },
	{ "cpu_info",             JSON_EMIT,  .emit = put_cpu, .since = 28, .until = 87 },
	{ "current_workload",     JSON_EMIT,  .emit = put_workload, .until = 87 },
	{ "disk_available_least", JSON_EMIT,  .emit = put_disk_least, .until = 87 },
	{ "free_disk_gb",         JSON_EMIT,  .emit = put_disk_free, .until = 87 },
	{ "free_ram_mb",          JSON_EMIT,  .emit = put_memory_free, .until = 87 },
	{ "local_gb",             JSON_EMIT,  .emit = put_disk, .until = 87 },
	{ "local_gb_used",        JSON_EMIT,  .emit = put_disk_used, .until = 87 },
	{ "memory_mb",            JSON_EMIT,  .emit = put_memory, .until = 87 },
	{ "memory_mb_used",       JSON_EMIT,  .emit = put_memory_used, .until = 87 },
	{ "running_vms",          JSON_EMIT,  .emit = put_running, .until = 87 },
	{ "vcpus",                JSON_EMIT,  .emit = put_vcpus, .until = 87 },
	{ "vcpus_used",           JSON_EMIT,  .emit = put_vcpus_used, .until = 87 },
	/* not known; the openstack client ends in a traceback at the null that Nova would give */
	{ "uptime",               JSON_CONST, .since = 88, .text = "\"\"" },
};

static int by_id(gconstpointer a, gconstpointer b)
{
	const struct server *x = *(const struct server *const *)a, *y = *(const struct server *const *)b;

	return (x->id > y->id) - (x->id < y->id);
}

static void put_servers(struct jout *o, const struct host *h)
{
	g_autoptr(GPtrArray) servers = view_keys(h->servers, by_id);

	if (servers->len == 0 && o->mv < 75)
		return;
	jout_key(o, "servers");
	jout_open(o, '[');
	for (guint i = 0; i < servers->len; i++) {
		const struct server *s = g_ptr_array_index(servers, i);

		jout_open(o, '{');
		jout_kv(o, "uuid", str, s->uuid);
		jout_kv(o, "name", str, s->libvirt_name);
		jout_close(o, '}');
	}
	jout_close(o, ']');
}

struct how {
	bool detail, servers;
};

static void put(struct jout *o, const struct api_req *r, const struct host *h, struct how how)
{
	o->ctx = r;
	jout_open(o, '{');
	jout_fields(o, brief, G_N_ELEMENTS(brief), h);
	if (how.detail)
		jout_fields(o, full, G_N_ELEMENTS(full), h);
	if (how.servers)
		put_servers(o, h);
	jout_close(o, '}');
}

/* ---- lists ---- */

struct ask {
	struct how how;
	struct api_page page;
	const char *pattern;
	int64_t after; /* id of the marker; 0 without */
};

static bool parse_marker(const struct api_req *r, struct ask *a, GError **err)
{
	const struct host *h;
	int64_t id = 0;

	if (!a->page.marker)
		return true;
	if (r->mv >= 53)
		h = fleet_host_by_uuid(api_fleet(r), a->page.marker);
	else
		h = util_parse_int(a->page.marker, 1, G_MAXINT64, &id) ? fleet_host_by_id(api_fleet(r), id) : NULL;
	if (!h) {
		g_set_error(err, ERR, ERR_BAD_REQUEST, "Marker %.60s could not be found.", a->page.marker);
		return false;
	}
	a->after = h->id;
	return true;
}

static bool parse(const struct api_req *r, struct ask *a, GError **err)
{
	static const char *const known[] = { "limit", "marker", "hypervisor_hostname_pattern", "with_servers", NULL };

	if (r->mv >= 75 && !view_only_query(r, known, err))
		return false;
	if (r->mv >= 33 && (!api_page(r, &a->page, err) || !parse_marker(r, a, err)))
		return false;
	if (r->mv < 53)
		return true;
	a->pattern = api_query(r, "hypervisor_hostname_pattern");
	if (a->pattern && (api_query(r, "limit") || a->page.marker)) {
		g_set_error(err, ERR, ERR_BAD_REQUEST,
			    "Paging over hypervisors with the hypervisor_hostname_pattern query parameter is not supported.");
		return false;
	}
	return api_query_bool(r, "with_servers", false, &a->how.servers, err);
}

static bool fits(const struct host *h, const char *pattern)
{
	g_autofree char *name = g_ascii_strdown(h->name, -1), *part = g_ascii_strdown(pattern, -1);

	return strstr(name, part) != NULL;
}

/* Return: GPtrArray of borrowed struct host *, owned. */
static GPtrArray *select_hosts(const struct api_req *r, const struct ask *a)
{
	GPtrArray *hosts = fleet_hosts(api_fleet(r)), *page = g_ptr_array_new();

	for (guint i = 0; i < hosts->len; i++) {
		struct host *h = g_ptr_array_index(hosts, i);

		if (page->len == (guint)a->page.limit)
			break;
		if (h->id > a->after && (!a->pattern || fits(h, a->pattern)))
			g_ptr_array_add(page, h);
	}
	return page;
}

static void reply(struct api_req *r, const struct ask *a, GPtrArray *page)
{
	struct jout o;

	view_open(&o, r, 128 + page->len * (a->how.detail ? 1024 : 128));
	jout_key(&o, "hypervisors");
	jout_open(&o, '[');
	for (guint i = 0; i < page->len; i++)
		put(&o, r, g_ptr_array_index(page, i), a->how);
	jout_close(&o, ']');
	if (r->mv >= 33 && !a->pattern && page->len > 0 && page->len == (guint)a->page.limit) {
		const struct host *last = g_ptr_array_index(page, page->len - 1);
		g_autofree char *id = g_strdup_printf("%" G_GINT64_FORMAT, last->id);

		api_next_link(&o, r, "hypervisors", r->mv >= 53 ? last->uuid : id);
	}
	view_close(&o, r, 200);
}

static void reply_matching(struct api_req *r, const struct ask *a)
{
	g_autoptr(GPtrArray) page = select_hosts(r, a);

	if (a->pattern && page->len == 0)
		api_fail_new(r, ERR_NOT_FOUND, "No hypervisor matching '%s' could be found.", a->pattern);
	else
		reply(r, a, page);
}

static void list(struct api_req *r, bool detail)
{
	struct ask a = { .how = { .detail = detail }, .page = { .limit = G_MAXINT } };
	GError *err = NULL;

	if (parse(r, &a, &err))
		reply_matching(r, &a);
	else
		api_fail(r, err);
}

static void list_brief(struct api_req *r)
{
	list(r, false);
}

static void list_full(struct api_req *r)
{
	list(r, true);
}

static void search(struct api_req *r)
{
	reply_matching(r, &(struct ask){ .pattern = r->param[0], .page = { .limit = G_MAXINT } });
}

static void search_servers(struct api_req *r)
{
	reply_matching(r, &(struct ask){ .pattern = r->param[0], .how = { .servers = true }, .page = { .limit = G_MAXINT } });
}

/* ---- one ---- */

/* Return: NULL after the request was answered. */
static struct host *find(struct api_req *r)
{
	struct host *h = NULL;
	int64_t id = 0;

	if (r->mv >= 53 && !util_uuid_valid(r->param[0])) {
		api_fail_new(r, ERR_BAD_REQUEST, "Invalid uuid %s", r->param[0]);
		return NULL;
	}
	if (r->mv >= 53)
		h = fleet_host_by_uuid(api_fleet(r), r->param[0]);
	else if (util_parse_int(r->param[0], 1, G_MAXINT64, &id))
		h = fleet_host_by_id(api_fleet(r), id);
	if (!h)
		api_fail_new(r, ERR_NOT_FOUND, "Hypervisor with ID '%s' could not be found.", r->param[0]);
	return h;
}

static void show(struct api_req *r)
{
	struct how how = { .detail = true };
	struct host *h = find(r);
	GError *err = NULL;
	struct jout o;

	if (!h)
		return;
	if (r->mv >= 53 && !api_query_bool(r, "with_servers", false, &how.servers, &err)) {
		api_fail(r, err);
		return;
	}
	view_open(&o, r, 1024);
	jout_key(&o, "hypervisor");
	put(&o, r, h, how);
	view_close(&o, r, 200);
}

/* libvirt does not tell a host's uptime, and Nova says so in these words. */
static void uptime(struct api_req *r)
{
	if (find(r))
		api_fail_new(r, ERR_HV_UNSUPPORTED, "The requested functionality is not supported.");
}

static void statistics(struct api_req *r)
{
	GPtrArray *hosts = fleet_hosts(api_fleet(r));
	struct usage total = { 0 }, taken = { 0 };
	int64_t least = 0, work = 0;
	struct jout o;

	for (guint i = 0; i < hosts->len; i++) {
		const struct host *h = g_ptr_array_index(hosts, i);
		struct usage t = host_total(h), u = view_used(r, h);

		total.vcpus += t.vcpus, total.memory_mb += t.memory_mb, total.disk_gb += t.disk_gb;
		taken.vcpus += u.vcpus, taken.memory_mb += u.memory_mb, taken.disk_gb += u.disk_gb, taken.servers += u.servers;
		least += disk_least(h);
		work += workload(h);
	}
	view_open(&o, r, 512);
	jout_key(&o, "hypervisor_statistics");
	jout_open(&o, '{');
	jout_kv(&o, "count", int, hosts->len);
	jout_kv(&o, "vcpus", int, total.vcpus);
	jout_kv(&o, "memory_mb", int, total.memory_mb);
	jout_kv(&o, "local_gb", int, total.disk_gb);
	jout_kv(&o, "vcpus_used", int, taken.vcpus);
	jout_kv(&o, "memory_mb_used", int, taken.memory_mb);
	jout_kv(&o, "local_gb_used", int, taken.disk_gb);
	jout_kv(&o, "free_ram_mb", int, total.memory_mb - taken.memory_mb);
	jout_kv(&o, "free_disk_gb", int, total.disk_gb - taken.disk_gb);
	jout_kv(&o, "disk_available_least", int, least);
	jout_kv(&o, "current_workload", int, work);
	jout_kv(&o, "running_vms", int, taken.servers);
	jout_close(&o, '}');
	view_close(&o, r, 200);
}

static const struct route routes[] = {
	{ "GET", "/v2.1/os-hypervisors",              "os_compute_api:os-hypervisors:list",        list_brief },
	{ "GET", "/v2.1/os-hypervisors/detail",       "os_compute_api:os-hypervisors:list-detail", list_full },
	{ "GET", "/v2.1/os-hypervisors/statistics",   "os_compute_api:os-hypervisors:statistics",  statistics, .until = 87 },
	{ "GET", "/v2.1/os-hypervisors/{id}",         "os_compute_api:os-hypervisors:show",        show },
	{ "GET", "/v2.1/os-hypervisors/{id}/search",  "os_compute_api:os-hypervisors:search",      search, .until = 52 },
	{ "GET", "/v2.1/os-hypervisors/{id}/servers", "os_compute_api:os-hypervisors:servers",     search_servers, .until = 52 },
	{ "GET", "/v2.1/os-hypervisors/{id}/uptime",  "os_compute_api:os-hypervisors:uptime",      uptime, .until = 87 },
};
const struct route_table hypervisors_routes = { routes, G_N_ELEMENTS(routes) };

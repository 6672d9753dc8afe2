/* SPDX-License-Identifier: Apache-2.0
 *
 * hosts: /os-hosts, which Nova removed with 2.43 and operators still use.
 */
#include <string.h>

#include "api/compute/compute.h"
#include "api/http/view.h"

static void put_host(struct jout *o, const char *name, const char *service, const char *zone)
{
	jout_open(o, '{');
	jout_kv(o, "host_name", str, name);
	jout_kv(o, "service", str, service);
	jout_kv(o, "zone", str, zone);
	jout_close(o, '}');
}

static void list(struct api_req *r)
{
	GPtrArray *hosts = fleet_hosts(api_fleet(r));
	const char *zone = api_query(r, "zone");
	struct jout o;

	view_open(&o, r, 256 + hosts->len * 80);
	jout_key(&o, "hosts");
	jout_open(&o, '[');
	if (!zone || strcmp(zone, "internal") == 0) {
		put_host(&o, g_get_host_name(), "conductor", "internal");
		put_host(&o, g_get_host_name(), "scheduler", "internal");
	}
	for (guint i = 0; i < hosts->len && (!zone || strcmp(zone, view_zone(r)) == 0); i++)
		put_host(&o, ((const struct host *)g_ptr_array_index(hosts, i))->name, "compute", view_zone(r));
	jout_close(&o, ']');
	view_close(&o, r, 200);
}

static void put_row(struct jout *o, const struct host *h, const char *project, struct usage u)
{
	jout_open(o, '{');
	jout_key(o, "resource");
	jout_open(o, '{');
	jout_kv(o, "host", str, h->name);
	jout_kv(o, "project", str, project);
	jout_kv(o, "cpu", int, u.vcpus);
	jout_kv(o, "memory_mb", int, u.memory_mb);
	jout_kv(o, "disk_gb", int, u.disk_gb);
	jout_close(o, '}');
	jout_close(o, '}');
}

static int by_name(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Return: project id -> struct usage *, owned. */
static GHashTable *by_project(const struct host *h)
{
	GHashTable *projects = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
	GHashTableIter i;
	gpointer key;

	g_hash_table_iter_init(&i, h->servers);
	while (g_hash_table_iter_next(&i, &key, NULL)) {
		const struct server *s = key;
		const char *project = s->project_id ? s->project_id : "";
		struct usage *u = g_hash_table_lookup(projects, project);

		if (!u) {
			u = g_new0(struct usage, 1);
			g_hash_table_insert(projects, (gpointer)project, u);
		}
		u->vcpus += s->vcpus;
		u->memory_mb += s->memory_mb;
		u->disk_gb += s->disk_gb;
	}
	return projects;
}

static void put_projects(struct jout *o, const struct host *h)
{
	g_autoptr(GHashTable) projects = by_project(h);
	g_autoptr(GPtrArray) names = view_keys(projects, by_name);

	for (guint i = 0; i < names->len; i++) {
		const char *name = g_ptr_array_index(names, i);

		put_row(o, h, name, *(const struct usage *)g_hash_table_lookup(projects, name));
	}
}

static void show(struct api_req *r)
{
	const struct host *h = fleet_host(api_fleet(r), r->param[0]);
	struct jout o;

	if (!h) {
		api_fail_new(r, ERR_NOT_FOUND, "Compute host %s could not be found.", r->param[0]);
		return;
	}
	view_open(&o, r, 1024);
	jout_key(&o, "host");
	jout_open(&o, '[');
	put_row(&o, h, "(total)", host_total(h));
	put_row(&o, h, "(used_now)", view_used(r, h));
	put_row(&o, h, "(used_max)", host_used(h));
	put_projects(&o, h);
	jout_close(&o, ']');
	view_close(&o, r, 200);
}

static const struct route routes[] = {
	{ "GET", "/v2.1/os-hosts",      "os_compute_api:os-hosts:list", list, .until = 42 },
	{ "GET", "/v2.1/os-hosts/{id}", "os_compute_api:os-hosts:show", show, .until = 42 },
};
const struct route_table hosts_routes = { routes, G_N_ELEMENTS(routes) };

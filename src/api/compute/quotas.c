/* SPDX-License-Identifier: Apache-2.0
 *
 * quotas: Compute's quota sets and classes, and Network's quotas.
 *
 * Nothing is limited but by the hosts' room, and no quota can be set: every limit
 * is -1, Nova's and Neutron's word for "unlimited". What is in use is counted.
 */
#include <string.h>

#include "api/compute/compute.h"
#include "api/http/view.h"
#include "identity/identity.h"

#define NETWORK_UNTIL 35 /* Nova's quotas of networks ended with its network proxies */
#define FILES_UNTIL 56   /* those of injected files with personality */

static int64_t cores(const struct usage *u)
{
	return u->vcpus;
}

static int64_t instances(const struct usage *u)
{
	return u->servers;
}

static int64_t ram(const struct usage *u)
{
	return u->memory_mb;
}

/* @until: of quota sets, and of classes unless @class_until; 0: no end. @in_use: NULL: none of it is kept here */
static const struct resource {
	const char *name;
	int until, class_since, class_until;
	int64_t (*in_use)(const struct usage *u);
} resources[] = {
	{ "cores",                       .in_use = cores },
	{ "fixed_ips",                   .until = NETWORK_UNTIL, .class_until = 49 },
	{ "floating_ips",                .until = NETWORK_UNTIL, .class_until = 49 },
	{ "injected_file_content_bytes", .until = FILES_UNTIL },
	{ "injected_file_path_bytes",    .until = FILES_UNTIL },
	{ "injected_files",              .until = FILES_UNTIL },
	{ "instances",                   .in_use = instances },
	{ "key_pairs" },
	{ "metadata_items" },
	{ "ram",                         .in_use = ram },
	{ "security_group_rules",        .until = NETWORK_UNTIL, .class_until = 49 },
	{ "security_groups",             .until = NETWORK_UNTIL, .class_until = 49 },
	{ "server_group_members",        .class_since = 50 },
	{ "server_groups",               .class_since = 50 },
};

static void put_detail(struct jout *o, int64_t in_use, const char *in_use_name)
{
	jout_open(o, '{');
	jout_kv(o, in_use_name, int, in_use);
	jout_kv(o, "limit", int, -1);
	jout_kv(o, "reserved", int, 0);
	jout_close(o, '}');
}

/* ---- Compute ---- */

/* @u: what is in use, for the detailed form; NULL: the limits alone */
static void reply_set(struct api_req *r, const char *project, const struct usage *u)
{
	struct jout o;

	view_open(&o, r, 1024);
	jout_key(&o, "quota_set");
	jout_open(&o, '{');
	jout_kv(&o, "id", str, project);
	for (size_t i = 0; i < G_N_ELEMENTS(resources); i++) {
		const struct resource *x = &resources[i];

		if (x->until && r->mv > x->until)
			continue;
		jout_key(&o, x->name);
		if (u)
			put_detail(&o, x->in_use ? x->in_use(u) : 0, "in_use");
		else
			jout_int(&o, -1);
	}
	jout_close(&o, '}');
	view_close(&o, r, 200);
}

/* The project of the path, if the caller may see its quotas. Return: NULL after the request was answered. */
static const char *project_of(struct api_req *r, const char *rule)
{
	static const char *const known[] = { "user_id", NULL };
	const char *project = r->param[0];
	GError *err = NULL;

	if (r->mv >= 75 && !view_only_query(r, known, &err)) {
		api_fail(r, err);
		return NULL;
	}
	if (rule && !r->auth->admin && g_strcmp0(project, r->auth->project_id) != 0) {
		api_fail_new(r, ERR_FORBIDDEN, "Policy doesn't allow os_compute_api:os-quota-sets:%s to be performed.", rule);
		return NULL;
	}
	if (!identity_has_project(api_identity(r), project)) {
		api_fail_new(r, ERR_BAD_REQUEST, "Project ID %s is not a valid project.", project);
		return NULL;
	}
	return project;
}

static void show(struct api_req *r)
{
	const char *project = project_of(r, "show");

	if (project)
		reply_set(r, project, NULL);
}

static void show_detail(struct api_req *r)
{
	const char *project = project_of(r, "detail");
	struct usage used;

	if (!project)
		return;
	used = view_project_usage(r, project, api_query(r, "user_id"));
	reply_set(r, project, &used);
}

/* The defaults are visible to every user. */
static void show_defaults(struct api_req *r)
{
	const char *project = project_of(r, NULL);

	if (project)
		reply_set(r, project, NULL);
}

static void show_class(struct api_req *r)
{
	struct jout o;

	view_open(&o, r, 512);
	jout_key(&o, "quota_class_set");
	jout_open(&o, '{');
	jout_kv(&o, "id", str, r->param[0]);
	for (size_t i = 0; i < G_N_ELEMENTS(resources); i++) {
		const struct resource *x = &resources[i];
		int until = x->class_until ? x->class_until : x->until;

		if (r->mv >= x->class_since && (!until || r->mv <= until))
			jout_kv(&o, x->name, int, -1);
	}
	jout_close(&o, '}');
	view_close(&o, r, 200);
}

/* ---- Network ---- */

static const char *const network_resources[] = {
	"floatingip", "network", "port", "rbac_policy", "router", "security_group", "security_group_rule", "subnet", "subnetpool",
};

/* Ports are the interfaces of the project's servers; networks are the hosts', no project's. */
static int64_t network_used(const struct api_req *r, const char *resource, const char *project)
{
	GPtrArray *servers = fleet_servers(api_fleet(r));
	int64_t n = 0;

	for (guint i = 0; strcmp(resource, "port") == 0 && i < servers->len; i++) {
		const struct server *s = g_ptr_array_index(servers, i);

		if (s->nics && g_strcmp0(s->project_id, project) == 0)
			n += s->nics->len;
	}
	return n;
}

static bool may_see_network(struct api_req *r)
{
	if (r->auth->admin || g_strcmp0(r->param[0], r->auth->project_id) == 0)
		return true;
	api_forbid(r, "get_quota");
	return false;
}

static void network_reply(struct api_req *r, bool detail)
{
	struct jout o;

	if (!may_see_network(r))
		return;
	view_open(&o, r, 512);
	jout_key(&o, "quota");
	jout_open(&o, '{');
	for (size_t i = 0; i < G_N_ELEMENTS(network_resources); i++) {
		jout_key(&o, network_resources[i]);
		if (detail)
			put_detail(&o, network_used(r, network_resources[i], r->param[0]), "used");
		else
			jout_int(&o, -1);
	}
	jout_close(&o, '}');
	view_close(&o, r, 200);
}

static void network_show(struct api_req *r)
{
	network_reply(r, false);
}

static void network_details(struct api_req *r)
{
	network_reply(r, true);
}

/* Quotas set explicitly: none. */
static void network_list(struct api_req *r)
{
	struct jout o;

	view_open(&o, r, 32);
	jout_kv(&o, "quotas", raw, "[]");
	view_close(&o, r, 200);
}

static const struct route routes[] = {
	{ "GET", "/v2.1/os-quota-sets/{project}",               "os_compute_api:os-quota-sets:show",       show },
	{ "GET", "/v2.1/os-quota-sets/{project}/defaults",      "os_compute_api:os-quota-sets:defaults",   show_defaults },
	{ "GET", "/v2.1/os-quota-sets/{project}/detail",        "os_compute_api:os-quota-sets:detail",     show_detail },
	{ "GET", "/v2.1/os-quota-class-sets/{class}",           "os_compute_api:os-quota-class-sets:show", show_class },
	{ "GET", "/network/v2.0/quotas",                        "get_quota",                               network_list },
	{ "GET", "/network/v2.0/quotas/{project}",              "get_project_quota",                       network_show },
	{ "GET", "/network/v2.0/quotas/{project}/default",      "get_project_quota",                       network_show },
	{ "GET", "/network/v2.0/quotas/{project}/details",      "get_project_quota",                       network_details },
	{ "GET", "/network/v2.0/quotas/{project}/details.json", "get_project_quota",                       network_details },
};
const struct route_table quotas_routes = { routes, G_N_ELEMENTS(routes) };

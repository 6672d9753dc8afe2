/* SPDX-License-Identifier: Apache-2.0
 *
 * limits: what clients ask on their way to something else: limits, zones, and
 * the collections that are empty here, because nothing of them is kept.
 */
#include <string.h>

#include "api/compute/compute.h"
#include "api/http/view.h"
#include "base/clock.h"

/* ---- /limits ---- */

/* Nothing is limited but by the hosts' room: -1 is Nova's word for that. */
#define FIELD(member) offsetof(struct usage, member)
#define UNLIMITED .text = "-1"
#define NONE .text = "0"

static const struct json_field absolute[] = {
	{ "maxTotalInstances",       JSON_CONST, UNLIMITED },
	{ "maxTotalCores",           JSON_CONST, UNLIMITED },
	{ "maxTotalRAMSize",         JSON_CONST, UNLIMITED },
	{ "maxServerMeta",           JSON_CONST, UNLIMITED },
	{ "maxTotalKeypairs",        JSON_CONST, UNLIMITED },
	{ "maxServerGroups",         JSON_CONST, UNLIMITED },
	{ "maxServerGroupMembers",   JSON_CONST, UNLIMITED },
	{ "maxImageMeta",            JSON_CONST, UNLIMITED, .until = 38 },
	{ "maxPersonality",          JSON_CONST, UNLIMITED, .until = 56 },
	{ "maxPersonalitySize",      JSON_CONST, UNLIMITED, .until = 56 },
	{ "maxSecurityGroups",       JSON_CONST, UNLIMITED, .until = 35 },
	{ "maxSecurityGroupRules",   JSON_CONST, UNLIMITED, .until = 35 },
	{ "maxTotalFloatingIps",     JSON_CONST, UNLIMITED, .until = 35 },
	{ "totalInstancesUsed",      JSON_INT,   FIELD(servers) },
	{ "totalCoresUsed",          JSON_INT,   FIELD(vcpus) },
	{ "totalRAMUsed",            JSON_INT64, FIELD(memory_mb) },
	{ "totalServerGroupsUsed",   JSON_CONST, NONE },
	{ "totalSecurityGroupsUsed", JSON_CONST, NONE, .until = 35 },
	{ "totalFloatingIpsUsed",    JSON_CONST, NONE, .until = 35 },
};

static void limits(struct api_req *r)
{
	static const char *const known[] = { "reserved", "tenant_id", NULL };
	const char *project = api_query(r, "tenant_id");
	GError *err = NULL;
	struct usage used;
	struct jout o;

	if (r->mv >= 75 && !view_only_query(r, known, &err)) {
		api_fail(r, err);
		return;
	}
	if (project && !r->auth->admin) {
		api_forbid(r, "os_compute_api:limits:other_project");
		return;
	}
	used = view_project_usage(r, project ? project : r->auth->project_id, NULL);
	view_open(&o, r, 600);
	jout_key(&o, "limits");
	jout_open(&o, '{');
	jout_kv(&o, "rate", raw, "[]");
	jout_key(&o, "absolute");
	jout_object(&o, absolute, G_N_ELEMENTS(absolute), &used);
	jout_close(&o, '}');
	view_close(&o, r, 200);
}

/* ---- /os-availability-zone ---- */

static bool any_enabled(GPtrArray *hosts)
{
	for (guint i = 0; i < hosts->len; i++)
		if (!((const struct host *)g_ptr_array_index(hosts, i))->disabled)
			return true;
	return false;
}

static void put_service(struct jout *o, const char *binary, bool active, bool available, int64_t updated_us)
{
	jout_key(o, binary);
	jout_open(o, '{');
	jout_kv(o, "active", bool, active);
	jout_kv(o, "available", bool, available);
	jout_kv(o, "updated_at", time_us, updated_us);
	jout_close(o, '}');
}

static void open_zone(struct jout *o, const char *name, bool available)
{
	jout_open(o, '{');
	jout_kv(o, "zoneName", str, name);
	jout_key(o, "zoneState");
	jout_open(o, '{');
	jout_kv(o, "available", bool, available);
	jout_close(o, '}');
	jout_key(o, "hosts");
}

static void put_internal(struct jout *o)
{
	open_zone(o, "internal", true);
	jout_open(o, '{');
	jout_key(o, g_get_host_name());
	jout_open(o, '{');
	put_service(o, "nova-conductor", true, true, clock_wall_us());
	put_service(o, "nova-scheduler", true, true, clock_wall_us());
	jout_close(o, '}');
	jout_close(o, '}');
	jout_close(o, '}');
}

static void put_hosts(struct jout *o, const struct api_req *r, GPtrArray *hosts)
{
	jout_open(o, '{');
	for (guint i = 0; i < hosts->len; i++) {
		const struct host *h = g_ptr_array_index(hosts, i);

		jout_key(o, h->name);
		jout_open(o, '{');
		put_service(o, "nova-compute", !h->disabled, host_is_up(api_fleet(r), h), h->last_seen_us);
		jout_close(o, '}');
	}
	jout_close(o, '}');
}

static void zones(struct api_req *r, bool detail)
{
	GPtrArray *hosts = fleet_hosts(api_fleet(r));
	struct jout o;

	view_open(&o, r, 256 + hosts->len * (detail ? 128 : 0));
	jout_key(&o, "availabilityZoneInfo");
	jout_open(&o, '[');
	if (detail)
		put_internal(&o);
	if (hosts->len > 0) {
		open_zone(&o, view_zone(r), any_enabled(hosts));
		if (detail)
			put_hosts(&o, r, hosts);
		else
			jout_null(&o);
		jout_close(&o, '}');
	}
	jout_close(&o, ']');
	view_close(&o, r, 200);
}

static void zones_brief(struct api_req *r)
{
	zones(r, false);
}

static void zones_full(struct api_req *r)
{
	zones(r, true);
}

/* ---- empty collections ---- */

#define PROXIES_UNTIL 35 /* Nova's MAX_PROXY_API_SUPPORT_VERSION: what belongs to Neutron is absent from then on */

/* @segment: the path's; @before, @after: what the absence of one is told by */
static const struct collection {
	const char *segment;
	bool of_server;
	const char *member, *value, *before, *after;
} collections[] = {
	{ "extensions",            false, "extensions",        "[]", "Extension ",         " could not be found." },
	{ "os-aggregates",         false, "aggregates",        "[]", "Aggregate ",         " could not be found." },
	{ "os-keypairs",           false, "keypairs",          "[]", "Keypair ",           " not found" },
	{ "os-server-groups",      false, "server_groups",     "[]", "Instance group ",    " could not be found." },
	{ "metadata",              true,  "metadata",          "{}", "Metadata item ",     " was not found" },
	{ "tags",                  true,  "tags",              "[]", "Server has no tag ", "" },
	{ "os-volume_attachments", true,  "volumeAttachments", "[]", "volume_id not found: ", "" },
	{ "os-security-groups",    true,  "security_groups",   "[]", "Security group ",    " not found" },
	{ "os-security-groups",    false, "security_groups",   "[]", "Security group ",    " not found." },
};

/* The row that the path's last segment but @up names. Return: NULL after the request was answered. */
static const struct collection *collection_of(struct api_req *r, int up)
{
	g_autofree char *path = g_strdup(r->path);
	bool of_server = strstr(path, "/servers/") != NULL;

	while (up--)
		*strrchr(path, '/') = '\0';
	for (size_t i = 0; i < G_N_ELEMENTS(collections); i++) {
		if (collections[i].of_server != of_server || strcmp(collections[i].segment, strrchr(path, '/') + 1) != 0)
			continue;
		return !collections[i].of_server || view_server(r, r->param[0]) ? &collections[i] : NULL;
	}
	g_assert_not_reached();
}

static void empty(struct api_req *r)
{
	const struct collection *c = collection_of(r, 0);
	struct jout o;

	if (!c)
		return;
	view_open(&o, r, 64);
	jout_kv(&o, c->member, raw, c->value);
	view_close(&o, r, 200);
}

static void absent(struct api_req *r)
{
	const struct collection *c = collection_of(r, 1);

	if (c)
		api_fail_new(r, ERR_NOT_FOUND, "%s%s%s", c->before, r->param[c->of_server ? 1 : 0], c->after);
}

/* Nova's answer for a server without a NUMA topology. */
static void topology(struct api_req *r)
{
	struct jout o;

	if (!view_server(r, r->param[0]))
		return;
	view_open(&o, r, 64);
	jout_kv(&o, "nodes", raw, "[]");
	jout_kv(&o, "pagesize_kb", raw, "null");
	view_close(&o, r, 200);
}

static const struct route routes[] = {
	{ "GET", "/v2.1/limits",                                 "os_compute_api:limits",                       limits },
	{ "GET", "/v2.1/os-availability-zone",                   "os_compute_api:os-availability-zone:list",    zones_brief },
	{ "GET", "/v2.1/os-availability-zone/detail",            "os_compute_api:os-availability-zone:detail",  zones_full },
	{ "GET", "/v2.1/extensions",                             "os_compute_api:extensions",                   empty },
	{ "GET", "/v2.1/extensions/{alias}",                     "os_compute_api:extensions",                   absent },
	{ "GET", "/v2.1/os-aggregates",                          "os_compute_api:os-aggregates:index",          empty },
	{ "GET", "/v2.1/os-aggregates/{id}",                     "os_compute_api:os-aggregates:show",           absent },
	{ "GET", "/v2.1/os-keypairs",                            "os_compute_api:os-keypairs:index",            empty },
	{ "GET", "/v2.1/os-keypairs/{id}",                       "os_compute_api:os-keypairs:show",             absent },
	{ "GET", "/v2.1/os-server-groups",                       "os_compute_api:os-server-groups:index",       empty },
	{ "GET", "/v2.1/os-server-groups/{id}",                  "os_compute_api:os-server-groups:show",        absent },
	{ "GET", "/v2.1/os-security-groups",                     "os_compute_api:os-security-groups:get",       empty, .until = PROXIES_UNTIL },
	{ "GET", "/v2.1/os-security-groups/{id}",                "os_compute_api:os-security-groups:show",      absent, .until = PROXIES_UNTIL },
	{ "GET", "/v2.1/servers/{id}/metadata",                  "os_compute_api:server-metadata:index",        empty },
	{ "GET", "/v2.1/servers/{id}/metadata/{k}",              "os_compute_api:server-metadata:show",         absent },
	{ "GET", "/v2.1/servers/{id}/tags",                      "os_compute_api:os-server-tags:index",         empty, .since = 26 },
	{ "GET", "/v2.1/servers/{id}/tags/{t}",                  "os_compute_api:os-server-tags:show",          absent, .since = 26 },
	{ "GET", "/v2.1/servers/{id}/topology",                  "compute:server:topology:index",               topology, .since = 78 },
	{ "GET", "/v2.1/servers/{id}/os-security-groups",        "os_compute_api:os-security-groups:list",      empty },
	{ "GET", "/v2.1/servers/{id}/os-volume_attachments",     "os_compute_api:os-volumes-attachments:index", empty },
	{ "GET", "/v2.1/servers/{id}/os-volume_attachments/{v}", "os_compute_api:os-volumes-attachments:show",  absent },
};
const struct route_table limits_routes = { routes, G_N_ELEMENTS(routes) };

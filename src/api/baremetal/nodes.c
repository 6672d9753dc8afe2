/* SPDX-License-Identifier: Apache-2.0
 *
 * nodes: Bare Metal's nodes: the hosts that have a fence agent, and whether they are on.
 *
 * What operators look at before they evacuate a host ("openstack baremetal node show HOST"), and what they switch it by. A node's
 * power_state is asked of its agent when the node is shown; a list has what was last known, as each agent takes its time.
 */
#include "api/baremetal/nodes.h"

#include <string.h>

#include "api/http/view.h"
#include "fence/fence.h"

struct node {
	struct host *host;
	const char *agent, *power;
};

static const char *power_word(enum agent_power p)
{
	static const char *const words[] = { [AGENT_POWER_UNKNOWN] = NULL, [AGENT_POWER_ON] = "power on", [AGENT_POWER_OFF] = "power off" };

	return words[p];
}

static const struct api_req *request_of(const struct jout *o)
{
	return o->ctx;
}

static void put_uuid(struct jout *o, const void *obj)
{
	jout_str(o, ((const struct node *)obj)->host->uuid);
}

static void put_name(struct jout *o, const void *obj)
{
	jout_str(o, ((const struct node *)obj)->host->name);
}

static void put_null(struct jout *o, const void *obj)
{
	(void)obj;
	jout_null(o);
}

static void put_target(struct jout *o, const void *obj)
{
	jout_str(o, power_word(fence_target(api_fences(request_of(o)), ((const struct node *)obj)->host)));
}

/* It holds servers, or could. */
static void put_provision(struct jout *o, const void *obj)
{
	(void)obj;
	jout_str(o, "active");
}

static void put_maintenance(struct jout *o, const void *obj)
{
	jout_bool(o, ((const struct node *)obj)->host->disabled);
}

static void put_maintenance_reason(struct jout *o, const void *obj)
{
	jout_str(o, ((const struct node *)obj)->host->disabled_reason);
}

/* Of a host that was fenced it is why. */
static void put_last_error(struct jout *o, const void *obj)
{
	const struct host *h = ((const struct node *)obj)->host;

	jout_str(o, h->fence.fenced_us || h->fence.fencing ? NULL : h->fence.reason);
}

static void put_created(struct jout *o, const void *obj)
{
	jout_time_us(o, ((const struct node *)obj)->host->created_us);
}

static void put_links(struct jout *o, const void *obj)
{
	g_autofree char *href = g_strdup_printf("%s/baremetal/v1/nodes/%s", request_of(o)->base_url, ((const struct node *)obj)->host->uuid);

	jout_open(o, '[');
	jout_open(o, '{');
	jout_kv(o, "href", str, href);
	jout_kv(o, "rel", str, "self");
	jout_close(o, '}');
	jout_close(o, ']');
}

#define NODE(member) offsetof(struct node, member)

/* The first five are those of a list without detail. */
static const struct json_field fields[] = {
	{ "uuid",               JSON_EMIT, .emit = put_uuid },
	{ "name",               JSON_EMIT, .emit = put_name },
	{ "instance_uuid",      JSON_EMIT, .emit = put_null },
	{ "power_state",        JSON_STR,  NODE(power) },
	{ "provision_state",    JSON_EMIT, .emit = put_provision },
	{ "maintenance",        JSON_EMIT, .emit = put_maintenance },
	{ "links",              JSON_EMIT, .emit = put_links },
	{ "target_power_state", JSON_EMIT, .emit = put_target },
	{ "maintenance_reason", JSON_EMIT, .emit = put_maintenance_reason },
	{ "last_error",         JSON_EMIT, .emit = put_last_error },
	{ "driver",             JSON_STR,  NODE(agent) },
	{ "created_at",         JSON_EMIT, .emit = put_created },
};
#define BRIEF 7

/* fields=power_state,name: those alone. */
static void put_node(struct jout *o, const struct api_req *r, const struct node *n, size_t most)
{
	const char *asked = api_query(r, "fields");
	g_auto(GStrv) names = asked ? g_strsplit(asked, ",", -1) : NULL;

	jout_open(o, '{');
	for (size_t i = 0; i < (asked ? G_N_ELEMENTS(fields) : most); i++)
		if (!asked || g_strv_contains((const char *const *)names, fields[i].name))
			jout_fields(o, &fields[i], 1, n);
	jout_close(o, '}');
}

/* Return: false: it has no agent, and is no node. */
static bool node_of(const struct api_req *r, struct host *h, struct node *ret)
{
	*ret = (struct node){ .host = h, .agent = fence_agent_of(api_fences(r), h), .power = power_word(fence_power(api_fences(r), h)) };
	return ret->agent != NULL;
}

static void list(struct api_req *r, size_t most)
{
	GPtrArray *hosts = fleet_hosts(api_fleet(r));
	struct node n;
	struct jout o;

	view_open(&o, r, 64 + hosts->len * 512);
	o.ctx = r;
	jout_key(&o, "nodes");
	jout_open(&o, '[');
	for (guint i = 0; i < hosts->len; i++)
		if (node_of(r, g_ptr_array_index(hosts, i), &n))
			put_node(&o, r, &n, most);
	jout_close(&o, ']');
	view_close(&o, r, 200);
}

static void list_brief(struct api_req *r)
{
	list(r, BRIEF);
}

static void list_detail(struct api_req *r)
{
	list(r, G_N_ELEMENTS(fields));
}

/* By name or by uuid. Return: false after the request was answered with 404. */
static bool find_node(struct api_req *r, struct node *ret)
{
	struct host *h = fleet_host_called(api_fleet(r), r->param[0]);

	if (h && node_of(r, h, ret))
		return true;
	api_fail_new(r, ERR_NOT_FOUND, "Node %s could not be found.", r->param[0]);
	return false;
}

/* Whatever the agent said, what is known now is shown: fence_power() has it. */
static void put_asked(const struct agent_answer *a, void *user)
{
	struct api_req *r = user;
	struct node n;
	struct jout o;

	(void)a;
	if (!find_node(r, &n))
		return;
	jout_init(&o, g_string_sized_new(512), r->mv);
	o.ctx = r;
	put_node(&o, r, &n, G_N_ELEMENTS(fields));
	api_reply_json(r, 200, o.s);
}

static void show(struct api_req *r)
{
	GError *err = NULL;
	struct node n;

	if (find_node(r, &n) && !fence_status(api_fences(r), n.host, put_asked, r, &err))
		api_fail(r, err);
}

/* ---- its power ---- */

struct target {
	char *word;
	int timeout;
};

static const struct json_field target_fields[] = {
	{ "target",  JSON_STR, offsetof(struct target, word), .required = true, .min = 1, .max = 32 },
	{ "timeout", JSON_INT, offsetof(struct target, timeout), .nullable = true, .min = 1, .max = 86400 },
};
static const struct api_body target_body = { .fields = target_fields, .n = G_N_ELEMENTS(target_fields) };

static bool off(struct fences *fs, struct host *h, GError **err)
{
	return fence_off(fs, h, "Bare Metal: power off", err);
}

static bool cycle(struct fences *fs, struct host *h, GError **err)
{
	return fence_cycle(fs, h, "Bare Metal: reboot", err);
}

static bool set_power(const struct api_req *r, struct host *h, const char *word, GError **err)
{
	static const struct {
		const char *word;
		bool (*act)(struct fences *fs, struct host *h, GError **err);
	} acts[] = { { "power off", off }, { "power on", fence_on }, { "rebooting", cycle } };

	for (size_t i = 0; i < G_N_ELEMENTS(acts); i++)
		if (strcmp(acts[i].word, word) == 0)
			return acts[i].act(api_fences(r), h, err);
	g_set_error(err, ERR, ERR_BAD_REQUEST, "Power state '%.32s' is not supported: a fence agent switches off without asking the host. "
		    "Use 'power off', 'power on' or 'rebooting'.", word);
	return false;
}

static void change_power(struct api_req *r)
{
	struct target t = { 0 };
	GError *err = NULL;
	struct node n;

	if (!api_decode(r, &t, &err))
		api_fail(r, err);
	else if (find_node(r, &n)) {
		if (set_power(r, n.host, t.word, &err))
			api_reply_empty(r, 202);
		else
			api_fail(r, err);
	}
	json_free(target_fields, G_N_ELEMENTS(target_fields), &t);
}

/* ---- versions ---- */

static void put_version(struct jout *o, const struct api_req *r)
{
	g_autofree char *href = g_strconcat(r->base_url, "/baremetal/v1/", NULL);

	jout_open(o, '{');
	jout_kv(o, "id", str, "v1");
	jout_kv(o, "status", str, "CURRENT");
	jout_kv(o, "min_version", str, "1.1");
	jout_kv(o, "version", str, "1.78");
	jout_key(o, "links");
	jout_open(o, '[');
	jout_open(o, '{');
	jout_kv(o, "href", str, href);
	jout_kv(o, "rel", str, "self");
	jout_close(o, '}');
	jout_close(o, ']');
	jout_close(o, '}');
}

static void versions(struct api_req *r)
{
	struct jout o;

	view_open(&o, r, 256);
	jout_kv(&o, "name", str, "OpenStack Ironic API");
	jout_key(&o, "default_version");
	put_version(&o, r);
	jout_key(&o, "versions");
	jout_open(&o, '[');
	put_version(&o, r);
	jout_close(&o, ']');
	view_close(&o, r, 200);
}

static void version(struct api_req *r)
{
	struct jout o;

	view_open(&o, r, 256);
	jout_kv(&o, "id", str, "v1");
	jout_key(&o, "version");
	put_version(&o, r);
	view_close(&o, r, 200);
}

static const struct route routes[] = {
	{ "GET", "/baremetal",                            "drover:versions",               versions },
	{ "GET", "/baremetal/v1",                         "drover:versions",               version },
	{ "GET", "/baremetal/v1/nodes",                   "baremetal:node:list",           list_brief },
	{ "GET", "/baremetal/v1/nodes/detail",            "baremetal:node:list",           list_detail },
	{ "GET", "/baremetal/v1/nodes/{id}",              "baremetal:node:get",            show },
	{ "PUT", "/baremetal/v1/nodes/{id}/states/power", "baremetal:node:set_power_state", change_power, .body = &target_body },
};
const struct route_table nodes_routes = { routes, G_N_ELEMENTS(routes) };

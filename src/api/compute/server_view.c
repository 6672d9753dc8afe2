/* SPDX-License-Identifier: Apache-2.0 */
#include "api/compute/server_view.h"

#include <string.h>

#include "api/network/port.h"
#include "fleet/flavor.h"

void server_view_init(struct server_view *v, const struct api_req *r, bool show)
{
	*v = (struct server_view){
		.r = r,
		.show = show,
		.self = view_prefix(r, "/v2.1", "servers"),
		.bookmark = view_prefix(r, "", "servers"),
		.flavor = view_prefix(r, "", "flavors"),
	};
}

void server_view_clear(struct server_view *v)
{
	g_clear_pointer(&v->self, g_free);
	g_clear_pointer(&v->bookmark, g_free);
	g_clear_pointer(&v->flavor, g_free);
}

/* The view, back from where the field tables carry it. */
static struct server_view *view_of(const struct jout *o)
{
	return (struct server_view *)o->ctx;
}

static struct host *host_of(const struct jout *o, const struct server *s)
{
	return s->host ? fleet_host(api_fleet(view_of(o)->r), s->host) : NULL;
}

/* ---- one emitter a member that is no plain field of the record ---- */

static void put_id(struct jout *o, const void *obj)
{
	jout_str(o, ((const struct server *)obj)->uuid);
}

static void put_status(struct jout *o, const void *obj)
{
	jout_str(o, server_status(obj));
}

/* Hot: one piece of text instead of nine members. */
static void put_links(struct jout *o, const void *obj)
{
	const struct server_view *v = view_of(o);
	const struct server *s = obj;

	jout_raw(o, "[{\"rel\":\"self\",\"href\":\"");
	g_string_append(o->s, v->self);
	g_string_append_len(o->s, s->uuid, UTIL_UUID_LEN);
	g_string_append(o->s, "\"},{\"rel\":\"bookmark\",\"href\":\"");
	g_string_append(o->s, v->bookmark);
	g_string_append_len(o->s, s->uuid, UTIL_UUID_LEN);
	g_string_append(o->s, "\"}]");
}

static bool same(const char *a, const char *b)
{
	return a == b || g_strcmp0(a, b) == 0;
}

static void put_host_id(struct jout *o, const void *obj)
{
	const struct server *s = obj;
	struct server_view_id *e;

	if (!s->host) {
		jout_str(o, "");
		return;
	}
	e = &view_of(o)->ids[(g_str_hash(s->host) + (s->project_id ? g_str_hash(s->project_id) : 0)) % SERVER_VIEW_CACHE];
	if (!e->host || !same(e->host, s->host) || !same(e->project_id, s->project_id)) {
		view_host_id(e->hex, s->project_id, s->host);
		e->host = s->host;
		e->project_id = s->project_id;
	}
	jout_str(o, e->hex);
}

static void put_flavor_link(struct jout *o, const void *obj)
{
	struct flavor f;

	flavor_of(&f, obj);
	jout_open(o, '{');
	jout_kv(o, "id", str, f.id);
	jout_key(o, "links");
	jout_raw(o, "[{\"rel\":\"bookmark\",\"href\":\"");
	g_string_append(o->s, view_of(o)->flavor);
	g_string_append(o->s, f.id);
	g_string_append(o->s, "\"}]");
	jout_close(o, '}');
}

static void put_flavor_inside(struct jout *o, const void *obj)
{
	struct flavor f;

	flavor_of(&f, obj);
	jout_open(o, '{');
	jout_kv(o, "vcpus", int, f.vcpus);
	jout_kv(o, "ram", int, f.memory_mb);
	jout_kv(o, "disk", int, f.disk_gb);
	jout_kv(o, "ephemeral", int, 0);
	jout_kv(o, "swap", int, 0);
	jout_kv(o, "original_name", str, f.id);
	jout_kv(o, "extra_specs", raw, "{}");
	jout_close(o, '}');
}

static void put_zone(struct jout *o, const void *obj)
{
	jout_str(o, ((const struct server *)obj)->host ? view_zone(view_of(o)->r) : "");
}

static void put_vm(struct jout *o, const void *obj)
{
	jout_str(o, server_vm_name(((const struct server *)obj)->vm));
}

static void put_task(struct jout *o, const void *obj)
{
	jout_str(o, server_task_name(((const struct server *)obj)->task));
}

/* Nova's words for a server's host: what its service is, or "" without one. */
static void put_host_status(struct jout *o, const void *obj)
{
	const struct host *h = host_of(o, obj);

	if (!h)
		jout_str(o, "");
	else if (h->forced_down)
		jout_str(o, "DOWN");
	else if (h->disabled)
		jout_str(o, "MAINTENANCE");
	else
		jout_str(o, host_is_up(api_fleet(view_of(o)->r), h) ? "UP" : "UNKNOWN");
}

/* A host name made of the server's name, as Nova makes one. */
static void put_hostname(struct jout *o, const void *obj)
{
	const char *name = ((const struct server *)obj)->name;
	char out[64];
	size_t n = 0;

	for (; name && *name && n < sizeof out - 1; name++) {
		if (*name == ' ' || *name == '_' || *name == '.')
			out[n++] = '-';
		else if (g_ascii_isalnum(*name) || *name == '-')
			out[n++] = g_ascii_tolower(*name);
		if (n == 1 && out[0] == '-')
			n = 0;
	}
	while (n && out[n - 1] == '-')
		n--;
	out[n] = '\0';
	if (n == 0)
		g_snprintf(out, sizeof out, "server-%s", ((const struct server *)obj)->uuid);
	jout_str(o, out);
}

static void put_root_device(struct jout *o, const void *obj)
{
	const struct server *s = obj;
	char device[40];

	for (guint i = 0; s->dom && s->dom->disks && i < s->dom->disks->len; i++) {
		const struct hv_disk *d = g_ptr_array_index(s->dom->disks, i);

		if (d->cdrom || !d->target)
			continue;
		g_snprintf(device, sizeof device, "/dev/%s", d->target);
		jout_str(o, device);
		return;
	}
	jout_null(o);
}

static void put_addresses(struct jout *o, const void *obj)
{
	port_put_addresses(o, obj, true);
}

#define FIELD(member) offsetof(struct server, member)
#define ADMIN(name) "OS-EXT-SRV-ATTR:" name

/*
 * Names, and the microversion at which each one begins, are those of Nova's API
 * reference. What an adopted server has not
 * (image, key, metadata, tags) has the value that Nova gives to a
 * server without it.
 */
static const struct json_field everyone[] = {
	{ "id",                          JSON_EMIT,    .emit = put_id },
	{ "name",                        JSON_STR,     FIELD(name) },
	{ "status",                      JSON_EMIT,    .emit = put_status },
	{ "tenant_id",                   JSON_STR,     FIELD(project_id) },
	{ "user_id",                     JSON_STR,     FIELD(user_id) },
	{ "metadata",                    JSON_CONST,   .text = "{}" },
	{ "hostId",                      JSON_EMIT,    .emit = put_host_id },
	{ "image",                       JSON_CONST,   .text = "\"\"" },
	{ "flavor",                      JSON_EMIT,    .emit = put_flavor_link, .until = 46 },
	{ "flavor",                      JSON_EMIT,    .emit = put_flavor_inside, .since = 47 },
	{ "created",                     JSON_TIME_Z,  FIELD(created_us) },
	{ "updated",                     JSON_TIME_Z,  FIELD(updated_us) },
	{ "addresses",                   JSON_EMIT,    .emit = put_addresses },
	{ "accessIPv4",                  JSON_CONST,   .text = "\"\"" },
	{ "accessIPv6",                  JSON_CONST,   .text = "\"\"" },
	{ "links",                       JSON_EMIT,    .emit = put_links },
	{ "OS-DCF:diskConfig",           JSON_CONST,   .text = "\"MANUAL\"" },
	{ "OS-EXT-AZ:availability_zone", JSON_EMIT,    .emit = put_zone },
	{ "config_drive",                JSON_CONST,   .text = "\"\"" },
	{ "key_name",                    JSON_CONST,   .text = "null" },
	{ "OS-SRV-USG:launched_at",      JSON_TIME_US, FIELD(launched_us) },
	{ "OS-SRV-USG:terminated_at",    JSON_TIME_US, FIELD(deleted_us) },
	{ "security_groups",             JSON_CONST,   .text = "[{\"name\":\"default\"}]" },
	{ "OS-EXT-STS:task_state",       JSON_EMIT,    .emit = put_task },
	{ "OS-EXT-STS:vm_state",         JSON_EMIT,    .emit = put_vm },
	{ "OS-EXT-STS:power_state",      JSON_INT,     FIELD(power) },
	{ "os-extended-volumes:volumes_attached", JSON_CONST, .text = "[]" },
	{ "locked",                      JSON_BOOL,    FIELD(locked), .since = 9 },
	{ "description",                 JSON_CONST,   .since = 19, .text = "null" },
	{ "tags",                        JSON_CONST,   .since = 26, .text = "[]" },
	{ "trusted_image_certificates",  JSON_CONST,   .since = 63, .text = "null" },
	{ "locked_reason",               JSON_STR,     FIELD(locked_reason), .since = 73 },
	{ "pinned_availability_zone",    JSON_CONST,   .since = 96, .text = "null" },
};

static const struct json_field admins[] = {
	{ ADMIN("host"),                 JSON_STR,     FIELD(host) },
	{ ADMIN("instance_name"),        JSON_STR,     FIELD(libvirt_name) },
	{ ADMIN("hypervisor_hostname"),  JSON_STR,     FIELD(host) },
	{ ADMIN("reservation_id"),       JSON_CONST,   .since = 3, .text = "null" },
	{ ADMIN("launch_index"),         JSON_CONST,   .since = 3, .text = "0" },
	{ ADMIN("hostname"),             JSON_EMIT,    .since = 3, .emit = put_hostname },
	{ ADMIN("kernel_id"),            JSON_CONST,   .since = 3, .text = "\"\"" },
	{ ADMIN("ramdisk_id"),           JSON_CONST,   .since = 3, .text = "\"\"" },
	{ ADMIN("root_device_name"),     JSON_EMIT,    .since = 3, .emit = put_root_device },
	{ ADMIN("user_data"),            JSON_CONST,   .since = 3, .text = "null" },
	{ "host_status",                 JSON_EMIT,    .since = 16, .emit = put_host_status },
};

static const struct json_field others[] = {
	{ ADMIN("hostname"),             JSON_EMIT,    .since = 90, .emit = put_hostname },
};

static const struct json_field shown[] = {
	{ "server_groups",               JSON_CONST,   .since = 71, .text = "[]" },
};

static const struct json_field brief[] = {
	{ "id",                          JSON_EMIT,    .emit = put_id },
	{ "name",                        JSON_STR,     FIELD(name) },
	{ "links",                       JSON_EMIT,    .emit = put_links },
};

/* ---- members that depend on the status ---- */

static const char *const with_progress[] = { "ACTIVE", "BUILD", "REBUILD", "RESIZE", "VERIFY_RESIZE", "MIGRATING", NULL };
static const char *const with_fault[] = { "ERROR", "DELETED", NULL };

static void put_fault(struct jout *o, const struct server *s, const char *message)
{
	jout_key(o, "fault");
	jout_open(o, '{');
	jout_kv(o, "code", int, 500);
	jout_kv(o, "created", time_z, s->updated_us);
	jout_kv(o, "message", str, message);
	jout_close(o, '}');
}

/* Nova shows one of these statuses alone. One that runs, but cannot be read, has its state and says what is wrong with it. */
static void put_faults(struct jout *o, const struct server *s, const char *status)
{
	g_autofree char *unreadable = server_unreadable_text(s);

	if (s->fault && g_strv_contains(with_fault, status))
		put_fault(o, s, s->fault);
	else if (unreadable)
		put_fault(o, s, unreadable);
}

void server_view_full(struct jout *o, struct server_view *v, const struct server *s)
{
	const char *status = server_status(s);

	o->ctx = v;
	jout_open(o, '{');
	jout_fields(o, everyone, G_N_ELEMENTS(everyone), s);
	if (v->r->auth && v->r->auth->admin)
		jout_fields(o, admins, G_N_ELEMENTS(admins), s);
	else
		jout_fields(o, others, G_N_ELEMENTS(others), s);
	if (v->show)
		jout_fields(o, shown, G_N_ELEMENTS(shown), s);
	if (g_strv_contains(with_progress, status))
		jout_kv(o, "progress", int, s->progress);
	put_faults(o, s, status);
	jout_close(o, '}');
}

void server_view_brief(struct jout *o, struct server_view *v, const struct server *s)
{
	o->ctx = v;
	jout_object(o, brief, G_N_ELEMENTS(brief), s);
}

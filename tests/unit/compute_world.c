/* SPDX-License-Identifier: Apache-2.0 */
#include "compute_world.h"

#include <string.h>

#include "api/compute/compute.h"
#include "api/drover/drover.h"
#include "api/http/metrics.h"
#include "api/http/incoming.h"
#include "api/http/metrics.h"
#include "api/http/route.h"
#include "api/image/images.h"
#include "api/network/network.h"
#include "base/clock.h"
#include "base/util.h"
#include "fence/fence.h"
#include "fleet/addr.h"
#include "fleet/fleet_priv.h"
#include "identity/identity.h"
#include "kinds.h"
#include "plan/plans.h"

#define T0 INT64_C(1760000000000000) /* 2025-10-09T08:53:20 */
#define MINUTE INT64_C(60000000)

/* ---- requesters ---- */

static const struct {
	const char *token, *user, *project;
	enum role role;
} tokens[] = {
	{ "admin", "admin-user", WORLD_ADMIN_PROJECT, ROLE_ADMIN },
	{ "member", "member-user", WORLD_OTHER_PROJECT, ROLE_MEMBER },
	{ "reader", "reader-user", WORLD_OTHER_PROJECT, ROLE_READER },
	{ "unscoped", "member-user", NULL, ROLE_N },
};

struct auth *identity_check(struct identity *id, const char *token, GError **err)
{
	(void)id;
	for (size_t i = 0; i < G_N_ELEMENTS(tokens); i++) {
		struct auth *a;

		if (strcmp(tokens[i].token, token) != 0)
			continue;
		a = g_new0(struct auth, 1);
		a->role = tokens[i].role;
		a->admin = a->role == ROLE_ADMIN;
		a->user_id = g_strdup(tokens[i].user);
		a->project_id = g_strdup(tokens[i].project);
		return a;
	}
	g_set_error(err, ERR, ERR_UNAUTHORIZED, "The request you have made requires authentication.");
	return NULL;
}

const struct login_counts *identity_logins(const struct identity *id)
{
	static const struct login_counts none;

	(void)id;
	return &none;
}

unsigned identity_passwords_waiting(void)
{
	return 0;
}

bool identity_has_project(const struct identity *id, const char *project_id)
{
	(void)id;
	return strcmp(project_id, WORLD_ADMIN_PROJECT) == 0 || strcmp(project_id, WORLD_OTHER_PROJECT) == 0;
}

void auth_free(struct auth *a)
{
	g_free(a->user_id);
	g_free(a->project_id);
	g_free(a);
}

/* ---- what there is ---- */

static const struct {
	const char *name, *uri, *uuid, *inbound, *reason;
	bool disabled, down;
} hosts[] = {
	{ "h1", "qemu+tls://h1.example.com/system", "c0000000-0000-4000-8000-000000000001", "10.0.0.1" },
	{ "h2", "qemu+tls://10.0.0.2/system", "c0000000-0000-4000-8000-000000000002", NULL, "maintenance", true },
	{ "h3", "qemu:///system", "c0000000-0000-4000-8000-000000000003", NULL, NULL, false, true },
};

static const struct {
	const char *uuid, *name, *host, *libvirt, *vm, *task, *project, *fault;
	int power, vcpus, memory_mb, disk_gb;
	bool locked;
} servers[] = {
	{ WORLD_WEB, "Web 1", "h1", "instance-00000001", "active", NULL, WORLD_ADMIN_PROJECT, NULL, 1, 2, 4096, 10 },
	{ WORLD_DB, "db", "h2", "instance-00000002", "paused", NULL, WORLD_OTHER_PROJECT, NULL, 3, 4, 8192, 40 },
	{ WORLD_BATCH, "batch \"x\"", "h1", "batch", "stopped", NULL, WORLD_OTHER_PROJECT, NULL, 4, 1, 512, 0, true },
	{ WORLD_MOVED, "moved", "h1", "instance-00000004", "active", "migrating", WORLD_ADMIN_PROJECT, NULL, 1, 2, 4096, 10 },
	{ WORLD_LOST, "lost", "h3", "instance-00000005", "error", NULL, WORLD_ADMIN_PROJECT, "the host is gone", 0, 1, 512, 1 },
};

static void put(struct store *s, enum query q, const struct store_val *args, size_t n, int64_t *ret_id)
{
	GError *err = NULL;
	int64_t id = 0;

	store_insert(s, q, args, n, &id, &err);
	g_assert_no_error(err);
	if (ret_id)
		*ret_id = id;
}

static void put_rows(struct store *s)
{
	for (size_t i = 0; i < G_N_ELEMENTS(hosts); i++)
		put(s, Q_HOST_PUT, STORE_ARGS(SV_S(hosts[i].name), SV_S(hosts[i].uri), SV_S(hosts[i].uuid), SV_S(hosts[i].inbound),
			SV_I(hosts[i].disabled), SV_S(hosts[i].reason), SV_I(hosts[i].down), SV_I(0), SV_I(T0), SV_NULL, SV_NULL, SV_NULL), NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(servers); i++) {
		int64_t t = T0 + (int64_t)i * MINUTE;

		put(s, Q_SERVER_PUT, STORE_ARGS(SV_S(servers[i].uuid), SV_S(servers[i].name), SV_S(servers[i].host), SV_S(servers[i].libvirt),
			SV_S(servers[i].vm), SV_S(servers[i].task), SV_I(servers[i].power), SV_I(servers[i].vcpus), SV_I(servers[i].memory_mb),
			SV_I(servers[i].disk_gb), SV_S("owner"), SV_S(servers[i].project), SV_I(t), SV_I(t + 1500000), SV_I(t + 250000),
			SV_NULL, SV_I(servers[i].locked), SV_S(servers[i].fault), SV_I(0),
			SV_S(servers[i].locked ? "admin" : NULL), SV_S(servers[i].locked ? "maintenance" : NULL), SV_I(0), SV_I(0), SV_I(0)), NULL);
	}
}

/* One that is gone: it ran for the first 90 s. */
static void put_gone(struct store *s)
{
	put(s, Q_SERVER_PUT, STORE_ARGS(SV_S("66666666-6666-4666-8666-666666666666"), SV_S("gone"), SV_S("h1"), SV_S("instance-00000006"),
		SV_S("deleted"), SV_NULL, SV_I(0), SV_I(8), SV_I(1024), SV_I(5), SV_S("owner"), SV_S(WORLD_OTHER_PROJECT), SV_I(T0),
		SV_I(T0 + 90000000), SV_I(T0), SV_I(T0 + 90000000), SV_I(0), SV_NULL, SV_I(0), SV_NULL, SV_NULL, SV_I(0), SV_I(0), SV_I(0)), NULL);
}

/* Two actions of WEB: one that went well and one that did not. */
static void put_actions(struct store *s)
{
	static const struct requester who = { .user_id = "admin-user", .project_id = WORLD_ADMIN_PROJECT, .request_id = "req-aaaa0001" };
	static const struct requester again = { .user_id = "admin-user", .project_id = WORLD_ADMIN_PROJECT, .request_id = "req-aaaa0002" };
	GError *err = NULL;
	int64_t id = 0;
	bool ok = action_start(s, WORLD_WEB, "live-migration", &who, &id, &err) &&
		  action_event_start(s, id, "conductor_live_migrate_instance", "h2", &err);

	clock_advance_ms(1250);
	ok = ok && action_event_finish(s, id, "conductor_live_migrate_instance", NULL, &err) && action_finish(s, id, NULL, &err) &&
	     action_start(s, WORLD_WEB, "live-migration", &again, &id, &err) &&
	     action_event_start(s, id, "compute_check_can_live_migrate_destination", "h1", &err);
	clock_advance_ms(750);
	ok = ok && action_event_finish(s, id, "compute_check_can_live_migrate_destination", "CPU is too old", &err) &&
	     action_finish(s, id, "Error", &err);
	g_assert_no_error(err);
	g_assert_true(ok);
}

static void give_info(struct host *h)
{
	static const char *const features[] = { "pge", "clflush", NULL };

	struct hv_host_info *info = g_new0(struct hv_host_info, 1);

	info->hostname = g_strdup("node");
	info->hv_type = g_strdup("QEMU");
	info->hv_version = 7002000;
	info->arch = g_strdup("x86_64");
	info->cpu_model = g_strdup("Nehalem");
	info->cpu_vendor = g_strdup("Intel");
	info->cpu_features = g_strdupv((char **)features);
	info->sockets = 2;
	info->cores = 4;
	info->threads = 2;
	info->vcpus = 16;
	info->mem_mib = 32232;
	info->disk_bytes = 878 * FLEET_UNIT_GIB;
	info->disk_free_bytes = 800 * FLEET_UNIT_GIB;
	room_info(h, info);
	h->conn = HOST_UP;
	h->last_seen_us = clock_wall_us();
}

static void give_nic(struct server *s, const char *mac, const char *bridge, const char *type, int64_t floor_kibs)
{
	struct hv_nic *n = g_new0(struct hv_nic, 1);

	n->mac = g_strdup(mac);
	n->bridge = g_strdup(bridge);
	n->type = g_strdup(type);
	n->floor_kibs = floor_kibs;
	g_ptr_array_add(s->dom->nics, n);
}

static void give_addr(struct server *s, const char *mac, const char *text, int prefix)
{
	struct hv_addr a;

	g_assert_true(hv_addr_parse(mac, text, prefix, &a));
	hv_addrs_add(s->addrs, &a);
}

/* Three interfaces, two of them on one network; one has no address. */
static void give_domain(struct fleet *f, struct server *s)
{
	struct hv_disk *d = g_new0(struct hv_disk, 1);

	s->dom = hv_dom_new();
	d->target = g_strdup("vda");
	g_ptr_array_add(s->dom->disks, d);
	s->dom->state = HV_RUNNING;
	give_nic(s, "52:54:00:00:00:01", "private", "network", 1000);
	give_nic(s, "52:54:00:00:00:02", "br-storage \"x\"", "bridge", 0);
	give_nic(s, "52:54:00:00:00:03", "private", "network", 0);
	addr_took_dom(f, s);
	s->addrs = hv_addrs_new();
	give_addr(s, "52:54:00:00:00:01", "192.0.2.5", 24);
	give_addr(s, "52:54:00:00:00:01", "2001:db8::5", 64);
	give_addr(s, "52:54:00:00:00:03", "192.0.2.50", 0);
}

/* ---- life ---- */

static const struct route_table *const tables[] = {
	&servers_routes, &server_actions_routes, &migrations_routes, &services_routes, &hypervisors_routes, &hosts_routes,
	&flavors_routes, &actions_routes, &images_routes, &network_routes, &drover_routes, &autostart_routes, &fencing_routes, &limits_routes, &prechecks_routes,
	&plans_routes, &summary_routes, &server_rows_routes, &config_routes, &quotas_routes, &usage_routes, &interfaces_routes, &metrics_routes, /* the last is of a measured world alone */
};

static struct world *make(size_t n_tables)
{
	static const struct hv_ops no_ops = { .name = "none" };
	static const struct hv_ops *const ops[] = { &no_ops, NULL };
	struct world *w = g_new0(struct world, 1);
	g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
	GError *err = NULL;

	clock_manual(T0);
	w->conf = conf_parse("", 0, "test", mistakes);
	w->store = store_open("sqlite://:memory:", &err);
	g_assert_no_error(err);
	put_rows(w->store);
	put_gone(w->store);
	put_actions(w->store);
	w->fleet = fleet_new(w->conf, w->store, ops, &err);
	g_assert_no_error(err);
	give_info(fleet_host(w->fleet, "h1"));
	give_info(fleet_host(w->fleet, "h2"));
	give_domain(w->fleet, fleet_server(w->fleet, WORLD_WEB));
	fleet_server(w->fleet, WORLD_MOVED)->progress = 28;
	fleet_claim(w->fleet, fleet_host(w->fleet, "h2"), &(struct claim){ .task_id = 3, .usage = server_usage(fleet_server(w->fleet, WORLD_MOVED)) });
	room_inbound(fleet_host(w->fleet, "h2"), &task_class_live, 1);
	w->engine = fake_engine_new(w->fleet);
	w->fences = fences_new(w->fleet, &fence_processes);
	w->plans = plans_new(w->engine, &err);
	g_assert_no_error(err);
	w->api = api_new_parts(&(struct api){ .engine = w->engine, .fences = w->fences, .plans = w->plans, .fleet = w->fleet, .store = w->store, .conf = w->conf, .kinds = kinds },
			       tables, n_tables);
	return w;
}

struct world *world_new(void)
{
	return make(G_N_ELEMENTS(tables) - 1);
}

struct world *world_new_measured(void)
{
	struct world *w = make(G_N_ELEMENTS(tables));

	w->api->metrics = metrics_new();
	return w;
}

void world_free(struct world *w)
{
	metrics_free(w->api->metrics);
	api_free_parts(w->api);
	fences_free(w->fences);
	plans_free(w->plans);
	engine_free(w->engine);
	fleet_free(w->fleet);
	store_close(w->store);
	conf_free(w->conf);
	g_free(w);
}

void world_add_servers(struct world *w, int n)
{
	for (int i = 0; i < n; i++) {
		g_autofree char *uuid = g_strdup_printf("99999999-0000-4000-8000-%012d", i);
		g_autofree char *name = g_strdup_printf("server-%d", i);
		struct server *s = server_new(uuid);

		s->id = 1000 + i;
		s->name = g_steal_pointer(&name);
		s->host = g_strdup(i % 2 ? "h1" : "h2");
		s->libvirt_name = g_strdup_printf("instance-%08x", 1000 + i);
		s->vm = SERVER_ACTIVE;
		s->power = SERVER_POWER_RUNNING;
		s->vcpus = 1 + i % 4;
		s->memory_mb = 2048;
		s->disk_gb = 20;
		s->user_id = g_strdup("owner");
		s->project_id = g_strdup(WORLD_ADMIN_PROJECT);
		s->created_us = s->updated_us = s->launched_us = T0 + 3600 * INT64_C(1000000) + i;
		fleet_server_add(w->fleet, s);
	}
}

/* ---- a request ---- */

static void answered(struct api_req *r, void *user)
{
	struct answer *a = user;

	a->status = r->reply->status;
	a->body = g_strdup(r->reply->body ? r->reply->body->str : "");
	a->headers = g_strdup(r->reply->headers ? r->reply->headers->str : "");
	api_req_free(r);
}

void world_begin(struct world *w, const char *method, const char *target, int mv, const char *who, const char *body, struct answer *ret)
{
	g_auto(GStrv) parts = g_strsplit(target, "?", 2);
	g_autofree char *version = g_strdup_printf("compute 2.%d", mv);
	struct api_head head = {
		.method = method, .path = parts[0], .query = parts[1], .base_url = "http://controller:8774", .token = who,
		.version = version,
	};
	struct api_req *r;

	*ret = (struct answer){ 0 };
	r = api_req_new(w->api, &head, answered, ret);
	if (body)
		api_req_body(r, body, strlen(body));
	api_dispatch(r);
}

void world_ask(struct world *w, const char *method, const char *target, int mv, const char *who, const char *body, struct answer *ret)
{
	world_begin(w, method, target, mv, who, body, ret);
	while (!ret->status && clock_step())
		;
}

void answer_clear(struct answer *a)
{
	g_clear_pointer(&a->body, g_free);
	g_clear_pointer(&a->headers, g_free);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet_world.h"

#include "base/clock.h"

static struct host *up(struct world *w, const char *name)
{
	struct host *h = fleet_host(w->fleet, name);
	struct hv_host_info *info = g_new0(struct hv_host_info, 1);

	info->vcpus = 8;
	info->mem_mib = 8192 + 512; /* less reserved_host_memory_mb */
	info->disk_bytes = 100 * FLEET_UNIT_GIB;
	info->kvm = true;
	h->conn = HOST_UP;
	room_info(h, info);
	return h;
}

static void more_room(struct host *h, void *user)
{
	g_string_append_printf(((struct world *)user)->freed, "%s ", h->name);
}

struct world *world_new(void)
{
	static const char text[] = "[DEFAULT]\nmax_concurrent_inbound_live_migrations = 2\nreserved_host_memory_mb = 512\nram_allocation_ratio = 1\n"
				   "cpu_allocation_ratio = 1\n[workarounds]\nallow_any_uri = true\n[host h1]\nuri = sim://h1\n[host h2]\nuri = sim://h2\n";
	g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
	struct world *w = g_new0(struct world, 1);
	g_autoptr(GError) err = NULL;

	clock_manual(INT64_C(1700000000000000));
	w->conf = conf_parse(text, sizeof text - 1, "test", mistakes);
	g_assert_cmpuint(mistakes->len, ==, 0);
	w->store = store_open("sqlite://:memory:", &err);
	g_assert_no_error(err);
	w->fleet = fleet_new(w->conf, w->store, (const struct hv_ops *[]){ NULL }, &err);
	g_assert_no_error(err);
	w->h1 = up(w, "h1");
	w->h2 = up(w, "h2");
	w->server = server_new("5e000000-0000-4000-8000-000000000001");
	w->server->host = g_strdup("h1");
	w->server->vcpus = 2;
	w->server->memory_mb = 2048;
	w->server->disk_gb = 10;
	room_join(w->h1, w->server);
	w->freed = g_string_new(NULL);
	fleet_listen(w->fleet, &(struct fleet_listener){ .room = more_room, .user = w });
	return w;
}

void world_free(struct world *w)
{
	g_assert_null(room_check(fleet_room(w->fleet)));
	room_leave(w->h1, w->server);
	server_free(w->server);
	fleet_free(w->fleet);
	store_close(w->store);
	conf_free(w->conf);
	g_string_free(w->freed, TRUE);
	g_free(w);
}

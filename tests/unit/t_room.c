/* SPDX-License-Identifier: Apache-2.0
 *
 * What servers and claims take of hosts that stand still: two with 8 CPUs, 8192 MB and 100 GB each.
 */
#include "base/clock.h"
#include "fleet/fleet.h"
#include "fleet/sched.h"

#define INBOUND_MAX 2

struct world {
	struct conf *conf;
	struct store *store;
	struct fleet *fleet;
	struct host *h1, *h2;
	struct server *server; /* on h1 */
	GString *freed;        /* the hosts that have more room, in order */
};

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

static struct world *world_new(void)
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

static void world_free(struct world *w)
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

static void take(struct world *w, struct host *h, int64_t task, enum claim_role role, int64_t memory_mb)
{
	struct claim c = { .task_id = task, .role = role, .usage = { 1, memory_mb, 10, 1 } };

	fleet_claim(w->fleet, h, &c);
	g_assert_null(room_check(fleet_room(w->fleet)));
}

static bool fits(struct world *w, struct host *h)
{
	return sched_fits(w->fleet, &(struct sched_request){ .server = w->server }, h);
}

/* A task can hold room at both hosts; its claim of a role moves with it, and what is given back is told. */
static void test_roles(void)
{
	struct world *w = world_new();

	take(w, w->h2, 7, CLAIM_DEST, 1024);
	take(w, w->h1, 7, CLAIM_SOURCE, 512);
	g_assert_cmpint(host_claimed(w->h1).memory_mb, ==, 512);
	g_assert_cmpint(host_claimed(w->h2).memory_mb, ==, 1024);
	g_assert_cmpstr(w->freed->str, ==, "");
	take(w, w->h2, 7, CLAIM_DEST, 2048); /* in place of the first */
	g_assert_cmpint(host_claimed(w->h2).memory_mb, ==, 2048);
	g_assert_cmpstr(w->freed->str, ==, "");
	take(w, w->h1, 7, CLAIM_DEST, 2048);
	g_assert_cmpint(host_claimed(w->h1).memory_mb, ==, 512 + 2048);
	g_assert_cmpint(host_claimed(w->h2).memory_mb, ==, 0);
	g_assert_cmpstr(w->freed->str, ==, "h2 ");
	fleet_unclaim(w->fleet, 7, CLAIM_SOURCE);
	fleet_unclaim(w->fleet, 7, CLAIM_SOURCE);
	g_assert_cmpstr(w->freed->str, ==, "h2 h1 ");
	g_assert_cmpint(host_claimed(w->h1).memory_mb, ==, 2048);
	g_assert_nonnull(room_claim_of(fleet_room(w->fleet), 7, CLAIM_DEST));
	fleet_unclaim(w->fleet, 7, CLAIM_DEST);
	world_free(w);
}

/* Room that is held for a server which may come back, or on a host it was taken from, is no inbound migration. */
static void test_no_slot(void)
{
	struct world *w = world_new();

	for (int i = 0; i < 2 * INBOUND_MAX; i++)
		take(w, w->h2, 10 + i, i % 2 ? CLAIM_SOURCE : CLAIM_DEST, 256);
	g_assert_cmpint(host_claimed(w->h2).servers, ==, 2 * INBOUND_MAX);
	g_assert_false(sched_is_busy(w->fleet, w->h2));
	room_inbound(w->h2, TASK_CLASS_LIVE, INBOUND_MAX - 1);
	g_assert_false(sched_is_busy(w->fleet, w->h2));
	g_assert_true(fits(w, w->h2));
	room_inbound(w->h2, TASK_CLASS_LIVE, INBOUND_MAX);
	g_assert_true(sched_is_busy(w->fleet, w->h2));
	g_assert_true(fits(w, w->h2)); /* it waits */
	world_free(w);
}

/* ... but it is room, and a server of the host. */
static void test_room(void)
{
	struct world *w = world_new();

	take(w, w->h2, 7, CLAIM_SOURCE, 8192 - 2048);
	g_assert_true(fits(w, w->h2));
	take(w, w->h2, 8, CLAIM_DEST, 1);
	g_assert_false(fits(w, w->h2));
	fleet_unclaim(w->fleet, 8, CLAIM_DEST);
	g_assert_true(fits(w, w->h2));
	g_assert_cmpint(room_facts(fleet_room(w->fleet), w->h2->index)->servers, ==, 1);
	world_free(w);
}

/* A place is the claim's: a claim that is replaced or given back frees it. */
static void test_place(void)
{
	struct world *w = world_new();
	struct claim c = { .task_id = 7, .place = place_use_parse("4-5") };

	fleet_claim(w->fleet, w->h2, &c);
	g_assert_cmpint(cpuset_count(&room_claim_of(fleet_room(w->fleet), 7, CLAIM_DEST)->place->cpus), ==, 2);
	c.place = place_use_parse("6");
	fleet_claim(w->fleet, w->h2, &c);
	g_assert_cmpint(cpuset_count(&room_claim_of(fleet_room(w->fleet), 7, CLAIM_DEST)->place->cpus), ==, 1);
	fleet_unclaim(w->fleet, 7, CLAIM_DEST);
	g_assert_null(room_claim_of(fleet_room(w->fleet), 7, CLAIM_DEST));
	world_free(w);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/room/roles", test_roles);
	g_test_add_func("/room/no_slot", test_no_slot);
	g_test_add_func("/room/room", test_room);
	g_test_add_func("/room/place", test_place);
	return g_test_run();
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/sched.h"
#include "fleet_world.h"

static void take(struct world *w, struct host *h, int64_t task, enum claim_role role, int64_t memory_mb)
{
	struct claim c = { .task_id = task, .role = role, .usage = { 1, memory_mb, 10, 1 } };

	fleet_claim(w->fleet, h, &c);
	g_assert_null(room_check(fleet_room(w->fleet)));
}

static bool fits(struct world *w, struct host *h)
{
	struct sched_need need = sched_need_of(w->server, &task_class_live);

	return sched_fits(w->fleet, &need, h);
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

	for (int i = 0; i < 2 * WORLD_INBOUND_MAX; i++)
		take(w, w->h2, 10 + i, i % 2 ? CLAIM_SOURCE : CLAIM_DEST, 256);
	g_assert_cmpint(host_claimed(w->h2).servers, ==, 2 * WORLD_INBOUND_MAX);
	g_assert_false(sched_is_busy(w->fleet, w->h2, &task_class_live));
	room_inbound(w->h2, &task_class_live, WORLD_INBOUND_MAX - 1);
	g_assert_false(sched_is_busy(w->fleet, w->h2, &task_class_live));
	g_assert_true(fits(w, w->h2));
	room_inbound(w->h2, &task_class_live, WORLD_INBOUND_MAX);
	g_assert_true(sched_is_busy(w->fleet, w->h2, &task_class_live));
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

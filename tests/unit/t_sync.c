/* SPDX-License-Identifier: Apache-2.0
 *
 * What hosts say of their domains, and what becomes of the records: two simulated hosts, a server on h1.
 */
#include "base/clock.h"
#include "fleet/fleet.h"
#include "fleet/tally.h"
#include "hv/sim/sim.h"

#define UUID "5e000000-0000-4000-8000-000000000001"

struct world {
	struct conf *conf;
	struct sim *sim;
	struct store *store;
	struct fleet *fleet;
	bool undecided; /* what was left at hosts that come back */
	GString *told; /* what the listener heard: "h2 up " and "leftover h2 cleaning " */
};

static const char *state_of(const struct world *w, const struct host *h)
{
	return h->conn == HOST_CLEANING ? "cleaning" : host_is_up(w->fleet, h) ? "up" : "down";
}

static void heard_host(struct host *h, void *user)
{
	struct world *w = user;

	g_string_append_printf(w->told, "%s %s ", h->name, state_of(w, h));
}

static void heard_leftover(struct host *h, const struct hv_dom *d, void *user)
{
	struct world *w = user;

	(void)d;
	g_string_append_printf(w->told, "leftover %s %s ", h->name, state_of(w, h));
}

static bool clean(struct host *h, void *user)
{
	const struct world *w = user;

	(void)h;
	return !w->undecided;
}

static void wait_polls(struct world *w, int n)
{
	clock_advance_ms(n * w->conf->report_interval * 1000);
}

static struct world *world_new(enum server_nature nature)
{
	static const struct hv_ops *const ops[] = { &sim_ops, NULL };
	static const char text[] = "[DEFAULT]\n[workarounds]\nallow_any_uri = true\n"
				   "[host h1]\nuri = sim://h1\n[host h2]\nuri = sim://h2\n";
	g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
	struct world *w = g_new0(struct world, 1);
	g_autoptr(GError) err = NULL;

	clock_manual(INT64_C(1700000000000000));
	w->conf = conf_parse(text, sizeof text - 1, "test", mistakes);
	w->sim = sim_new(1);
	sim_host_add(w->sim, "h1", &(struct sim_host_spec){ .vcpus = 8, .mem_mib = 8192 });
	sim_host_add(w->sim, "h2", &(struct sim_host_spec){ .vcpus = 8, .mem_mib = 8192 });
	sim_dom_add(w->sim, "h1", &(struct sim_dom_spec){ .uuid = UUID, .name = "i-1", .title = "web", .mem_mib = 1024 });
	w->store = store_open("sqlite://:memory:", &err);
	g_assert_no_error(err);
	w->fleet = fleet_new(w->conf, w->store, ops, &err);
	g_assert_no_error(err);
	w->told = g_string_new(NULL);
	fleet_start(w->fleet);
	wait_polls(w, 1);
	g_assert_cmpuint(fleet_servers(w->fleet)->len, ==, 1);
	fleet_server(w->fleet, UUID)->nature = nature;
	fleet_listen(w->fleet, &(struct fleet_listener){ .host = heard_host, .leftover = heard_leftover, .clean = clean, .user = w });
	return w;
}

static void world_free(struct world *w)
{
	g_assert_null(room_check(fleet_room(w->fleet)));
	g_assert_null(tally_check(w->fleet));
	fleet_free(w->fleet);
	store_close(w->store);
	sim_free(w->sim);
	conf_free(w->conf);
	g_string_free(w->told, TRUE);
	g_free(w);
}

/* What was left behind on a host is told while it is CLEANING: before it counts as up, and before its listener hears that it does. */
static void test_cleaning(void)
{
	struct world *w = world_new(SERVER_ADOPTED);
	struct host *h2 = fleet_host(w->fleet, "h2");

	sim_host_power(w->sim, "h2", false);
	wait_polls(w, 6);
	g_assert_false(host_is_up(w->fleet, h2));
	sim_dom_add(w->sim, "h2", &(struct sim_dom_spec){ .uuid = UUID, .name = "i-1", .state = HV_SHUTOFF });
	g_string_truncate(w->told, 0);
	sim_host_power(w->sim, "h2", true);
	wait_polls(w, 12);
	g_assert_true(host_is_up(w->fleet, h2));
	g_assert_true(g_str_has_prefix(w->told->str, "leftover h2 cleaning h2 up "));
	world_free(w);
}

/* A host does not count as up before what was left there is decided, however long that takes; one that goes away meanwhile begins again. */
static void test_cleaning_takes_time(void)
{
	struct world *w = world_new(SERVER_ADOPTED);
	struct host *h2 = fleet_host(w->fleet, "h2");

	sim_host_power(w->sim, "h2", false);
	wait_polls(w, 6);
	w->undecided = true;
	sim_host_power(w->sim, "h2", true);
	wait_polls(w, 12);
	g_assert_cmpint(h2->conn, ==, HOST_CLEANING);
	g_assert_true(host_connected(h2));
	g_assert_false(host_is_up(w->fleet, h2));
	sim_host_power(w->sim, "h2", false);
	wait_polls(w, 6);
	w->undecided = false;
	fleet_host_cleaned(w->fleet, h2);
	g_assert_false(host_is_up(w->fleet, h2));
	sim_host_power(w->sim, "h2", true);
	w->undecided = true;
	wait_polls(w, 12);
	g_assert_false(host_is_up(w->fleet, h2));
	w->undecided = false;
	fleet_host_cleaned(w->fleet, h2);
	g_assert_true(host_is_up(w->fleet, h2));
	world_free(w);
}

/* The rules of a server's nature (sync.c). */

static const struct server *renamed_and_resized(struct world *w)
{
	sim_dom_remove(w->sim, "h1", UUID);
	sim_dom_add(w->sim, "h1", &(struct sim_dom_spec){ .uuid = UUID, .name = "i-2", .title = "other", .mem_mib = 2048, .state = HV_PAUSED });
	wait_polls(w, 2);
	return fleet_server(w->fleet, UUID);
}

static void test_adopted_follows(void)
{
	struct world *w = world_new(SERVER_ADOPTED);
	const struct server *s = renamed_and_resized(w);

	g_assert_cmpstr(s->name, ==, "other");
	g_assert_cmpint(s->memory_mb, ==, 2048);
	g_assert_cmpint(s->vm, ==, SERVER_PAUSED);
	world_free(w);
}

/* Name and size are the record's; what the domain is called and does is still the host's to say. */
static void test_managed_keeps(void)
{
	struct world *w = world_new(SERVER_MANAGED);
	const struct server *s = renamed_and_resized(w);

	g_assert_cmpstr(s->name, ==, "web");
	g_assert_cmpint(s->memory_mb, ==, 1024);
	g_assert_cmpint(host_used(fleet_host(w->fleet, "h1")).memory_mb, ==, 1024);
	g_assert_cmpstr(s->libvirt_name, ==, "i-2");
	g_assert_cmpint(s->vm, ==, SERVER_PAUSED);
	world_free(w);
}

static void test_adopted_ends(void)
{
	struct world *w = world_new(SERVER_ADOPTED);

	sim_dom_remove(w->sim, "h1", UUID);
	wait_polls(w, 6);
	g_assert_null(fleet_server(w->fleet, UUID));
	world_free(w);
}

/* A domain that was undefined by hand leaves a record without power state, with its room; it is found again. */
static void test_managed_stays(void)
{
	struct world *w = world_new(SERVER_MANAGED);
	const struct server *s;

	sim_dom_remove(w->sim, "h1", UUID);
	wait_polls(w, 6);
	s = fleet_server(w->fleet, UUID);
	g_assert_nonnull(s);
	g_assert_true(s->missing);
	g_assert_cmpint(s->power, ==, SERVER_POWER_NONE);
	g_assert_cmpint(s->vm, ==, SERVER_ACTIVE);
	g_assert_cmpint(host_used(fleet_host(w->fleet, "h1")).memory_mb, ==, 1024);
	sim_dom_add(w->sim, "h2", &(struct sim_dom_spec){ .uuid = UUID, .name = "i-1", .mem_mib = 1024 });
	wait_polls(w, 2);
	g_assert_cmpstr(s->host, ==, "h2"); /* its own host has said that it has none */
	g_assert_cmpint(s->power, ==, SERVER_POWER_RUNNING);
	world_free(w);
}

static const struct server *copy_while_own_host_is_down(struct world *w)
{
	sim_host_link(w->sim, "h1", false);
	wait_polls(w, 6);
	g_assert_false(host_is_up(w->fleet, fleet_host(w->fleet, "h1")));
	sim_dom_add(w->sim, "h2", &(struct sim_dom_spec){ .uuid = UUID, .name = "i-1", .mem_mib = 1024 });
	wait_polls(w, 3);
	return fleet_server(w->fleet, UUID);
}

static void test_adopted_moves(void)
{
	struct world *w = world_new(SERVER_ADOPTED);

	g_assert_cmpstr(copy_while_own_host_is_down(w)->host, ==, "h2");
	world_free(w);
}

/* A copy elsewhere does not take the record from a host that cannot be asked. */
static void test_managed_is_not_taken(void)
{
	struct world *w = world_new(SERVER_MANAGED);
	const struct server *s = copy_while_own_host_is_down(w);

	g_assert_cmpstr(s->host, ==, "h1");
	sim_dom_remove(w->sim, "h1", UUID);
	sim_host_link(w->sim, "h1", true);
	wait_polls(w, 12);
	g_assert_cmpstr(s->host, ==, "h2");
	world_free(w);
}

/* One that is shutting off elsewhere is no second guest; at its own host it is off for its users. */
static void test_shutting_off(void)
{
	struct world *w = world_new(SERVER_ADOPTED);
	const struct server *s = fleet_server(w->fleet, UUID);

	g_string_truncate(w->told, 0);
	sim_dom_add(w->sim, "h2", &(struct sim_dom_spec){ .uuid = UUID, .name = "i-1", .mem_mib = 1024, .state = HV_SHUTDOWN });
	wait_polls(w, 3);
	g_assert_nonnull(strstr(w->told->str, "leftover h2"));
	g_assert_null(s->duplicate_at);
	g_assert_cmpstr(s->host, ==, "h1");
	sim_dom_set(w->sim, "h1", UUID, HV_SHUTDOWN, HV_R_OTHER);
	wait_polls(w, 3);
	g_assert_cmpint(s->vm, ==, SERVER_STOPPED);
	g_assert_cmpint(s->power, ==, SERVER_POWER_SHUTDOWN);
	world_free(w);
}

/* ---- questions of addresses ---- */

static void count_addrs(int64_t n, const char *host, const struct hv_req *req, enum sim_fault_kind fault, void *user)
{
	int *questions = user;

	(void)n;
	(void)host;
	(void)fault;
	*questions += req->op == HV_DOM_ADDRS;
}

/* How often a guest is asked for its addresses in that time. */
static int questions(struct world *w, int64_t ms)
{
	int n = 0;

	sim_on_call(w->sim, count_addrs, &n);
	clock_advance_ms(ms);
	sim_on_call(w->sim, NULL, NULL);
	return n;
}

/* No host knows an address of it: it is asked five times, and then at intervals. */
static struct world *unknown_addresses(void)
{
	struct world *w = world_new(SERVER_ADOPTED);

	clock_advance_ms(20 * w->conf->address_refresh_interval * 1000);
	return w;
}

static void test_addresses_task(void)
{
	struct world *w = unknown_addresses();
	struct server *s = fleet_server(w->fleet, UUID);
	int64_t interval_ms = w->conf->address_refresh_interval * 1000;

	s->task = SERVER_TASK_MIGRATING;
	g_assert_cmpint(questions(w, 2 * interval_ms), ==, 0);
	s->task = SERVER_TASK_NONE;
	fleet_server_freed(w->fleet, s);
	g_assert_cmpint(questions(w, 1000), ==, 1);
	g_assert_cmpint(questions(w, 4 * interval_ms), >=, 2);
	world_free(w);
}

/* It was asked often enough where it was. */
static void test_addresses_moved(void)
{
	struct world *w = unknown_addresses();

	sim_dom_remove(w->sim, "h1", UUID);
	sim_dom_add(w->sim, "h2", &(struct sim_dom_spec){ .uuid = UUID, .name = "i-1", .title = "web", .mem_mib = 1024 });
	g_assert_cmpint(questions(w, w->conf->address_refresh_interval * 1000 / 2), ==, 1);
	g_assert_cmpstr(fleet_server(w->fleet, UUID)->host, ==, "h2");
	world_free(w);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/sync/cleaning", test_cleaning);
	g_test_add_func("/sync/cleaning_takes_time", test_cleaning_takes_time);
	g_test_add_func("/sync/adopted/follows", test_adopted_follows);
	g_test_add_func("/sync/adopted/ends", test_adopted_ends);
	g_test_add_func("/sync/adopted/moves", test_adopted_moves);
	g_test_add_func("/sync/managed/keeps", test_managed_keeps);
	g_test_add_func("/sync/managed/stays", test_managed_stays);
	g_test_add_func("/sync/managed/is_not_taken", test_managed_is_not_taken);
	g_test_add_func("/sync/shutting_off", test_shutting_off);
	g_test_add_func("/sync/addresses/task", test_addresses_task);
	g_test_add_func("/sync/addresses/moved", test_addresses_moved);
	return g_test_run();
}

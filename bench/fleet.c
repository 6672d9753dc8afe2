/* SPDX-License-Identifier: Apache-2.0
 *
 * What a migration costs the controller, and whether that grows with the fleet:
 * every server of a simulated fleet is asked to move, again and again, until there
 * were enough migrations; the scheduler chooses each destination.
 *
 *	fleet HOSTS SERVERS MIGRATIONS STORE [EVERY [AT_ONCE]]
 *
 * STORE is a URL: sqlite://:memory: leaves out what a disk costs. The clock is the
 * test's, so CPU time is all there is; the simulator's is part of it, and to keep
 * it small the disks are on a network: when a file is removed it looks for its
 * users on every host. EVERY: a turn moves every so many-th server only. AT_ONCE:
 * so many run at once in the whole fleet; 0 and nothing: one from each host.
 *
 * The processors and the memory of the fleet go with its servers, however many
 * hosts share them. A host is polled so seldom that no turn meets it: polls are
 * a cost of the fleet and of time, not of a migration, and few hosts take longer
 * to move as many servers.
 *
 * Prints one line of names and values: CPU a migration (us), CPU of a host's poll
 * in the idle fleet (us), memory of a queued migration and of one that has ended
 * (bytes; a store in memory counts).
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "hv/sim/sim.h"
#include "kinds.h"
#include "live/live.h"
#include "task/engine.h"
#include "task/request.h"

#define SERVER_MIB 1024
/* of the fleet, for each server */
#define SHARE_VCPUS 6
#define SHARE_MIB (6 * SERVER_MIB)
#define LINK_MIBS 1024 /* a copy takes a second, unless others share the link */
#define REPORT_S 3600
#define POLLS 4
#define ADDRESSES_S 86400 /* the longest that can be configured */

struct bench {
	struct conf *conf;
	struct sim *world;
	struct store *store;
	struct fleet *fleet;
	struct engine *engine;
	int hosts, servers, every, at_once;
	int64_t wanted, begun;
};

static double cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static double allocated(void)
{
	return (double)memory_allocated();
}

/* Lines are made, as in a daemon, and go nowhere. */
static void drop_line(enum log_level level, const char *line, void *user)
{
	(void)level;
	(void)line;
	(void)user;
}

static struct conf *make_conf(const struct bench *b)
{
	g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GString) text = g_string_new("[DEFAULT]\nlog_format = text\n");
	struct conf *c;

	/* By default a guest is asked for its addresses every 60th poll. */
	g_string_append_printf(text, "report_interval = %d\nservice_down_time = %d\naddress_refresh_interval = %d\n", REPORT_S, REPORT_S * 2,
			       ADDRESSES_S);
	g_string_append_printf(text, "max_concurrent_fleet_live_migrations = %d\n", b->at_once);
	g_string_append(text, "[workarounds]\nallow_any_uri = true\n");
	g_string_append_printf(text, "[filter_scheduler]\nmax_instances_per_host = %d\n", b->servers);
	for (int i = 0; i < b->hosts; i++)
		g_string_append_printf(text, "[host h%d]\nuri = sim://h%d\n", i, i);
	c = conf_parse(text->str, text->len, "bench", mistakes);
	g_assert_cmpuint(mistakes->len, ==, 0);
	return c;
}

static void make_world(struct bench *b)
{
	int each = b->servers / b->hosts;

	b->world = sim_new(1);
	for (int i = 0; i < b->hosts; i++) {
		g_autofree char *host = g_strdup_printf("h%d", i);

		sim_host_add(b->world, host, &(struct sim_host_spec){
			.vcpus = each * SHARE_VCPUS, .mem_mib = each * SHARE_MIB, .link_mibs = LINK_MIBS, .latency_ms = 2 });
		for (int k = 0; k < each; k++) {
			g_autofree char *name = g_strdup_printf("s%d-%d", i, k);

			sim_dom_add(b->world, host, &(struct sim_dom_spec){ .name = name, .mem_mib = SERVER_MIB, .dirty_mibs = 1, .network_disks = true });
		}
	}
}

static void start(struct bench *b, const char *url)
{
	static const struct hv_ops *const ops[] = { &sim_ops, NULL };
	g_autoptr(GError) err = NULL;

	clock_manual(INT64_C(1700000000000000));
	log_init(LOG_INFO, LOG_TEXT);
	log_hook(drop_line, NULL);
	b->conf = make_conf(b);
	make_world(b);
	b->store = store_open(url, &err);
	g_assert_no_error(err);
	b->fleet = fleet_new(b->conf, b->store, ops, &err);
	g_assert_no_error(err);
	b->engine = engine_new(b->fleet, kinds, &err);
	g_assert_no_error(err);
	fleet_start(b->fleet);
	clock_advance_ms(REPORT_S * 1000);
	g_assert_cmpuint(fleet_servers(b->fleet)->len, ==, (guint)b->servers);
}

static void stop(struct bench *b)
{
	engine_free(b->engine);
	fleet_free(b->fleet);
	store_close(b->store);
	sim_free(b->world);
	conf_free(b->conf);
}

static void accepted(int64_t id, const GError *err, void *user)
{
	struct bench *b = user;

	(void)id;
	g_assert_no_error(err);
	b->begun++;
}

static void ask_all(struct bench *b)
{
	GPtrArray *servers = fleet_servers(b->fleet);

	for (guint i = 0; i < servers->len; i += (guint)b->every) {
		const struct task_request r = {
			.kind = &live_kind, .server = g_ptr_array_index(servers, i), .block = MIG_BLOCK_AUTO,
			.who = { .user_id = "admin", .project_id = "admin", .request_id = "req-00000000-0000-4000-8000-000000000000", .admin = true },
		};

		request_begin(b->engine, &r, accepted, b);
	}
}

static void move_all(struct bench *b)
{
	ask_all(b);
	while (engine_active(b->engine)->len > 0)
		(void)clock_step();
}

/* Not inlined: valgrind is given its name. Return: CPU time, us. */
static double G_GNUC_NO_INLINE measured_turn(struct bench *b)
{
	double before = cpu_us();

	move_all(b);
	return cpu_us() - before;
}

static int64_t count_failed(struct bench *b)
{
	static const char *const ends[] = { "error", "failed", "cancelled" };
	int64_t n = 0;

	for (size_t i = 0; i < G_N_ELEMENTS(ends); i++) {
		g_autoptr(GPtrArray) list = engine_list(b->engine, &(struct mig_filter){ .status = ends[i] }, NULL);

		n += list->len;
	}
	return n;
}

static bool read_args(struct bench *b, int argc, char **argv)
{
	if (argc >= 5 && argc <= 7) {
		b->hosts = atoi(argv[1]);
		b->servers = atoi(argv[2]);
		b->wanted = atoll(argv[3]);
		b->every = argc > 5 ? atoi(argv[5]) : 1;
		b->at_once = argc > 6 ? atoi(argv[6]) : 0;
		if (b->hosts > 0 && b->servers >= b->hosts && b->servers % b->hosts == 0 && b->wanted > 0 && b->every > 0 && b->at_once >= 0)
			return true;
	}
	fprintf(stderr, "usage: fleet HOSTS SERVERS MIGRATIONS STORE [EVERY [AT_ONCE]]; as many SERVERS on each host\n");
	return false;
}

int main(int argc, char **argv)
{
	struct bench b = { 0 };
	double before, idle, queued, cpu = 0, held = 0;

	if (!read_args(&b, argc, argv))
		return 2;
	start(&b, argv[4]);
	before = cpu_us();
	clock_advance_ms(POLLS * REPORT_S * 1000);
	idle = (cpu_us() - before) / b.hosts / POLLS;

	/* The first turn of the warm-up shows what a queued one takes. */
	before = allocated();
	ask_all(&b);
	clock_advance_ms(1);
	queued = (allocated() - before) / (double)b.begun;
	while (engine_active(b.engine)->len > 0)
		(void)clock_step();
	/* As many as are measured: ten thousand fill every cache, pool and ring. */
	while (b.begun < b.wanted)
		move_all(&b);
	held = allocated();
	for (b.begun = 0; b.begun < b.wanted;)
		cpu += measured_turn(&b);
	printf("hosts %d failed %" G_GINT64_FORMAT " cpu %.1f poll %.2f queued %.0f ended %.1f migrations %" G_GINT64_FORMAT "\n", b.hosts, count_failed(&b),
	       cpu / (double)b.begun, idle, queued, (allocated() - held) / (double)b.begun, b.begun);
	stop(&b);
	return 0;
}

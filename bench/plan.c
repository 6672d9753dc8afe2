/* SPDX-License-Identifier: Apache-2.0
 *
 * How long the planner takes for a large fleet.
 *
 *	plan HOSTS SERVERS
 *
 * Prints a line of names and values: CPU (ms) of a map in which half of all servers go to another host, of the drain of a tenth of the hosts, and of a rebalancing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "plan/planner.h"
#include "plan/spread.h"

struct bench {
	struct planner_host *hosts;
	struct planner_guest *guests;
	struct planner_fleet f;
	GRand *rand;
};

static double cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* Hosts are three quarters full on the average; @uneven: some more, some less. */
static void fill(struct bench *b, bool uneven)
{
	int each = (int)(b->f.n_guests / b->f.n_hosts), room = 4 * each * 4096 / 3;

	for (guint h = 0; h < b->f.n_hosts; h++)
		b->hosts[h] = (struct planner_host){ .name = "host", .capacity = { 1000000, room, 1000000, 100000 } };
	for (guint g = 0; g < b->f.n_guests; g++) {
		guint h = uneven ? (guint)g_rand_int_range(b->rand, 0, (gint32)b->f.n_hosts) : g % b->f.n_hosts;
		struct usage size = { 2, 2048 + 1024 * g_rand_int_range(b->rand, 0, 5), 10, 1 };

		b->guests[g] = (struct planner_guest){ .name = "server", .host = h, .size = size, .bytes = size.memory_mb << 20, .to = PLANNER_STAYS };
		planner_add(&b->hosts[h].used, &size, 1);
	}
}

static double timed(struct bench *b, guint *ret_steps)
{
	double began = cpu_ms();
	struct planner_result *r = planner_run(&b->f);
	double took = cpu_ms() - began;

	*ret_steps = r->steps->len;
	planner_result_free(r);
	return took;
}

static double time_map(struct bench *b, guint *ret_steps)
{
	fill(b, false);
	for (guint g = 0; g < b->f.n_guests; g += 2)
		b->guests[g].to = (guint)g_rand_int_range(b->rand, 0, (gint32)b->f.n_hosts);
	return timed(b, ret_steps);
}

static double time_drain(struct bench *b, guint *ret_steps)
{
	fill(b, false);
	for (guint g = 0; g < b->f.n_guests; g++)
		if (b->guests[g].host % 10 == 0)
			b->guests[g].to = PLANNER_ANY;
	for (guint h = 0; h < b->f.n_hosts; h += 10)
		b->hosts[h].no = "the host is to be drained";
	return timed(b, ret_steps);
}

static double time_balance(struct bench *b, guint *ret_steps)
{
	static const struct planner_target t = { .memory = 20, .vcpus = 20, .hysteresis = 5 };
	double began;

	fill(b, true);
	began = cpu_ms();
	(void)planner_balance(&b->f, b->guests, &t);
	return cpu_ms() - began + timed(b, ret_steps);
}

int main(int argc, char **argv)
{
	struct bench b = { .f = { .limits = { .parallel = 100, .out = 1, .in = 4, .link_bps = 1 << 30 } } };
	guint map, drain, balance;
	double map_ms, drain_ms, balance_ms;

	if (argc != 3)
		return 2;
	b.f.n_hosts = (guint)atoi(argv[1]);
	b.f.n_guests = (guint)atoi(argv[2]);
	b.f.hosts = b.hosts = g_new0(struct planner_host, b.f.n_hosts);
	b.f.guests = b.guests = g_new0(struct planner_guest, b.f.n_guests);
	b.rand = g_rand_new_with_seed(1);
	map_ms = time_map(&b, &map);
	drain_ms = time_drain(&b, &drain);
	balance_ms = time_balance(&b, &balance);
	printf("map_ms %.0f map_steps %u drain_ms %.0f drain_steps %u rebalance_ms %.0f rebalance_steps %u\n", map_ms, map, drain_ms, drain, balance_ms, balance);
	g_rand_free(b.rand);
	g_free(b.hosts);
	g_free(b.guests);
	return 0;
}

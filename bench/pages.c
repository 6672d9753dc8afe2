/* SPDX-License-Identifier: Apache-2.0
 *
 * How many pages of servers the API makes in a second of one core, without HTTP:
 * from the request's head to the body's last byte.
 *
 *	pages [SERVERS [SECONDS]]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../tests/unit/compute_world.h"

static const struct {
	const char *name, *target;
	int mv;
} cases[] = {
	{ "detail, 100 of all, 2.1",    "/v2.1/servers/detail?limit=100", 1 },
	{ "detail, 100 of all, 2.96",   "/v2.1/servers/detail?limit=100", 96 },
	{ "detail, all projects, 2.96", "/v2.1/servers/detail?limit=100&all_tenants=1", 96 },
	{ "detail, one host, 2.96",     "/v2.1/servers/detail?limit=100&all_tenants=1&host=h1", 96 },
	{ "detail, by name, 2.96",      "/v2.1/servers/detail?limit=100&sort_key=display_name&sort_dir=asc", 96 },
	{ "brief, 100 of all, 2.96",    "/v2.1/servers?limit=100", 96 },
	{ "one server, 2.96",           "/v2.1/servers/" WORLD_WEB, 96 },
};

static double cpu_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void measure(struct world *w, const char *name, const char *target, int mv, double seconds)
{
	double begun = cpu_now(), taken;
	size_t bytes = 0;
	int n = 0;

	do {
		struct answer a;

		world_ask(w, "GET", target, mv, "admin", NULL, &a);
		g_assert(a.status == 200);
		bytes = strlen(a.body);
		answer_clear(&a);
		n++;
		taken = cpu_now() - begun;
	} while (taken < seconds);
	printf("%-30s %8.0f /s %8zu bytes %8.1f MB/s\n", name, n / taken, bytes, n * (double)bytes / taken / 1e6);
}

int main(int argc, char **argv)
{
	struct world *w = world_new();
	int servers = argc > 1 ? atoi(argv[1]) : 1000;

	world_add_servers(w, servers);
	printf("%d servers\n", servers);
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
		measure(w, cases[i].name, cases[i].target, cases[i].mv, argc > 2 ? atof(argv[2]) : 1);
	world_free(w);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Which filter says no, and why: what is asked of h2, for the server on h1.
 */
#include <string.h>

#include "base/clock.h"
#include "fleet/sched.h"
#include "fleet_world.h"

static void is_source(struct world *w, struct sched_need *n)
{
	(void)w;
	n->source = "h2";
}

static void no_source(struct world *w, struct sched_need *n)
{
	(void)w;
	n->source = NULL; /* a new server; or it may stay where it is */
}

static void other_cell(struct world *w, struct sched_need *n)
{
	(void)n;
	w->h2->cell = g_strdup("west");
	w->h2->disabled = true;
}

static void any_cell(struct world *w, struct sched_need *n)
{
	w->h2->cell = g_strdup("west");
	n->source = NULL;
}

static void the_same_cell(struct world *w, struct sched_need *n)
{
	(void)n;
	w->h2->cell = g_strdup("default");
}

static void is_excluded(struct world *w, struct sched_need *n)
{
	(void)w;
	n->exclude = g_hash_table_new(g_str_hash, g_str_equal);
	g_hash_table_insert(n->exclude, "h2", "it was tried");
}

static void is_disabled(struct world *w, struct sched_need *n)
{
	(void)n;
	w->h2->disabled = true;
	w->h2->disabled_reason = g_strdup("disk");
}

static void is_down(struct world *w, struct sched_need *n)
{
	(void)n;
	w->h2->conn = HOST_CLOSED;
}

static void is_silent(struct world *w, struct sched_need *n)
{
	(void)n;
	w->h2->waits_since_us = clock_now_us();
	room_note(w->h2);
	clock_advance_ms(w->conf->service_down_time * 1000 + 1);
}

static void other_arch(struct world *w, struct sched_need *n)
{
	n->arch = "aarch64";
	w->h2->arch = g_quark_from_string("x86_64");
}

static void no_kvm(struct world *w, struct sched_need *n)
{
	n->kvm = true;
	w->h2->info->kvm = false;
}

static void too_much_memory(struct world *w, struct sched_need *n)
{
	(void)w;
	n->memory_mb = 9000;
	n->vcpus = 9;
}

static void too_many_vcpus(struct world *w, struct sched_need *n)
{
	(void)w;
	n->vcpus = 9;
	n->disk_gb = 101;
}

static void too_much_disk(struct world *w, struct sched_need *n)
{
	(void)w;
	n->disk_gb = 101;
}

static void too_many_servers(struct world *w, struct sched_need *n)
{
	(void)n;
	w->conf->max_instances_per_host = 0;
	room_inbound(w->h2, &task_class_live, WORLD_INBOUND_MAX);
}

/* It wants a CPU of its own, and nothing is known of the host's. */
static void no_nodes(struct world *w, struct sched_need *n)
{
	struct hv_ties *t = hv_ties_new();
	struct hv_pin pin = { .id = 0 };

	g_assert_true(cpuset_parse("3", &pin.cpus));
	g_array_append_val(t->numa_fit->pins, pin);
	n->numa = t;
	room_inbound(w->h2, &task_class_live, WORLD_INBOUND_MAX);
}

static void is_busy(struct world *w, struct sched_need *n)
{
	(void)n;
	room_inbound(w->h2, &task_class_live, WORLD_INBOUND_MAX);
}

static void holds_it(struct world *w, struct sched_need *n)
{
	fleet_claim(w->fleet, w->h2, &(struct claim){ .task_id = 1, .usage = server_usage(w->server) });
	fleet_claim(w->fleet, w->h2, &(struct claim){ .task_id = 2, .usage = { 6, 6144, 10, 1 } });
	room_inbound(w->h2, &task_class_live, WORLD_INBOUND_MAX);
	n->claimed = w->h2;
}

/* @filter: NULL: it passes */
static const struct {
	const char *name;
	void (*given)(struct world *w, struct sched_need *n);
	const char *filter, *reason;
	bool busy;
} rows[] = {
	{ "source", is_source, "SourceFilter", "the server runs there" },
	{ "no source", no_source },
	{ "another cell", other_cell, "CellFilter", "the host is in cell west, the server in cell default" },
	{ "no source, any cell", any_cell },
	{ "the cell of those that name none", the_same_cell },
	{ "excluded", is_excluded, "RetryFilter", "it was tried" },
	{ "disabled", is_disabled, "ComputeFilter", "the host is disabled: disk" },
	{ "down", is_down, "ComputeFilter", "the host is down: not connected yet" },
	{ "silent", is_silent, "ComputeFilter", "the host is down: it has not answered for too long" },
	{ "architecture", other_arch, "HypervisorFilter", "the guest's architecture is aarch64, the host's x86_64" },
	{ "no KVM", no_kvm, "HypervisorFilter", "the guest needs KVM, the host has none" },
	{ "memory before vCPUs", too_much_memory, "RamFilter", "9000 MB of memory needed, 8192 MB free" },
	{ "vCPUs before disk", too_many_vcpus, "CoreFilter", "9 vCPUs needed, 8 free" },
	{ "disk", too_much_disk, "DiskFilter", "101 GB of disk needed, 100 GB free" },
	{ "servers before slots", too_many_servers, "NumInstancesFilter", "0 servers are there, max_instances_per_host is 0" },
	{ "what looks closer before slots", no_nodes, "NUMATopologyFilter",
	  "Migration pre-check error: Insufficient compute resources: Requested instance NUMA topology cannot fit the given host NUMA topology: " },
	{ "slots", is_busy, "InboundFilter", "2 inbound migrations, max_concurrent_inbound_live_migrations is 2", true },
	{ "its own claim", holds_it },
};

static void check(struct world *w, const struct sched_need *n, size_t row)
{
	struct sched_result *res = sched_select(w->fleet, n);
	const struct sched_verdict *v = g_ptr_array_index(res->hosts, 0);
	struct host *busy = NULL, *best = sched_best(w->fleet, n, &busy);
	bool passes = !rows[row].filter;

	g_assert_cmpuint(res->hosts->len, ==, 1);
	g_assert_cmpstr(v->filter, ==, rows[row].filter);
	g_assert_true(passes ? !v->reason : strstr(v->reason, rows[row].reason) == v->reason);
	g_assert_true(v->busy == rows[row].busy);
	g_assert_cmpuint(res->passed, ==, passes);
	g_assert_true(best == (passes ? w->h2 : NULL));
	g_assert_true(busy == (rows[row].busy ? w->h2 : NULL));
	g_assert_true(sched_any(w->fleet, n) == (passes || rows[row].busy));
	g_assert_true(sched_fits(w->fleet, n, w->h2) == (passes || rows[row].busy));
	sched_result_free(res);
}

static void test_filters(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct world *w = world_new();
		struct sched_need n = sched_need_of(w->server, &task_class_live);

		g_test_message("%s", rows[i].name);
		n.only_host = "h2";
		rows[i].given(w, &n);
		room_note(w->h2);
		check(w, &n, i);
		g_clear_pointer(&n.exclude, g_hash_table_unref);
		hv_ties_unref((struct hv_ties *)n.numa);
		world_free(w);
	}
}

/* A need is no server: what does not exist yet finds a host; the emptier one first, then by id. */
static void test_new_server(void)
{
	struct world *w = world_new();
	const struct sched_need need = { .vcpus = 1, .memory_mb = 512, .disk_gb = 1 };
	struct sched_result *res = sched_select(w->fleet, &need);
	struct host *busy;

	g_assert_cmpuint(res->passed, ==, 2);
	g_assert_true(((struct sched_verdict *)g_ptr_array_index(res->hosts, 0))->host == w->h2);
	g_assert_true(sched_best(w->fleet, &need, &busy) == w->h2);
	sched_result_free(res);
	world_free(w);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/sched/filters", test_filters);
	g_test_add_func("/sched/new_server", test_new_server);
	return g_test_run();
}

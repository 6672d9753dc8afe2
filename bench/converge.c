/* SPDX-License-Identifier: Apache-2.0
 *
 * How long the two policies take to bring a migration to its end.
 *
 *	converge [ROW]
 *
 * Each row is a guest and what its operator permits. It is migrated twice through
 * the whole engine on the same simulated hosts, once by each policy, with the same
 * deadline, on a clock of its own: equal runs give equal numbers, on any machine.
 *
 * Total is from libvirt's call to its end, blackout the time in which the guest
 * ran on neither side, sent what went over the link. Time under post-copy and time
 * lost to auto-converge count for neither; they stand in the last columns.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "live/live.h"
#include "scn.h"
#include "task/request.h"

#define GUEST     "11111111-1111-4111-8111-111111111111"
#define START_MS  60000
#define LIMIT_MS  (12 * 3600 * 1000)
#define EQUAL     0.02 /* totals that differ by less are equal */

struct row {
	const char *name;
	int64_t mem_mib, working_mib, hot_mib, dirty_mibs, link_mibs;
	int64_t busy_s, idle_s;     /* it writes, then it does not; 0: always */
	const char *conf;           /* options of [libvirt] */
};

#define POSTCOPY "live_migration_permit_post_copy = true\n"
#define CONVERGE "live_migration_permit_auto_converge = true\n"
#define FORCE    "live_migration_timeout_action = force_complete\n"

static const struct row rows[] = {
	{ "idle",                     2048,  256,   64,    1,  100, 0,   0,  "" },
	{ "idle, large",              32768, 1024,  128,   2,  1000, 0,  0,  "" },
	{ "light",                    4096,  512,   128,   20, 100, 0,   0,  "" },
	{ "half of the link",         4096,  2048,  512,   60, 100, 0,   0,  "" },
	{ "small hot set",            4096,  64,    64,    800, 100, 0,  0,  "" },
	{ "just does not converge",   4096,  128,   96,    400, 200, 0,  0,  "" },
	{ "needs the longest pause",  4096,  90,    60,    500, 200, 0,  0,  "" },
	{ "long pause permitted",     4096,  512,   512,   500, 200, 0,  0,  "live_migration_downtime = 5000\n" },
	{ "saw-tooth, slow link",     2048,  384,   384,   60, 50,  0,   0,  "live_migration_downtime = 3000\n" },
	{ "saw-tooth, fast link",     16384, 4096,  1024,  700, 1000, 0, 0,  "" },
	{ "bursts",                   4096,  2048,  2048,  400, 100, 60, 120, "" },
	{ "bursts, short calm",       4096,  1024,  1024,  300, 100, 40, 10, "live_migration_downtime = 2000\n" },
	{ "never, abort",             2048,  1024,  1024,  600, 100, 0,  0,  "" },
	{ "never, force",             2048,  1024,  1024,  600, 100, 0,  0,  FORCE },
	{ "never, force, large",      8192,  4096,  2048,  900, 250, 0,  0,  FORCE },
	{ "never, post-copy",         4096,  2048,  2048,  900, 100, 0,  0,  POSTCOPY },
	{ "never, post-copy, force",  8192,  4096,  2048,  900, 250, 0,  0,  POSTCOPY FORCE },
	{ "auto-converge",            2048,  512,   512,   200, 100, 0,  0,  CONVERGE },
	{ "auto-converge, hard",      4096,  2048,  2048,  2000, 100, 0, 0,  CONVERGE FORCE },
	{ "short deadline, force",    4096,  512,   256,   300, 150, 0,  0,  FORCE "live_migration_completion_timeout = 30\n" },
};

struct outcome {
	const char *word;             /* completed, paused, post-copy, failed */
	struct sim_job_report r;
};

/* ---- one run ---- */

/* Owned by the caller. */
static char *make_conf(const struct row *row, const char *policy)
{
	return g_strdup_printf("[DEFAULT]\nlog_format = text\n[workarounds]\nallow_any_uri = true\n[libvirt]\nlive_migration_policy = %s\n%s"
			       "[host h1]\nuri = sim://h1\n[host h2]\nuri = sim://h2\n", policy, row->conf);
}

static void make_world(struct run *r, const struct row *row)
{
	static const char *const names[] = { "h1", "h2" };

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		sim_host_add(r->world, names[i], &(struct sim_host_spec){ .mem_mib = 65536, .link_mibs = row->link_mibs, .latency_ms = 4 });
	sim_dom_add(r->world, "h1", &(struct sim_dom_spec){
		.uuid = GUEST, .name = "guest", .mem_mib = row->mem_mib,
		.dirty_mibs = (double)row->dirty_mibs, .working_mib = row->working_mib, .hot_mib = row->hot_mib,
	});
	controller_start(r);
}

static bool is_known(struct run *r, void *unused)
{
	return all_up(r, unused) && fleet_server(r->fleet, GUEST);
}

static bool is_over(struct run *r, void *unused)
{
	(void)unused;
	return engine_active(r->engine)->len == 0;
}

static void accepted(int64_t id, const GError *err, void *user)
{
	(void)user;
	if (err)
		g_error("the migration was refused: %s", err->message);
	g_assert(id > 0);
}

/* Until it is over, while the guest now writes and now does not. */
static void run_on(struct run *r, const struct row *row)
{
	bool over = false;

	for (int64_t phase = 0; !over && clock_now_ms() < LIMIT_MS; phase++) {
		int64_t s = row->busy_s == 0 ? LIMIT_MS / 1000 : phase % 2 ? row->idle_s : row->busy_s;

		sim_dom_writes(r->world, GUEST, phase % 2 ? 0 : (double)row->dirty_mibs);
		over = run_until(r, s * 1000, is_over, NULL);
	}
}

static const char *word_of(struct run *r, const struct outcome *o)
{
	if (!o->r.completed)
		return r->op_calls[HV_JOB_ABORT] > 0 ? "aborted" : "failed";
	if (o->r.postcopy_ms > 0)
		return "post-copy";
	return r->op_calls[HV_DOM_SUSPEND] > 0 ? "paused" : "completed";
}

static struct outcome migrate(const struct row *row, const char *policy)
{
	static const struct scn_options opt = { .seed = 1, .sweep = true };
	g_autofree char *conf = make_conf(row, policy);
	struct scn scn = { .name = (char *)row->name, .conf = conf };
	struct run r = { .scn = &scn, .opt = &opt };
	struct task_request q = { .kind = &live_kind, .host = "h2", .who = { .user_id = "admin", .project_id = "admin", .request_id = "req", .admin = true } };
	struct outcome o;

	run_begin(&r, NULL);
	if (r.log->len > 0)
		g_error("%s: %s", row->name, (const char *)g_ptr_array_index(r.log, 0));
	make_world(&r, row);
	if (!run_until(&r, START_MS, is_known, NULL))
		g_error("%s: the hosts do not come up", row->name);
	q.server = fleet_server(r.fleet, GUEST);
	request_begin(r.engine, &q, accepted, NULL);
	run_on(&r, row);
	if (!sim_job_report(r.world, GUEST, &o.r) || !o.r.ended)
		g_error("%s: the migration by %s has no end", row->name, policy);
	o.word = word_of(&r, &o);
	if (r.failure)
		g_error("%s by %s: %s", row->name, policy, r.failure);
	run_end(&r);
	return o;
}

/* ---- the table ---- */

static void print_outcome(const struct outcome *o)
{
	char after[40] = "";

	if (o->r.slowed_ms > 0)
		g_snprintf(after, sizeof after, " slowed %.0f s", (double)o->r.slowed_ms / 1000);
	else if (o->r.postcopy_ms > 0)
		g_snprintf(after, sizeof after, " %.0f s of it", (double)o->r.postcopy_ms / 1000);
	printf(" %8.1f %8d %8d  %-9s%-14s", (double)o->r.total_ms / 1000, (int)o->r.blackout_ms, (int)(o->r.sent_bytes >> 20), o->word, after);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	double ratios[G_N_ELEMENTS(rows)];
	int n = 0, faster = 0, slower = 0, lost = 0;

	g_log_set_always_fatal(G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK);
	printf("%-25s %8s %8s %8s  %-23s %8s %8s %8s  %-23s %6s\n", "converge", "nova s", "black ms", "MiB", "", "adapt s", "black ms", "MiB",
	       "", "ratio");
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct outcome nova, adaptive;

		if (argc > 1 && !g_str_equal(argv[1], rows[i].name))
			continue;
		nova = migrate(&rows[i], "nova");
		adaptive = migrate(&rows[i], "adaptive");
		ratios[n] = (double)adaptive.r.total_ms / (double)nova.r.total_ms;
		printf("%-25s", rows[i].name);
		print_outcome(&nova);
		print_outcome(&adaptive);
		printf(" %6.2f\n", ratios[n]);
		faster += ratios[n] < 1 - EQUAL;
		slower += ratios[n] > 1 + EQUAL;
		lost += nova.r.completed && !adaptive.r.completed;
		n++;
	}
	if (n == 0) {
		fprintf(stderr, "converge: no such row: %s\n", argv[1]);
		return 2;
	}
	qsort(ratios, (size_t)n, sizeof ratios[0], compare);
	printf("adaptive: %d faster, %d equal, %d slower, %d lost, median ratio %.2f\n", faster, n - faster - slower, slower, lost,
	       n % 2 ? ratios[n / 2] : (ratios[n / 2 - 1] + ratios[n / 2]) / 2);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * sweep: every scenario, every call, every fault.
 *
 *	sweep [--seed N] [--runs N] [--jobs N] [--only SCENARIO:CALL:FAULT] [--trace] FILE...
 *
 * Theory of operation
 * -------------------
 * A scenario is run once as it is, to count the calls that pass the gate while
 * its commands run. Then it is run once for each call and each fault; a killed
 * controller is started again on the same store and the same world; when the
 * commands are done every fault ends, everything comes to rest, and the
 * invariants are checked (scn_check.c). Nothing else is expected of such a run.
 *
 * A run is its name, SCENARIO:CALL:FAULT, and the seed: equal names give equal
 * runs, call by call, which the first run of each scenario proves by a digest.
 *
 * Halves of the work run in processes of their own; each tells the first one
 * its failures and totals through a pipe.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scn.h"

#define FAILURES_SHOWN 50
#define JOBS_MAX 64

static gint64 seed = 1, max_runs, jobs = 2;
static char *only;
static int trace;

static const GOptionEntry options[] = {
	{ "seed", 's', 0, G_OPTION_ARG_INT64, &seed, "of latencies", "N" },
	{ "runs", 'n', 0, G_OPTION_ARG_INT64, &max_runs, "at most so many, spread over all (0: every one)", "N" },
	{ "jobs", 'j', 0, G_OPTION_ARG_INT64, &jobs, "processes (2)", "N" },
	{ "only", 'o', 0, G_OPTION_ARG_STRING, &only, "just this run", "SCENARIO:CALL:FAULT" },
	{ "trace", 't', 0, G_OPTION_ARG_NONE, &trace, "show calls, log and commands of --only", NULL },
	G_OPTION_ENTRY_NULL
};

/* What is put in. Outages come in lengths that connections survive and that they do not. */
static const struct {
	const char *name;
	enum sim_fault_kind kind;
	int64_t ms;
} faults[] = {
	{ "refuse",            SIM_REFUSE,            0 },
	{ "lose-request",      SIM_LOSE_REQUEST,      0 },
	{ "lose-reply",        SIM_LOSE_REPLY,        0 },
	{ "hang",              SIM_HANG,              0 },
	{ "hang-reply",        SIM_HANG_REPLY,        0 },
	{ "delay",             SIM_DELAY,             3000 },
	{ "delay-long",        SIM_DELAY,             20000 },
	{ "libvirtd-before",   SIM_LIBVIRTD_BEFORE,   3000 },
	{ "libvirtd-after",    SIM_LIBVIRTD_AFTER,    3000 },
	{ "controller-before", SIM_CONTROLLER_BEFORE, 0 },
	{ "controller-after",  SIM_CONTROLLER_AFTER,  0 },
	{ "cut-link",          SIM_CUT_LINK,          8000 },
	{ "cut-link-long",     SIM_CUT_LINK,          60000 },
	{ "power-off",         SIM_POWER_OFF,         30000 },
};

/* What each process is at, for the one that outlives it. */
static char (*at)[256];

/* What each process counts. */
struct total {
	int64_t runs, failed, struck, virtual_ms;
};

static void run_one(const struct scn *s, int64_t call, size_t fault, bool traced, struct scn_result *res)
{
	struct sim_fault f = { .op = HV_OP_N, .nth = call, .kind = faults[fault].kind, .ms = faults[fault].ms };
	struct scn_options o = { .seed = (uint64_t)seed, .fault = &f, .sweep = true, .trace = traced ? stdout : NULL };

	*res = (struct scn_result){ 0 };
	scn_run(s, &o, res);
}

/* ---- one run ---- */

static int run_only(GPtrArray *all)
{
	g_auto(GStrv) part = g_strsplit(only, ":", 3);
	struct scn_result res;
	int64_t call = 0;

	if (g_strv_length(part) != 3 || !util_parse_int(part[1], 1, INT32_MAX, &call)) {
		fprintf(stderr, "sweep: --only SCENARIO:CALL:FAULT, as a failure is printed\n");
		return 2;
	}
	for (guint i = 0; i < all->len; i++) {
		const struct scn *s = g_ptr_array_index(all, i);

		for (size_t k = 0; k < G_N_ELEMENTS(faults); k++) {
			if (!g_str_equal(s->name, part[0]) || !g_str_equal(faults[k].name, part[2]))
				continue;
			run_one(s, call, k, trace, &res);
			printf("1..1\n%sok 1 - %s seed=%d\n", res.failure ? "not " : "", only, (int)seed);
			if (res.failure)
				printf("# %s\n", res.failure);
			if (!res.hits)
				printf("# no call met the fault\n");
			return res.failure ? 1 : 0;
		}
	}
	fprintf(stderr, "sweep: no such scenario or fault: %s\n", only);
	return 2;
}

/* ---- all ---- */

/* Calls of the scenario without a fault; 0 if it fails already or does not repeat. */
static int64_t count_calls(const struct scn *s, FILE *out)
{
	struct scn_options o = { .seed = (uint64_t)seed, .sweep = true };
	struct scn_result a = { 0 }, b = { 0 };
	bool good;

	scn_run(s, &o, &a);
	scn_run(s, &o, &b);
	good = !a.failure && a.digest == b.digest;
	if (!good)
		fprintf(out, "F %s:0:none %s\n", s->name, a.failure ? a.failure : "two runs of the same seed differ");
	g_free(a.failure);
	g_free(b.failure);
	return good ? a.calls : 0;
}

/* Runs are dealt out by a hash, so that a part of them has calls and faults of all kinds. */
static bool is_mine(int64_t number, int64_t me, int64_t every)
{
	uint64_t x = ((uint64_t)number + (uint64_t)seed * 0x9e3779b97f4a7c15u) * 0xbf58476d1ce4e5b9u;

	x ^= x >> 31;
	return x % (uint64_t)every == 0 && (int64_t)(x / (uint64_t)every % (uint64_t)jobs) == me;
}

static void sweep_scenario(const struct scn *s, int64_t me, int64_t every, int64_t *number, struct total *t, FILE *out)
{
	int64_t calls = count_calls(s, out);
	struct scn_result res;

	t->failed += calls == 0;
	for (int64_t call = 1; call <= calls; call++) {
		for (size_t k = 0; k < G_N_ELEMENTS(faults); k++) {
			if (!is_mine((*number)++, me, every))
				continue;
			g_snprintf(at[me], sizeof at[0], "%s:%d:%s", s->name, (int)call, faults[k].name);
			run_one(s, call, k, false, &res);
			t->runs++;
			t->struck += res.hits > 0;
			t->virtual_ms += res.virtual_ms;
			if (!res.failure)
				continue;
			t->failed++;
			fprintf(out, "F %s:%d:%s %s\n", s->name, (int)call, faults[k].name, res.failure);
			g_free(res.failure);
		}
	}
}

/* How many runs there are in all, to spread --runs over. */
static int64_t count_runs(GPtrArray *all, FILE *null)
{
	int64_t n = 0;

	for (guint i = 0; i < all->len; i++)
		n += count_calls(g_ptr_array_index(all, i), null) * (int64_t)G_N_ELEMENTS(faults);
	return n;
}

static void work(GPtrArray *all, int64_t me, int64_t every, FILE *out)
{
	struct total t = { 0 };
	int64_t number = 0;

	for (guint i = 0; i < all->len; i++)
		sweep_scenario(g_ptr_array_index(all, i), me, every, &number, &t, out);
	fprintf(out, "T %" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %" G_GINT64_FORMAT "\n", t.runs, t.failed, t.struck,
		t.virtual_ms);
	fflush(out);
}

/* Return: a stream of what the process says. */
static FILE *spawn(GPtrArray *all, int64_t me, int64_t every)
{
	int fds[2];
	pid_t pid;

	if (pipe(fds) < 0 || (pid = fork()) < 0) {
		perror("sweep");
		exit(2);
	}
	if (pid == 0) {
		FILE *out = fdopen(fds[1], "w");

		close(fds[0]);
		work(all, me, every, out);
		fclose(out);
		exit(0);
	}
	close(fds[1]);
	return fdopen(fds[0], "r");
}

static void listen_to(FILE *in, const char *last, struct total *sum, GPtrArray *failures)
{
	char line[4096];
	bool whole = false;

	while (fgets(line, sizeof line, in)) {
		struct total t;

		if (line[0] == 'F') {
			g_ptr_array_add(failures, g_strchomp(g_strdup(line + 2)));
		} else if (sscanf(line, "T %" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %" G_GINT64_FORMAT, &t.runs,
				  &t.failed, &t.struck, &t.virtual_ms) == 4) {
			whole = true;
			sum->runs += t.runs;
			sum->failed += t.failed;
			sum->struck += t.struck;
			sum->virtual_ms += t.virtual_ms;
		}
	}
	if (!whole) {
		sum->failed++;
		g_ptr_array_add(failures, g_strconcat(last, " died", NULL));
	}
	fclose(in);
}

static int64_t failures_of(GPtrArray *failures, const char *name, bool print)
{
	int64_t n = 0;

	for (guint i = 0; i < failures->len; i++) {
		const char *f = g_ptr_array_index(failures, i);

		if (!g_str_has_prefix(f, name) || f[strlen(name)] != ':')
			continue;
		if (print && n < FAILURES_SHOWN)
			printf("# --seed %d --only %s\n", (int)seed, f);
		n++;
	}
	return n;
}

static int run_all(GPtrArray *all)
{
	g_autoptr(GPtrArray) failures = g_ptr_array_new_with_free_func(g_free);
	gint64 begin = g_get_monotonic_time();
	struct total sum = { 0 };
	int64_t every = 1;
	FILE *in[JOBS_MAX];
	double s;

	jobs = CLAMP(jobs, 1, JOBS_MAX);
	at = mmap(NULL, (size_t)jobs * sizeof at[0], PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED) {
		perror("sweep");
		return 2;
	}
	if (max_runs > 0) {
		FILE *null = fopen("/dev/null", "w");

		every = MAX(count_runs(all, null) / max_runs, 1);
		fclose(null);
	}
	for (int64_t i = 0; i < jobs; i++)
		in[i] = spawn(all, i, every);
	for (int64_t i = 0; i < jobs; i++)
		listen_to(in[i], at[i], &sum, failures);
	while (wait(NULL) > 0)
		;
	s = (double)(g_get_monotonic_time() - begin) / 1e6;
	printf("1..%u\n", all->len + 1);
	for (guint i = 0; i < all->len; i++) {
		const struct scn *scn = g_ptr_array_index(all, i);
		int64_t n = failures_of(failures, scn->name, false);

		printf("%sok %u - %s\n", n ? "not " : "", i + 1, scn->name);
		(void)failures_of(failures, scn->name, true);
	}
	printf("%sok %u - %d runs, %d met their fault, %d failed; %.1f s, %.0f runs/s, %.0f h of virtual time; seed %d\n", sum.failed ? "not " : "",
	       all->len + 1, (int)sum.runs, (int)sum.struck, (int)sum.failed, s, (double)sum.runs / s, (double)sum.virtual_ms / 3.6e6, (int)seed);
	return sum.failed ? 1 : 0;
}

int main(int argc, char **argv)
{
	g_autoptr(GOptionContext) ctx = g_option_context_new("FILE...");
	g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func((GDestroyNotify)scn_free);
	g_autoptr(GError) err = NULL;
	int code;

	g_option_context_add_main_entries(ctx, options, NULL);
	if (!g_option_context_parse(ctx, &argc, &argv, &err)) {
		fprintf(stderr, "sweep: %s\n", err->message);
		return 2;
	}
	for (int i = 1; i < argc; i++) {
		struct scn *s = scn_load(argv[i], &err);

		if (!s) {
			fprintf(stderr, "sweep: %s\n", err->message);
			return 2;
		}
		if (s->no_sweep)
			scn_free(s);
		else
			g_ptr_array_add(all, s);
	}
	code = only ? run_only(all) : run_all(all);
	g_free(only);
	return code;
}

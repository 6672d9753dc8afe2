/* SPDX-License-Identifier: Apache-2.0
 *
 * sweep: every scenario, every call, every fault.
 *
 *	sweep [--seed N] [--runs N] [--pairs N] [--stores N] [--percent N] [--lot N] [--jobs N]
 *	      [--only SCENARIO:CALL:FAULT[+CALL:FAULT]] [--trace] FILE|FOLDER...
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
 * --pairs adds runs with two faults, drawn by lot from the seed; the second call
 * may be one that only the first fault has brought about.
 *
 * The database fails too: each call to it, statement, begin or commit, is refused,
 * or the connection is lost before or after it was done. Every scenario meets each
 * statement with each of these once at least; --stores adds more, drawn by --lot.
 *
 * Halves of the work run in processes of their own; each tells the first one
 * its failures and totals through a pipe.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scn.h"

#define FAILURES_SHOWN 50
#define JOBS_MAX 64
#define SHARES 65536 /* runs are dealt out in so many parts */
#define RUN_MAX_S 60 /* of CPU time, where a run takes 10 ms: what takes so long goes round without an end, and dies with its name told */

static gint64 seed = 1, max_runs, pairs, stores, percent = 100, lot = 1, jobs = 2;
static char *only;
static int trace;

static const GOptionEntry options[] = {
	{ "seed", 's', 0, G_OPTION_ARG_INT64, &seed, "of latencies", "N" },
	{ "runs", 'n', 0, G_OPTION_ARG_INT64, &max_runs, "at most so many, spread over all (0: every one; -1: none)", "N" },
	{ "pairs", 'p', 0, G_OPTION_ARG_INT64, &pairs, "so many runs with two faults too", "N" },
	{ "stores", 'd', 0, G_OPTION_ARG_INT64, &stores, "faults of the database: so many more than each statement's (-1: every one; -2: none at all)", "N" },
	{ "percent", 'c', 0, G_OPTION_ARG_INT64, &percent, "of all this, drawn by --lot (100)", "N" },
	{ "lot", 'l', 0, G_OPTION_ARG_INT64, &lot, "which of them are drawn (0: others each time)", "N" },
	{ "jobs", 'j', 0, G_OPTION_ARG_INT64, &jobs, "processes (2)", "N" },
	{ "only", 'o', 0, G_OPTION_ARG_STRING, &only, "just this run", "SCENARIO:CALL:FAULT[+CALL:FAULT]" },
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
	{ "refuse-guest",      SIM_REFUSE_GUEST,      0 },
	{ "busy",              SIM_BUSY,              0 },
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

#define STORE_CALLS_MAX 65536
G_STATIC_ASSERT(SCN_CALL_N <= G_MAXINT16);

#define HITS_MAX 2
#define NAME_MAX_LEN 256

/* What goes into one run. */
struct plan {
	const struct scn *scn;
	int n;
	struct {
		int64_t call;
		size_t fault; /* index of the table */
	} hit[HITS_MAX];
	struct store_fault db; /* .nth 0: none */
};

/* What each process is at, for the one that outlives it. */
static char (*at)[NAME_MAX_LEN];

/* What a scenario does without a fault. One process finds it out, and all of them read it. */
struct course {
	int64_t calls;     /* 0: it fails already or does not repeat */
	guint n_store;
	gint16 store[STORE_CALLS_MAX]; /* the database's: enum query, SCN_BEGIN, SCN_COMMIT */
};
static struct course *courses;

/* How many of SHARES are run. */
struct shares {
	int64_t seam, db;
};

/* What each process counts. */
struct total {
	int64_t runs, failed, struck, virtual_ms;
};

static void plan_name(char out[static NAME_MAX_LEN], const struct plan *p)
{
	int n = g_snprintf(out, NAME_MAX_LEN, "%s", p->scn->name);

	for (int i = 0; i < p->n; i++)
		n += g_snprintf(out + n, (gulong)(NAME_MAX_LEN - n), "%c%d:%s", i ? '+' : ':', (int)p->hit[i].call, faults[p->hit[i].fault].name);
	if (p->db.nth)
		g_snprintf(out + n, (gulong)(NAME_MAX_LEN - n), ":%d:%s", (int)p->db.nth, store_fault_name(p->db.kind));
}

static void run_plan(const struct plan *p, bool traced, struct scn_result *res)
{
	struct sim_fault f[HITS_MAX];
	struct scn_options o = { .seed = (uint64_t)seed, .faults = f, .n_faults = p->n, .sweep = true, .trace = traced ? stdout : NULL,
				 .store_fault = p->db.nth ? &p->db : NULL };

	for (int i = 0; i < p->n; i++)
		f[i] = (struct sim_fault){
			.op = HV_OP_N, .nth = p->hit[i].call, .kind = faults[p->hit[i].fault].kind, .ms = faults[p->hit[i].fault].ms,
		};
	*res = (struct scn_result){ 0 };
	scn_run(p->scn, &o, res);
}

/* ---- one run ---- */

/* "CALL:FAULT" */
static bool read_hit(struct plan *p, const char *text)
{
	g_auto(GStrv) part = g_strsplit(text, ":", 2);
	int64_t call;

	if (p->n == HITS_MAX || g_strv_length(part) != 2 || !util_parse_int(part[0], 1, INT32_MAX, &call))
		return false;
	for (int k = 0; k < STORE_FAULT_N; k++) {
		if (!g_str_equal(store_fault_name((enum store_fault_kind)k), part[1]))
			continue;
		p->db = (struct store_fault){ .nth = call, .kind = (enum store_fault_kind)k };
		return true;
	}
	for (size_t k = 0; k < G_N_ELEMENTS(faults); k++) {
		if (!g_str_equal(faults[k].name, part[1]))
			continue;
		p->hit[p->n].call = call;
		p->hit[p->n++].fault = k;
		return true;
	}
	return false;
}

static bool read_plan(struct plan *p, GPtrArray *all, const char *text)
{
	g_auto(GStrv) part = g_strsplit(text, ":", 2);
	g_auto(GStrv) hits = g_strsplit(part[0] && part[1] ? part[1] : "", "+", -1);

	*p = (struct plan){ .n = 0 };
	for (guint i = 0; i < all->len; i++)
		if (g_str_equal(((struct scn *)g_ptr_array_index(all, i))->name, part[0] ? part[0] : ""))
			p->scn = g_ptr_array_index(all, i);
	for (char **h = hits; *h; h++)
		if (!read_hit(p, *h))
			return false;
	return p->scn && (p->n > 0 || p->db.nth);
}

static int run_only(GPtrArray *all)
{
	struct scn_result res;
	struct plan p;
	int code;

	if (!read_plan(&p, all, only)) {
		fprintf(stderr, "sweep: --only SCENARIO:CALL:FAULT, as a failure is printed; no such one: %s\n", only);
		return 2;
	}
	run_plan(&p, trace, &res);
	printf("1..1\n%sok 1 - %s seed=%d\n", res.failure ? "not " : "", only, (int)seed);
	if (res.failure)
		printf("# %s\n", res.failure);
	if (res.hits < p.n + (p.db.nth > 0))
		printf("# %d of %d faults were met\n", (int)res.hits, p.n + (p.db.nth > 0));
	code = res.failure ? 1 : 0;
	g_free(res.failure);
	return code;
}

/* ---- all ---- */

/* SIGPROF ends a process that takes more. @s: seconds of CPU time; 0: no limit */
static void limit_cpu(time_t s)
{
	(void)setitimer(ITIMER_PROF, &(struct itimerval){ .it_value.tv_sec = s }, NULL); /* it fails for wrong values only */
}

/* Return: NULL: it is known; owned: why it cannot be */
static char *find_course(const struct scn *s, struct course *c)
{
	g_autoptr(GArray) store = g_array_new(FALSE, FALSE, sizeof(int));
	struct scn_options o = { .seed = (uint64_t)seed, .sweep = true };
	struct scn_result a = { .store_calls = store }, b = { 0 };
	char *why;

	scn_run(s, &o, &a);
	scn_run(s, &o, &b);
	why = a.failure ? g_strdup(a.failure) : a.digest != b.digest ? g_strdup("two runs of the same seed differ") :
	      store->len > STORE_CALLS_MAX ? g_strdup("it asks the database too often to be swept") : NULL;
	for (guint i = 0; !why && i < store->len; i++)
		c->store[c->n_store++] = (gint16)g_array_index(store, int, i);
	c->calls = why ? 0 : a.calls;
	g_free(a.failure);
	g_free(b.failure);
	return why;
}

/* Those of one process. */
static void find_courses(GPtrArray *all, int64_t me, const struct shares *unused, struct total *t, FILE *out)
{
	(void)unused;
	for (guint i = (guint)me; i < all->len; i += (guint)jobs) {
		const struct scn *s = g_ptr_array_index(all, i);
		g_autofree char *why = NULL;

		g_snprintf(at[me], NAME_MAX_LEN, "%s:0:none", s->name);
		limit_cpu(RUN_MAX_S);
		why = find_course(s, &courses[i]);
		limit_cpu(0);
		t->failed += why != NULL;
		if (why)
			fprintf(out, "F %s %s\n", at[me], why);
	}
}

static uint64_t mix(uint64_t a, uint64_t b)
{
	a = (a ^ b) * 0xbf58476d1ce4e5b9u;
	return a ^ a >> 31;
}

/* Of the part that --percent asks for. */
static bool is_drawn(int64_t number)
{
	return (int64_t)(mix(mix((uint64_t)lot, 1), (uint64_t)number) % 100) < percent;
}

/* Runs are dealt out by a hash, so that a part of them has calls and faults of all kinds. */
static bool is_mine(int64_t number, int64_t me, int64_t share)
{
	uint64_t x = ((uint64_t)number + (uint64_t)seed * 0x9e3779b97f4a7c15u) * 0xbf58476d1ce4e5b9u;

	x ^= x >> 31;
	return (int64_t)(x % SHARES) < share && (int64_t)(x / SHARES % (uint64_t)jobs) == me;
}

static void run_and_tell(const struct plan *p, int64_t me, struct total *t, FILE *out)
{
	struct scn_result res;

	plan_name(at[me], p);
	limit_cpu(RUN_MAX_S);
	run_plan(p, false, &res);
	limit_cpu(0);
	t->runs++;
	t->struck += res.hits > 0;
	t->virtual_ms += res.virtual_ms;
	if (!res.failure)
		return;
	t->failed++;
	fprintf(out, "F %s %s\n", at[me], res.failure);
	g_free(res.failure);
}

static void sweep_scenario(const struct scn *s, const struct course *c, int64_t me, int64_t share, int64_t *number, struct total *t, FILE *out)
{
	for (int64_t call = 1; call <= c->calls; call++)
		for (size_t k = 0; k < G_N_ELEMENTS(faults); k++)
			if (is_mine((*number)++, me, share) && is_drawn(*number))
				run_and_tell(&(struct plan){ .scn = s, .n = 1, .hit = { { call, k } } }, me, t, out);
}

/* Two faults: which, and where, by lot. */
static void sweep_pairs(const struct scn *s, const struct course *c, int64_t me, int64_t n, struct total *t, FILE *out)
{
	g_autoptr(GRand) rand = g_rand_new_with_seed((guint32)(seed ^ g_str_hash(s->name)));

	for (int64_t i = 0; c->calls > 0 && i < n; i++) {
		struct plan p = { .scn = s, .n = 2 };

		p.hit[0].call = g_rand_int_range(rand, 1, (gint32)c->calls + 1);
		p.hit[1].call = p.hit[0].call + g_rand_int_range(rand, 1, (gint32)c->calls / 2 + 2);
		for (int k = 0; k < p.n; k++)
			p.hit[k].fault = (size_t)g_rand_int_range(rand, 0, G_N_ELEMENTS(faults));
		if (i % jobs == me && is_drawn(i))
			run_and_tell(&p, me, t, out);
	}
}

/* ---- the database ---- */

/* A fault that is another one's twin is left out: a loss after a statement of a transaction, which is undone, and after one that only reads. */
static bool differs(int call, bool in_tx, enum store_fault_kind k)
{
	if (k != STORE_LOST_AFTER || call == SCN_COMMIT)
		return true;
	return call < Q_N && !in_tx && !g_str_has_prefix(query_table[call].sql, "SELECT");
}

/* Which of its @n times a statement meets a fault for certain. */
static guint chosen(const struct scn *s, int call, enum store_fault_kind k, guint n)
{
	return (guint)(mix(mix((uint64_t)lot, g_str_hash(s->name)), (uint64_t)call * STORE_FAULT_N + k) % n);
}

static void sweep_store(const struct scn *s, const struct course *c, int64_t me, int64_t share, int64_t *number, struct total *t, FILE *out)
{
	guint n[SCN_CALL_N] = { 0 }, seen[SCN_CALL_N] = { 0 };
	bool in_tx = false;

	for (guint i = 0; i < c->n_store; i++)
		n[c->store[i]]++;
	for (guint i = 0; i < c->n_store; i++) {
		int call = c->store[i];

		for (int k = 0; k < STORE_FAULT_N; k++) {
			struct store_fault f = { .nth = i + 1, .kind = (enum store_fault_kind)k };
			uint64_t x = mix((uint64_t)(*number)++, (uint64_t)lot);

			if (!differs(call, in_tx, f.kind) || (int64_t)(x / SHARES % (uint64_t)jobs) != me || !is_drawn(*number))
				continue;
			if (seen[call] == chosen(s, call, f.kind, n[call]) || (int64_t)(x % SHARES) < share)
				run_and_tell(&(struct plan){ .scn = s, .db = f }, me, t, out);
		}
		seen[call]++;
		in_tx = call == SCN_BEGIN || (in_tx && call != SCN_COMMIT);
	}
}

static void sweep_all(GPtrArray *all, int64_t me, const struct shares *shares, struct total *t, FILE *out)
{
	int64_t number = 0;

	for (guint i = 0; stores > -2 && i < all->len; i++)
		sweep_store(g_ptr_array_index(all, i), &courses[i], me, shares->db, &number, t, out);
	number = 0;
	for (guint i = 0; max_runs >= 0 && i < all->len; i++)
		sweep_scenario(g_ptr_array_index(all, i), &courses[i], me, shares->seam, &number, t, out);
	for (guint i = 0; pairs > 0 && i < all->len; i++)
		sweep_pairs(g_ptr_array_index(all, i), &courses[i], me, pairs / all->len + 1, t, out);
}

typedef void work_f(GPtrArray *all, int64_t me, const struct shares *shares, struct total *t, FILE *out);

/* Return: a stream of what the process says. */
static FILE *spawn(work_f *work, GPtrArray *all, int64_t me, const struct shares *shares, pid_t *ret_pid)
{
	int fds[2];
	pid_t pid;

	if (pipe(fds) < 0 || (pid = fork()) < 0) {
		perror("sweep");
		exit(2);
	}
	if (pid == 0) {
		FILE *out = fdopen(fds[1], "w");
		struct total t = { 0 };

		close(fds[0]);
		work(all, me, shares, &t, out);
		fprintf(out, "T %" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %" G_GINT64_FORMAT "\n", t.runs, t.failed, t.struck,
			t.virtual_ms);
		fclose(out);
		exit(0);
	}
	close(fds[1]);
	*ret_pid = pid;
	return fdopen(fds[0], "r");
}

/* How a process ended that has not told its totals. @last: the run that it was in. Return: owned. */
static char *death(pid_t pid, const char *last)
{
	int status = 0;

	if (waitpid(pid, &status, 0) == pid && WIFSIGNALED(status))
		return g_strdup_printf("%s died of signal %d (%s)", last, WTERMSIG(status), strsignal(WTERMSIG(status)));
	return g_strdup_printf("%s died with code %d", last, WEXITSTATUS(status));
}

static void listen_to(FILE *in, pid_t pid, const char *last, struct total *sum, GPtrArray *failures)
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
		g_ptr_array_add(failures, death(pid, last));
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

/* To spread --runs and --stores over all that there are. */
static struct shares find_shares(guint scenarios)
{
	struct shares r = { .seam = SHARES, .db = stores < 0 ? SHARES : 0 };
	int64_t seam = 0, db = 0;

	for (guint i = 0; i < scenarios; i++) {
		seam += courses[i].calls * (int64_t)G_N_ELEMENTS(faults);
		db += (int64_t)courses[i].n_store * STORE_FAULT_N;
	}
	if (max_runs > 0)
		r.seam = MIN(SHARES * max_runs / MAX(seam, 1), SHARES);
	if (stores > 0)
		r.db = MIN(SHARES * stores / MAX(db, 1), SHARES);
	return r;
}

/* By all processes. */
static void run_work(work_f *work, GPtrArray *all, const struct shares *shares, struct total *sum, GPtrArray *failures)
{
	FILE *in[JOBS_MAX];
	pid_t pids[JOBS_MAX];

	for (int64_t i = 0; i < jobs; i++)
		in[i] = spawn(work, all, i, shares, &pids[i]);
	for (int64_t i = 0; i < jobs; i++)
		listen_to(in[i], pids[i], at[i], sum, failures);
	while (wait(NULL) > 0)
		;
}

/* Return: memory that all processes share; it is not touched yet */
static void *shared(size_t size)
{
	void *r = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (r == MAP_FAILED) {
		perror("sweep");
		exit(2);
	}
	return r;
}

static int run_all(GPtrArray *all)
{
	g_autoptr(GPtrArray) failures = g_ptr_array_new_with_free_func(g_free);
	gint64 begin = g_get_monotonic_time();
	struct total sum = { 0 };
	struct shares shares;
	double s;

	jobs = CLAMP(jobs, 1, JOBS_MAX);
	at = shared((size_t)jobs * sizeof at[0]);
	courses = shared(all->len * sizeof courses[0]);
	run_work(find_courses, all, NULL, &sum, failures);
	shares = find_shares(all->len);
	run_work(sweep_all, all, &shares, &sum, failures);
	s = (double)(g_get_monotonic_time() - begin) / 1e6;
	printf("1..%u\n", all->len + 1);
	for (guint i = 0; i < all->len; i++) {
		const struct scn *scn = g_ptr_array_index(all, i);
		int64_t n = failures_of(failures, scn->name, false);

		printf("%sok %u - %s\n", n ? "not " : "", i + 1, scn->name);
		(void)failures_of(failures, scn->name, true);
	}
	printf("%sok %u - %d runs, %d met their fault, %d failed; %.1f s, %.0f runs/s, %.0f h of virtual time; seed %d, lot %d\n", sum.failed ? "not " : "",
	       all->len + 1, (int)sum.runs, (int)sum.struck, (int)sum.failed, s, (double)sum.runs / s, (double)sum.virtual_ms / 3.6e6, (int)seed,
	       (int)lot);
	return sum.failed ? 1 : 0;
}

int main(int argc, char **argv)
{
	g_autoptr(GOptionContext) ctx = g_option_context_new("FILE|FOLDER...");
	g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func((GDestroyNotify)scn_free);
	g_autoptr(GPtrArray) files = NULL;
	g_autoptr(GError) err = NULL;
	int code;

	g_option_context_add_main_entries(ctx, options, NULL);
	if (!g_option_context_parse(ctx, &argc, &argv, &err) || !(files = scn_files(argv + 1, &err))) {
		fprintf(stderr, "sweep: %s\n", err->message);
		return 2;
	}
	if (lot == 0)
		lot = g_random_int_range(1, G_MAXINT);
	for (guint i = 0; i < files->len; i++) {
		struct scn *s = scn_load(g_ptr_array_index(files, i), &err);

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

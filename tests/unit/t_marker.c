/* SPDX-License-Identifier: Apache-2.0
 *
 * Markers: h1 and h2 share their storage, h3 has the same paths in its own; h1 dies.
 */
#include "fleet/marker.h"

#include "base/clock.h"
#include "base/log.h"
#include "fleet/fleet.h"
#include "hv/sim/sim.h"

#define WEB "5e000000-0000-4000-8000-000000000001"
#define FOLDER "/var/lib/drover/instances/" WEB
#define DISK FOLDER "/disk0.qcow2"
#define POOLED "5e000000-0000-4000-8000-000000000002"
#define OVER "5e000000-0000-4000-8000-000000000003"

struct world {
	struct conf *conf;
	struct sim *sim;
	struct store *store;
	struct fleet *fleet;
	GString *log;
};

static void hear(enum log_level level, const char *line, void *user)
{
	(void)level;
	g_string_append_printf(user, "%s\n", line);
}

static void open_fleet(struct world *w)
{
	static const struct hv_ops *const ops[] = { &sim_ops, NULL };
	g_autoptr(GError) err = NULL;

	w->fleet = fleet_new(w->conf, w->store, ops, &err);
	g_assert_no_error(err);
	fleet_start(w->fleet);
	clock_advance_ms(20000);
}

/* @options: of the section [evacuation] */
static struct world *world_begin(const char *options)
{
	g_autofree char *text = g_strdup_printf("[evacuation]\n%s[workarounds]\nallow_any_uri = true\n[host h1]\nuri = sim://h1\n[host h2]\nuri = sim://h2\n"
						"[host h3]\nuri = sim://h3\n", options);
	g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
	struct world *w = g_new0(struct world, 1);
	g_autoptr(GError) err = NULL;

	clock_manual(INT64_C(1700000000000000));
	w->log = g_string_new(NULL);
	log_init(LOG_INFO, LOG_TEXT);
	log_hook(hear, w->log);
	w->conf = conf_parse(text, strlen(text), "test", mistakes);
	g_assert_cmpuint(mistakes->len, ==, 0);
	w->sim = sim_new(1);
	sim_host_add(w->sim, "h1", &(struct sim_host_spec){ .mem_mib = 8192 });
	sim_host_add(w->sim, "h2", &(struct sim_host_spec){ .mem_mib = 8192 });
	sim_host_add(w->sim, "h3", &(struct sim_host_spec){ .mem_mib = 8192, .storage = "local" });
	sim_dom_add(w->sim, "h1", &(struct sim_dom_spec){ .uuid = WEB, .name = "i-1" });
	w->store = store_open("sqlite://:memory:", &err);
	g_assert_no_error(err);
	return w;
}

static struct world *world_new(void)
{
	struct world *w = world_begin("");

	open_fleet(w);
	return w;
}

static void world_free(struct world *w)
{
	fleet_free(w->fleet);
	store_close(w->store);
	sim_free(w->sim);
	conf_free(w->conf);
	log_hook(NULL, NULL);
	g_string_free(w->log, TRUE);
	g_free(w);
}

static int logged(const struct world *w, const char *what)
{
	int n = 0;

	for (const char *at = w->log->str; (at = strstr(at, what)); at++)
		n++;
	return n;
}

/* ---- what the world has ---- */

/* The markers of a host's storage. Return: how many; @ret: the last one's path, owned. */
static int markers(struct world *w, const char *host, char **ret)
{
	g_autoptr(GArray) files = sim_file_list(w->sim, host);
	int n = 0;

	for (guint i = 0; i < files->len; i++) {
		const struct sim_file_view *v = &g_array_index(files, struct sim_file_view, i);

		if (!strstr(v->path, MARKER_PREFIX))
			continue;
		n++;
		if (ret)
			util_replace(ret, v->path);
	}
	return n;
}

static const struct marker_proof *proof(struct world *w, const char *host, const char *file)
{
	static struct marker_proof p;

	return marker_of(w->fleet, host, file, &p) ? &p : NULL;
}

/* ---- asking ---- */

struct told {
	enum marker_verdict verdict;
	char *why;
	bool there;
	int64_t capacity_bytes;
	int n;
};

static void take(const struct marker_answer *a, void *user)
{
	struct told *t = user;

	t->verdict = a->verdict;
	util_replace(&t->why, a->why);
	t->there = a->vol && a->vol->exists;
	t->capacity_bytes = a->vol ? a->vol->capacity_bytes : 0;
	t->n++;
}

/* The verdict, whether the file is there, and the words. */
static char *ask(struct world *w, const char *source, const char *dest, const char *file)
{
	const struct marker_question q = { source, dest, file };
	struct told t = { .n = 0 };
	char *text;

	if (!marker_ask(w->fleet, &q, take, &t))
		return g_strdup("not connected");
	g_assert_cmpint(t.n, ==, 0);
	clock_advance_ms(35000); /* longer than the call's limit */
	g_assert_cmpint(t.n, ==, 1);
	text = g_strdup_printf("%s %s%s%s", marker_verdict_name(t.verdict), t.there ? "there" : "absent", t.why ? ": " : "", t.why ? t.why : "");
	g_free(t.why);
	return text;
}

static void expect(struct world *w, const char *source, const char *dest, const char *file, const char *want)
{
	g_autofree char *got = ask(w, source, dest, file);

	if (!g_str_has_prefix(got, want))
		g_error("%s at %s: %s", file, dest, got);
}

/* ---- the tests ---- */

static void test_proved(void)
{
	struct world *w = world_new();
	g_autofree char *path = NULL;

	g_assert_cmpint(markers(w, "h1", &path), ==, 1);
	g_assert_true(g_str_has_prefix(path, FOLDER "/" MARKER_PREFIX "h1-"));
	g_assert_cmpint(markers(w, "h3", NULL), ==, 0);
	sim_host_power(w->sim, "h1", false);
	expect(w, "h1", "h2", DISK, "shared there");
	expect(w, "h1", "h2", FOLDER "/none", "shared absent");
	expect(w, "h1", "h3", DISK, "apart absent: the folder " FOLDER " of h3 is not that of h1: the marker is not there");
	expect(w, "h1", "h2", "/elsewhere/disk", "none absent: no marker of h1 is kept for /elsewhere");
	expect(w, "h2", "h3", DISK, "none absent: no marker of h2");
	expect(w, "h9", "h3", DISK, "none absent: no marker of h9");
	expect(w, "h1", "h9", DISK, "not connected");
	/* the controller was restarted, too, and h1 is never heard of again */
	fleet_free(w->fleet);
	open_fleet(w);
	expect(w, "h1", "h2", DISK, "shared there");
	expect(w, "h1", "h3", DISK, "apart absent");
	sim_host_link(w->sim, "h2", false);
	expect(w, "h1", "h2", DISK, "unknown absent: h2 cannot tell");
	world_free(w);
}

/* A folder that was copied has the marker too. */
static void test_copied(void)
{
	struct world *w = world_new();
	g_autofree char *path = NULL;

	g_assert_cmpint(markers(w, "h1", &path), ==, 1);
	sim_file_add(w->sim, "h3", &(struct sim_file_spec){ .path = path, .format = "raw" });
	sim_file_add(w->sim, "h3", &(struct sim_file_spec){ .path = DISK });
	sim_host_power(w->sim, "h1", false);
	expect(w, "h1", "h3", DISK, "apart there: the folder " FOLDER " of h3 is not that of h1: it has another file of the marker's name");
	world_free(w);
}

/* It is looked at every hour and when the host is back, not in between; what is gone is made again, and proves again. */
static void test_gone(void)
{
	struct world *w = world_new();
	g_autofree char *path = NULL;
	int64_t was;

	g_assert_cmpint(markers(w, "h1", &path), ==, 1);
	was = proof(w, "h1", DISK)->changed_ns;
	sim_file_remove(w->sim, "h1", path);
	clock_advance_ms(30 * 60 * 1000);
	g_assert_cmpint(markers(w, "h1", NULL), ==, 0);
	clock_advance_ms(31 * 60 * 1000);
	g_assert_cmpint(markers(w, "h1", NULL), ==, 1);
	g_assert_cmpint(proof(w, "h1", DISK)->changed_ns, >, was);
	g_assert_cmpint(logged(w, "storage_marker_gone"), ==, 1);
	g_assert_cmpint(logged(w, "storage_marker_made"), ==, 2);
	sim_file_remove(w->sim, "h1", path);
	sim_host_link(w->sim, "h1", false);
	clock_advance_ms(60000);
	sim_host_link(w->sim, "h1", true);
	clock_advance_ms(60000);
	g_assert_cmpint(markers(w, "h1", NULL), ==, 1);
	expect(w, "h1", "h2", DISK, "shared there");
	world_free(w);
}

/* Said once, tried again each hour. */
static void test_refused(void)
{
	struct world *w = world_begin("");

	sim_fault_add(w->sim, &(struct sim_fault){ .kind = SIM_REFUSE, .op = HV_VOL_CREATE, .host = "h1" });
	open_fleet(w);
	clock_advance_ms(3 * 3600 * 1000);
	g_assert_cmpint(logged(w, "storage_marker_refused"), ==, 1);
	g_assert_cmpint(sim_fault_hits(w->sim), ==, 4);
	expect(w, "h1", "h2", DISK, "none there");
	sim_fault_clear(w->sim);
	clock_advance_ms(3600 * 1000);
	expect(w, "h1", "h2", DISK, "shared there");
	world_free(w);
}

/* What is lost is found: a file that was made without an answer, a row without a file. */
static void test_lost(void)
{
	static const enum sim_fault_kind kinds[] = { SIM_LOSE_REQUEST, SIM_LOSE_REPLY, SIM_HANG, SIM_BUSY };
	static const enum hv_op ops[] = { HV_VOL_CREATE, HV_VOL_GET };

	for (size_t i = 0; i < G_N_ELEMENTS(kinds) * G_N_ELEMENTS(ops); i++) {
		struct world *w = world_begin("");

		sim_fault_add(w->sim, &(struct sim_fault){ .kind = kinds[i / 2], .op = ops[i % 2], .host = "h1", .nth = 1 });
		open_fleet(w);
		clock_advance_ms(240000);
		g_assert_cmpint(sim_fault_hits(w->sim), ==, 1);
		g_assert_cmpint(markers(w, "h1", NULL), ==, 1);
		expect(w, "h1", "h2", DISK, "shared there");
		world_free(w);
	}
}

/* A controller that ended with a row that has no file yet, or a file of which nothing is known. */
static void test_restart(void)
{
	for (int i = 0; i < 2; i++) {
		struct world *w = world_begin("");
		static const struct hv_ops *const ops[] = { &sim_ops, NULL };

		sim_fault_add(w->sim, &(struct sim_fault){ .kind = SIM_HOLD, .op = i ? HV_VOL_GET : HV_VOL_CREATE, .host = "h1", .name = "x" });
		w->fleet = fleet_new(w->conf, w->store, ops, NULL);
		fleet_start(w->fleet);
		clock_advance_ms(20000);
		g_assert_cmpint(sim_held(w->sim, "x"), ==, 1);
		fleet_free(w->fleet);
		sim_fault_clear(w->sim);
		open_fleet(w);
		g_assert_cmpint(markers(w, "h1", NULL), ==, 1);
		expect(w, "h1", "h2", DISK, "shared there");
		world_free(w);
	}
}

/* Not beside a task, but for a minute at most. */
static void test_task(void)
{
	struct world *w = world_begin("storage_markers = false\n");
	struct server *s;

	open_fleet(w);
	clock_advance_ms(4000000);
	g_assert_cmpint(markers(w, "h1", NULL), ==, 0); /* an option */
	w->conf->storage_markers = true;
	s = fleet_server(w->fleet, WEB);
	s->task = SERVER_TASK_MIGRATING;
	marker_want(fleet_host(w->fleet, "h1"));
	clock_advance_ms(50000);
	g_assert_cmpint(markers(w, "h1", NULL), ==, 0);
	clock_advance_ms(80000);
	g_assert_cmpint(markers(w, "h1", NULL), ==, 1);
	world_free(w);
}

/* The folder of a pool, and that of what a disk is laid over. */
static void test_folders(void)
{
	struct world *w = world_new();

	sim_pool_add(w->sim, "h1", "fast", NULL);
	sim_dom_add(w->sim, "h1", &(struct sim_dom_spec){ .uuid = POOLED, .name = "i-2", .pool = "fast" });
	sim_dom_add(w->sim, "h1", &(struct sim_dom_spec){ .uuid = OVER, .name = "i-3", .backing = "/srv/images/base.qcow2" });
	clock_advance_ms(60000);
	g_assert_nonnull(proof(w, "h1", "/srv/fast/x"));
	g_assert_nonnull(proof(w, "h1", "/srv/images/base.qcow2"));
	g_assert_nonnull(proof(w, "h1", "/var/lib/drover/instances/" OVER "/disk0.qcow2"));
	g_assert_cmpint(markers(w, "h1", NULL), ==, 4);
	sim_dom_remove(w->sim, "h1", POOLED);
	clock_advance_ms(60000);
	g_assert_null(proof(w, "h1", "/srv/fast/x"));
	g_assert_cmpint(markers(w, "h1", NULL), ==, 3);
	/* what could not be removed, is with the next look */
	sim_fault_add(w->sim, &(struct sim_fault){ .kind = SIM_REFUSE, .op = HV_VOL_DELETE, .host = "h1", .nth = 1 });
	sim_dom_remove(w->sim, "h1", OVER);
	clock_advance_ms(60000);
	g_assert_cmpint(logged(w, "storage_marker_not_removed"), ==, 1);
	clock_advance_ms(3600 * 1000);
	g_assert_cmpint(markers(w, "h1", NULL), ==, 1);
	world_free(w);
}

static int64_t rows(struct world *w)
{
	struct world again = { .conf = w->conf, .store = w->store };
	static const struct hv_ops *const ops[] = { &sim_ops, NULL };
	int64_t n = 0;

	again.fleet = fleet_new(w->conf, w->store, ops, NULL);
	n += proof(&again, "h1", DISK) != NULL;
	fleet_free(again.fleet);
	return n;
}

/* A host that is removed leaves nothing in the folders of others. */
static void test_removed(void)
{
	struct world *w = world_new();
	struct server *s = fleet_server(w->fleet, WEB);
	struct host *h1 = fleet_host(w->fleet, "h1");
	g_autoptr(GError) err = NULL;

	sim_dom_add(w->sim, "h2", &(struct sim_dom_spec){ .uuid = WEB, .name = "i-1", .state = HV_SHUTOFF });
	sim_host_power(w->sim, "h1", false);
	clock_advance_ms(60000);
	g_assert_cmpint(rows(w), ==, 1);
	fleet_server_move(w->fleet, s, "h2"); /* it was evacuated */
	fleet_server_refresh(w->fleet, s);
	clock_advance_ms(60000);
	g_assert_cmpint(markers(w, "h2", NULL), ==, 2);
	h1->from_conf = false;
	g_assert_true(fleet_host_remove(w->fleet, h1, &err));
	g_assert_no_error(err);
	clock_advance_ms(60000);
	g_assert_cmpint(markers(w, "h2", NULL), ==, 1);
	world_free(w);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/marker/proved", test_proved);
	g_test_add_func("/marker/copied", test_copied);
	g_test_add_func("/marker/gone", test_gone);
	g_test_add_func("/marker/refused", test_refused);
	g_test_add_func("/marker/lost", test_lost);
	g_test_add_func("/marker/restart", test_restart);
	g_test_add_func("/marker/task", test_task);
	g_test_add_func("/marker/folders", test_folders);
	g_test_add_func("/marker/removed", test_removed);
	return g_test_run();
}

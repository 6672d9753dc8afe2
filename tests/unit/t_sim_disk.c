/* SPDX-License-Identifier: Apache-2.0
 *
 * The simulator's files behave as libvirt's volumes and its guests' disks do.
 */
#include <glib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "got.h"
#include "hv/sim/sim.h"

#define MIB (INT64_C(1) << 20)
#define GIB (INT64_C(1) << 30)
#define GUEST "11111111-1111-4111-8111-111111111111"
#define DISK "/var/lib/drover/instances/" GUEST "/disk0.qcow2"
#define CONFIG "/var/lib/drover/instances/" GUEST "/disk.config"
#define BASE "/var/lib/drover/base/image"
#define MARK "/var/lib/drover/instances/mark"

struct fixture {
	struct sim *w;
	struct hv *hv;
	struct hv_host *h[4]; /* h1 and h2 have a storage each, h3 and h4 share one */
};

static void on_event(const struct hv_event *ev, void *user)
{
	(void)ev;
	(void)user;
}

/* @home: the guest's host */
static void set_up(struct fixture *f, int64_t link_mibs, const char *home, const struct sim_dom_spec *guest)
{
	struct sim_dom_spec spec = guest ? *guest : (struct sim_dom_spec){ .data_mib = 500 };

	clock_manual(0);
	f->w = sim_new(7);
	f->hv = hv_new(on_event, NULL);
	hv_register(f->hv, &sim_ops);
	for (int i = 0; i < 4; i++) {
		g_autofree char *name = g_strdup_printf("h%d", i + 1), *uri = g_strdup_printf("sim://h%d", i + 1);

		sim_host_add(f->w, name, &(struct sim_host_spec){ .link_mibs = link_mibs, .storage = i < 2 ? "local" : "nfs" });
		f->h[i] = hv_host_add(f->hv, name, uri);
		hv_host_open(f->h[i]);
	}
	spec.uuid = GUEST;
	spec.name = "guest";
	spec.mem_mib = 1000;
	sim_dom_add(f->w, home, &spec);
	clock_advance_ms(0);
}

static void tear_down(struct fixture *f, const char *violation)
{
	const char *got = sim_violation(f->w);

	if (violation ? !got || !strstr(got, violation) : got != NULL)
		g_error("violation \"%s\", want \"%s\"", got ? got : "none", violation ? violation : "none");
	hv_free(f->hv);
	sim_free(f->w);
}

static void ask(struct fixture *f, int host, const struct hv_req *req, struct got *g)
{
	got_ask(g, f->h[host], req);
}

static void vol(struct fixture *f, int host, enum hv_op op, struct hv_vol_params p, struct got *g)
{
	ask(f, host, &(struct hv_req){ .op = op, .uuid = GUEST, .vol = p }, g);
}

static void act(struct fixture *f, int host, enum hv_op op, struct got *g)
{
	ask(f, host, &(struct hv_req){ .op = op, .uuid = GUEST }, g);
	got_wait(g);
}

/* What HV_VOL_GET says of a file there: its allocation in MiB, -1 if there is none. */
static int64_t size_of(struct fixture *f, int host, const char *path)
{
	struct got g = { .code = -1 };
	int64_t mib;

	vol(f, host, HV_VOL_GET, (struct hv_vol_params){ .path = path }, &g);
	got_wait(&g);
	g_assert_cmpint(g.code, ==, -1);
	mib = g.r.vol.exists ? g.r.vol.allocation_bytes / MIB : -1;
	got_clear(&g);
	return mib;
}

static bool is_newest(struct fixture *f, const char *host, const char *path)
{
	g_autoptr(GArray) files = sim_file_list(f->w, host);

	for (guint i = 0; i < files->len; i++) {
		const struct sim_file_view *v = &g_array_index(files, struct sim_file_view, i);

		if (g_str_equal(v->path, path))
			return v->newest;
	}
	return false;
}

/* ---- volumes ---- */

static const struct {
	const char *name;
	int host;
	enum hv_op op;
	struct hv_vol_params p;
	int code;
	const char *words;
	int seen_by;            /* the host that is asked afterwards */
	int64_t want_mib;       /* -1: absent */
} vols[] = {
	{ "make",             1, HV_VOL_CREATE, { .path = MARK, .format = "raw", .capacity_bytes = MIB }, -1, "", 1, 0 },
	{ "not shared",       1, HV_VOL_CREATE, { .path = MARK, .format = "raw", .capacity_bytes = MIB }, -1, "", 0, -1 },
	{ "shared",           2, HV_VOL_CREATE, { .path = MARK, .format = "raw", .capacity_bytes = MIB }, -1, "", 3, 0 },
	{ "exists",           0, HV_VOL_CREATE, { .path = DISK, .format = "raw", .capacity_bytes = MIB }, ERR_CONFLICT, "exists", 0, 500 },
	{ "no base",          1, HV_VOL_CREATE, { .path = DISK, .format = "qcow2", .capacity_bytes = GIB, .backing = BASE }, ERR_HV,
	  "Cannot access backing", 1, -1 },
	{ "over a base",      2, HV_VOL_CREATE, { .path = DISK, .format = "qcow2", .capacity_bytes = GIB, .backing = BASE }, -1, "", 2, 0 },
	{ "relative",         1, HV_VOL_CREATE, { .path = "mark", .format = "raw" }, ERR_HV, "absolute", 1, -1 },
	{ "absent is fine",   1, HV_VOL_DELETE, { .path = MARK }, -1, "", 1, -1 },
	{ "copy",             1, HV_VOL_COPY,   { .path = CONFIG, .source_host = "h1" }, -1, "", 1, 0 },
	{ "copy from no host", 1, HV_VOL_COPY,   { .path = CONFIG, .source_host = "h9" }, ERR_HV, "unable to connect", 1, -1 },
	{ "copy of nothing",  1, HV_VOL_COPY,   { .path = CONFIG, .source_host = "h3" }, ERR_HV, "no storage vol", 1, -1 },
	{ "copy over",        0, HV_VOL_COPY,   { .path = BASE, .source_host = "h3" }, ERR_CONFLICT, "exists", 0, 1024 },
};

static void test_volumes(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(vols); i++) {
		struct fixture f;
		struct got g = { .code = -1 };
		int64_t mib;

		set_up(&f, 0, "h1", &(struct sim_dom_spec){ .data_mib = 500, .config_drive = true });
		sim_file_add(f.w, "h1", &(struct sim_file_spec){ .path = BASE });
		sim_file_add(f.w, "h3", &(struct sim_file_spec){ .path = BASE });
		vol(&f, vols[i].host, vols[i].op, vols[i].p, &g);
		clock_advance_ms(1000);
		if (!g.answered || g.code != vols[i].code || !strstr(g.text, vols[i].words))
			g_error("%s: code %d, \"%s\"", vols[i].name, g.code, g.text);
		mib = size_of(&f, vols[i].seen_by, vols[i].p.path[0] == '/' ? vols[i].p.path : MARK);
		if (mib != vols[i].want_mib)
			g_error("%s: %d MiB", vols[i].name, (int)mib);
		got_clear(&g);
		tear_down(&f, NULL);
	}
}

/* While something is made in a pool, nothing of it can be had. */
static const struct {
	const char *name, *busy;
	enum hv_op op;        /* on h2 */
	struct hv_vol_params p;
	int64_t mib;          /* of the file, when it is asked for again and the pool is free */
} busy_pools[] = {
	{ "look",      "h2", HV_VOL_GET,    { .path = DISK }, -1 },
	{ "make",      "h2", HV_VOL_CREATE, { .path = MARK, .format = "raw", .capacity_bytes = MIB }, 0 },
	{ "remove",    "h2", HV_VOL_DELETE, { .path = MARK }, -1 },
	{ "copy to",   "h2", HV_VOL_COPY,   { .path = DISK, .source_host = "h1" }, 500 },
	{ "copy from", "h1", HV_VOL_COPY,   { .path = DISK, .source_host = "h1" }, 500 },
};

static void test_busy_pool(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(busy_pools); i++) {
		struct fixture f;
		struct got g = { .code = -1 };
		int64_t mib;

		set_up(&f, 0, "h1", &(struct sim_dom_spec){ .state = HV_SHUTOFF, .data_mib = 500 });
		sim_host_pool(f.w, busy_pools[i].busy, 2000);
		vol(&f, 1, busy_pools[i].op, busy_pools[i].p, &g);
		clock_advance_ms(1999);
		if (!g.answered || g.code != ERR_HV_BUSY || !strstr(g.text, "asynchronous jobs"))
			g_error("%s: code %d, \"%s\"", busy_pools[i].name, g.code, g.text);
		clock_advance_ms(1);
		vol(&f, 1, busy_pools[i].op, busy_pools[i].p, &g);
		clock_advance_ms(0);
		mib = size_of(&f, 1, busy_pools[i].p.path);
		if (!g.answered || g.code != -1 || mib != busy_pools[i].mib)
			g_error("%s: code %d, \"%s\", %d MiB", busy_pools[i].name, g.code, g.text, (int)mib);
		got_clear(&g);
		tear_down(&f, NULL);
	}
}

/* libvirtd has been making it. */
static void test_busy_pool_ends(void)
{
	struct fixture f;

	set_up(&f, 0, "h1", NULL);
	sim_host_pool(f.w, "h2", INT64_MAX);
	sim_host_libvirtd(f.w, "h2", false);
	sim_host_libvirtd(f.w, "h2", true);
	clock_advance_ms(0);
	hv_host_open(f.h[1]);
	clock_advance_ms(0);
	g_assert_cmpint(size_of(&f, 1, MARK), ==, -1);
	tear_down(&f, NULL);
}

/* A copy takes its time, shares the link, and leaves half of a file when it is cut. */
static const struct {
	const char *name;
	void (*strike)(struct sim *w, const char *host, bool on);
	const char *host;
	int64_t back_ms;  /* the fault is over after so long */
	int64_t done_ms;
	int code;         /* of the call, when it has come to its end */
	int64_t mib;      /* of the file then */
} cuts[] = {
	{ "none",                    NULL,              NULL, 0,     5000,  -1,          500 },
	{ "cable for a moment",      sim_host_link,     "h1", 10000, 15000, -1,          500 },
	{ "source's cable",          sim_host_link,     "h1", 40000, 40000, ERR_HV_LOST, 0 },
	{ "destination's cable",     sim_host_link,     "h2", 40000, 40000, ERR_HV_LOST, 0 },
	{ "source's libvirtd",       sim_host_libvirtd, "h1", 1000,  1000,  ERR_HV_LOST, 0 },
	{ "destination's libvirtd",  sim_host_libvirtd, "h2", 1000,  1000,  ERR_HV_LOST, 0 },
	{ "source's power",          sim_host_power,    "h1", 5000,  5000,  ERR_HV_LOST, 0 },
};

static void test_cuts(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(cuts); i++) {
		struct fixture f;
		struct got g = { .code = -1 };
		int64_t mib;

		set_up(&f, 100, "h1", &(struct sim_dom_spec){ .state = HV_SHUTOFF, .data_mib = 500 });
		vol(&f, 1, HV_VOL_COPY, (struct hv_vol_params){ .path = DISK, .source_host = "h1" }, &g);
		clock_advance_ms(2000);
		g_assert_cmpint(size_of(&f, 1, DISK), ==, 0);
		if (cuts[i].strike) {
			cuts[i].strike(f.w, cuts[i].host, false);
			clock_advance_ms(cuts[i].back_ms);
			cuts[i].strike(f.w, cuts[i].host, true);
		}
		hv_host_open(f.h[0]);
		hv_host_open(f.h[1]);
		clock_advance_ms(cuts[i].done_ms - cuts[i].back_ms - 2000 > 0 ? cuts[i].done_ms - cuts[i].back_ms - 2100 : 0);
		if (cuts[i].code == -1 && g.answered)
			g_error("%s: done too early", cuts[i].name);
		clock_advance_ms(300);
		mib = size_of(&f, 1, DISK);
		if (!g.answered || g.code != cuts[i].code || mib != cuts[i].mib || is_newest(&f, "h2", DISK) != (mib > 0))
			g_error("%s: code %d, %s, %d MiB", cuts[i].name, g.code, g.text, (int)mib);
		got_clear(&g);
		tear_down(&f, NULL);
	}
}

static void test_copy_in_use(void)
{
	struct fixture f;
	struct got g = { .code = -1 };

	set_up(&f, 0, "h1", NULL);
	vol(&f, 1, HV_VOL_COPY, (struct hv_vol_params){ .path = DISK, .source_host = "h1" }, &g);
	clock_advance_ms(0);
	g_assert_cmpint(g.code, ==, -1);
	g_assert_true(is_newest(&f, "h1", DISK));
	g_assert_false(is_newest(&f, "h2", DISK)); /* the guest was writing to it */
	got_clear(&g);
	tear_down(&f, NULL);
}

/* ---- migrations ---- */

#define VDA (const char *const[]){ "vda", NULL }
#define VDZ (const char *const[]){ "vdz", NULL }
#define SDA (const char *const[]){ "sda", NULL }

static const struct {
	const char *name;
	const char *from, *to;
	struct sim_dom_spec guest;
	const char *add;                 /* a file of the destination */
	struct hv_vol_params make;       /* there, by a call */
	const char *const *copy;
	bool tunnelled;
	int code;
	const char *words;
	const char *violation;
} moves[] = {
	{ .name = "shared", .from = "h3", .to = "h4", .code = -1, .words = "" },
	{ .name = "not shared", .from = "h1", .to = "h2", .code = ERR_HV, .words = "Migration without shared storage is unsafe" },
	{ .name = "network disks", .from = "h1", .to = "h2", .guest = { .network_disks = true }, .code = -1, .words = "" },
	{ .name = "no disks", .from = "h1", .to = "h2", .guest = { .disks = -1 }, .code = -1, .words = "" },
	{ .name = "config drive", .from = "h1", .to = "h2", .guest = { .disks = -1, .config_drive = true }, .code = ERR_HV,
	  .words = "Cannot access storage file '" CONFIG "'" },
	{ .name = "copied", .from = "h1", .to = "h2", .make = { .path = DISK, .format = "qcow2", .capacity_bytes = GIB }, .copy = VDA,
	  .code = -1, .words = "" },
	{ .name = "one of two", .from = "h1", .to = "h2", .guest = { .disks = 2 },
	  .make = { .path = DISK, .format = "qcow2", .capacity_bytes = GIB }, .copy = VDA, .code = ERR_HV,
	  .words = "Migration without shared storage is unsafe" },
	{ .name = "no file", .from = "h1", .to = "h2", .copy = VDA, .code = ERR_HV, .words = "no storage pool with matching target path" },
	{ .name = "smaller", .from = "h1", .to = "h2", .make = { .path = DISK, .format = "qcow2", .capacity_bytes = GIB - 512 }, .copy = VDA,
	  .code = ERR_HV, .words = "Source and target image have different sizes" },
	{ .name = "larger", .from = "h1", .to = "h2", .make = { .path = DISK, .format = "qcow2", .capacity_bytes = GIB + 512 }, .copy = VDA,
	  .code = ERR_HV, .words = "Source and target image have different sizes" },
	{ .name = "read-only", .from = "h1", .to = "h2", .guest = { .disks = -1, .config_drive = true }, .copy = SDA, .code = ERR_HV,
	  .words = "Cannot migrate empty or read-only disk sda" },
	{ .name = "no such disk", .from = "h1", .to = "h2", .copy = VDZ, .code = ERR_HV, .words = "vdz not found" },
	{ .name = "network disk", .from = "h1", .to = "h2", .guest = { .network_disks = true }, .copy = VDA, .code = ERR_HV,
	  .words = "Cannot migrate empty or read-only disk vda" },
	{ .name = "no backing file", .from = "h1", .to = "h2", .guest = { .backing = BASE },
	  .make = { .path = DISK, .format = "qcow2", .capacity_bytes = GIB }, .copy = VDA, .code = ERR_HV,
	  .words = "Cannot access backing file '" BASE "'" },
	{ .name = "overlay", .from = "h1", .to = "h2", .guest = { .backing = BASE }, .add = BASE,
	  .make = { .path = DISK, .format = "qcow2", .capacity_bytes = GIB, .backing = BASE }, .copy = VDA, .code = -1, .words = "" },
	{ .name = "overlay into a flat file", .from = "h1", .to = "h2", .guest = { .backing = BASE }, .add = BASE,
	  .make = { .path = DISK, .format = "qcow2", .capacity_bytes = GIB }, .copy = VDA, .code = -1, .words = "",
	  .violation = "an old copy of its disk vda" },
	{ .name = "onto itself", .from = "h3", .to = "h4", .copy = VDA, .code = -1, .words = "", .violation = "disk copied onto itself" },
	{ .name = "over a stranger's", .from = "h1", .to = "h2", .add = DISK, .copy = VDA, .code = -1, .words = "",
	  .violation = "over a stranger's file" },
	{ .name = "tunnelled", .from = "h1", .to = "h2", .make = { .path = DISK, .format = "qcow2", .capacity_bytes = GIB }, .copy = VDA,
	  .tunnelled = true, .code = ERR_HV, .words = "'host'" },
	{ .name = "tunnelled, shared", .from = "h3", .to = "h4", .tunnelled = true, .code = -1, .words = "" },
};

static void migrate(struct fixture *f, const char *from, const char *to, const char *const *copy, bool tunnelled, struct got *g)
{
	ask(f, from[1] - '1', &(struct hv_req){
		.op = HV_MIGRATE, .uuid = GUEST,
		.migrate = { .dest_host = to, .persist_dest = true, .copy_disks = copy, .tunnelled = tunnelled, .postcopy = !tunnelled },
	}, g);
}

static void test_moves(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(moves); i++) {
		struct fixture f;
		struct got g = { .code = -1 }, v = { .code = -1 };
		g_autoptr(GArray) doms = NULL;

		set_up(&f, 0, moves[i].from, &moves[i].guest);
		if (moves[i].add)
			sim_file_add(f.w, moves[i].to, &(struct sim_file_spec){ .path = moves[i].add });
		if (moves[i].make.path)
			vol(&f, moves[i].to[1] - '1', HV_VOL_CREATE, moves[i].make, &v);
		clock_advance_ms(0);
		g_assert_cmpint(v.code, ==, -1);
		migrate(&f, moves[i].from, moves[i].to, moves[i].copy, moves[i].tunnelled, &g);
		clock_advance_ms(1000);
		if (!g.answered || g.code != moves[i].code || !strstr(g.text, moves[i].words))
			g_error("%s: code %d, \"%s\"", moves[i].name, g.code, g.text);
		doms = sim_dom_list(f.w, g.code == -1 ? moves[i].to : moves[i].from, GUEST);
		g_assert_cmpuint(doms->len, ==, 1);
		g_assert_cmpint(g_array_index(doms, struct sim_dom_view, 0).state, ==, HV_RUNNING);
		got_clear(&g);
		got_clear(&v);
		tear_down(&f, moves[i].violation);
	}
}

/* A disk of 500 MiB, then memory of 1000, through a link of 100. */
static void begin_copy(struct fixture *f, double disk_dirty_mibs, struct got *g)
{
	set_up(f, 100, "h1", &(struct sim_dom_spec){ .data_mib = 500, .disk_dirty_mibs = disk_dirty_mibs });
	vol(f, 1, HV_VOL_CREATE, (struct hv_vol_params){ .path = DISK, .format = "qcow2", .capacity_bytes = GIB }, g);
	clock_advance_ms(0);
	g_assert_cmpint(g->code, ==, -1);
	migrate(f, "h1", "h2", VDA, false, g);
}

static void test_disk_phase(void)
{
	struct fixture f;
	struct got g = { .code = -1 }, s = { .code = -1 };

	begin_copy(&f, 0, &g);
	clock_advance_ms(2200);
	act(&f, 0, HV_JOB_GET, &s);
	g_assert_cmpint(s.r.job.disk_total, ==, 500 * MIB);
	g_assert_cmpint(s.r.job.disk_processed, ==, 200 * MIB);
	g_assert_cmpint(s.r.job.disk_remaining, ==, 300 * MIB);
	g_assert_cmpint(s.r.job.disk_bps, ==, 100 * MIB);
	g_assert_cmpint(s.r.job.mem_total, ==, 0);
	g_assert_cmpint(s.r.job.mem_bps, ==, 0);
	g_assert_cmpint(s.r.job.downtime_ms, ==, 0);
	act(&f, 0, HV_POSTCOPY, &s);
	g_assert_cmpint(s.code, ==, ERR_HV); /* memory is not under way yet */
	clock_advance_ms(4000);
	act(&f, 0, HV_JOB_GET, &s);
	g_assert_cmpint(s.r.job.disk_remaining, ==, 0);
	g_assert_cmpint(s.r.job.disk_processed, ==, 500 * MIB);
	g_assert_cmpint(s.r.job.mem_processed, ==, 100 * MIB);
	g_assert_cmpint(s.r.job.disk_bps, ==, 0);
	clock_advance_ms(20000);
	g_assert_true(g.answered);
	g_assert_cmpint(g.code, ==, -1);
	act(&f, 1, HV_JOB_DONE, &s);
	g_assert_cmpint(s.r.job.disk_total, ==, 0); /* the source's to tell */
	g_assert_true(is_newest(&f, "h2", DISK));
	g_assert_cmpint(size_of(&f, 1, DISK), ==, 500);
	g_assert_cmpint(size_of(&f, 0, DISK), ==, 500); /* it stays until it is deleted */
	vol(&f, 0, HV_VOL_DELETE, (struct hv_vol_params){ .path = DISK }, &s);
	clock_advance_ms(0);
	g_assert_cmpint(s.code, ==, -1);
	got_clear(&g);
	got_clear(&s);
	tear_down(&f, NULL);
}

/* 80 of 100 MiB/s are rewritten: 500 MiB take 25 s; memory then has 20 MiB/s: 50 s. */
static void test_disk_writes(void)
{
	struct fixture f;
	struct got g = { .code = -1 }, s = { .code = -1 };

	begin_copy(&f, 80, &g);
	clock_advance_ms(10200);
	act(&f, 0, HV_JOB_GET, &s);
	g_assert_cmpint(s.r.job.disk_total, ==, 1300 * MIB);
	g_assert_cmpint(s.r.job.disk_remaining, ==, 300 * MIB);
	clock_advance_ms(16000);
	act(&f, 0, HV_JOB_GET, &s);
	g_assert_cmpint(s.r.job.disk_remaining, ==, 0);
	g_assert_cmpint(s.r.job.mem_bps, ==, 20 * MIB);
	clock_advance_ms(47000);
	g_assert_false(g.answered);
	clock_advance_ms(3000);
	g_assert_true(g.answered);
	g_assert_cmpint(g.code, ==, -1);
	got_clear(&g);
	got_clear(&s);
	tear_down(&f, NULL);
}

/* More is written than the link carries: it ends when the guest is paused. */
static void test_disk_never_ready(void)
{
	struct fixture f;
	struct got g = { .code = -1 }, s = { .code = -1 };

	begin_copy(&f, 150, &g);
	clock_advance_ms(600000);
	act(&f, 0, HV_JOB_GET, &s);
	g_assert_cmpint(s.r.job.mem_total, ==, 0);
	act(&f, 0, HV_DOM_SUSPEND, &s);
	clock_advance_ms(600000);
	g_assert_true(g.answered);
	g_assert_cmpint(g.code, ==, -1);
	got_clear(&g);
	got_clear(&s);
	tear_down(&f, NULL);
}

static void test_disk_abort(void)
{
	struct fixture f;
	struct got g = { .code = -1 }, s = { .code = -1 };

	begin_copy(&f, 0, &g);
	clock_advance_ms(2200);
	act(&f, 0, HV_JOB_ABORT, &s);
	clock_advance_ms(0);
	g_assert_cmpint(g.code, ==, ERR_HV);
	g_assert_true(is_newest(&f, "h1", DISK));
	g_assert_false(is_newest(&f, "h2", DISK));
	g_assert_cmpint(size_of(&f, 1, DISK), ==, 0); /* left over */
	vol(&f, 1, HV_VOL_DELETE, (struct hv_vol_params){ .path = DISK }, &s);
	clock_advance_ms(0);
	g_assert_cmpint(s.code, ==, -1);
	got_clear(&g);
	got_clear(&s);
	tear_down(&f, NULL);
}

/* Two flows share the link, whatever they are. */
static void test_shared_with_copy(void)
{
	struct fixture f;
	struct got g = { .code = -1 }, v = { .code = -1 };

	begin_copy(&f, 0, &g);
	sim_file_add(f.w, "h1", &(struct sim_file_spec){ .path = BASE, .capacity_mib = 200 });
	clock_advance_ms(1200); /* 100 MiB of the disk are there */
	vol(&f, 1, HV_VOL_COPY, (struct hv_vol_params){ .path = BASE, .source_host = "h1" }, &v);
	clock_advance_ms(3900);
	g_assert_false(v.answered);
	clock_advance_ms(200);
	g_assert_true(v.answered);
	clock_advance_ms(11800); /* 200 MiB of the disk and 1000 of memory in 12 s */
	g_assert_false(g.answered);
	clock_advance_ms(1000);
	g_assert_true(g.answered);
	got_clear(&g);
	got_clear(&v);
	tear_down(&f, NULL);
}

static void test_describe(void)
{
	struct fixture f;
	struct got g = { .code = -1 };
	const struct hv_disk *k;

	set_up(&f, 0, "h1", &(struct sim_dom_spec){ .disk_gib = 2, .data_mib = 30, .backing = BASE, .config_drive = true });
	act(&f, 0, HV_DOM_GET, &g);
	g_assert_cmpuint(g.r.dom->disks->len, ==, 2);
	k = g_ptr_array_index(g.r.dom->disks, 0);
	g_assert_cmpstr(k->source, ==, DISK);
	g_assert_cmpint(k->capacity_bytes, ==, 2 * GIB);
	g_assert_cmpint(k->allocation_bytes, ==, 30 * MIB);
	g_assert_cmpstr(((struct hv_backing *)g_ptr_array_index(k->backing, 0))->path, ==, BASE);
	k = g_ptr_array_index(g.r.dom->disks, 1);
	g_assert_true(k->cdrom && k->readonly && !k->backing);
	g_assert_cmpstr(k->target, ==, "sda");
	act(&f, 0, HV_DOM_XML, &g);
	g_assert_nonnull(strstr(g.r.xml, "<disk type='file' device='cdrom'>"));
	g_assert_nonnull(strstr(g.r.xml, "<readonly/>"));
	got_clear(&g);
	tear_down(&f, NULL);
}

/* ---- what must never happen ---- */

static void make_marker(struct fixture *f)
{
	struct got g = { .code = -1 };

	vol(f, 0, HV_VOL_CREATE, (struct hv_vol_params){ .path = MARK, .format = "raw" }, &g);
	clock_advance_ms(0);
	got_clear(&g);
}

static void undefine_guest(struct fixture *f)
{
	sim_dom_set(f->w, "h1", GUEST, HV_SHUTOFF, HV_R_OTHER);
	sim_dom_remove(f->w, "h1", GUEST);
	sim_file_add(f->w, "h1", &(struct sim_file_spec){ .path = MARK });
}

static void shut_off(struct fixture *f)
{
	sim_dom_set(f->w, "h1", GUEST, HV_SHUTOFF, HV_R_OTHER);
}

static const struct {
	const char *name;
	void (*before)(struct fixture *f);
	const char *path;
	const char *violation;
} removals[] = {
	{ "a marker",            make_marker,    MARK, NULL },
	{ "nothing",             NULL,           MARK, NULL },
	{ "under the guest",     NULL,           DISK, "under a running guest" },
	{ "the base under it",   NULL,           BASE, "was not made by us" },
	{ "of one shut off",     shut_off,       DISK, "the only copy" },
	{ "of one that is gone", undefine_guest, DISK, NULL },
	{ "a stranger's",        undefine_guest, MARK, "was not made by us" },
};

static void test_removals(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(removals); i++) {
		struct fixture f;
		struct got g = { .code = -1 };

		set_up(&f, 0, "h1", &(struct sim_dom_spec){ .backing = BASE });
		if (removals[i].before)
			removals[i].before(&f);
		vol(&f, 0, HV_VOL_DELETE, (struct hv_vol_params){ .path = removals[i].path }, &g);
		clock_advance_ms(0);
		g_assert_true(g.answered);
		g_assert_cmpint(g.code, ==, -1);
		g_assert_cmpint(size_of(&f, 0, removals[i].path), ==, -1);
		got_clear(&g);
		tear_down(&f, removals[i].violation);
	}
}

/* The file goes while its guest is paused; then the guest is let run. */
static void test_run_without(void)
{
	struct fixture f;
	struct got g = { .code = -1 };

	set_up(&f, 0, "h1", NULL);
	act(&f, 0, HV_DOM_SUSPEND, &g);
	sim_file_remove(f.w, "h1", DISK);
	act(&f, 0, HV_DOM_RESUME, &g);
	got_clear(&g);
	tear_down(&f, DISK " is absent");
}

/* The destination's file is removed while memory is under way. */
static void test_removed_under_way(void)
{
	struct fixture f;
	struct got g = { .code = -1 }, v = { .code = -1 };

	begin_copy(&f, 0, &g);
	clock_advance_ms(7000);
	vol(&f, 1, HV_VOL_DELETE, (struct hv_vol_params){ .path = DISK }, &v);
	clock_advance_ms(20000);
	g_assert_true(g.answered);
	got_clear(&g);
	got_clear(&v);
	tear_down(&f, DISK " is absent");
}

/* ---- the list that the invariants go by ---- */

static void test_list(void)
{
	struct fixture f;
	struct got g = { .code = -1 };
	g_autoptr(GString) s = g_string_new(NULL);
	g_autoptr(GArray) files = NULL;

	set_up(&f, 0, "h1", &(struct sim_dom_spec){ .backing = BASE });
	vol(&f, 1, HV_VOL_COPY, (struct hv_vol_params){ .path = BASE, .source_host = "h1" }, &g);
	clock_advance_ms(0);
	vol(&f, 1, HV_VOL_CREATE, (struct hv_vol_params){ .path = DISK, .capacity_bytes = GIB }, &g);
	clock_advance_ms(0);
	make_marker(&f);
	sim_host_link(f.w, "h2", false);
	files = sim_file_list(f.w, NULL);
	for (guint i = 0; i < files->len; i++) {
		const struct sim_file_view *v = &g_array_index(files, struct sim_file_view, i);

		g_string_append_printf(s, "%s %s%s%s%s%s%s\n", v->storage, strrchr(v->path, '/') + 1, v->stranger ? " stranger" : "",
				       v->base ? " base" : "", v->used ? " used" : "", v->newest ? " newest" : "", v->reachable ? "" : " silent");
	}
	g_assert_cmpstr(s->str, ==,
			"h1 image stranger base used\nh1 disk0.qcow2 used newest\nh1 mark\n"
			"h2 image base silent\nh2 disk0.qcow2 silent\n");
	got_clear(&g);
	tear_down(&f, NULL);
}

/* ---- the gate ---- */

static const struct {
	const char *name;
	enum sim_fault_kind kind;
	int code;
	int64_t mib;  /* of the file afterwards; -1: none */
} gate_cases[] = {
	{ "none",           SIM_FAULT_N,         -1,          500 },
	{ "refuse",         SIM_REFUSE,          ERR_HV,      -1 },
	{ "lose request",   SIM_LOSE_REQUEST,    ERR_HV_LOST, -1 },
	{ "lose reply",     SIM_LOSE_REPLY,      ERR_HV_LOST, 0 }, /* in the middle */
	{ "delay",          SIM_DELAY,           -1,          500 },
	{ "libvirtd after", SIM_LIBVIRTD_AFTER,  ERR_HV_LOST, 0 },
};

static void test_gate(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(gate_cases); i++) {
		struct fixture f;
		struct got g = { .code = -1 };
		int64_t mib;

		set_up(&f, 100, "h1", &(struct sim_dom_spec){ .state = HV_SHUTOFF, .data_mib = 500 });
		if (gate_cases[i].kind < SIM_FAULT_N)
			sim_fault_add(f.w, &(struct sim_fault){ .op = HV_VOL_COPY, .nth = 1, .kind = gate_cases[i].kind, .ms = 1000 });
		vol(&f, 1, HV_VOL_COPY, (struct hv_vol_params){ .path = DISK, .source_host = "h1" }, &g);
		clock_advance_ms(10000);
		hv_host_open(f.h[1]);
		clock_advance_ms(0);
		mib = size_of(&f, 1, DISK);
		if (!g.answered || g.code != gate_cases[i].code || mib != gate_cases[i].mib)
			g_error("%s: code %d, %d MiB", gate_cases[i].name, g.code, (int)mib);
		got_clear(&g);
		tear_down(&f, NULL);
	}
}

int main(int argc, char **argv)
{
	static const struct {
		const char *path;
		void (*fn)(void);
	} tests[] = {
		{ "/sim-disk/volumes", test_volumes },
		{ "/sim-disk/busy-pool", test_busy_pool },
		{ "/sim-disk/busy-pool-ends", test_busy_pool_ends },
		{ "/sim-disk/cuts", test_cuts },
		{ "/sim-disk/copy-in-use", test_copy_in_use },
		{ "/sim-disk/moves", test_moves },
		{ "/sim-disk/phase", test_disk_phase },
		{ "/sim-disk/writes", test_disk_writes },
		{ "/sim-disk/never-ready", test_disk_never_ready },
		{ "/sim-disk/abort", test_disk_abort },
		{ "/sim-disk/shared-with-copy", test_shared_with_copy },
		{ "/sim-disk/describe", test_describe },
		{ "/sim-disk/removals", test_removals },
		{ "/sim-disk/run-without", test_run_without },
		{ "/sim-disk/removed-under-way", test_removed_under_way },
		{ "/sim-disk/list", test_list },
		{ "/sim-disk/gate", test_gate },
	};

	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
		g_test_add_func(tests[i].path, tests[i].fn);
	return g_test_run();
}

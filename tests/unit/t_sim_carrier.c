/* SPDX-License-Identifier: Apache-2.0
 *
 * The simulator's carriers behave as tests/hv/t_carry.c has seen real ones do.
 */
#include <glib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "got.h"
#include "hv/sim/sim.h"
#include "hv/xml/carrier_xml.h"

#define MIB (INT64_C(1) << 20)
#define GIB (INT64_C(1) << 30)
#define GUEST "11111111-1111-4111-8111-111111111111"
#define CARRIER "22222222-2222-4222-8222-222222222222"
#define OTHER "22222222-2222-4222-8222-222222222223"
#define DISK "/var/lib/drover/instances/" GUEST "/disk0.qcow2"
#define SECOND "/var/lib/drover/instances/" GUEST "/disk1.qcow2"
#define BASE "/var/lib/drover/base/image"
#define PHYSICAL (200 * MIB + (INT64_C(192) << 10)) /* of a disk's file */

struct fixture {
	struct sim *w;
	struct hv *hv;
	struct hv_host *h[2]; /* each has its own storage, and a link of 100 MiB/s */
	struct got migration;
};

static void on_event(const struct hv_event *ev, void *user)
{
	(void)ev;
	(void)user;
}

/* Two disks of 1 GiB with 200 MiB in each. */
static void set_up(struct fixture *f, const struct sim_dom_spec *guest)
{
	struct sim_dom_spec spec = guest ? *guest : (struct sim_dom_spec){ .state = HV_SHUTOFF };

	*f = (struct fixture){ .migration = { .code = -1 } };
	clock_manual(0);
	f->w = sim_new(7);
	f->hv = hv_new(on_event, NULL);
	hv_register(f->hv, &sim_ops);
	for (int i = 0; i < 2; i++) {
		g_autofree char *name = g_strdup_printf("h%d", i + 1), *uri = g_strdup_printf("sim://h%d", i + 1);

		sim_host_add(f->w, name, &(struct sim_host_spec){ .link_mibs = 100, .storage = "local" });
		f->h[i] = hv_host_add(f->hv, name, uri);
		hv_host_open(f->h[i]);
	}
	spec.uuid = GUEST;
	spec.name = "guest";
	spec.disks = 2;
	spec.data_mib = 200;
	sim_dom_add(f->w, "h1", &spec);
	clock_advance_ms(0);
}

static void tear_down(struct fixture *f)
{
	g_assert_cmpstr(sim_violation(f->w), ==, NULL);
	hv_free(f->hv);
	sim_free(f->w);
	got_clear(&f->migration);
}

/* ---- calls ---- */

static int ask(struct fixture *f, int host, const struct hv_req *req)
{
	struct got g = { .code = -1 };
	int code;

	got_ask(&g, f->h[host], req);
	got_wait(&g);
	code = g.code;
	if (code != -1)
		g_test_message("%s: %s", hv_op_name(req->op), g.text);
	got_clear(&g);
	return code;
}

static void ok(struct fixture *f, int host, enum hv_op op)
{
	g_assert_cmpint(ask(f, host, &(struct hv_req){ .op = op, .uuid = CARRIER }), ==, -1);
}

static void make(struct fixture *f, const char *path, const char *format, int64_t bytes, const char *backing)
{
	struct hv_vol_params v = { .path = path, .format = format, .capacity_bytes = bytes, .backing = backing, .backing_format = "qcow2" };

	g_assert_cmpint(ask(f, 1, &(struct hv_req){ .op = HV_VOL_CREATE, .uuid = GUEST, .vol = v }), ==, -1);
}

/* "format:path", blanks between. */
static GPtrArray *files_of(const char *text)
{
	g_auto(GStrv) words = g_strsplit(text, " ", -1);
	GPtrArray *files = carrier_files_new();

	for (char **w = words; *w; w++) {
		char *colon = strchr(*w, ':');

		*colon = '\0';
		(void)carrier_files_add(files, colon + 1, *w);
	}
	return files;
}

static int start(struct fixture *f, int host, const char *uuid, const char *text)
{
	g_autoptr(GPtrArray) files = files_of(text);

	return ask(f, host, &(struct hv_req){ .op = HV_CARRIER_START, .uuid = uuid, .carrier = { .task = "7", .guest = GUEST, .files = files } });
}

static const char *state(struct fixture *f, int host)
{
	struct got g = { .code = -1 };
	const char *s;

	got_ask(&g, f->h[host], &(struct hv_req){ .op = HV_CARRIER_GET, .uuid = CARRIER });
	got_wait(&g);
	s = g.r.carrier ? carrier_state_name(g.r.carrier->state) : "silent";
	got_clear(&g);
	return s;
}

static void states(struct fixture *f, const char *source, const char *dest)
{
	g_assert_cmpstr(state(f, 0), ==, source);
	g_assert_cmpstr(state(f, 1), ==, dest);
}

static void begin(struct fixture *f, const char *text, int64_t mibs)
{
	g_autoptr(GPtrArray) files = files_of(text);
	g_auto(GStrv) targets = carrier_xml_targets(files);

	got_ask(&f->migration, f->h[0], &(struct hv_req){ .op = HV_MIGRATE, .uuid = CARRIER, .migrate = {
		.dest_host = "h2", .stays_paused = true, .bandwidth_mibs = mibs, .copy_disks = (const char *const *)targets } });
}

static int end(struct fixture *f)
{
	got_wait(&f->migration);
	if (f->migration.code != -1)
		g_test_message("migrate: %s", f->migration.text);
	return f->migration.code;
}

static struct hv_vol get(struct fixture *f, int host, const char *path)
{
	struct got g = { .code = -1 };
	struct hv_vol v;

	got_ask(&g, f->h[host], &(struct hv_req){ .op = HV_VOL_GET, .uuid = GUEST, .vol = { .path = path, .head = true } });
	got_wait(&g);
	g_assert_cmpint(g.code, ==, -1);
	v = g.r.vol;
	v.format = (char *)g_intern_string(v.format);
	v.backing = (char *)g_intern_string(v.backing);
	got_clear(&g);
	return v;
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

#define BOTH "qcow2:" DISK " qcow2:" SECOND

static void prepare(struct fixture *f)
{
	set_up(f, NULL);
	make(f, DISK, "qcow2", GIB, NULL);
	make(f, SECOND, "qcow2", GIB, NULL);
	g_assert_cmpint(start(f, 0, CARRIER, BOTH), ==, -1);
}

/* ---- it carries ---- */

static guint guests(struct fixture *f, int host)
{
	struct got g = { .code = -1 };
	guint n;

	got_ask(&g, f->h[host], &(struct hv_req){ .op = HV_DOM_LIST });
	got_wait(&g);
	n = g.r.doms->len;
	got_clear(&g);
	return n;
}

static void check_listed(struct fixture *f, int host)
{
	struct got g = { .code = -1 };
	const struct carrier *c;

	got_ask(&g, f->h[host], &(struct hv_req){ .op = HV_CARRIER_LIST });
	got_wait(&g);
	g_assert_cmpuint(g.r.carriers->len, ==, 1);
	c = g_ptr_array_index(g.r.carriers, 0);
	g_assert_cmpstr(c->uuid, ==, CARRIER);
	g_assert_cmpstr(c->task, ==, "7");
	g_assert_cmpstr(c->guest, ==, GUEST);
	g_assert_cmpstr(c->from, ==, "h1");
	g_assert_cmpuint(c->files->len, ==, 2);
	got_ask(&g, f->h[host], &(struct hv_req){ .op = HV_DOM_GET, .uuid = CARRIER });
	got_wait(&g);
	g_assert_cmpint(g.r.dom->state, ==, HV_ABSENT);
	got_clear(&g);
	g_assert_cmpuint(sim_carriers(f->w, host ? "h2" : "h1"), ==, 1);
}

static void test_carries(void)
{
	struct sim_job_report report;
	struct fixture f;

	prepare(&f);
	g_assert_cmpint(start(&f, 0, CARRIER, BOTH), ==, -1); /* again: it is there */
	states(&f, "idle", "absent");
	check_listed(&f, 0);
	g_assert_cmpuint(guests(&f, 0), ==, 1);
	begin(&f, BOTH, 0);
	clock_advance_ms(2000);
	states(&f, "copying", "coming");
	g_assert_cmpint(end(&f), ==, -1);
	states(&f, "absent", "arrived");
	check_listed(&f, 1);
	g_assert_cmpuint(guests(&f, 1), ==, 0);
	g_assert_true(sim_job_report(f.w, CARRIER, &report));
	/* 400 MiB, and its memory, at 100 MiB/s */
	g_assert_cmpint(report.sent_bytes, ==, 416 * MIB);
	g_assert_cmpint(report.total_ms, >=, 4160);
	g_assert_cmpint(report.total_ms, <, 4700);
	g_assert_true(is_newest(&f, "h2", DISK) && is_newest(&f, "h2", SECOND));
	g_assert_cmpint(start(&f, 1, OTHER, "qcow2:" DISK), ==, ERR_HV);
	g_assert_cmpint(start(&f, 1, CARRIER, BOTH), ==, ERR_CONFLICT);
	ok(&f, 1, HV_DOM_DESTROY);
	states(&f, "absent", "absent");
	g_assert_cmpint(start(&f, 1, OTHER, "qcow2:" DISK), ==, -1);
	tear_down(&f);
}

/* The limit is each disk's, and cannot be changed while they are copied. */
static void test_bandwidth(void)
{
	struct sim_job_report report;
	struct fixture f;

	prepare(&f);
	begin(&f, BOTH, 20);
	clock_advance_ms(1000);
	g_assert_cmpint(ask(&f, 0, &(struct hv_req){ .op = HV_JOB_TUNE, .uuid = CARRIER, .bandwidth_mibs = 1000 }), ==, -1);
	g_assert_cmpint(end(&f), ==, -1);
	g_assert_true(sim_job_report(f.w, CARRIER, &report));
	g_assert_cmpint(report.total_ms, >=, 10000);
	g_assert_cmpint(report.total_ms, <, 11000);
	tear_down(&f);
}

/* As files they are what they were; as disks they lose what is beside the disk. */
static void test_files(void)
{
	const struct qcow2_head odd = { .snapshots = 1, .bitmaps = 2 };
	struct fixture f;
	struct hv_vol v;

	set_up(&f, &(struct sim_dom_spec){ .state = HV_SHUTOFF, .backing = BASE });
	sim_file_head(f.w, "h1", DISK, &odd);
	sim_file_head(f.w, "h1", SECOND, &odd);
	g_assert_cmpint(get(&f, 0, DISK).physical_bytes, ==, PHYSICAL);
	make(&f, DISK, "raw", PHYSICAL, NULL);
	make(&f, SECOND, "qcow2", GIB, NULL);
	g_assert_cmpint(start(&f, 0, CARRIER, "raw:" DISK " qcow2:" SECOND), ==, -1);
	begin(&f, "raw:" DISK " qcow2:" SECOND, 0);
	g_assert_cmpint(end(&f), ==, -1);
	v = get(&f, 1, DISK);
	g_assert_cmpstr(v.format, ==, "qcow2");
	g_assert_cmpstr(v.backing, ==, BASE);
	g_assert_cmpint(v.capacity_bytes, ==, GIB);
	g_assert_cmpuint(v.head.snapshots, ==, 1);
	g_assert_cmpuint(v.head.bitmaps, ==, 2);
	g_assert_true(is_newest(&f, "h2", DISK));
	v = get(&f, 1, SECOND);
	g_assert_cmpuint(v.head.snapshots, ==, 0);
	/* made without what it is laid over: no error, and not what the guest had */
	g_assert_false(is_newest(&f, "h2", SECOND));
	tear_down(&f);
}

/* ---- what is refused ---- */

static const struct {
	const char *name, *files;
	struct sim_dom_spec guest;
	struct qcow2_head head;
	int code;
} starts[] = {
	{ "fine", BOTH, { .state = HV_SHUTOFF }, {}, -1 },
	{ "no such file", "qcow2:/a", { .state = HV_SHUTOFF }, {}, ERR_HV },
	{ "relative", "qcow2:a", { .state = HV_SHUTOFF }, {}, ERR_BAD_REQUEST },
	{ "encrypted", BOTH, { .state = HV_SHUTOFF }, { .encrypted = true }, ERR_HV },
	{ "encrypted, as a file", "raw:" DISK, { .state = HV_SHUTOFF }, { .encrypted = true }, -1 },
	{ "the guest runs", BOTH, { .state = HV_RUNNING }, {}, ERR_HV },
	{ "a guest runs on it", "qcow2:" BASE, { .state = HV_RUNNING, .backing = BASE }, {}, ERR_HV },
	{ "a guest that is off is laid over it", "qcow2:" BASE, { .state = HV_SHUTOFF, .backing = BASE }, {}, -1 },
};

static void test_start_refused(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(starts); i++) {
		struct fixture f;

		g_test_message("%s", starts[i].name);
		set_up(&f, &starts[i].guest);
		sim_file_head(f.w, "h1", DISK, &starts[i].head);
		g_assert_cmpint(start(&f, 0, CARRIER, starts[i].files), ==, starts[i].code);
		g_assert_cmpuint(sim_carriers(f.w, "h1"), ==, starts[i].code == -1);
		tear_down(&f);
	}
}

static const struct {
	const char *name, *files, *format;
	int64_t bytes;
	const char *words;
} copies[] = {
	{ "no file", "qcow2:" DISK, NULL, 0, "pre-creation" },
	{ "larger", "qcow2:" DISK, "qcow2", 2 * GIB, "different sizes" },
	{ "raw there", "qcow2:" DISK, "raw", GIB, "not in qcow2 format" },
	{ "as a file, larger", "raw:" DISK, "raw", GIB, "different sizes" },
	{ "as a file", "raw:" DISK, "raw", PHYSICAL, NULL },
};

static void test_copy_refused(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(copies); i++) {
		struct fixture f;

		g_test_message("%s", copies[i].name);
		set_up(&f, NULL);
		if (copies[i].format)
			make(&f, DISK, copies[i].format, copies[i].bytes, NULL);
		g_assert_cmpint(start(&f, 0, CARRIER, copies[i].files), ==, -1);
		begin(&f, copies[i].files, 0);
		g_assert_cmpint(end(&f), ==, copies[i].words ? ERR_HV : -1);
		if (copies[i].words)
			g_assert_nonnull(strstr(f.migration.text, copies[i].words));
		states(&f, copies[i].words ? "idle" : "absent", copies[i].words ? "absent" : "arrived");
		tear_down(&f);
	}
}

/* ---- it is broken off ---- */

static void abort_job(struct fixture *f)
{
	ok(f, 0, HV_JOB_ABORT);
}

static void destroy_source(struct fixture *f)
{
	ok(f, 0, HV_DOM_DESTROY);
}

static void destroy_dest(struct fixture *f)
{
	ok(f, 1, HV_DOM_DESTROY);
}

static void crash_source(struct fixture *f)
{
	sim_dom_crash(f->w, "h1", CARRIER);
}

static void crash_dest(struct fixture *f)
{
	sim_dom_crash(f->w, "h2", CARRIER);
}

static void kill_libvirtd(struct fixture *f, const char *host)
{
	sim_host_libvirtd(f->w, host, false);
	clock_advance_ms(1000);
	sim_host_libvirtd(f->w, host, true);
	hv_host_open(f->h[g_str_equal(host, "h1") ? 0 : 1]);
	clock_advance_ms(1000);
}

static void kill_source_libvirtd(struct fixture *f)
{
	kill_libvirtd(f, "h1");
}

static void kill_dest_libvirtd(struct fixture *f)
{
	kill_libvirtd(f, "h2");
}

static void kill_source(struct fixture *f)
{
	sim_host_power(f->w, "h1", false);
	clock_advance_ms(60000);
	sim_host_power(f->w, "h1", true);
	clock_advance_ms(0);
	hv_host_open(f->h[0]);
	clock_advance_ms(1000);
}

static void fill_dest(struct fixture *f)
{
	sim_storage_full(f->w, "h2", true);
}

static void delete_file(struct fixture *f)
{
	sim_file_remove(f->w, "h2", SECOND);
}

/* As real hosts did, with libvirt 9.0. */
static const struct {
	const char *name;
	void (*act)(struct fixture *f);
	int code;
	const char *source, *dest;
} faults[] = {
	{ "abort", abort_job, ERR_HV, "idle", "absent" },
	{ "destroy at the source", destroy_source, ERR_HV, "absent", "absent" },
	{ "destroy at the destination", destroy_dest, ERR_HV, "idle", "absent" },
	{ "QEMU of the source", crash_source, ERR_HV, "absent", "absent" },
	{ "QEMU of the destination", crash_dest, ERR_HV, "idle", "absent" },
	{ "libvirtd of the source", kill_source_libvirtd, ERR_HV_LOST, "idle", "absent" },
	{ "libvirtd of the destination", kill_dest_libvirtd, ERR_HV, "idle", "absent" },
	{ "the source", kill_source, ERR_HV_LOST, "absent", "absent" },
	{ "no space", fill_dest, ERR_HV, "idle", "absent" },
	{ "deleted", delete_file, -1, "absent", "arrived" },
};

static void test_faults(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(faults); i++) {
		struct fixture f;

		g_test_message("%s", faults[i].name);
		prepare(&f);
		begin(&f, BOTH, 0);
		clock_advance_ms(1500);
		states(&f, "copying", "coming");
		faults[i].act(&f);
		g_assert_cmpint(end(&f), ==, faults[i].code);
		states(&f, faults[i].source, faults[i].dest);
		/* what the guest has written is where it was */
		g_assert_true(is_newest(&f, "h1", DISK) && is_newest(&f, "h1", SECOND));
		g_assert_true(faults[i].code == -1 || !is_newest(&f, "h2", DISK));
		g_assert_cmpint(get(&f, 1, SECOND).exists, ==, faults[i].act != delete_file);
		tear_down(&f);
	}
}

/* The same carrier and the same files. */
static void test_retry(void)
{
	struct fixture f;

	prepare(&f);
	begin(&f, BOTH, 0);
	clock_advance_ms(1500);
	ok(&f, 0, HV_JOB_ABORT);
	g_assert_cmpint(end(&f), ==, ERR_HV);
	g_assert_cmpint(start(&f, 0, CARRIER, BOTH), ==, -1);
	begin(&f, BOTH, 0);
	g_assert_cmpint(end(&f), ==, -1);
	g_assert_true(is_newest(&f, "h2", DISK));
	tear_down(&f);
}

/* The call hangs, and so does the job; its abort does nothing. */
static void test_cut(void)
{
	struct got destroy = { .code = -1 };
	struct fixture f;

	prepare(&f);
	begin(&f, BOTH, 0);
	clock_advance_ms(1500);
	sim_host_link(f.w, "h2", false);
	clock_advance_ms(90000);
	g_assert_false(f.migration.answered);
	g_assert_cmpstr(state(&f, 0), ==, "copying");
	ok(&f, 0, HV_JOB_ABORT);
	clock_advance_ms(1000);
	g_assert_false(f.migration.answered);
	got_ask(&destroy, f.h[0], &(struct hv_req){ .op = HV_DOM_DESTROY, .uuid = CARRIER });
	clock_advance_ms(9000);
	g_assert_false(destroy.answered);
	got_wait(&destroy);
	g_assert_cmpint(destroy.code, ==, -1);
	g_assert_cmpint(end(&f), ==, ERR_HV);
	g_assert_cmpint(start(&f, 0, OTHER, BOTH), ==, -1); /* the files are free */
	sim_host_link(f.w, "h2", true);
	hv_host_open(f.h[1]);
	clock_advance_ms(1000);
	states(&f, "absent", "absent");
	got_clear(&destroy);
	tear_down(&f);
}

/* In again, before that: soon enough it goes on; else the destination has given it up. */
static void test_mended(void)
{
	static const struct {
		int64_t out_ms;
		int code;
	} cases[] = { { 5000, -1 }, { 60000, ERR_HV } };

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct fixture f;

		prepare(&f);
		begin(&f, BOTH, 0);
		clock_advance_ms(1500);
		sim_host_link(f.w, "h2", false);
		clock_advance_ms(cases[i].out_ms);
		sim_host_link(f.w, "h2", true);
		g_assert_cmpint(end(&f), ==, cases[i].code);
		g_assert_cmpstr(state(&f, 0), ==, cases[i].code == -1 ? "absent" : "idle");
		tear_down(&f);
	}
}

/* ---- the lock ---- */

/* Idle, half way, at the destination, and gone. */
static void test_guest_start(void)
{
	const struct hv_req guest = { .op = HV_DOM_START, .uuid = GUEST };
	struct fixture f;

	prepare(&f);
	g_assert_cmpint(ask(&f, 0, &guest), ==, ERR_HV_LOCKED);
	begin(&f, BOTH, 0);
	clock_advance_ms(1500);
	g_assert_cmpint(ask(&f, 0, &guest), ==, ERR_HV_LOCKED);
	g_assert_cmpint(end(&f), ==, -1);
	sim_dom_add(f.w, "h2", &(struct sim_dom_spec){ .uuid = GUEST, .name = "guest", .state = HV_SHUTOFF });
	g_assert_cmpint(ask(&f, 1, &guest), ==, ERR_HV_LOCKED);
	ok(&f, 1, HV_DOM_DESTROY);
	g_assert_cmpint(ask(&f, 1, &guest), ==, -1);
	g_assert_true(is_newest(&f, "h2", DISK) && !is_newest(&f, "h1", DISK));
	/* and now the carrier is refused */
	g_assert_cmpint(start(&f, 1, CARRIER, BOTH), ==, ERR_HV);
	tear_down(&f);
}

/* ---- it is resumed ---- */

static void test_resumed(void)
{
	struct got g = { .code = -1 };
	struct fixture f;

	prepare(&f);
	ok(&f, 0, HV_DOM_RESUME);
	g_assert_true(is_newest(&f, "h1", DISK));
	states(&f, "idle", "absent");
	begin(&f, BOTH, 0);
	g_assert_cmpint(end(&f), ==, -1);
	got_ask(&g, f.h[1], &(struct hv_req){ .op = HV_CARRIER_GET, .uuid = CARRIER });
	got_wait(&g);
	g_assert_false(g.r.carrier->resumed);
	ok(&f, 1, HV_DOM_RESUME);
	got_ask(&g, f.h[1], &(struct hv_req){ .op = HV_CARRIER_GET, .uuid = CARRIER });
	got_wait(&g);
	g_assert_true(g.r.carrier->resumed);
	g_assert_cmpint(g.r.carrier->state, ==, CARRIER_ARRIVED);
	g_assert_true(is_newest(&f, "h1", DISK) && is_newest(&f, "h2", DISK));
	got_clear(&g);
	tear_down(&f);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/sim-carrier/carries", test_carries);
	g_test_add_func("/sim-carrier/bandwidth", test_bandwidth);
	g_test_add_func("/sim-carrier/files", test_files);
	g_test_add_func("/sim-carrier/start-refused", test_start_refused);
	g_test_add_func("/sim-carrier/copy-refused", test_copy_refused);
	g_test_add_func("/sim-carrier/faults", test_faults);
	g_test_add_func("/sim-carrier/retry", test_retry);
	g_test_add_func("/sim-carrier/cut", test_cut);
	g_test_add_func("/sim-carrier/mended", test_mended);
	g_test_add_func("/sim-carrier/guest-start", test_guest_start);
	g_test_add_func("/sim-carrier/resumed", test_resumed);
	return g_test_run();
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Carriers on two real hosts. tests/hv/run raises them and runs this; without the environment it says so and skips.
 *
 * Each test cleans up what it made.
 */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "hv/carry.h"
#include "hv/xml/carrier_xml.h"
#include "live.h"

#define PRIVATE "/var/lib/libvirt/drover/instances/"
#define MIB (INT64_C(1) << 20)

#define BASE PRIVATE "_base/b"
#define OVERLAY PRIVATE "g/disk"
#define RAW PRIVATE "g/raw"

#define CARRIER "7c1f6d0a-5f2e-4d3c-9b8a-112233445566"
#define OTHER "7c1f6d0a-5f2e-4d3c-9b8a-112233445567"
#define OWNER "0e9d8c7b-6a59-4847-b635-241302f1e0df"

/* ---- calls ---- */

static struct hv_reply *call(int i, const struct hv_req *req)
{
	struct hv_reply *r = live_call(live_hosts[i].h, req);

	if (r->err)
		g_test_message("%s on %s: %s", hv_op_name(req->op), live_hosts[i].name, r->err->message);
	return r;
}

static void ok(int i, const struct hv_req *req)
{
	struct hv_reply *r = call(i, req);

	g_assert_no_error(r->err);
	live_reply_free(r);
}

static void fails(int i, const struct hv_req *req, enum err_code code)
{
	struct hv_reply *r = call(i, req);

	g_assert_error(r->err, ERR, (int)code);
	live_reply_free(r);
}

static struct hv_req of(enum hv_op op)
{
	return (struct hv_req){ .op = op, .uuid = CARRIER };
}

static void op_ok(int i, enum hv_op op)
{
	const struct hv_req req = of(op);

	ok(i, &req);
}

static void vol_ok(int i, enum hv_op op, struct hv_vol_params v)
{
	ok(i, &(struct hv_req){ .op = op, .uuid = OWNER, .vol = v });
}

static struct hv_vol get(int i, const char *path)
{
	struct hv_reply *r = call(i, &(struct hv_req){ .op = HV_VOL_GET, .uuid = OWNER, .vol = { .path = path, .head = true } });
	struct hv_vol v = r->vol;

	g_assert_no_error(r->err);
	/* Not ones that end with the reply. */
	v.format = (char *)g_intern_string(v.format);
	v.backing = (char *)g_intern_string(v.backing);
	v.backing_format = (char *)g_intern_string(v.backing_format);
	live_reply_free(r);
	return v;
}

static void sh(int i, const char *script)
{
	g_free(live_sh(i, script));
}

/* ---- carriers ---- */

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

static struct hv_req start_req(const char *uuid, GPtrArray *files)
{
	return (struct hv_req){ .op = HV_CARRIER_START, .uuid = uuid, .carrier = { .task = "7", .guest = OWNER, .files = files } };
}

static void start(const char *text)
{
	g_autoptr(GPtrArray) files = files_of(text);
	const struct hv_req req = start_req(CARRIER, files);

	ok(0, &req);
}

static void start_fails(int i, const char *uuid, const char *text, enum err_code code)
{
	g_autoptr(GPtrArray) files = files_of(text);
	const struct hv_req req = start_req(uuid, files);

	fails(i, &req, code);
}

static enum carrier_state state(int i)
{
	const struct hv_req req = of(HV_CARRIER_GET);
	struct hv_reply *r = call(i, &req);
	enum carrier_state s;

	g_assert_no_error(r->err);
	s = r->carrier->state;
	live_reply_free(r);
	return s;
}

static void assert_states(enum carrier_state source, enum carrier_state dest)
{
	g_assert_cmpstr(carrier_state_name(state(0)), ==, carrier_state_name(source));
	g_assert_cmpstr(carrier_state_name(state(1)), ==, carrier_state_name(dest));
}

static void until(int i, enum carrier_state wanted)
{
	while (state(i) != wanted)
		;
}

/* @mibs: 0: as fast as it goes */
static struct live_call *migrate(const char *text, int64_t mibs)
{
	g_autoptr(GPtrArray) files = files_of(text);
	g_auto(GStrv) targets = carrier_xml_targets(files);
	struct hv_req req = live_migrate_req(0);

	req.uuid = CARRIER;
	req.migrate.persist_dest = false;
	req.migrate.stays_paused = true;
	req.migrate.bandwidth_mibs = mibs;
	req.migrate.copy_disks = (const char *const *)targets;
	return live_begin(live_hosts[0].h, &req);
}

static void carried(struct live_call *c)
{
	struct hv_reply *r = live_end(c);

	g_assert_no_error(r->err);
	live_reply_free(r);
	assert_states(CARRIER_ABSENT, CARRIER_ARRIVED);
}

static void not_carried(struct live_call *c)
{
	struct hv_reply *r = live_end(c);

	g_assert_nonnull(r->err);
	g_test_message("migrate: %s", r->err->message);
	live_reply_free(r);
}

/* It copies, and the statistics say how far it is. */
static struct hv_job until_copying(struct live_call *c)
{
	const struct hv_req req = of(HV_JOB_GET);
	struct hv_job job = { .active = false };

	while (!job.disk_processed && !live_is_done(c)) {
		struct hv_reply *r = live_call(live_hosts[0].h, &req);

		if (!r->err)
			job = r->job;
		live_reply_free(r);
	}
	g_assert_false(live_is_done(c));
	return job;
}

/* ---- files ---- */

/* Of each file, as the host has it: its bytes, holes and zeros alike. */
static char *sum(int i, const char *path)
{
	g_autofree char *script = g_strdup_printf("%s '%s'", g_getenv("DROVER_TEST_SUM"), path);

	return live_sh(i, script);
}

/* Of what a guest sees of a qcow2. */
static char *content(int i, const char *path)
{
	g_autofree char *script = g_strdup_printf("qemu-img convert -U -O raw '%s' /run/seen; %s /run/seen; rm /run/seen", path, g_getenv("DROVER_TEST_SUM"));

	return live_sh(i, script);
}

static void assert_equal(char *f(int i, const char *path), const char *path)
{
	g_autofree char *source = f(0, path), *copy = f(1, path);

	g_assert_cmpstr(source, ==, copy);
}

/* 16 MiB of data in a base of 64, 8 in what is laid over it, with a discarded piece over the base's data; 16 in a raw disk of 64. */
static const char make_disks[] =
	"mkdir -p " PRIVATE "_base " PRIVATE "g; truncate -s 64M " BASE " " RAW ";"
	"dd if=/dev/urandom of=" BASE " bs=1M count=16 conv=notrunc status=none;"
	"dd if=/dev/urandom of=" RAW " bs=1M count=16 seek=20 conv=notrunc status=none;"
	"qemu-img create -q -f qcow2 -F raw -b " BASE " " OVERLAY ";"
	"head -c 8M /dev/urandom > " PRIVATE "data; qemu-io -c 'write -s " PRIVATE "data 4M 8M' -c 'write -z -u 14M 1M' " OVERLAY " > /dev/null; rm " PRIVATE "data";

static void make(void)
{
	sh(0, make_disks);
}

static void clear(void)
{
	for (int i = 0; i < 2; i++) {
		op_ok(i, HV_DOM_DESTROY);
		sh(i, "rm -rf " PRIVATE "_base " PRIVATE "g");
	}
}

static void base_at_dest(void)
{
	vol_ok(1, HV_VOL_COPY, (struct hv_vol_params){ .path = BASE, .source_uri = live_hosts[0].uri });
}

static void room_at_dest(const char *path, enum carry_mode m)
{
	struct hv_vol v = get(0, path);

	g_assert_true(v.exists);
	vol_ok(1, HV_VOL_CREATE, carry_room(path, m, &v));
}

/* What differs at the destination, as far as libvirt tells. */
static void assert_differs(const char *path, enum carry_mode m, const char *want)
{
	struct hv_vol source = get(0, path), dest = get(1, path);
	g_autofree char *why = carry_differs(m, &source, &dest);

	g_assert_cmpstr(why, ==, want);
}

#define BOTH "qcow2:" OVERLAY " raw:" RAW

static void prepare(void)
{
	make();
	base_at_dest();
	room_at_dest(OVERLAY, CARRY_DISK);
	room_at_dest(RAW, CARRY_FILE);
	start(BOTH);
}

static int64_t received_bytes(int i)
{
	g_autofree char *text = live_sh(i, "awk '/eth0:/ { print $2 }' /proc/net/dev");

	return g_ascii_strtoll(text, NULL, 10);
}

/* ---- it carries ---- */

static bool is_listed(int i)
{
	struct hv_reply *r = call(i, &(struct hv_req){ .op = HV_DOM_LIST });
	bool found = false;

	g_assert_no_error(r->err);
	for (guint k = 0; k < r->doms->len; k++)
		found |= !strcmp(((const struct hv_dom *)g_ptr_array_index(r->doms, k))->uuid, CARRIER);
	live_reply_free(r);
	return found;
}

/* It is no guest, and is found all the same. */
static void check_seen(int i, const char *files)
{
	const struct hv_req dom = of(HV_DOM_GET);
	struct hv_reply *r = call(i, &dom);
	g_autoptr(GPtrArray) want = files_of(files);
	const struct carrier *c;

	g_assert_cmpint(r->dom->state, ==, HV_ABSENT);
	live_reply_free(r);
	g_assert_false(is_listed(i));
	r = call(i, &(struct hv_req){ .op = HV_CARRIER_LIST });
	g_assert_cmpuint(r->carriers->len, ==, 1);
	c = g_ptr_array_index(r->carriers, 0);
	g_assert_cmpstr(c->uuid, ==, CARRIER);
	g_assert_cmpstr(c->task, ==, "7");
	g_assert_cmpstr(c->guest, ==, OWNER);
	g_assert_cmpstr(c->from, ==, live_hosts[0].name);
	g_assert_true(carrier_files_same(c->files, want));
	live_reply_free(r);
}

static void check_copies(void)
{
	struct hv_vol source = get(0, OVERLAY), copy = get(1, OVERLAY), raw = get(0, RAW), raw_copy = get(1, RAW);

	assert_equal(content, OVERLAY);
	assert_equal(sum, RAW);
	assert_differs(OVERLAY, CARRY_DISK, NULL);
	assert_differs(RAW, CARRY_FILE, NULL);
	g_assert_cmpstr(copy.backing, ==, BASE);
	g_assert_cmpstr(copy.backing_format, ==, "raw");
	g_test_message("allocated: %" G_GINT64_FORMAT " of %" G_GINT64_FORMAT ", %" G_GINT64_FORMAT " of %" G_GINT64_FORMAT, copy.allocation_bytes,
	               source.allocation_bytes, raw_copy.allocation_bytes, raw.allocation_bytes);
	g_assert_cmpint(copy.allocation_bytes, <, source.allocation_bytes + MIB / 2);
	g_assert_cmpint(raw_copy.allocation_bytes, <, raw.allocation_bytes + MIB / 2);
}

static void test_carries(void)
{
	const int64_t data = 24 * MIB;
	const struct hv_event *done;
	int64_t before, wire;

	assert_states(CARRIER_ABSENT, CARRIER_ABSENT);
	prepare();
	start(BOTH); /* again: it is there */
	assert_states(CARRIER_IDLE, CARRIER_ABSENT);
	check_seen(0, BOTH);
	live_mark();
	before = received_bytes(1);
	carried(migrate(BOTH, 0));
	wire = received_bytes(1) - before;
	g_test_message("%" G_GINT64_FORMAT " bytes on the wire, %" G_GINT64_FORMAT " of data", wire, data);
	g_assert_cmpint(wire, >, data);
	g_assert_cmpint(wire, <, data * 11 / 10);
	done = live_await(0, HV_EV_JOB_DONE, HV_STATE_N);
	g_assert_cmpint(done->job.disk_processed, ==, done->job.disk_total);
	g_assert_cmpint(done->job.disk_total, >=, data);
	check_seen(1, BOTH);
	check_copies();
	/* Nothing else opens what has arrived. */
	start_fails(1, OTHER, "raw:" RAW, ERR_HV_LOCKED);
	start_fails(1, CARRIER, BOTH, ERR_CONFLICT);
	clear();
}

/* ---- files as they are ---- */

static const char make_odd[] =
	"qemu-img snapshot -c before " OVERLAY "; qemu-io -c 'write -P 9 40M 1M' " OVERLAY " > /dev/null;"
	"qemu-img bitmap --add " OVERLAY " changed;"
	/* it measures its CPU, and gives up where another process has that */
	"n=0; until qemu-img create -q -f qcow2 --object secret,id=s,data=secret -o encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10 " PRIVATE
	"g/luks 16M; do n=$((n + 1)); [ $n -lt 100 ]; done;"
	"qemu-io --object secret,id=s,data=secret -c 'write -P 5 0 1M' --image-opts driver=qcow2,encrypt.key-secret=s,file.filename=" PRIVATE "g/luks > /dev/null";

#define LUKS PRIVATE "g/luks"
#define ODD "raw:" BASE " raw:" OVERLAY " raw:" LUKS

/* Byte for byte, and then zeros up to a sector's end. The carrier has gone: the copy is cut here. */
static void assert_file(const char *path)
{
	int64_t bytes = get(0, path).physical_bytes;
	g_autofree char *cut = g_strdup_printf("truncate -s %" G_GINT64_FORMAT " %s", bytes, path);

	g_test_message("%s: %" G_GINT64_FORMAT " bytes", path, bytes);
	g_assert_cmpint(get(1, path).physical_bytes, ==, (bytes + 511) / 512 * 512);
	sh(1, cut);
	assert_equal(sum, path);
}

/* As one goes whose first attempt failed. */
static void start_checked(const char *text)
{
	g_autoptr(GPtrArray) files = files_of(text);
	struct hv_req req = start_req(CARRIER, files);

	req.carrier.checks_cpu = true;
	ok(0, &req);
}

/* Snapshots, bitmaps, LUKS without its secret, and what the first is laid over, in one carrier. */
static void test_files(void)
{
	struct hv_vol v;

	make();
	sh(0, make_odd);
	start_fails(0, CARRIER, "qcow2:" LUKS, ERR_HV); /* as a disk it has to have the secret */
	v = get(0, OVERLAY);
	g_assert_cmpuint(v.head.snapshots, ==, 1);
	g_assert_cmpuint(v.head.bitmaps, ==, 1);
	g_assert_true(get(0, LUKS).head.encrypted);
	g_assert_false(get(0, BASE).head.qcow2);
	room_at_dest(BASE, CARRY_FILE);
	room_at_dest(OVERLAY, CARRY_FILE);
	room_at_dest(LUKS, CARRY_FILE);
	start_checked(ODD);
	carried(migrate(ODD, 0));
	assert_differs(OVERLAY, CARRY_FILE, NULL);
	assert_differs(LUKS, CARRY_FILE, NULL);
	op_ok(1, HV_DOM_DESTROY);
	assert_file(BASE);
	assert_file(OVERLAY);
	assert_file(LUKS);
	v = get(1, OVERLAY);
	g_assert_cmpstr(v.format, ==, "qcow2");
	g_assert_cmpstr(v.backing, ==, BASE);
	g_assert_cmpint(v.capacity_bytes, ==, 64 * MIB);
	g_assert_cmpuint(v.head.snapshots, ==, 1);
	g_assert_cmpuint(v.head.bitmaps, ==, 1);
	clear();
}

/* ---- it is resumed ---- */

/* Its firmware has tried to read the drive, and then has nothing more to do. */
static void until_halted(int i)
{
	static const char ask[] =
		"v='virsh -q -c qemu:///system'; n=drover-carrier-" CARRIER "; $v domstats --block $n | grep -q 'block.2.rd.reqs=[1-9]' || exit 0;"
		"$v qemu-monitor-command $n --hmp 'info registers' | grep -o 'HLT=[01]'";
	int halts = 0;

	/* it also halts for a moment between two tries */
	while (halts < 10) {
		g_autofree char *text = live_sh(i, ask);

		halts = strcmp(text, "HLT=1") ? 0 : halts + 1;
	}
}

static void assert_untouched(int i)
{
	g_autofree char *text = live_sh(i, "virsh -q -c qemu:///system domstats --block drover-carrier-" CARRIER
	                                " | grep -E 'block.[01].(rd|wr).reqs' | cut -d= -f2 | xargs");

	g_assert_cmpstr(text, ==, "0 0 0 0");
}

/* /D11-carrier-boots: with anything else than the empty drive as its boot device it runs what the guest's disk begins with. */
static void test_resumed(void)
{
	g_autofree char *before = NULL, *after = NULL;

	make();
	/* a boot sector */
	sh(0, "printf '\\xfa\\xf4' | dd of=" RAW " conv=notrunc status=none; printf '\\x55\\xaa' | dd of=" RAW " bs=1 seek=510 conv=notrunc status=none");
	before = sum(0, RAW);
	base_at_dest();
	room_at_dest(RAW, CARRY_FILE);
	room_at_dest(OVERLAY, CARRY_DISK);
	start("raw:" RAW " qcow2:" OVERLAY);
	op_ok(0, HV_DOM_RESUME);
	until_halted(0);
	assert_untouched(0);
	assert_states(CARRIER_IDLE, CARRIER_ABSENT);
	carried(migrate("raw:" RAW " qcow2:" OVERLAY, 0));
	assert_equal(sum, RAW);
	op_ok(1, HV_DOM_RESUME);
	assert_states(CARRIER_ABSENT, CARRIER_ARRIVED);
	after = sum(0, RAW);
	g_assert_cmpstr(before, ==, after);
	clear();
}

/* ---- it is broken off ---- */

static void test_abort(void)
{
	g_autofree char *overlay = NULL, *raw = NULL, *overlay_after = NULL, *raw_after = NULL;
	struct live_call *c;
	struct hv_job job;

	prepare();
	overlay = sum(0, OVERLAY);
	raw = sum(0, RAW);
	c = migrate(BOTH, 1);
	job = until_copying(c);
	g_test_message("%" G_GINT64_FORMAT " of %" G_GINT64_FORMAT, job.disk_processed, job.disk_total);
	g_assert_true(job.outgoing);
	g_assert_cmpint(job.disk_total, >=, 24 * MIB);
	assert_states(CARRIER_COPYING, CARRIER_COMING);
	start_fails(0, CARRIER, BOTH, ERR_CONFLICT);
	op_ok(0, HV_JOB_ABORT);
	not_carried(c);
	until(1, CARRIER_ABSENT);
	assert_states(CARRIER_IDLE, CARRIER_ABSENT);
	overlay_after = sum(0, OVERLAY);
	raw_after = sum(0, RAW);
	g_assert_cmpstr(overlay, ==, overlay_after);
	g_assert_cmpstr(raw, ==, raw_after);
	/* The same carrier, and the half files. */
	carried(migrate(BOTH, 0));
	check_copies();
	clear();
}

/* The cable of the destination: what hangs is ended at the source. */
static void test_cut(void)
{
	g_autofree char *before = NULL, *after = NULL;
	struct live_call *c;

	prepare();
	before = sum(0, RAW);
	c = migrate(BOTH, 1);
	(void)until_copying(c);
	live_lab("cut", live_hosts[1].name, NULL);
	live_mark();
	live_await(1, HV_EV_CLOSED, HV_STATE_N); /* by then this program has given up, too */
	g_assert_false(live_is_done(c));
	g_assert_cmpstr(carrier_state_name(state(0)), ==, "copying");
	op_ok(0, HV_JOB_ABORT);
	g_assert_false(live_is_done(c));
	op_ok(0, HV_DOM_DESTROY);
	not_carried(c);
	after = sum(0, RAW);
	g_assert_cmpstr(before, ==, after);
	start(BOTH); /* the files are free */
	live_lab("mend", live_hosts[1].name, NULL);
	live_open();
	until(1, CARRIER_ABSENT);
	carried(migrate(BOTH, 0));
	check_copies();
	clear();
}

static void test_libvirtd_killed(void)
{
	struct live_call *c;

	prepare();
	c = migrate(BOTH, 1);
	(void)until_copying(c);
	live_mark();
	live_lab("kill-libvirtd", live_hosts[0].name, NULL);
	not_carried(c);
	live_await(0, HV_EV_CLOSED, HV_STATE_N);
	live_lab("start-libvirtd", live_hosts[0].name, NULL);
	live_open();
	until(0, CARRIER_IDLE);
	until(1, CARRIER_ABSENT);
	carried(migrate(BOTH, 0));
	check_copies();
	clear();
}

/* libvirt does not see it. */
static void test_deleted(void)
{
	struct live_call *c;

	prepare();
	c = migrate(BOTH, 8);
	(void)until_copying(c);
	sh(1, "rm " RAW);
	carried(c);
	assert_differs(RAW, CARRY_FILE, "it is not there");
	assert_differs(OVERLAY, CARRY_DISK, NULL);
	clear();
}

static void test_no_space(void)
{
	make();
	base_at_dest();
	sh(1, "mkdir -p " PRIVATE "g; mount -t tmpfs -o size=4M small " PRIVATE "g");
	room_at_dest(OVERLAY, CARRY_DISK);
	room_at_dest(RAW, CARRY_FILE);
	start(BOTH);
	not_carried(migrate(BOTH, 0));
	until(1, CARRIER_ABSENT);
	assert_states(CARRIER_IDLE, CARRIER_ABSENT);
	sh(1, "umount " PRIVATE "g");
	clear();
}

/* ---- what is refused ---- */

static void test_refused(void)
{
	make();
	start_fails(0, CARRIER, "raw:" PRIVATE "g/none", ERR_HV);
	start_fails(0, CARRIER, "raw:g/raw", ERR_BAD_REQUEST);
	start_fails(0, CARRIER, "qcow2:" RAW, ERR_HV);
	start("raw:" RAW);
	start_fails(0, CARRIER, "raw:" OVERLAY, ERR_CONFLICT);
	start_fails(0, OTHER, "raw:" RAW, ERR_HV_LOCKED); /* the lock */
	not_carried(migrate("raw:" RAW, 0));       /* no file there */
	vol_ok(1, HV_VOL_CREATE, (struct hv_vol_params){ .path = RAW, .format = "raw", .capacity_bytes = 65 * MIB });
	not_carried(migrate("raw:" RAW, 0));
	assert_states(CARRIER_IDLE, CARRIER_ABSENT);
	clear();
}

/* ---- the lock ---- */

#define GUEST "7c1f6d0a-5f2e-4d3c-9b8a-112233445568"

static const char guest_xml[] =
	"<domain type='qemu'><name>t_carry_guest</name><uuid>" GUEST "</uuid><memory unit='MiB'>16</memory><os><type>hvm</type></os><devices>"
	"<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='" RAW "'/><target dev='vda' bus='virtio'/></disk>"
	"<memballoon model='none'/></devices></domain>";

/* The guest is defined on both hosts; neither starts it before the carrier has gone. */
static void test_guest_start(void)
{
	const struct hv_req guest = { .op = HV_DOM_START, .uuid = GUEST };

	make();
	room_at_dest(RAW, CARRY_FILE);
	for (int i = 0; i < 2; i++)
		ok(i, &(struct hv_req){ .op = HV_DOM_DEFINE, .uuid = GUEST, .xml = guest_xml });
	start("raw:" RAW);
	fails(0, &guest, ERR_HV_LOCKED);
	carried(migrate("raw:" RAW, 0));
	fails(1, &guest, ERR_HV_LOCKED);
	op_ok(1, HV_DOM_DESTROY);
	ok(1, &guest);
	start_fails(1, CARRIER, "raw:" RAW, ERR_HV_LOCKED);
	ok(1, &(struct hv_req){ .op = HV_DOM_DESTROY, .uuid = GUEST });
	for (int i = 0; i < 2; i++)
		ok(i, &(struct hv_req){ .op = HV_DOM_UNDEFINE, .uuid = GUEST });
	clear();
}

/* A guest that runs keeps its disk. */
static void test_in_use(void)
{
	struct hv_reply *r = live_op(live_hosts[0].h, HV_DOM_GET);
	const struct hv_disk *k = g_ptr_array_index(r->dom->disks, 0);
	g_autofree char *file = g_strconcat("raw:", k->source, NULL);

	live_reply_free(r);
	start_fails(0, CARRIER, file, ERR_HV_LOCKED);
	assert_states(CARRIER_ABSENT, CARRIER_ABSENT);
}

/* ---- the firmware's variables ---- */

#define NVRAM "/var/lib/libvirt/qemu/nvram/g_VARS.fd"

static void test_nvram(void)
{
	sh(0, "mkdir -p /var/lib/libvirt/qemu/nvram; head -c 540672 /dev/urandom > " NVRAM "; chmod 600 " NVRAM);
	vol_ok(1, HV_VOL_COPY, (struct hv_vol_params){ .path = NVRAM, .source_uri = live_hosts[0].uri });
	assert_equal(sum, NVRAM);
	for (int i = 0; i < 2; i++)
		vol_ok(i, HV_VOL_DELETE, (struct hv_vol_params){ .path = NVRAM });
}

/* ---- snapshots ---- */

#define GUEST_VIRSH "virsh -q -c qemu:///system "
#define SNAPPED PRIVATE "g/snapped"
#define DEFINE "echo \"<domain type='qemu'><name>snapped</name><uuid>" OWNER "</uuid><memory unit='MiB'>16</memory><os><type>hvm</type></os>" \
	"<devices><disk type='file'><driver name='qemu' type='qcow2'/><source file='" SNAPPED "'/><target dev='vda' bus='virtio'/></disk></devices></domain>\"" \
	" | " GUEST_VIRSH "define /dev/stdin > /dev/null;"

static struct hv_req of_guest(enum hv_op op)
{
	return (struct hv_req){ .op = op, .uuid = OWNER };
}

static GPtrArray *snapshots(int i)
{
	const struct hv_req req = of_guest(HV_SNAPSHOTS_GET);
	struct hv_reply *r = call(i, &req);
	GPtrArray *all = g_ptr_array_ref(r->snapshots);

	g_assert_no_error(r->err);
	live_reply_free(r);
	return all;
}

static void assert_snapshots(int i, const char *want)
{
	g_autoptr(GPtrArray) all = snapshots(i);
	g_autoptr(GString) got = g_string_new(NULL);

	for (guint n = 0; n < all->len; n++) {
		const struct hv_snapshot *s = g_ptr_array_index(all, n);

		g_string_append_printf(got, "%s%s%s%s", n ? " " : "", s->name, s->current ? "*" : "", s->external ? "+" : "");
	}
	g_assert_cmpstr(got->str, ==, want);
}

static void test_snapshots(void)
{
	struct hv_req set = of_guest(HV_SNAPSHOTS_SET), undefine = of_guest(HV_DOM_UNDEFINE);

	assert_snapshots(0, "");
	sh(0, "mkdir -p " PRIVATE "g; qemu-img create -q -f qcow2 " SNAPPED " 8M;" DEFINE
	      "for s in s1 s2; do " GUEST_VIRSH "snapshot-create-as snapped $s > /dev/null; done");
	assert_snapshots(0, "s1 s2*");
	vol_ok(1, HV_VOL_COPY, (struct hv_vol_params){ .path = SNAPPED, .source_uri = live_hosts[0].uri });
	fails(1, &set, ERR_HV_ABSENT);
	sh(1, DEFINE);
	set.snapshots = snapshots(0);
	for (int again = 0; again < 2; again++) {
		ok(1, &set);
		assert_snapshots(1, "s1 s2*");
	}
	g_ptr_array_unref(set.snapshots);
	sh(1, GUEST_VIRSH "snapshot-revert snapped s1; " GUEST_VIRSH "snapshot-delete snapped s2 > /dev/null");
	assert_snapshots(1, "s1*");
	sh(0, GUEST_VIRSH "snapshot-create-as snapped s3 --disk-only > /dev/null");
	assert_snapshots(0, "s1 s2 s3*+");
	for (int i = 0; i < 2; i++) {
		undefine.forgets = false;
		fails(i, &undefine, ERR_HV);
		undefine.forgets = true;
		ok(i, &undefine);
		sh(i, DEFINE);
		assert_snapshots(i, "");
		ok(i, &undefine);
		vol_ok(i, HV_VOL_DELETE, (struct hv_vol_params){ .path = SNAPPED });
	}
	sh(0, "rm -f " PRIVATE "g/snapped.s3");
}

/* ---- the program ---- */

static const struct live_test tests[] = {
	{ "/carry/carries", test_carries },
	{ "/carry/files", test_files },
	{ "/carry/resumed", test_resumed },
	{ "/carry/refused", test_refused },
	{ "/carry/in-use", test_in_use },
	{ "/carry/guest-start", test_guest_start },
	{ "/carry/nvram", test_nvram },
	{ "/carry/snapshots", test_snapshots },
	{ "/carry/abort", test_abort },
	{ "/carry/deleted", test_deleted },
	{ "/carry/no-space", test_no_space },
	{ "/carry/libvirtd-killed", test_libvirtd_killed },
	{ "/carry/cut", test_cut },
};

int main(int argc, char **argv)
{
	return live_main(argc, argv, "/carry", true, tests, G_N_ELEMENTS(tests));
}

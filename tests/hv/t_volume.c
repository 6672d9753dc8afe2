/* SPDX-License-Identifier: Apache-2.0
 *
 * Volumes on two real hosts. tests/hv/run raises them and runs this; without the
 * environment it says so and skips.
 *
 * Each test cleans up what it made: the pools of a host are the same afterwards.
 */
#include <string.h>

#include "base/err.h"
#include "live.h"

#define POOLS "/var/lib/libvirt/drover/"
#define SHARED POOLS "shared/"
#define PRIVATE POOLS "instances/"
#define MIB (INT64_C(1) << 20)
#define CONCURRENT 8

static struct hv_reply *vol_call(int i, enum hv_op op, struct hv_vol_params v)
{
	return live_call(live_hosts[i].h, &(struct hv_req){ .op = op, .uuid = live_guest, .vol = v });
}

static void vol_ok(int i, enum hv_op op, struct hv_vol_params v)
{
	struct hv_reply *r = vol_call(i, op, v);

	g_assert_no_error(r->err);
	live_reply_free(r);
}

static void vol_fails(int i, enum hv_op op, struct hv_vol_params v, enum err_code code)
{
	struct hv_reply *r = vol_call(i, op, v);

	g_assert_nonnull(r->err);
	g_test_message("%s: %s", hv_op_name(op), r->err->message);
	g_assert_error(r->err, ERR, (int)code);
	live_reply_free(r);
}

static void create_ok(int i, const char *path, const char *format, int64_t bytes)
{
	vol_ok(i, HV_VOL_CREATE, (struct hv_vol_params){ .path = path, .format = format, .capacity_bytes = bytes });
}

static void delete_ok(int i, const char *path)
{
	vol_ok(i, HV_VOL_DELETE, (struct hv_vol_params){ .path = path });
}

static struct hv_vol get(int i, const char *path)
{
	struct hv_reply *r = vol_call(i, HV_VOL_GET, (struct hv_vol_params){ .path = path });
	struct hv_vol v = r->vol;

	g_assert_no_error(r->err);
	g_assert_true(v.exists || (!v.format && !v.capacity_bytes && !v.allocation_bytes));
	/* Not one that ends with the reply. */
	v.format = (char *)g_intern_string(v.format);
	live_reply_free(r);
	return v;
}

static bool exists(int i, const char *path)
{
	return get(i, path).exists;
}

static void sh(int i, const char *script)
{
	g_free(live_sh(i, script));
}

static void assert_sh(int i, const char *script, const char *want)
{
	g_autofree char *got = live_sh(i, script);

	g_assert_cmpstr(got, ==, want);
}

#define POOL_LIST "virsh -q -c qemu:///system pool-list --all --name | xargs"

/* Nothing transient is left on any host. */
static void assert_pools(void)
{
	for (int i = 0; i < 2; i++)
		assert_sh(i, POOL_LIST, "instances shared");
}

/* ---- looking, making, removing ---- */

static void test_marker(void)
{
	create_ok(0, SHARED "marker", "raw", 1);
	create_ok(0, PRIVATE "marker", "raw", 1);
	g_assert_true(exists(1, SHARED "marker"));
	g_assert_false(exists(1, PRIVATE "marker"));
	/* One that another host removed is gone here too. */
	delete_ok(1, SHARED "marker");
	g_assert_false(exists(0, SHARED "marker"));
	delete_ok(1, PRIVATE "marker");
	g_assert_true(exists(0, PRIVATE "marker"));
	delete_ok(0, PRIVATE "marker");
	g_assert_false(exists(0, PRIVATE "marker"));
}

/* When a file was changed: hosts that share it say the same, to the nanosecond; of a copy there is another time. */
static void test_changed(void)
{
	int64_t first, was;

	create_ok(0, SHARED "marker", "raw", 512);
	create_ok(0, PRIVATE "marker", "raw", 512);
	first = get(0, SHARED "marker").changed_ns;
	g_assert_cmpint(first, >, 0);
	g_assert_cmpint(get(1, SHARED "marker").changed_ns, ==, first);
	sh(1, "truncate -s 512 " PRIVATE "marker && touch -d @1000000000 " PRIVATE "marker");
	g_assert_cmpint(get(1, PRIVATE "marker").changed_ns, >, get(0, PRIVATE "marker").changed_ns);
	/* A new owner is no write; a write is one. */
	was = get(0, SHARED "marker").written_ns;
	sh(0, "chown 7:7 " SHARED "marker");
	g_assert_cmpint(get(1, SHARED "marker").changed_ns, >, first);
	g_assert_cmpint(get(1, SHARED "marker").written_ns, ==, was);
	sh(0, "printf x | dd of=" SHARED "marker conv=notrunc status=none");
	g_assert_cmpint(get(1, SHARED "marker").written_ns, >, was);
	delete_ok(1, SHARED "marker");
	create_ok(0, SHARED "marker", "raw", 512);
	g_assert_cmpint(get(1, SHARED "marker").changed_ns, >, first);
	delete_ok(0, SHARED "marker");
	delete_ok(0, PRIVATE "marker");
	delete_ok(1, PRIVATE "marker");
}

static const struct {
	const char *format;
	int64_t bytes;
} sizes[] = {
	{ "raw", 1 }, { "raw", 1000 }, { "raw", 64 * MIB }, { "qcow2", 64 * MIB }, { "qcow2", 64 * MIB + 512 },
	{ "qcow2", 200 * 1024 * MIB },
};

static void test_create(void)
{
	for (size_t k = 0; k < G_N_ELEMENTS(sizes); k++) {
		struct hv_vol v;

		create_ok(0, PRIVATE "new", sizes[k].format, sizes[k].bytes);
		v = get(0, PRIVATE "new");
		g_test_message("%s %" G_GINT64_FORMAT ": %" G_GINT64_FORMAT " allocated", sizes[k].format, v.capacity_bytes, v.allocation_bytes);
		g_assert_true(v.exists);
		g_assert_cmpstr(v.format, ==, sizes[k].format);
		g_assert_cmpint(v.capacity_bytes, ==, sizes[k].bytes);
		g_assert_cmpint(v.allocation_bytes, <, MIB);
		delete_ok(0, PRIVATE "new");
		delete_ok(0, PRIVATE "new");
	}
}

/* What is there stays as it is, also where libvirt has not seen it. */
static void test_conflict(void)
{
	static const char *const formats[] = { "raw", "qcow2" };

	for (size_t k = 0; k < G_N_ELEMENTS(formats); k++) {
		struct hv_vol_params v = { .path = PRIVATE "there", .format = formats[k], .capacity_bytes = MIB };

		sh(0, "echo mine > " PRIVATE "there");
		vol_fails(0, HV_VOL_CREATE, v, ERR_CONFLICT);
		vol_fails(0, HV_VOL_CREATE, v, ERR_CONFLICT);
		assert_sh(0, "cat " PRIVATE "there", "mine");
		sh(0, "rm " PRIVATE "there");
		g_assert_false(exists(0, PRIVATE "there"));
		vol_ok(0, HV_VOL_CREATE, v);
		delete_ok(0, PRIVATE "there");
	}
}

static void test_backing(void)
{
	struct hv_vol_params v = { .path = PRIVATE "over", .format = "qcow2", .capacity_bytes = 96 * MIB,
		                   .backing = POOLS "instances/_base/b", .backing_format = "raw" };

	vol_fails(0, HV_VOL_CREATE, v, ERR_HV); /* no such file */
	g_assert_false(exists(0, PRIVATE "over"));
	create_ok(0, v.backing, "raw", 64 * MIB);
	vol_ok(0, HV_VOL_CREATE, v);
	g_assert_cmpint(get(0, PRIVATE "over").capacity_bytes, ==, 96 * MIB);
	assert_sh(0, "qemu-img info " PRIVATE "over | grep -c 'backing file: " PRIVATE "_base/b$'", "1");
	delete_ok(0, PRIVATE "over");
	delete_ok(0, v.backing);
	sh(0, "rmdir " PRIVATE "_base");
	assert_pools();
}

/* ---- folders without a pool ---- */

static void test_no_pool(void)
{
	g_assert_false(exists(0, PRIVATE "u&1/a/disk"));
	delete_ok(0, PRIVATE "u&1/a/disk");
	assert_sh(0, "ls " PRIVATE, "");
	create_ok(0, PRIVATE "u&1/a/disk", "qcow2", 64 * MIB);
	assert_pools();
	g_assert_true(exists(0, PRIVATE "u&1/a/disk"));
	g_assert_false(exists(0, PRIVATE "u&1/a/other"));
	assert_pools();
	vol_fails(0, HV_VOL_CREATE, (struct hv_vol_params){ .path = PRIVATE "u&1/a/disk", .format = "raw", .capacity_bytes = 1 }, ERR_CONFLICT);
	assert_pools();
	/* A folder is no file, and neither is looked into nor removed. */
	vol_fails(0, HV_VOL_GET, (struct hv_vol_params){ .path = PRIVATE "u&1/a" }, ERR_HV);
	vol_fails(0, HV_VOL_DELETE, (struct hv_vol_params){ .path = PRIVATE "u&1/a" }, ERR_HV);
	vol_fails(0, HV_VOL_GET, (struct hv_vol_params){ .path = PRIVATE "u&1/a/disk/x" }, ERR_HV);
	delete_ok(0, PRIVATE "u&1/a/disk");
	assert_pools();
	assert_sh(0, "find " PRIVATE "'u&1'", PRIVATE "u&1\n" PRIVATE "u&1/a");
	sh(0, "rm -r " PRIVATE "'u&1'");
}

#define VIRSH "virsh -q -c qemu:///system "

static const char define_off[] =
	"mkdir " PRIVATE "off; echo \"<pool type='dir'><name>off</name><target><path>" PRIVATE "off</path></target></pool>\" |" VIRSH
	"pool-define /dev/stdin > /dev/null";

/* It may have been switched off for a reason. */
static void test_inactive_pool(void)
{
	sh(0, define_off);
	create_ok(0, PRIVATE "off/disk", "qcow2", MIB);
	g_assert_true(exists(0, PRIVATE "off/disk"));
	delete_ok(0, PRIVATE "off/disk");
	assert_sh(0, VIRSH "pool-list --inactive --name | xargs", "off");
	sh(0, VIRSH "pool-undefine off > /dev/null; rmdir " PRIVATE "off");
	assert_pools();
}

/* The folder of an active pool was taken away, and libvirt does not know yet. */
static void test_folder_gone(void)
{
	sh(0, define_off);
	sh(0, VIRSH "pool-start off > /dev/null; rmdir " PRIVATE "off");
	g_assert_false(exists(0, PRIVATE "off/disk"));
	create_ok(0, PRIVATE "off/disk", "raw", MIB);
	g_assert_true(exists(0, PRIVATE "off/disk"));
	delete_ok(0, PRIVATE "off/disk");
	sh(0, VIRSH "pool-undefine off > /dev/null; rmdir " PRIVATE "off");
	assert_pools();
}

/* What a crash leaves behind is what the pool looks like while a call runs; the name is the folder's. */
static void test_leftover(void)
{
	g_autofree char *sum = g_compute_checksum_for_string(G_CHECKSUM_SHA1, PRIVATE "left", -1);
	g_autofree char *make = g_strdup_printf("mkdir " PRIVATE "left; " VIRSH "pool-create-as drover-%s dir --target " PRIVATE
	                                        "left/. > /dev/null; touch " PRIVATE "left/disk", sum);

	sh(0, make);
	g_assert_true(exists(0, PRIVATE "left/disk"));
	assert_pools();
	delete_ok(0, PRIVATE "left/disk");
	sh(0, "rmdir " PRIVATE "left");
}

static void test_concurrent(void)
{
	struct live_call *calls[2][CONCURRENT];

	for (int op = 0; op < 2; op++) {
		for (int k = 0; k < CONCURRENT; k++) {
			g_autofree char *path = g_strdup_printf(PRIVATE "many/disk%d", k);

			calls[op][k] = live_begin(live_hosts[0].h, &(struct hv_req){
				.op = op ? HV_VOL_GET : HV_VOL_CREATE, .uuid = live_guest,
				.vol = { .path = path, .format = "qcow2", .capacity_bytes = MIB } });
		}
	}
	for (int op = 0; op < 2; op++) {
		for (int k = 0; k < CONCURRENT; k++) {
			struct hv_reply *r = live_end(calls[op][k]);

			g_assert_no_error(r->err);
			g_assert_cmpint(r->vol.exists, ==, op);
			live_reply_free(r);
		}
	}
	assert_pools();
	sh(0, "rm -r " PRIVATE "many");
}

/* ---- copying ---- */

static struct hv_vol_params from_first(const char *path)
{
	return (struct hv_vol_params){ .path = path, .source_uri = live_hosts[0].uri, .source_host = live_hosts[0].name };
}

static char *sum(int i, const char *path)
{
	g_autofree char *script = g_strdup_printf("%s '%s'", g_getenv("DROVER_TEST_SUM"), path);

	return live_sh(i, script);
}

static void assert_same_bytes(const char *path)
{
	g_autofree char *one = sum(0, path), *other = sum(1, path);

	g_assert_cmpstr(one, ==, other);
}

static void remove_both(const char *folder)
{
	g_autofree char *script = g_strdup_printf("rm -r '%s'", folder);

	for (int i = 0; i < 2; i++)
		sh(i, script);
	assert_pools();
}

#define COPY_FOLDER PRIVATE "c/d"

/* Each makes $f at the first host. */
static const struct {
	const char *name, *make;
	bool sparse;
} copied[] = {
	{ "empty", "touch $f" },
	{ "1 byte", "printf x > $f" },
	{ "a head", "head -c 65536 /dev/urandom > $f" },
	{ "a head and a byte", "head -c 65537 /dev/urandom > $f" },
	{ "config drive", "head -c 418304 /dev/urandom > $f" },
	{ "begins with a hole", "truncate -s 1M $f; head -c 100000 /dev/urandom >> $f" },
	{ "ends with a hole", "head -c 1000000 /dev/urandom > $f; truncate -s 50M $f", true },
	{ "nothing but a hole", "truncate -s 100M $f", true },
	{ "raw base", "head -c 64M /dev/urandom > $f; truncate -s 512M $f; head -c 4M /dev/urandom >> $f; truncate -s 2G $f", true },
	{ "qcow2 base", "head -c 200M /dev/urandom > $f.raw; truncate -s 1G $f.raw; qemu-img convert -O qcow2 $f.raw $f; rm $f.raw" },
};

static void test_copy(void)
{
	for (size_t k = 0; k < G_N_ELEMENTS(copied); k++) {
		g_autofree char *make = g_strdup_printf("mkdir -p " COPY_FOLDER "; f=" COPY_FOLDER "/f; rm -f $f; %s", copied[k].make);
		struct hv_vol source, copy;

		sh(0, make);
		g_test_message("%s", copied[k].name);
		vol_ok(1, HV_VOL_COPY, from_first(COPY_FOLDER "/f"));
		assert_same_bytes(COPY_FOLDER "/f");
		source = get(0, COPY_FOLDER "/f");
		copy = get(1, COPY_FOLDER "/f");
		g_assert_cmpstr(source.format, ==, copy.format);
		g_assert_cmpint(source.capacity_bytes, ==, copy.capacity_bytes);
		if (copied[k].sparse)
			g_assert_cmpint(copy.allocation_bytes, <, source.allocation_bytes + MIB);
		assert_pools();
		delete_ok(1, COPY_FOLDER "/f");
	}
	remove_both(PRIVATE "c");
}

static void test_copy_refused(void)
{
	struct hv_vol_params v = from_first(COPY_FOLDER "/f");

	vol_fails(1, HV_VOL_COPY, v, ERR_HV); /* nothing there */
	assert_sh(1, "ls " PRIVATE, "");
	create_ok(0, v.path, "raw", MIB);
	create_ok(1, v.path, "raw", 1);
	vol_fails(1, HV_VOL_COPY, v, ERR_CONFLICT);
	g_assert_cmpint(get(1, v.path).capacity_bytes, ==, 1);
	vol_fails(0, HV_VOL_COPY, v, ERR_CONFLICT); /* onto itself */
	g_assert_cmpint(get(0, v.path).capacity_bytes, ==, MIB);
	delete_ok(1, v.path);
	v.source_uri = "qemu+tcp://127.0.0.1:9/system";
	vol_fails(1, HV_VOL_COPY, v, ERR_HV);
	v.source_uri = NULL;
	vol_fails(1, HV_VOL_COPY, v, ERR_BAD_REQUEST);
	v.path = PRIVATE "../f";
	v.source_uri = live_hosts[0].uri;
	vol_fails(1, HV_VOL_COPY, v, ERR_BAD_REQUEST);
	remove_both(PRIVATE "c");
}

/* While a volume is being made there libvirt does not look into the pool, and nothing is done in it. Others are not concerned. */
static void test_busy(void)
{
	struct hv_vol_params there = from_first(PRIVATE "f"), back = { .path = PRIVATE "of-h2", .source_uri = live_hosts[1].uri };

	sh(0, "mkdir -p " COPY_FOLDER "; echo x > " COPY_FOLDER "/f; echo x > " PRIVATE "f");
	sh(1, "echo x > " PRIVATE "of-h2");
	/* its qemu-img waits for the word */
	sh(0, "cp /usr/bin/qemu-img /run/qemu-img; mkfifo /run/word; printf '#!/bin/sh\ntouch /run/busy\nread x < /run/word\nexec /run/qemu-img \"$@\"\n'"
	      " > /run/slow; chmod +x /run/slow; mount --bind /run/slow /usr/bin/qemu-img;"
	      " virsh -q -c qemu:///system vol-create-as instances made 1M --format qcow2 > /dev/null 2>&1 < /dev/null &"
	      " until [ -e /run/busy ]; do :; done");
	vol_fails(0, HV_VOL_GET, (struct hv_vol_params){ .path = PRIVATE "f" }, ERR_HV_BUSY);
	vol_fails(0, HV_VOL_CREATE, (struct hv_vol_params){ .path = PRIVATE "new", .format = "raw", .capacity_bytes = MIB }, ERR_HV_BUSY);
	vol_fails(0, HV_VOL_DELETE, (struct hv_vol_params){ .path = PRIVATE "f" }, ERR_HV_BUSY);
	vol_fails(0, HV_VOL_COPY, back, ERR_HV_BUSY);
	vol_fails(1, HV_VOL_COPY, there, ERR_HV_BUSY);
	g_assert_false(exists(0, SHARED "nothing"));
	g_assert_true(exists(0, COPY_FOLDER "/f"));
	assert_sh(0, "ls " PRIVATE " | xargs", "c f");
	sh(0, "echo go > /run/word; until virsh -q -c qemu:///system pool-refresh instances > /dev/null 2>&1; do :; done;"
	      " umount /usr/bin/qemu-img; rm /run/qemu-img /run/word /run/slow /run/busy");
	vol_ok(0, HV_VOL_COPY, back);
	vol_ok(1, HV_VOL_COPY, there);
	delete_ok(0, PRIVATE "made");
	sh(0, "rm -r " PRIVATE "c");
	remove_both(PRIVATE "f");
	remove_both(PRIVATE "of-h2");
}

static void test_copy_no_space(void)
{
	sh(0, "mkdir -p " COPY_FOLDER "; head -c 4M /dev/urandom > " COPY_FOLDER "/f");
	sh(1, "mkdir -p " COPY_FOLDER "; mount -t tmpfs -o size=1M small " COPY_FOLDER);
	vol_fails(1, HV_VOL_COPY, from_first(COPY_FOLDER "/f"), ERR_HV);
	assert_sh(1, "ls " COPY_FOLDER, "");
	sh(1, "umount " COPY_FOLDER);
	remove_both(PRIVATE "c");
}

/* Whether bytes may come; in the moment while libvirt makes the volume it does not look into the pool. */
static bool is_made(int i, const char *path)
{
	struct hv_reply *r = vol_call(i, HV_VOL_GET, (struct hv_vol_params){ .path = path });
	bool made = !r->err && r->vol.capacity_bytes > 0;

	if (r->err)
		g_assert_error(r->err, ERR, ERR_HV_BUSY);
	live_reply_free(r);
	return made;
}

/* Calls into the folder go on meanwhile; nothing of the broken copy stays. */
static void test_copy_cut(void)
{
	struct live_call *copy;
	struct hv_reply *r;

	sh(0, "mkdir -p " COPY_FOLDER "; head -c 64M /dev/urandom > " COPY_FOLDER "/f");
	live_lab("shape", live_hosts[0].name, "20mbit", NULL);
	live_mark();
	copy = live_begin(live_hosts[1].h, &(struct hv_req){ .op = HV_VOL_COPY, .uuid = live_guest, .vol = from_first(COPY_FOLDER "/f") });
	while (!is_made(1, COPY_FOLDER "/f") && !live_is_done(copy))
		;
	create_ok(1, COPY_FOLDER "/other", "raw", MIB);
	delete_ok(1, COPY_FOLDER "/other");
	g_assert_false(live_is_done(copy));
	live_lab("cut", live_hosts[0].name, NULL);
	r = live_end(copy);
	g_test_message("%s", r->err->message);
	g_assert_error(r->err, ERR, ERR_HV);
	live_reply_free(r);
	g_assert_false(exists(1, COPY_FOLDER "/f"));
	/* The host is lost to its own connection too, if the cable stays out. */
	live_await(0, HV_EV_CLOSED, HV_STATE_N);
	live_lab("mend", live_hosts[0].name, NULL);
	live_lab("shape", live_hosts[0].name, "off", NULL);
	live_open();
	g_assert_true(exists(0, COPY_FOLDER "/f"));
	remove_both(PRIVATE "c");
}

/* ---- migrating ---- */

#define GUEST "t_volume"
#define OVERLAY PRIVATE GUEST ".qcow2"
#define BASE PRIVATE "_base/64M"

static const char *const copied_disks[] = { "vda", NULL };

static struct hv_req copying_migration(const char *uuid)
{
	struct hv_req req = live_migrate_req(0);

	req.uuid = uuid;
	req.migrate.copy_disks = copied_disks;
	return req;
}

/* What the guest leaves alone: all but its first 256 KiB. */
static char *disk_sum(int i)
{
	g_autofree char *script = g_strdup_printf("qemu-img convert -U -O raw " OVERLAY " /run/disk; %s /run/disk 262144; rm /run/disk",
	                                          g_getenv("DROVER_TEST_SUM"));

	return live_sh(i, script);
}

static void make_overlay(int64_t bytes)
{
	vol_ok(1, HV_VOL_CREATE, (struct hv_vol_params){ .path = OVERLAY, .format = "qcow2", .capacity_bytes = bytes, .backing = BASE,
	                                                 .backing_format = "raw" });
}

static void migration_fails(const char *uuid, enum err_code code)
{
	struct hv_req req = copying_migration(uuid);
	struct hv_reply *r = live_call(live_hosts[0].h, &req);

	g_test_message("%s", r->err->message);
	g_assert_error(r->err, ERR, (int)code);
	live_reply_free(r);
	r = live_call(live_hosts[0].h, &(struct hv_req){ .op = HV_DOM_GET, .uuid = uuid });
	g_assert_cmpint(r->dom->state, ==, HV_RUNNING);
	live_reply_free(r);
	r = live_call(live_hosts[1].h, &(struct hv_req){ .op = HV_DOM_GET, .uuid = uuid });
	g_assert_cmpint(r->dom->state, ==, HV_ABSENT);
	live_reply_free(r);
}

static int64_t check_disk(const char *uuid)
{
	struct hv_reply *r = live_call(live_hosts[0].h, &(struct hv_req){ .op = HV_DOM_GET, .uuid = uuid });
	const struct hv_disk *k = g_ptr_array_index(r->dom->disks, 0);
	const struct hv_backing *b = g_ptr_array_index(k->backing, 0);
	struct hv_vol v = get(0, k->source);

	g_assert_cmpstr(k->target, ==, "vda");
	g_assert_cmpstr(k->source, ==, OVERLAY);
	g_assert_cmpuint(k->backing->len, ==, 1);
	g_assert_cmpstr(b->path, ==, BASE);
	g_assert_cmpstr(b->format, ==, "raw");
	live_reply_free(r);
	return v.capacity_bytes;
}

/* Slow until statistics of the disks were seen. */
static void migrate_watched(const char *uuid)
{
	struct hv_req req = copying_migration(uuid);
	struct live_call *c;
	struct hv_job disks = { .active = false };
	const struct hv_event *done;

	req.migrate.bandwidth_mibs = 1;
	live_mark();
	c = live_begin(live_hosts[0].h, &req);
	while (!disks.disk_processed && !live_is_done(c)) {
		struct hv_reply *r = live_call(live_hosts[0].h, &(struct hv_req){ .op = HV_JOB_GET, .uuid = uuid });

		if (!r->err && r->job.outgoing)
			disks = r->job;
		live_reply_free(r);
	}
	g_test_message("disks: %" G_GINT64_FORMAT " of %" G_GINT64_FORMAT " bytes, %" G_GINT64_FORMAT " left", disks.disk_processed,
	               disks.disk_total, disks.disk_remaining);
	g_assert_true(disks.active);
	g_assert_cmpint(disks.disk_processed, >, 0);
	g_assert_cmpint(disks.disk_total, ==, disks.disk_processed + disks.disk_remaining);
	g_assert_cmpint(disks.mem_total, ==, 0);
	live_reply_free(live_call(live_hosts[0].h, &(struct hv_req){ .op = HV_JOB_TUNE, .uuid = uuid, .bandwidth_mibs = 1000 }));
	live_reply_free(live_end(c));
	done = live_await(0, HV_EV_JOB_DONE, HV_STATE_N);
	g_assert_cmpint(done->job.disk_processed, >=, 4 * MIB);
	g_assert_cmpint(done->job.disk_processed, ==, done->job.disk_total);
	g_assert_cmpint(done->job.mem_processed, >, 0);
}

static void check_moved(const char *uuid)
{
	struct hv_reply *r = live_call(live_hosts[1].h, &(struct hv_req){ .op = HV_DOM_GET, .uuid = uuid });
	g_autofree char *source = disk_sum(0), *copy = disk_sum(1), *beat = NULL;

	g_assert_cmpint(r->dom->state, ==, HV_RUNNING);
	live_reply_free(r);
	g_assert_cmpstr(source, ==, copy);
	g_test_message("allocated %" G_GINT64_FORMAT ", %" G_GINT64_FORMAT " at the source", get(1, OVERLAY).allocation_bytes,
	               get(0, OVERLAY).allocation_bytes);
	g_assert_cmpint(get(1, OVERLAY).allocation_bytes, <, get(0, OVERLAY).allocation_bytes + MIB);
	/* The destination's statistics say nothing of disks. */
	r = live_call(live_hosts[1].h, &(struct hv_req){ .op = HV_JOB_DONE, .uuid = uuid });
	g_assert_cmpint(r->job.mem_processed, >, 0);
	g_assert_cmpint(r->job.disk_processed, ==, 0);
	live_reply_free(r);
	live_lab("heartbeat", "wait", GUEST, "240", NULL);
	beat = live_output("heartbeat", "show", GUEST, NULL);
	g_assert_nonnull(strstr(beat, "\"disk_errors\": 0,"));
	g_assert_nonnull(strstr(beat, "\"two_copies\": false,"));
}

static void test_migrate(void)
{
	g_autofree char *guest = live_output("guest", live_hosts[0].name, GUEST, "--disk", "overlay:64M", "--dirty", "5:16", "--wait", NULL);
	g_auto(GStrv) words = g_strsplit(guest, " ", 2);
	const char *uuid = words[0];
	int64_t bytes = check_disk(uuid);

	migration_fails(uuid, ERR_HV_UNSUPPORTED); /* no file to copy into */
	vol_ok(1, HV_VOL_COPY, from_first(BASE));
	make_overlay(bytes + MIB);
	migration_fails(uuid, ERR_HV);
	delete_ok(1, OVERLAY);
	make_overlay(bytes);
	migrate_watched(uuid);
	check_moved(uuid);
	delete_ok(0, OVERLAY);
	live_lab("guest-rm", GUEST, NULL);
	remove_both(PRIVATE "_base");
}

/* ---- what is refused ---- */

static const char *const bad_paths[] = {
	NULL, "", "disk", "/disk", "/", PRIVATE, PRIVATE "a//b", PRIVATE "../shared/b", PRIVATE ".", PRIVATE "..", PRIVATE "a\nb",
	PRIVATE "\xff",
};

static const struct hv_vol_params bad_volumes[] = {
	{ .path = PRIVATE "v", .format = NULL, .capacity_bytes = MIB },
	{ .path = PRIVATE "v", .format = "vmdk", .capacity_bytes = MIB },
	{ .path = PRIVATE "v", .format = "raw'/>", .capacity_bytes = MIB },
	{ .path = PRIVATE "v", .format = "qcow2", .capacity_bytes = 0 },
	{ .path = PRIVATE "v", .format = "raw", .capacity_bytes = -1 },
	{ .path = PRIVATE "v", .format = "raw", .capacity_bytes = MIB, .backing = PRIVATE "b", .backing_format = "raw" },
	{ .path = PRIVATE "v", .format = "qcow2", .capacity_bytes = MIB, .backing = "b", .backing_format = "raw" },
	{ .path = PRIVATE "v", .format = "qcow2", .capacity_bytes = MIB, .backing = PRIVATE "b" },
};

static void test_refused(void)
{
	static const enum hv_op ops[] = { HV_VOL_GET, HV_VOL_CREATE, HV_VOL_DELETE };

	for (size_t k = 0; k < G_N_ELEMENTS(bad_paths); k++) {
		for (size_t o = 0; o < G_N_ELEMENTS(ops); o++) {
			struct hv_vol_params v = { .path = bad_paths[k], .format = "raw", .capacity_bytes = 1 };

			vol_fails(0, ops[o], v, ERR_BAD_REQUEST);
		}
	}
	for (size_t k = 0; k < G_N_ELEMENTS(bad_volumes); k++)
		vol_fails(0, HV_VOL_CREATE, bad_volumes[k], ERR_BAD_REQUEST);
	/* A capacity that the format has not: nothing is left of it. */
	vol_fails(0, HV_VOL_CREATE, (struct hv_vol_params){ .path = PRIVATE "v", .format = "qcow2", .capacity_bytes = MIB + 1 }, ERR_HV);
	vol_fails(0, HV_VOL_CREATE, (struct hv_vol_params){ .path = PRIVATE "v", .format = "raw", .capacity_bytes = INT64_MAX }, ERR_HV);
	assert_sh(0, "ls " PRIVATE, "");
	assert_pools();
}

/* ---- the program ---- */

static const struct live_test tests[] = {
	{ "/volume/marker", test_marker },
	{ "/volume/changed", test_changed },
	{ "/volume/create", test_create },
	{ "/volume/conflict", test_conflict },
	{ "/volume/backing", test_backing },
	{ "/volume/no-pool", test_no_pool },
	{ "/volume/inactive-pool", test_inactive_pool },
	{ "/volume/folder-gone", test_folder_gone },
	{ "/volume/leftover", test_leftover },
	{ "/volume/concurrent", test_concurrent },
	{ "/volume/refused", test_refused },
	{ "/volume/copy", test_copy },
	{ "/volume/copy-refused", test_copy_refused },
	{ "/volume/busy", test_busy },
	{ "/volume/copy-no-space", test_copy_no_space },
	{ "/volume/copy-cut", test_copy_cut },
	{ "/volume/migrate", test_migrate },
};

int main(int argc, char **argv)
{
	return live_main(argc, argv, "/volume", true, tests, G_N_ELEMENTS(tests));
}

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

static void skip(const void *why)
{
	g_test_skip(why);
}

static const struct {
	const char *path;
	void (*fn)(void);
} tests[] = {
	{ "/volume/marker", test_marker },
	{ "/volume/create", test_create },
	{ "/volume/conflict", test_conflict },
	{ "/volume/backing", test_backing },
	{ "/volume/no-pool", test_no_pool },
	{ "/volume/inactive-pool", test_inactive_pool },
	{ "/volume/folder-gone", test_folder_gone },
	{ "/volume/leftover", test_leftover },
	{ "/volume/concurrent", test_concurrent },
	{ "/volume/refused", test_refused },
};

int main(int argc, char **argv)
{
	const char *why = NULL;

	g_test_init(&argc, &argv, NULL);
	if (!live_init(&why)) {
		g_test_add_data_func("/volume", why, skip);
		return g_test_run();
	}
	if (!g_getenv("DROVER_TEST_LAB")) {
		g_test_add_data_func("/volume", "DROVER_TEST_LAB (the lab's program) is not set", skip);
		return g_test_run();
	}
	live_open();
	for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
		g_test_add_func(tests[i].path, tests[i].fn);
	return g_test_run();
}

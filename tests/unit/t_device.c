/* SPDX-License-Identifier: Apache-2.0
 *
 * When are two hosts' devices of one path the same? What names prove, and what readings do.
 */
#include <glib.h>
#include <string.h>

#include "move/device.h"

/* Both hosts' serial, WWN and volume key; "" stands for what is not said. */
static const struct {
	const char *name, *path;
	const char *source[HV_DEVICE_ID_N], *dest[HV_DEVICE_ID_N];
	bool promised, same;
} names[] = {
	{ "nothing said",          "/dev/sdb", { NULL }, { NULL }, false, false },
	{ "a promise",             "/dev/sdb", { NULL }, { NULL }, true, true },
	{ "equal serials",         "/dev/sdb", { "36001405aaa1" }, { "36001405aaa1" }, false, true },
	{ "other serials",         "/dev/sdb", { "36001405aaa1" }, { "36001405aaa2" }, false, false },
	{ "promised, but no",      "/dev/sdb", { "36001405aaa1" }, { "36001405aaa2" }, true, false },
	{ "one says nothing",      "/dev/sdb", { "36001405aaa1" }, { NULL }, false, false },
	{ "promised, one silent",  "/dev/sdb", { "36001405aaa1" }, { NULL }, true, true },
	{ "equal WWNs",            "/dev/sdb", { NULL, "0x5000c500a1b2c3d4" }, { NULL, "0x5000c500a1b2c3d4" }, false, true },
	{ "one of two differs",    "/dev/sdb", { "36001405aaa1", "0x5000c500a1b2c3d4" }, { "36001405aaa1", "0x5000c500a1b2c3d5" }, false, false },
	{ "each another kind",     "/dev/sdb", { "36001405aaa1" }, { NULL, "0x5000c500a1b2c3d4" }, false, false },
	{ "an LV's UUID",          "/dev/vg/a", { NULL, NULL, "Zk1n3e-Y2rE-bmEp" }, { NULL, NULL, "Zk1n3e-Y2rE-bmEp" }, false, true },
	{ "QEMU's IDE disks",      "/dev/sda", { "QEMU_HARDDISK_QM00001" }, { "QEMU_HARDDISK_QM00001" }, false, false },
	{ "QEMU's SCSI disks",     "/dev/sda", { "0QEMU_QEMU_HARDDISK_drive-scsi0-0-0-0" }, { "0QEMU_QEMU_HARDDISK_drive-scsi0-0-0-0" }, false, false },
	{ "VMware's disks",        "/dev/sda", { "VMware_Virtual_SATA_Hard_Drive_00000000000000000001" },
	  { "VMware_Virtual_SATA_Hard_Drive_00000000000000000001" }, false, false },
	{ "zeros",                 "/dev/sda", { "0000000000" }, { "0000000000" }, false, false },
	{ "a WWN of zeros",        "/dev/sda", { NULL, "0x0000000000000000" }, { NULL, "0x0000000000000000" }, false, false },
	{ "counted",               "/dev/sda", { "ACME_0123456789" }, { "ACME_0123456789" }, false, false },
	{ "short",                 "/dev/sda", { "1" }, { "1" }, false, false },
	{ "udev's WWN link",       "/dev/disk/by-id/wwn-0x5000c500a1b2c3d4", { NULL }, { NULL }, false, true },
	{ "its partition",         "/dev/disk/by-id/scsi-36001405aaa1-part1", { NULL }, { NULL }, false, true },
	{ "an LV's UUID in udev",  "/dev/disk/by-id/dm-uuid-LVM-Zk1n3eY2rEbmEp", { NULL }, { NULL }, false, true },
	{ "an LV's name in udev",  "/dev/disk/by-id/dm-name-vg-web", { NULL }, { NULL }, false, false },
	{ "QEMU's disk in udev",   "/dev/disk/by-id/ata-QEMU_HARDDISK_QM00001", { NULL }, { NULL }, false, false },
	{ "udev's path",           "/dev/disk/by-path/pci-0000:00:1f.2-ata-1", { NULL }, { NULL }, false, false },
	{ "link and names differ", "/dev/disk/by-id/wwn-0x5000c500a1b2c3d4", { "36001405aaa1" }, { "36001405aaa2" }, false, false },
};

static struct hv_device device_of(const char *const *ids)
{
	struct hv_device d = { .size_bytes = 0 };

	memcpy(d.id, ids, sizeof(d.id));
	return d;
}

static void test_names(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		struct hv_device source = device_of(names[i].source), dest = device_of(names[i].dest);
		g_autofree char *why = NULL, *back = NULL;

		g_test_message("%s", names[i].name);
		g_assert_cmpint(device_names_agree(names[i].path, &source, &dest, names[i].promised, &why), ==, names[i].same);
		g_assert_true(!why == names[i].same);
		g_assert_cmpint(device_names_agree(names[i].path, &dest, &source, names[i].promised, &back), ==, names[i].same);
	}
}

static const struct {
	const char *pattern, *path;
	bool promised;
} promises[] = {
	{ "/dev/san/*", "/dev/san/a/b", true },
	{ "/dev/drbd?", "/dev/drbd1", true },
	{ "/dev/drbd?", "/dev/drbd10", false },
	{ "/dev/sdb", "/dev/sdb", true },
	{ "/dev/sdb", "/dev/sdb1", false },
	{ "", "/dev/sdb", false },
};

static void test_promises(void)
{
	g_assert_false(device_promised(NULL, "/dev/sdb"));
	for (size_t i = 0; i < G_N_ELEMENTS(promises); i++) {
		const char *const list[] = { "/dev/none", promises[i].pattern, NULL };

		g_test_message("%s %s", promises[i].pattern, promises[i].path);
		g_assert_cmpint(device_promised(list, promises[i].path), ==, promises[i].promised);
	}
}

/* What is read, one letter a sample; the rest of the device is the same at both. Pairs, the source's first. */
static const struct {
	const char *name;
	const char *reads[8];
	bool match;
} readings[] = {
	{ "equal",                          { "aaa", "aaa" }, true },
	{ "other",                          { "aaa", "aab" }, false },
	{ "other, again and again",         { "aaa", "aab", "aaa", "aab", "aaa", "aab" }, false },
	{ "it is written meanwhile",        { "aaa", "aab", "aab", "aab" }, true },
	{ "each is equal once",             { "aaa", "abb", "bba", "bbb", "bbb", "bbb" }, true },
	{ "it changes at both",             { "aaa", "aab", "aac", "aad" }, true },
	{ "it changes at the source alone", { "aaa", "aab", "aac", "aab", "aad", "aab" }, false },
	{ "it changes at the other alone",  { "aaa", "aab", "aaa", "aac", "aaa", "aad" }, false },
};

static struct hv_device reading(const char *letters)
{
	struct hv_device d = { .size_bytes = 1 };

	for (int i = 0; i < HV_SAMPLES; i++)
		d.samples[i] = g_strndup(i < 3 ? letters + i : "z", 1);
	return d;
}

static void test_readings(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(readings); i++) {
		struct device_match m = { .equal = { false } };
		bool match = false;

		g_test_message("%s", readings[i].name);
		for (int k = 0; k < 8 && readings[i].reads[k]; k += 2) {
			struct hv_device source = reading(readings[i].reads[k]), dest = reading(readings[i].reads[k + 1]);

			g_assert_false(match);
			match = device_match_add(&m, &source, &dest);
			hv_device_clear(&source);
			hv_device_clear(&dest);
		}
		g_assert_cmpint(match, ==, readings[i].match);
		device_match_clear(&m);
	}
}

/* Inside of the device, in order, its first and last bytes among them. */
static void test_samples(void)
{
	static const int64_t sizes[] = { 1, 512, 65536, 65537, 1 << 20, (1 << 20) + 512, 64 << 20, INT64_C(1) << 40, INT64_MAX };

	for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
		int64_t last = MAX(sizes[i] - HV_SAMPLE_BYTES, 0);

		g_assert_cmpint(hv_sample_at(sizes[i], 0), ==, 0);
		g_assert_cmpint(hv_sample_at(sizes[i], HV_SAMPLES - 1), ==, last);
		for (int k = 0; k < HV_SAMPLES; k++) {
			g_assert_cmpint(hv_sample_at(sizes[i], k), >=, 0);
			g_assert_cmpint(hv_sample_at(sizes[i], k), <=, last);
		}
	}
	g_assert_cmpint(hv_sample_at(INT64_C(1) << 30, 1), ==, 1 << 20);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/device/F2/names", test_names);
	g_test_add_func("/device/F2/promises", test_promises);
	g_test_add_func("/device/F2/readings", test_readings);
	g_test_add_func("/device/F2/samples", test_samples);
	return g_test_run();
}

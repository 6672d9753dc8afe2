/* SPDX-License-Identifier: Apache-2.0
 *
 * Carriers: their descriptions (golden, REGEN=1 writes them), how each file goes, and what a qcow2's head tells.
 */
#include <string.h>

#include "base/err.h"
#include "hv/carrier.h"
#include "hv/carry.h"
#include "hv/qcow2.h"
#include "hv/xml/carrier_xml.h"

#define UUID "7c1f6d0a-5f2e-4d3c-9b8a-112233445566"
#define GUEST "0e9d8c7b-6a59-4847-b635-241302f1e0df"

/* "format:path", commas between. */
static GPtrArray *files_of(const char *text)
{
	g_auto(GStrv) words = g_strsplit(text, ",", -1);
	GPtrArray *files = carrier_files_new();

	for (char **w = words; *w; w++) {
		char *colon = strchr(*w, ':');

		*colon = '\0';
		(void)carrier_files_add(files, colon + 1, *w);
	}
	return files;
}

/* ---- descriptions ---- */

static const struct {
	const char *name, *files, *arch, *machine;
	bool checks_cpu;
} golden[] = {
	{ "plain", "qcow2:/disks/a.qcow2,raw:/disks/b.raw" },
	{ "machine", "raw:/v/<&'\">.img", "x86_64", "pc-i440fx-7.2" },
	{ "aarch64", "qcow2:/a", "aarch64" },
	{ "checked", "qcow2:/a", .checks_cpu = true },
};

static void assert_golden(const char *name, const char *got)
{
	g_autofree char *file = g_strconcat(name, ".xml", NULL), *path = g_build_filename(g_getenv("GOLDEN_DIR"), file, NULL), *want = NULL;

	if (g_getenv("REGEN")) {
		g_assert_true(g_file_set_contents(path, got, -1, NULL));
		return;
	}
	g_assert_true(g_file_get_contents(path, &want, NULL, NULL));
	g_assert_cmpstr(got, ==, want);
}

static void test_golden(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(golden); i++) {
		g_autoptr(GPtrArray) files = files_of(golden[i].files);
		const struct carrier_params p = { .task = "move 7", .guest = GUEST, .files = files, .arch = golden[i].arch, .machine = golden[i].machine,
						   .checks_cpu = golden[i].checks_cpu };
		g_autoptr(GError) err = NULL;
		g_autofree char *xml = carrier_xml_write(UUID, "h1", &p, &err);
		struct carrier *c;

		g_assert_no_error(err);
		assert_golden(golden[i].name, xml);
		c = carrier_xml_read(UUID, xml, &err);
		g_assert_no_error(err);
		g_assert_cmpstr(c->uuid, ==, UUID);
		g_assert_cmpstr(c->task, ==, "move 7");
		g_assert_cmpstr(c->guest, ==, GUEST);
		g_assert_cmpstr(c->from, ==, "h1");
		g_assert_true(carrier_files_same(c->files, files));
		carrier_free(c);
	}
}

/* As libvirt writes it: other quotes, a prefix of its own, addresses, backing chains, what an operator has put into the drive. */
static void test_read(void)
{
	static const char xml[] =
		"<domain type='qemu' id='3'><name>drover-carrier-" UUID "</name><metadata><x:carrier xmlns:x=\"urn:drover\" task=\"7\" guest=\"" GUEST
		"\" from=\"h9\"/></metadata><devices><disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/a' index='2'/>"
		"<backingStore type='file'><format type='raw'/><source file='/base'/><backingStore/></backingStore><target dev='vda' bus='virtio'/></disk>"
		"<disk type='file' device='cdrom'><source file='/iso'/><target dev='sda' bus='sata'/></disk></devices></domain>";
	g_autoptr(GPtrArray) want = files_of("qcow2:/a");
	g_autoptr(GError) err = NULL;
	struct carrier *c = carrier_xml_read(UUID, xml, &err);

	g_assert_no_error(err);
	g_assert_cmpstr(c->from, ==, "h9");
	g_assert_true(carrier_files_same(c->files, want));
	carrier_free(c);
	/* one whose description an operator has changed is one all the same */
	c = carrier_xml_read(UUID, "<domain><devices/></domain>", &err);
	g_assert_no_error(err);
	g_assert_null(c->task);
	g_assert_null(c->from);
	g_assert_cmpuint(c->files->len, ==, 0);
	carrier_free(c);
	g_assert_null(carrier_xml_read(UUID, "<domain", &err));
	g_assert_error(err, ERR, ERR_HV);
}

static const char *const refused[] = { "qcow2:a", "vmdk:/a", "raw:/a,qcow2:/b,raw:/a", "raw:/a\nb", "raw:/a\xff", "raw'/>:/a", "raw:" };

static void assert_refused(GPtrArray *files)
{
	g_autoptr(GError) err = NULL;

	g_assert_null(carrier_xml_write(UUID, "h1", &(struct carrier_params){ .task = "7", .guest = GUEST, .files = files }, &err));
	g_assert_error(err, ERR, ERR_BAD_REQUEST);
	g_test_message("%s", err->message);
}

static void test_refused(void)
{
	g_autoptr(GPtrArray) none = carrier_files_new(), many = carrier_files_new();

	for (size_t i = 0; i < G_N_ELEMENTS(refused); i++) {
		g_autoptr(GPtrArray) files = files_of(refused[i]);

		assert_refused(files);
	}
	for (int i = 0; i <= CARRIER_FILES_MAX; i++) {
		g_autofree char *path = g_strdup_printf("/disk%d", i);

		(void)carrier_files_add(many, path, "raw");
	}
	assert_refused(none);
	assert_refused(NULL);
	assert_refused(many);
}

static void test_targets(void)
{
	g_autoptr(GPtrArray) files = carrier_files_new();
	g_auto(GStrv) targets = NULL;

	for (int i = 0; i < CARRIER_FILES_MAX; i++)
		(void)carrier_files_add(files, "/a", "raw");
	targets = carrier_xml_targets(files);
	g_assert_cmpuint(g_strv_length(targets), ==, CARRIER_FILES_MAX);
	g_assert_cmpstr(targets[0], ==, "vda");
	g_assert_cmpstr(targets[25], ==, "vdz");
	g_assert_cmpstr(targets[26], ==, "vdaa");
	g_assert_cmpstr(targets[52], ==, "vdba");
	for (int i = 1; i < CARRIER_FILES_MAX; i++)
		g_assert_false(g_strv_contains((const char *const *)targets + i, targets[i - 1]));
}

static void test_same(void)
{
	g_autoptr(GPtrArray) a = files_of("raw:/a,qcow2:/b"), turned = files_of("qcow2:/b,raw:/a"), more = files_of("qcow2:/b,raw:/a,raw:/c");
	g_autoptr(GPtrArray) other = files_of("qcow2:/b,qcow2:/a"), copy = carrier_files_copy(a);

	g_assert_true(carrier_files_same(a, turned));
	g_assert_true(carrier_files_same(a, copy));
	g_assert_false(carrier_files_same(a, more));
	g_assert_false(carrier_files_same(more, a));
	g_assert_false(carrier_files_same(a, other));
	g_assert_null(carrier_files_copy(NULL));
}

static void test_names(void)
{
	g_autofree char *name = hv_carrier_name(UUID);

	g_assert_true(hv_is_carrier(name, UUID));
	g_assert_false(hv_is_carrier(name, GUEST));
	g_assert_false(hv_is_carrier("web", UUID));
	g_assert_false(hv_is_carrier(NULL, UUID));
	for (enum carrier_state s = 0; s < CARRIER_STATE_N; s++)
		g_assert_nonnull(carrier_state_name(s));
}

/* ---- modes ---- */

#define QCOW2(...) { .told = true, .qcow2 = true, __VA_ARGS__ }

static const struct {
	const char *name;
	struct carry_facts facts;
	enum carry_mode want;
} modes[] = {
	{ "plain qcow2", { .format = "qcow2", .head = QCOW2() }, CARRY_DISK },
	{ "raw", { .format = "raw" }, CARRY_FILE },
	{ "raw, looks like a qcow2", { .format = "raw", .head = QCOW2(.snapshots = 1) }, CARRY_FILE },
	{ "not looked at", { .format = "qcow2" }, CARRY_FILE },
	{ "the description is wrong", { .format = "qcow2", .head = { .told = true } }, CARRY_FILE },
	{ "vmdk", { .format = "vmdk", .head = { .told = true } }, CARRY_FILE },
	{ "format not known", { .head = QCOW2() }, CARRY_FILE },
	{ "LUKS", { .format = "qcow2", .head = QCOW2(.encrypted = true) }, CARRY_FILE },
	{ "snapshots", { .format = "qcow2", .head = QCOW2(.snapshots = 2) }, CARRY_FILE },
	{ "bitmaps", { .format = "qcow2", .head = QCOW2(.bitmaps = 1) }, CARRY_FILE },
	{ "unclean", { .format = "qcow2", .head = QCOW2(.unclean = true) }, CARRY_FILE },
	{ "its base goes", { .format = "qcow2", .head = QCOW2(), .base_goes = true }, CARRY_FILE },
	{ "a base in use", { .format = "raw", .in_use = true }, CARRY_STREAM },
	{ "a qcow2 base in use", { .format = "qcow2", .head = QCOW2(.snapshots = 1), .in_use = true }, CARRY_STREAM },
	{ "external data", { .format = "qcow2", .head = QCOW2(.data_file = true) }, CARRY_NEVER },
	{ "shared", { .shared = true, .format = "qcow2", .head = QCOW2(.data_file = true) }, CARRY_STAYS },
	{ "shared and in use", { .shared = true, .in_use = true, .format = "raw" }, CARRY_STAYS },
	{ "network", { .kind = HV_SOURCE_NETWORK, .format = "raw" }, CARRY_STAYS },
	{ "loopback", { .kind = HV_SOURCE_LOOPBACK, .format = "raw" }, CARRY_NEVER },
	{ "device", { .kind = HV_SOURCE_DEVICE, .format = "raw" }, CARRY_NEVER },
	{ "shared device", { .kind = HV_SOURCE_DEVICE, .shared = true, .format = "raw" }, CARRY_STAYS },
	{ "folder", { .kind = HV_SOURCE_OTHER }, CARRY_NEVER },
};

static void test_modes(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(modes); i++) {
		const char *why = NULL;
		enum carry_mode m = carry_mode(&modes[i].facts, &why);

		g_test_message("%s: %s, %s", modes[i].name, carry_mode_name(m), why);
		g_assert_cmpstr(carry_mode_name(m), ==, carry_mode_name(modes[i].want));
		g_assert_nonnull(why);
	}
}

/* ---- at the destination ---- */

#define VOL(f, ...) { .exists = true, .format = (char *)(f), __VA_ARGS__ }

static const struct {
	const char *name;
	enum carry_mode mode;
	struct hv_vol source, dest;
	const char *want;
} copies[] = {
	{ "disk", CARRY_DISK, VOL("qcow2", .capacity_bytes = 1024, .physical_bytes = 100), VOL("qcow2", .capacity_bytes = 1024, .physical_bytes = 90), NULL },
	{ "gone", CARRY_DISK, VOL("qcow2", .capacity_bytes = 1024), { .folder = true }, "it is not there" },
	{ "smaller", CARRY_DISK, VOL("qcow2", .capacity_bytes = 1024), VOL("qcow2", .capacity_bytes = 512), "its capacity is 512 bytes, not 1024" },
	{ "not filled", CARRY_FILE, VOL("qcow2", .physical_bytes = 512), VOL("raw", .physical_bytes = 512), "its format is raw, not qcow2" },
	{ "no base", CARRY_DISK, VOL("qcow2", .backing = (char *)"/b"), VOL("qcow2"), "what it is laid over is none, not /b" },
	{ "another base", CARRY_DISK, VOL("qcow2", .backing = (char *)"/b"), VOL("qcow2", .backing = (char *)"/c"), "what it is laid over is /c, not /b" },
	{ "a file is filled up", CARRY_FILE, VOL("qcow2", .capacity_bytes = 4096, .physical_bytes = 1000), VOL("qcow2", .capacity_bytes = 4096, .physical_bytes = 1024),
	  NULL },
	{ "a raw file is filled up", CARRY_FILE, VOL("raw", .capacity_bytes = 1000, .physical_bytes = 1000), VOL("raw", .capacity_bytes = 1024, .physical_bytes = 1024),
	  NULL },
	{ "broken off", CARRY_FILE, VOL("raw", .capacity_bytes = 1024, .physical_bytes = 1024), VOL("raw", .capacity_bytes = 512, .physical_bytes = 512),
	  "its length is 512 bytes, not 1024" },
};

static void test_differs(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(copies); i++) {
		g_autofree char *why = carry_differs(copies[i].mode, &copies[i].source, &copies[i].dest);

		g_test_message("%s", copies[i].name);
		g_assert_cmpstr(why, ==, copies[i].want);
	}
}

static void test_room(void)
{
	const struct hv_vol v = VOL("qcow2", .capacity_bytes = 4096, .physical_bytes = 1000, .backing = (char *)"/b", .backing_format = (char *)"raw");
	struct hv_vol_params disk = carry_room("/a", CARRY_DISK, &v), file = carry_room("/a", CARRY_FILE, &v);

	g_assert_cmpstr(disk.format, ==, "qcow2");
	g_assert_cmpint(disk.capacity_bytes, ==, 4096);
	g_assert_cmpstr(disk.backing, ==, "/b");
	g_assert_cmpstr(disk.backing_format, ==, "raw");
	g_assert_cmpstr(file.format, ==, "raw");
	g_assert_cmpint(file.capacity_bytes, ==, 1000);
	g_assert_null(file.backing);
	g_assert_cmpint(carry_limit(0, 3), ==, 0);
	g_assert_cmpint(carry_limit(100, 3), ==, 33);
	g_assert_cmpint(carry_limit(2, 3), ==, 1);
	g_assert_cmpint(carry_limit(5, 0), ==, 5);
}

/* ---- heads ---- */

static void put32(guint8 *at, uint32_t v)
{
	guint32 be = GUINT32_TO_BE(v);

	memcpy(at, &be, sizeof(be));
}

enum { NO_END = 1, LONG_EXT = 2 };

static const struct {
	const char *name;
	uint32_t version, crypt, snapshots, incompatible, autoclear, bitmaps;
	size_t n;   /* bytes; 0: all of them */
	int broken;
	struct qcow2_head want;
} heads[] = {
	{ "v3", 3, .want = QCOW2() },
	{ "v2", 2, .want = QCOW2() },
	{ "v2 has no features", 2, .incompatible = 7, .want = QCOW2() }, /* there its extensions begin */
	{ "encrypted", 3, .crypt = 2, .want = QCOW2(.encrypted = true) },
	{ "snapshots", 3, .snapshots = 3, .want = QCOW2(.snapshots = 3) },
	{ "dirty", 3, .incompatible = 1, .want = QCOW2(.unclean = true) },
	{ "corrupt", 3, .incompatible = 2, .want = QCOW2(.unclean = true) },
	{ "data file", 3, .incompatible = 4, .want = QCOW2(.data_file = true) },
	{ "compression and extended L2 entries", 3, .incompatible = 8 | 16, .want = QCOW2() },
	{ "bitmaps", 3, .autoclear = 1, .bitmaps = 2, .want = QCOW2(.bitmaps = 2) },
	{ "bitmaps that count no more", 3, .bitmaps = 2, .want = QCOW2() },
	{ "broken off", 3, .n = 100, .want = QCOW2(.unclean = true) },
	{ "broken off in the extensions", 3, .n = 106, .want = QCOW2(.unclean = true) },
	{ "no end", 3, .broken = NO_END, .want = QCOW2(.unclean = true) },
	{ "a long extension", 3, .broken = LONG_EXT, .want = QCOW2(.unclean = true) },
	{ "version 1", 1, .want = { .told = true } },
	{ "four bytes", 3, .n = 4, .want = { .told = true } },
};

static void make_head(guint8 *b, size_t i)
{
	uint32_t end = heads[i].version >= 3 ? 104 : 72;

	memcpy(b, "QFI\xfb", 4);
	put32(b + 4, heads[i].version);
	put32(b + 32, heads[i].crypt);
	put32(b + 60, heads[i].snapshots);
	put32(b + 76, heads[i].incompatible);
	put32(b + 92, heads[i].autoclear);
	if (heads[i].version >= 3)
		put32(b + 100, end);
	if (heads[i].bitmaps) {
		put32(b + end, 0x23852875);
		put32(b + end + 4, 24);
		put32(b + end + 8, heads[i].bitmaps);
	}
	if (heads[i].broken == LONG_EXT) {
		put32(b + end, 7);
		put32(b + end + 4, UINT32_MAX);
	}
	for (size_t at = end; heads[i].broken == NO_END && at + 8 <= QCOW2_HEAD_BYTES; at += 8)
		put32(b + at, 7);
}

static void test_heads(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(heads); i++) {
		g_autofree guint8 *all = g_malloc0(QCOW2_HEAD_BYTES), *b = NULL;
		size_t n = heads[i].n ? heads[i].n : QCOW2_HEAD_BYTES;
		const struct qcow2_head *want = &heads[i].want;
		struct qcow2_head got;

		make_head(all, i);
		b = g_memdup2(all, n); /* no byte more, for ASan */
		got = qcow2_head_read(b, n);
		g_test_message("%s", heads[i].name);
		g_assert_true(got.told);
		g_assert_cmpint(got.qcow2, ==, want->qcow2);
		g_assert_cmpint(got.encrypted, ==, want->encrypted);
		g_assert_cmpint(got.data_file, ==, want->data_file);
		g_assert_cmpint(got.unclean, ==, want->unclean);
		g_assert_cmpuint(got.snapshots, ==, want->snapshots);
		g_assert_cmpuint(got.bitmaps, ==, want->bitmaps);
	}
	g_assert_false(qcow2_head_read((const guint8 *)"", 0).qcow2);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/carrier/golden", test_golden);
	g_test_add_func("/carrier/read", test_read);
	g_test_add_func("/carrier/refused", test_refused);
	g_test_add_func("/carrier/targets", test_targets);
	g_test_add_func("/carrier/same", test_same);
	g_test_add_func("/carrier/names", test_names);
	g_test_add_func("/carrier/modes", test_modes);
	g_test_add_func("/carrier/differs", test_differs);
	g_test_add_func("/carrier/room", test_room);
	g_test_add_func("/carrier/heads", test_heads);
	return g_test_run();
}

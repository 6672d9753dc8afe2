/* SPDX-License-Identifier: Apache-2.0
 *
 * What ties a guest to its host: each rule, where it speaks and where it does not.
 */
#include "hv/xml/domxml_parse.h"
#include "move/check_ties.h"

#define UUID "4dea22b3-1d52-d8f3-2516-782e98ab3fa0"
#define HOSTDEV(type, source) "<hostdev mode='subsystem' type='" type "'><source>" source "</source></hostdev>"
#define MDEV HOSTDEV("mdev", "<address uuid='c2177883-f1bb-47f0-914d-32a22e3a8804'/>")
#define TPM(backend) "<tpm model='tpm-crb'><backend " backend "</backend></tpm>"

static const struct hv_host_info old = { .libvirt_version = 8005000, .hv_version = 8002000 },
				 older_qemu = { .libvirt_version = 9000000, .hv_version = 7002000 },
				 new = { .libvirt_version = 8006000, .hv_version = 8001000 },
				 with_tpm = { .libvirt_version = 9000000, .hv_version = 7002000, .tpm_emulator = true };

static const struct {
	const char *name;
	check_rule_f *rule;
	const char *device, *domain; /* XML among the devices, and beside them */
	const struct hv_host_info *src, *dst;
	const char *want;            /* part of the reason; NULL: it passes */
} cases[] = {
	{ "no share", check_shares, "", "", NULL, NULL, NULL },
	{ "share", check_shares, "<filesystem type='mount'/>", "", NULL, NULL, "have shares" },
	{ "not sealed", check_sealed, "", "", NULL, NULL, NULL },
	{ "sealed", check_sealed, "", "<launchSecurity type='sev-snp'/>", NULL, NULL, "not supported for SEV-enabled instance (" UUID ")" },
	{ "no floor", check_resource_requests, "<interface><bandwidth><inbound average='1'/></bandwidth></interface>", "", NULL, NULL, NULL },
	{ "floor", check_resource_requests, "<interface/><interface><bandwidth><inbound floor='1'/></bandwidth></interface>", "", NULL, NULL, "minimum bandwidth" },
	{ "dimm", check_vpmem, "<memory model='dimm'/>", "", NULL, NULL, NULL },
	{ "nvdimm", check_vpmem, "<memory model='nvdimm'/>", "", NULL, NULL, "virtual persistent memory" },
	{ "virtio-pmem", check_vpmem, "<memory model='virtio-pmem'/>", "", NULL, NULL, "virtual persistent memory" },
	{ "no device", check_devices, "", "", NULL, NULL, NULL },
	{ "pci", check_devices, HOSTDEV("pci", "<address domain='0' bus='0xff' slot='31' function='7'/>"), "", NULL, NULL, "(pci 0000:ff:1f.7)" },
	{ "usb by its make", check_devices, HOSTDEV("usb", "<vendor id='0x046d'/><product id='0xc52b'/><address bus='1' device='4'/>"), "", NULL, NULL,
	  "(usb 046d:c52b)" },
	{ "usb by its place", check_devices, HOSTDEV("usb", "<vendor id='0x046d'/><address bus='1' device='4'/>"), "", NULL, NULL, "(usb bus 1 device 4)" },
	{ "scsi", check_devices, HOSTDEV("scsi", ""), "", NULL, NULL, "(scsi)" },
	{ "mdev is apart", check_devices, MDEV, "", NULL, NULL, NULL },
	{ "failover", check_devices, "<hostdev type='pci'><teaming type='transient' persistent='a'/></hostdev>", "", NULL, NULL, NULL },
	{ "the persistent half", check_sriov, "<interface type='bridge'><teaming type='persistent'/></interface>", "", NULL, NULL, NULL },
	{ "sriov", check_sriov, "<interface type='hostdev'/>", "", NULL, NULL, "VIF with related PCI" },
	{ "vdpa", check_sriov, "<interface type='vdpa'/>", "", NULL, NULL, "VIF with related PCI" },
	{ "sriov failover", check_sriov, "<interface type='hostdev'><teaming type='transient' persistent='a'/></interface>", "", NULL, NULL, NULL },
	{ "macvtap", check_sriov, "<interface type='direct'><source dev='a' mode='passthrough'/></interface>", "", NULL, NULL, "VIF with related PCI" },
	{ "macvtap shared", check_sriov, "<interface type='direct'><source dev='a' mode='vepa'/></interface>", "", NULL, NULL, NULL },
	{ "no mdev", check_mdev, "", "", &old, &old, NULL },
	{ "mdev, old source", check_mdev, MDEV, "", &old, &new, "compute service a are too old" },
	{ "mdev, old destination", check_mdev, MDEV, "", &new, &older_qemu, "compute service b are too old" },
	{ "mdev, new", check_mdev, MDEV, "", &new, &new, "are not fully mapped for this compute : b" },
	{ "no tpm", check_vtpm, "", "", &new, &new, NULL },
	{ "tpm, none there", check_vtpm, TPM("type='emulator'>"), "", &with_tpm, &new, "b has no emulated TPM" },
	{ "tpm", check_vtpm, TPM("type='emulator'>"), "", &new, &with_tpm, NULL },
	{ "tpm, secret", check_vtpm, TPM("type='emulator'><encryption secret='x'/>"), "", &new, &with_tpm, "vTPM-enabled" },
	{ "tpm of the host", check_vtpm, TPM("type='passthrough'>"), "", &new, &with_tpm, "vTPM-enabled" },
	{ "tpm of another process", check_vtpm, TPM("type='external'>"), "", &new, &with_tpm, "vTPM-enabled" },
};

static const struct check_words words = { "live", "os-migrateLive", "live-migration" };

static void test_rules(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *xml = g_strdup_printf("<domain><name>a</name><uuid>" UUID "</uuid><memory>1</memory>%s<devices>%s</devices></domain>",
						       cases[i].domain, cases[i].device);
		g_autoptr(GError) err = NULL;
		struct hv_dom *d = domxml_parse(xml, &err);
		g_autofree char *why = NULL;

		g_assert_no_error(err);
		why = cases[i].rule(&(struct check_tied){ .words = &words, .uuid = d->uuid, .ties = d->ties, .nics = d->nics, .source = "a", .dest = "b",
							     .src = cases[i].src, .dst = cases[i].dst });
		g_test_message("%s: %s", cases[i].name, why ? why : "passes");
		g_assert_cmpint(!why, ==, !cases[i].want);
		g_assert_true(!why || strstr(why, cases[i].want));
		hv_dom_free(d);
	}
}

/* A refusal says what was asked, by whatever kind. */
static void test_way(void)
{
	static const struct check_words cold = { "cold", "migrate", "migrate" };
	struct hv_ties ties = { .vpmem = true };
	struct check_tied t = { .words = &words, .uuid = UUID, .ties = &ties, .source = "a", .dest = "b" };
	g_autofree char *live_why = check_vpmem(&t), *cold_why = NULL;

	t.words = &cold;
	cold_why = check_vpmem(&t);
	g_assert_nonnull(strstr(live_why, "Cannot live migrate with"));
	g_assert_nonnull(strstr(cold_why, "Cannot cold migrate with"));
}

static struct hv_dom *read_with(const char *mib, const char *domain, const char *devices)
{
	g_autofree char *xml = g_strdup_printf("<domain><name>a</name><uuid>" UUID "</uuid><memory unit='MiB'>%s</memory>%s<devices>%s</devices></domain>",
					       mib, domain, devices);
	g_autoptr(GError) err = NULL;
	struct hv_dom *d = domxml_parse(xml, &err);

	g_assert_no_error(err);
	return d;
}

/* Guests that nothing ties share what says so, by size; one that anything ties does not. */
static void test_plain(void)
{
	static const struct {
		const char *domain, *devices;
	} tied[] = {
		{ "<vcpu cpuset='0-1'>1</vcpu>", "" },
		{ "<cputune><vcpupin vcpu='0' cpuset='1'/></cputune>", "" },
		{ "<cputune><iothreadpin iothread='1' cpuset='1'/></cputune>", "" },
		{ "<cputune><emulatorpin cpuset='1'/></cputune>", "" },
		{ "<numatune><memory mode='strict' nodeset='0'/></numatune>", "" },
		{ "<cpu><numa><cell id='0' cpus='0' memory='64' unit='MiB'/></numa></cpu>", "" },
		{ "<cpu><topology sockets='1' cores='1' threads='2'/></cpu>", "" },
		{ "<memoryBacking><hugepages/></memoryBacking>", "" },
		{ "<launchSecurity type='sev'/>", "" },
		{ "", HOSTDEV("usb", "") },
		{ "", MDEV },
		{ "", TPM("type='emulator'>") },
		{ "", "<memory model='nvdimm'/>" },
		{ "", "<filesystem type='mount'/>" },
	};
	struct hv_dom *a = read_with("64", "", "<disk type='file'/>"), *b = read_with("64", "", ""), *c = read_with("65", "", "");

	g_assert_true(a->ties == b->ties);
	g_assert_true(a->ties != c->ties);
	g_assert_cmpint(a->ties->numa_fit->mem_mib, ==, 64);
	g_assert_cmpint(c->ties->numa_fit->mem_mib, ==, 65);
	for (size_t i = 0; i < G_N_ELEMENTS(tied); i++) {
		struct hv_dom *d = read_with("64", tied[i].domain, tied[i].devices);

		g_test_message("%s%s", tied[i].domain, tied[i].devices);
		g_assert_true(d->ties != a->ties);
		hv_dom_free(d);
	}
	hv_dom_free(a);
	hv_dom_free(b);
	hv_dom_free(c);
}

/* Of more sizes than are kept, each still gets its own. */
static void test_many_sizes(void)
{
	for (int64_t mib = 1; mib < 1000; mib++) {
		struct hv_ties *t = hv_ties_plain(mib);

		g_assert_cmpint(t->numa_fit->mem_mib, ==, mib);
		hv_ties_unref(t);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/ties/rules", test_rules);
	g_test_add_func("/ties/way", test_way);
	g_test_add_func("/ties/plain", test_plain);
	g_test_add_func("/ties/many-sizes", test_many_sizes);
	return g_test_run();
}

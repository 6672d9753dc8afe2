/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/needs.h"
#include "hv/xml/domxml_needs.h"

#include "base/err.h"

#define DISK(inner) "<devices><disk type='file' device='disk'><source file='/a'/><target dev='vda'/>" inner "</disk></devices>"
#define SECRET "2a9a1d51-4d5b-4f5e-8d7c-0b5f4f6f9a11"

/* What is needed, by kind and name; of secrets and bridges the usage too. */
static const struct {
	const char *xml, *source, *dest, *files, *paths, *blocker;
} cases[] = {
	{ "<name>web</name>", "snapshots: checkpoints:", "name:web", "", "", NULL },
	{ "<os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type><loader>/fw</loader><kernel>/k</kernel><initrd>/i</initrd></os>", "snapshots: checkpoints:",
	  "machine type:pc-q35-7.2", "/k /i /fw", "", NULL },
	{ "<devices><interface type='bridge'><source bridge='br9'/><filterref filter='clean'/></interface></devices>", "snapshots: checkpoints:",
	  "network filter:clean network interface:br9", "", "", NULL },
	{ "<devices><interface type='bridge'><source bridge='ovs'/><virtualport type='openvswitch'/></interface></devices>", "snapshots: checkpoints:",
	  "network interface:ovs(openvswitch)", "", "", NULL },
	{ "<devices><interface type='network'><source network='n' bridge='virbr0'/></interface><interface type='direct'><source dev='eth1'/></interface>"
	  "<interface type='user'/></devices>", "snapshots: checkpoints:", "network:n network interface:eth1", "", "", NULL },
	{ DISK(""), "snapshots: checkpoints: disk:vda", "", "", "", NULL },
	{ "<devices><disk device='cdrom'><target dev='sda'/></disk></devices>", "snapshots: checkpoints:", "", "", "", NULL },
	{ DISK("<encryption format='luks'><secret type='passphrase' uuid='" SECRET "'/></encryption>"), "snapshots: checkpoints: disk:vda", "secret:" SECRET, "", "", NULL },
	{ DISK("<auth username='u'><secret type='ceph' usage='client.u'/></auth>"), "snapshots: checkpoints: disk:vda", "secret:client.u(ceph)", "", "", NULL },
	{ DISK("<backingStore><source><encryption format='luks'><secret type='passphrase' usage='/b'/></encryption></source></backingStore>"),
	  "snapshots: checkpoints: disk:vda", "secret:/b(volume)", "", "", NULL },
	{ DISK("<transient/>"), "snapshots: checkpoints: disk:vda", "", "", "", "its disk vda is transient" },
	{ "<cpu><feature policy='require' name='invtsc'/></cpu>", "snapshots: checkpoints:", "", "", "",
	  "its CPU has invtsc, and the frequency of its tsc timer is not set" },
	{ "<cpu><feature policy='disable' name='invtsc'/></cpu>", "snapshots: checkpoints:", "", "", "", NULL },
	{ "<cpu><feature policy='require' name='invtsc'/></cpu><clock><timer name='tsc' frequency='1000'/></clock>", "snapshots: checkpoints:", "", "", "", NULL },
	{ "<devices><shmem name='s' role='peer'/></devices>", "snapshots: checkpoints:", "", "", "", "its shared memory s cannot be migrated" },
	{ "<devices><shmem name='s' role='master'/></devices>", "snapshots: checkpoints:", "", "", "", NULL },
	{ "<devices><input type='passthrough'/></devices>", "snapshots: checkpoints:", "", "", "", "it has an input device of its host (virtio-input-host)" },
	{ "<devices><video><model type='virtio'><acceleration accel3d='yes'/></model></video></devices>", "snapshots: checkpoints:", "", "", "",
	  "its video device has 3D acceleration (virgl), whose state QEMU cannot send" },
	{ "<devices><serial type='dev'><source path='/dev/ttyS0'/></serial><serial type='pty'><source path='/dev/pts/3'/></serial>"
	  "<rng><backend model='random'>/dev/urandom</backend></rng><rng><backend model='random'>/dev/hwrng</backend></rng>"
	  "<input type='evdev'><source dev='/dev/input/event1'/></input></devices>", "snapshots: checkpoints:", "", "", "/dev/input/event1 /dev/ttyS0 /dev/hwrng", NULL },
	{ "<devices><serial type='file'><source path='/logs/a.log'/></serial><serial type='unix'><source mode='connect' path='/run/b'/></serial>"
	  "<channel type='unix'><source mode='bind' path='/var/lib/libvirt/qemu/channel/c'/></channel><channel type='unix'><source mode='bind' path='/s/d'/>"
	  "</channel><console type='pty'><log file='/more/e'/></console><interface type='vhostuser'><source type='unix' path='/run/f' mode='client'/></interface>"
	  "<interface type='vhostuser'><source type='unix' path='/run/g' mode='server'/></interface></devices>", "snapshots: checkpoints:", "", "",
	  "/run/f /run/b", NULL },
	{ "<os><type machine='pc'>hvm</type></os><devices><graphics type='spice'/><graphics type='spice'/><video><model type='qxl'/></video><video><model "
	  "type='none'/></video><rng model='virtio'/><tpm model='tpm-crb'/></devices>", "snapshots: checkpoints:",
	  "machine type:pc QEMU with:graphics type spice(pc) QEMU with:video model qxl(pc) QEMU with:rng model virtio(pc) QEMU with:tpm model tpm-crb(pc)",
	  "", "", NULL },
	{ "<seclabel type='dynamic' model='selinux' relabel='yes'/><seclabel type='none' model='none'/><seclabel type='none'/>", "snapshots: checkpoints:",
	  "security driver:selinux", "", "", NULL },
	{ "<devices><interface type='bridge'><source bridge='b'/><target dev='tap-web'/></interface><interface type='bridge'><source bridge='b'/>"
	  "<target dev='vnet3'/></interface><interface type='ethernet'><target dev='own' managed='no'/></interface>"
	  "<interface type='hostdev'><target dev='x'/></interface></devices>", "snapshots: checkpoints:",
	  "unused name of an interface:tap-web network interface:b", "", "", NULL },
	{ "<devices><hostdev mode='subsystem' type='pci'><source><address domain='0x0000' bus='0x81' slot='0x1f' function='0x7'/></source></hostdev>"
	  "<hostdev mode='subsystem' type='usb'><source><address bus='1' device='4'/></source></hostdev>"
	  "<interface type='hostdev'><source><address type='pci' domain='0x0001' bus='0x03' slot='0x00' function='0x0'/></source></interface></devices>",
	  "snapshots: checkpoints:", "PCI device:0001:03:00.0 PCI device:0000:81:1f.7 USB device:bus 1 device 4", "", "", NULL },
	{ "<devices><hostdev mode='subsystem' type='usb'><source startupPolicy='requisite'><vendor id='0x1d6b'/><product id='0x0002'/></source></hostdev>"
	  "<hostdev mode='subsystem' type='usb'><source startupPolicy='optional'><vendor id='0x046d'/><product id='0xc52b'/></source></hostdev>"
	  "<hostdev mode='subsystem' type='mdev'><source><address uuid='c2177883-f1bb-47f0-914d-32a22e3a8804'/></source></hostdev>"
	  "<hostdev mode='subsystem' type='scsi'/></devices>",
	  "snapshots: checkpoints:", "USB device:1d6b:0002 mediated device:c2177883-f1bb-47f0-914d-32a22e3a8804", "", "", NULL },
};

/* The firmware's variables, and the consoles: "type address port". */
static const struct {
	const char *xml, *nvram, *template, *consoles, *made;
	int64_t tsc_hz;
	bool all_features;
} places[] = {
	{ "<os><nvram>/v</nvram></os>", "/v", NULL, "" },
	{ "<os><nvram template='/t'>/v</nvram></os>", "/v", "/t", "" },
	{ "<os><nvram template='/t' type='file'><source file='/v'/></nvram></os>", "/v", "/t", "" },
	{ "<os><nvram type='network'><source protocol='iscsi' name='v'/></nvram></os>", NULL, NULL, "" },
	{ "<devices><graphics type='vnc' port='-1' autoport='yes' listen='192.0.2.1'><listen type='address' address='192.0.2.1'/></graphics></devices>",
	  NULL, NULL, "vnc 192.0.2.1 0" },
	{ "<devices><graphics type='vnc' port='5907' autoport='yes'/><graphics type='vnc' port='5907' autoport='no' listen='::1'/>"
	  "<graphics type='spice' port='5908' listen='::'/></devices>", NULL, NULL, "vnc  0 vnc ::1 5907 spice :: 5908" },
	{ "<devices><graphics type='vnc'><listen type='network' network='n' address='192.0.2.1'/></graphics><graphics type='spice'><listen type='none'/>"
	  "</graphics><graphics type='vnc'><listen type='socket' socket='/s'/></graphics><graphics type='egl-headless'/></devices>", NULL, NULL, "" },
	{ "<devices><serial type='file'><source path='/logs/a.log'/></serial><channel type='unix'><source mode='bind' path='/var/lib/libvirt/qemu/channel/c'/>"
	  "</channel><channel type='unix'><source mode='bind' path='/s/d'/></channel><console type='pty'><log file='/more/e'/></console></devices>",
	  NULL, NULL, "", "/logs/a.log /more/e /s/d" },
	{ "<clock><timer name='rtc' frequency='1'/><timer name='tsc' frequency='2000000000'/></clock>", NULL, NULL, "", "", 2000000000 },
	{ "<cpu mode='host-passthrough' migratable='off'/>", NULL, NULL, "", "", 0, true },
	{ "<cpu mode='host-passthrough' migratable='on'/>", NULL, NULL, "" },
};

static char *needs_text(GPtrArray *needs)
{
	GString *s = g_string_new(NULL);

	for (guint i = 0; i < needs->len; i++) {
		const struct hv_need *n = g_ptr_array_index(needs, i);

		g_string_append_printf(s, "%s%s:%s", i ? " " : "", hv_need_kind_name(n->kind), n->name);
		if (n->usage)
			g_string_append_printf(s, "(%s)", n->usage);
	}
	return g_string_free(s, FALSE);
}

static char *paths_text(GPtrArray *paths)
{
	GString *s = g_string_new(NULL);

	for (guint i = 0; i < paths->len; i++)
		g_string_append_printf(s, "%s%s", i ? " " : "", (const char *)g_ptr_array_index(paths, i));
	return g_string_free(s, FALSE);
}

static char *consoles_text(GPtrArray *consoles)
{
	GString *s = g_string_new(NULL);

	for (guint i = 0; i < consoles->len; i++) {
		const struct domxml_console *c = g_ptr_array_index(consoles, i);

		g_string_append_printf(s, "%s%s %s %d", i ? " " : "", c->type, c->address, c->port);
	}
	return g_string_free(s, FALSE);
}

/* F10 */
static void test_places(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
		g_autofree char *xml = g_strdup_printf("<domain type='kvm'>%s</domain>", places[i].xml), *consoles = NULL, *made = NULL;
		struct domxml_needs n = { .source = NULL };
		g_autoptr(GError) err = NULL;

		g_test_message("%s", places[i].xml);
		g_assert_true(domxml_needs(xml, &n, &err));
		g_assert_no_error(err);
		consoles = consoles_text(n.consoles);
		g_assert_cmpstr(n.nvram, ==, places[i].nvram);
		g_assert_cmpstr(n.nvram_template, ==, places[i].template);
		made = paths_text(n.made);
		g_assert_cmpstr(consoles, ==, places[i].consoles);
		g_assert_cmpstr(made, ==, places[i].made ? places[i].made : "");
		g_assert_cmpint(n.tsc_hz, ==, places[i].tsc_hz);
		g_assert_true(n.all_features == places[i].all_features);
		domxml_needs_clear(&n);
	}
}

/* F10 */
static void test_needs(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *xml = g_strdup_printf("<domain type='kvm'>%s</domain>", cases[i].xml);
		struct domxml_needs n = { .source = NULL };
		g_autoptr(GError) err = NULL;
		char *text[4];

		g_test_message("%s", cases[i].xml);
		g_assert_true(domxml_needs(xml, &n, &err));
		g_assert_no_error(err);
		text[0] = needs_text(n.source);
		text[1] = needs_text(n.dest);
		text[2] = paths_text(n.files);
		text[3] = paths_text(n.paths);
		g_assert_cmpstr(text[0], ==, cases[i].source);
		g_assert_cmpstr(text[1], ==, cases[i].dest);
		g_assert_cmpstr(text[2], ==, cases[i].files);
		g_assert_cmpstr(text[3], ==, cases[i].paths);
		g_assert_cmpstr(n.blocker, ==, cases[i].blocker);
		for (int k = 0; k < 4; k++)
			g_free(text[k]);
		domxml_needs_clear(&n);
	}
}

/* What is too much is refused, and nothing of it is left. */
static void test_bounds(void)
{
	g_autoptr(GString) xml = g_string_new("<domain><devices>");
	struct domxml_needs n = { .source = NULL };
	g_autoptr(GError) err = NULL;

	g_assert_false(domxml_needs("<domain>", &n, NULL));
	for (int i = 0; i <= HV_NEEDS_MAX; i++)
		g_string_append_printf(xml, "<interface type='network'><source network='n%d'/></interface>", i);
	g_string_append(xml, "</devices></domain>");
	g_assert_false(domxml_needs(xml->str, &n, &err));
	g_assert_error(err, ERR, ERR_HV);
	g_assert_null(n.source);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/needs/F10-table", test_needs);
	g_test_add_func("/needs/F10-places", test_places);
	g_test_add_func("/needs/bounds", test_bounds);
	return g_test_run();
}

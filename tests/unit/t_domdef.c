/* SPDX-License-Identifier: Apache-2.0
 *
 * When two definitions of a domain are the same: what belongs to the host does not count, all else does.
 */
#include <string.h>

#include <glib.h>

#include "hv/xml/domdef.h"

#define DOMAIN(in) "<domain type='kvm'><name>vm</name><uuid>4dea22b3-1d52-d8f3-2516-782e98ab3fa0</uuid>" in "</domain>"
#define DEVICES(in) DOMAIN("<devices>" in "</devices>")
#define DISK(in) DEVICES("<disk type='file' device='disk'>" in "<target dev='vda' bus='virtio'/></disk>")

static const struct {
	const char *what, *a, *b;
	const char *differs; /* NULL: the same */
} rows[] = {
	{ "itself", DOMAIN("<memory unit='KiB'>1024</memory>"), DOMAIN("<memory unit='KiB'>1024</memory>"), NULL },
	{ "blanks", DOMAIN("<memory unit='KiB'>1024</memory>"), DOMAIN("\n  <memory  unit='KiB'>\n1024 </memory>\n"), NULL },
	{ "order of attributes", DISK("<driver name='qemu' type='raw'/>"), DISK("<driver type='raw' name='qemu'/>"), NULL },
	{ "comments", DOMAIN("<!-- mine --><memory>1</memory>"), DOMAIN("<memory>1</memory>"), NULL },
	/* the host's */
	{ "id", "<domain id='3'><name>vm</name></domain>", "<domain><name>vm</name></domain>", NULL },
	{ "label", DOMAIN("<seclabel type='dynamic' model='dac'/>"), DOMAIN(""), NULL },
	{ "label of a disk", DISK("<source file='/d'><seclabel model='dac' relabel='no'/></source>"), DISK("<source file='/d'/>"), NULL },
	{ "alias", DISK("<alias name='virtio-disk0'/>"), DISK(""), NULL },
	{ "address", DISK("<address type='pci' slot='0x04'/>"), DISK("<address type='pci' slot='0x05'/>"), NULL },
	{ "PCI controllers", DEVICES("<controller type='pci' index='0' model='pci-root'/>"), DEVICES(""), NULL },
	{ "emulator", DEVICES("<emulator>/usr/bin/kvm</emulator>"), DEVICES("<emulator>/usr/bin/qemu-system-x86_64</emulator>"), NULL },
	{ "pins", DOMAIN("<vcpu cpuset='0-1'>2</vcpu><cputune><vcpupin vcpu='0' cpuset='1'/></cputune>"), DOMAIN("<vcpu>2</vcpu>"), NULL },
	{ "nodes", DOMAIN("<numatune><memory mode='strict' nodeset='0'/></numatune>"),
	  DOMAIN("<numatune><memory mode='strict' nodeset='1'/></numatune>"), NULL },
	{ "resource", DOMAIN("<resource><partition>/machine</partition></resource>"), DOMAIN(""), NULL },
	{ "console", DEVICES("<graphics type='vnc' port='-1' autoport='yes' listen='192.0.2.1'><listen type='address' address='192.0.2.1'/></graphics>"),
	  DEVICES("<graphics type='vnc' port='5901' autoport='yes' listen='192.0.2.2'><listen type='address' address='192.0.2.2'/></graphics>"), NULL },
	{ "alias of a machine", DOMAIN("<os><type arch='x86_64' machine='pc'>hvm</type></os>"),
	  DOMAIN("<os><type arch='x86_64' machine='pc-i440fx-7.2'>hvm</type></os>"), NULL },
	/* the guest's */
	{ "name", "<domain><name>vm</name></domain>", "<domain><name>other</name></domain>", "its <name> is \"vm\", not \"other\"" },
	{ "memory", DOMAIN("<memory unit='KiB'>1024</memory>"), DOMAIN("<memory unit='KiB'>2048</memory>"),
	  "its <memory> is \"1024\", not \"2048\"" },
	{ "unit", DOMAIN("<memory unit='KiB'>1</memory>"), DOMAIN("<memory unit='MiB'>1</memory>"), "its <memory unit> is \"KiB\", not \"MiB\"" },
	{ "type", "<domain type='kvm'><name>vm</name></domain>", "<domain type='qemu'><name>vm</name></domain>", "its <domain type> is another" },
	{ "machine", DOMAIN("<os><type machine='pc-i440fx-7.2'>hvm</type></os>"), DOMAIN("<os><type machine='pc-q35-7.2'>hvm</type></os>"),
	  "its <type machine> is \"pc-i440fx-7.2\", not \"pc-q35-7.2\"" },
	{ "alias of another machine", DOMAIN("<os><type machine='q35'>hvm</type></os>"), DOMAIN("<os><type machine='pc-i440fx-7.2'>hvm</type></os>"),
	  "its <type machine> is \"q35\", not \"pc-i440fx-7.2\"" },
	{ "file", DISK("<source file='/a'/>"), DISK("<source file='/b'/>"), "its <source file> is \"/a\", not \"/b\"" },
	{ "no file", DISK("<source file='/a'/>"), DISK("<source/>"), "its <source file> is \"/a\", not missing" },
	{ "one disk less", DEVICES(""), DISK(""), "only the guest has this <disk> in <devices>" },
	{ "one disk more", DISK(""), DEVICES(""), "only this one has this <disk> in <devices>" },
	{ "other devices", DEVICES("<tpm/>"), DEVICES("<rng/>"), "only this one has this <tpm> in <devices>" },
	{ "shares", DOMAIN("<cputune><shares>1</shares></cputune>"), DOMAIN(""), "only this one has this <cputune> in <domain>" },
	{ "device of the host", DEVICES("<hostdev><source><address bus='0x01'/></source></hostdev>"),
	  DEVICES("<hostdev><source><address bus='0x02'/></source></hostdev>"), "its <address bus> is another" },
	{ "description", DOMAIN("<description>a</description>"), DOMAIN("<description>b</description>"), "its <description> is another" },
	{ "metadata", DOMAIN("<metadata><a:x xmlns:a='urn:a'/></metadata>"), DOMAIN("<metadata><a:x xmlns:a='urn:b'/></metadata>"),
	  "only this one has this <x> in <metadata>" },
	/* no secret is shown */
	{ "password", DEVICES("<graphics type='vnc' passwd='one'/>"), DEVICES("<graphics type='vnc' passwd='two'/>"),
	  "its <graphics passwd> is another" },
	{ "what the guest is handed", DOMAIN("<sysinfo type='fwcfg'><entry name='opt/x'>one</entry></sysinfo>"),
	  DOMAIN("<sysinfo type='fwcfg'><entry name='opt/x'>two</entry></sysinfo>"), "its <entry> is another" },
	{ "no XML", DOMAIN(""), "none", "it cannot be read" },
};

static void test_rows(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *differs = NULL;
		bool same = domdef_same(rows[i].a, rows[i].b, &differs);

		g_test_message("%s", rows[i].what);
		g_assert_cmpstr(differs, ==, rows[i].differs);
		g_assert_true(same == !rows[i].differs);
		g_assert_true(domdef_same(rows[i].b, rows[i].a, NULL) == same);
	}
}

/* A value of any length does not make a message of any length. */
static void test_long(void)
{
	g_autofree char *name = g_strnfill(5000, 'x'), *a = g_strdup_printf("<domain><name>%s</name></domain>", name), *differs = NULL;

	g_assert_false(domdef_same(a, "<domain><name>vm</name></domain>", &differs));
	g_assert_cmpuint(strlen(differs), <, 300);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/domdef/rows", test_rows);
	g_test_add_func("/domdef/long", test_long);
	return g_test_run();
}

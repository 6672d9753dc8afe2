/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/domxml.h"

#include "base/err.h"

#define DISK(inner) "<devices><disk type='file' device='disk'><source file='/a'/><target dev='vda'/>" inner "</disk></devices>"
#define SECRET "2a9a1d51-4d5b-4f5e-8d7c-0b5f4f6f9a11"

/* What is needed, by kind and name; of secrets and bridges the usage too. */
static const struct {
	const char *xml, *source, *dest, *files, *paths, *blocker;
} cases[] = {
	{ "<name>web</name>", "snapshots:", "name:web", "", "", NULL },
	{ "<os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type><loader>/fw</loader><kernel>/k</kernel><initrd>/i</initrd></os>", "snapshots:",
	  "machine type:pc-q35-7.2", "/k /i /fw", "", NULL },
	{ "<devices><interface type='bridge'><source bridge='br9'/><filterref filter='clean'/></interface></devices>", "snapshots:",
	  "network filter:clean network interface:br9", "", "", NULL },
	{ "<devices><interface type='bridge'><source bridge='ovs'/><virtualport type='openvswitch'/></interface></devices>", "snapshots:",
	  "network interface:ovs(openvswitch)", "", "", NULL },
	{ "<devices><interface type='network'><source network='n' bridge='virbr0'/></interface><interface type='direct'><source dev='eth1'/></interface>"
	  "<interface type='user'/></devices>", "snapshots:", "network:n network interface:eth1", "", "", NULL },
	{ DISK(""), "snapshots: disk:vda", "", "", "", NULL },
	{ "<devices><disk device='cdrom'><target dev='sda'/></disk></devices>", "snapshots:", "", "", "", NULL },
	{ DISK("<encryption format='luks'><secret type='passphrase' uuid='" SECRET "'/></encryption>"), "snapshots: disk:vda", "secret:" SECRET, "", "", NULL },
	{ DISK("<auth username='u'><secret type='ceph' usage='client.u'/></auth>"), "snapshots: disk:vda", "secret:client.u(ceph)", "", "", NULL },
	{ DISK("<backingStore><source><encryption format='luks'><secret type='passphrase' usage='/b'/></encryption></source></backingStore>"),
	  "snapshots: disk:vda", "secret:/b(volume)", "", "", NULL },
	{ DISK("<transient/>"), "snapshots: disk:vda", "", "", "", "its disk vda is transient" },
	{ "<cpu><feature policy='require' name='invtsc'/></cpu>", "snapshots:", "", "", "",
	  "its CPU has invtsc, and the frequency of its tsc timer is not set" },
	{ "<cpu><feature policy='disable' name='invtsc'/></cpu>", "snapshots:", "", "", "", NULL },
	{ "<cpu><feature policy='require' name='invtsc'/></cpu><clock><timer name='tsc' frequency='1000'/></clock>", "snapshots:", "", "", "", NULL },
	{ "<devices><shmem name='s' role='peer'/></devices>", "snapshots:", "", "", "", "its shared memory s cannot be migrated" },
	{ "<devices><shmem name='s' role='master'/></devices>", "snapshots:", "", "", "", NULL },
	{ "<devices><input type='passthrough'/></devices>", "snapshots:", "", "", "", "it has an input device of its host (virtio-input-host)" },
	{ "<devices><video><model type='virtio'><acceleration accel3d='yes'/></model></video></devices>", "snapshots:", "", "", "",
	  "its video device has 3D acceleration (virgl), whose state QEMU cannot send" },
	{ "<devices><serial type='dev'><source path='/dev/ttyS0'/></serial><serial type='pty'><source path='/dev/pts/3'/></serial>"
	  "<rng><backend model='random'>/dev/urandom</backend></rng><rng><backend model='random'>/dev/hwrng</backend></rng>"
	  "<input type='evdev'><source dev='/dev/input/event1'/></input></devices>", "snapshots:", "", "", "/dev/input/event1 /dev/ttyS0 /dev/hwrng", NULL },
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
	g_test_add_func("/needs/bounds", test_bounds);
	return g_test_run();
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/xml/snapshot_xml.h"

#include "base/err.h"

#define SNAPSHOT(inner) "<domainsnapshot><name>s</name>" inner "<domain type='kvm'><name>web</name></domain></domainsnapshot>"

static const struct {
	const char *xml, *name; /* NULL: refused */
	bool external;
} cases[] = {
	{ SNAPSHOT("<memory snapshot='no'/><disks><disk name='vda' snapshot='internal'/><disk name='vdb' snapshot='no'/></disks>"), "s", false },
	{ SNAPSHOT("<memory snapshot='internal'/>"), "s", false },
	{ SNAPSHOT("<memory snapshot='external' file='/m'/>"), "s", true },
	{ SNAPSHOT("<disks><disk name='vda' snapshot='internal'/><disk name='vdb' snapshot='external'/></disks>"), "s", true },
	{ "<domainsnapshot><state>running</state></domainsnapshot>", NULL, false },
	{ "<domain><name>s</name></domain>", NULL, false },
	{ "<domainsnapshot>", NULL, false },
};

static void test_read(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GPtrArray) all = hv_snapshots_new();
		g_autoptr(GError) err = NULL;
		const struct hv_snapshot *s = snapshot_xml_read(all, cases[i].xml, &err);

		g_test_message("%s", cases[i].xml);
		g_assert_cmpint(all->len, ==, cases[i].name ? 1 : 0);
		g_assert_true((s != NULL) == (err == NULL));
		if (!cases[i].name)
			continue;
		g_assert_cmpstr(s->name, ==, cases[i].name);
		g_assert_cmpstr(s->xml, ==, cases[i].xml);
		g_assert_true(s->external == cases[i].external);
		g_assert_true(hv_snapshots_external(all) == (cases[i].external ? s : NULL));
	}
}

static void test_too_many(void)
{
	g_autoptr(GPtrArray) all = hv_snapshots_new();
	g_autoptr(GError) err = NULL;

	for (int i = 0; i < HV_SNAPSHOTS_MAX; i++)
		(void)hv_snapshots_add(all, "s", "");
	g_assert_null(snapshot_xml_read(all, SNAPSHOT(""), &err));
	g_assert_error(err, ERR, ERR_HV);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/snapshot/read", test_read);
	g_test_add_func("/snapshot/too-many", test_too_many);
	return g_test_run();
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Domain and capabilities XML of a hostile host.
 */
#include <stdint.h>
#include <string.h>

#include "base/err.h"
#include "hv/libvirt/caps.h"
#include "hv/xml/domxml_cpu.h"
#include "hv/xml/domxml_needs.h"
#include "hv/xml/domxml_parse.h"
#include "hv/xml/domxml_rewrite.h"
#include "hv/xml/xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ADDRESS "192.0.2.99"

/* Every failure is ours, with a text; on success there is none. */
static void check(bool ok, GError **err)
{
	g_assert_true(ok == !*err);
	if (*err)
		g_assert_true(g_error_matches(*err, ERR, ERR_HV) && *(*err)->message);
	g_clear_error(err);
}

/* A chain is there or not; an element of it can lack what the host did not tell. */
static void check_backing(const struct hv_disk *k)
{
	g_assert_true(!k->backing || (k->backing->len > 0 && k->backing->len <= DOMXML_BACKING_MAX));
	for (guint i = 0; k->backing && i < k->backing->len; i++) {
		const struct hv_backing *b = g_ptr_array_index(k->backing, i);

		g_assert_true(!b->path || (*b->path && strlen(b->path) <= DOMXML_TEXT_MAX));
		g_assert_true(!b->format || (*b->format && strlen(b->format) <= DOMXML_NAME_MAX));
	}
}

static void parse(const char *xml)
{
	GError *err = NULL;
	struct hv_dom *d = domxml_parse(xml, &err);

	check(d, &err);
	if (!d)
		return;
	g_assert_true(util_uuid_valid(d->uuid) && d->name && *d->name && strlen(d->name) <= DOMXML_NAME_MAX);
	g_assert_true(d->vcpus > 0 && d->mem_mib >= 0 && d->vnc_port >= -1 && d->vnc_port <= 65535);
	g_assert_true(d->disks->len <= DOMXML_DEVICES_MAX && d->nics->len <= DOMXML_DEVICES_MAX);
	for (guint i = 0; i < d->disks->len; i++)
		check_backing(g_ptr_array_index(d->disks, i));
	g_assert_true(d->ties->numa_fit->pins->len <= DOMXML_PINS_MAX && d->ties->numa_fit->cells->len <= DOMXML_CELLS_MAX);
	hv_dom_free(d);
}

/* What is rewritten is still XML, and rewriting it again changes nothing. */
static void rewrite(const char *xml)
{
	struct hv_dom *d = domxml_parse(xml, NULL);
	static const char *const files[] = { "vda", "/srv/a", "vdb", "/srv/b", NULL };
	const struct domxml_changes ch = { .files = files, .vnc_listen = ADDRESS, .spice_listen = ADDRESS, .numa_fit = d ? d->ties->numa_fit : NULL };
	GError *err = NULL;
	char *once = domxml_rewrite(xml, &ch, &err), *twice;

	check(once, &err);
	if (!once) {
		hv_dom_free(d);
		return;
	}
	twice = domxml_rewrite(once, &ch, &err);
	/* Escaping makes a text longer, so one near the limit can cross it. */
	if (twice || strlen(once) <= DOMXML_MAX)
		g_assert_cmpstr(once, ==, twice);
	g_clear_error(&err);
	g_free(once);
	g_free(twice);
	hv_dom_free(d);
}

static void cpu(const char *xml)
{
	struct domxml_cpu c;
	GError *err = NULL;
	bool ok = domxml_cpu(xml, &c, &err);

	check(ok, &err);
	if (ok)
		domxml_cpu_clear(&c);
}

static void needs(const char *xml)
{
	struct domxml_needs n;
	GError *err = NULL;
	bool ok = domxml_needs(xml, &n, &err);

	check(ok, &err);
	if (!ok)
		return;
	g_assert_true(n.source->len <= HV_NEEDS_MAX && n.dest->len <= HV_NEEDS_MAX);
	g_assert_true(n.files->len <= DOMXML_DEVICES_MAX && n.paths->len <= DOMXML_DEVICES_MAX);
	domxml_needs_clear(&n);
}

static void capabilities(const char *xml)
{
	struct hv_host_info *i = g_new0(struct hv_host_info, 1);
	GError *err = NULL;

	check(lv_caps_parse(xml, i, &err), &err);
	check(lv_domcaps_parse(xml, i, &err), &err);
	hv_host_info_free(i);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *xml = g_strndup((const char *)data, size);

	parse(xml);
	rewrite(xml);
	cpu(xml);
	needs(xml);
	capabilities(xml);
	return 0;
}

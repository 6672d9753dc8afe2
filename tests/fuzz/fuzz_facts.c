/* SPDX-License-Identifier: Apache-2.0
 *
 * What hosts say to a check of the set-up. Input: the XML of capabilities, domain capabilities, an interface, a pool, a volume, or CPUs to choose of; whatever it is,
 * each reader gets it.
 */
#include <stdint.h>
#include <string.h>

#include "base/err.h"
#include "hv/xml/facts_xml.h"
#include "hv/xml/xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every failure is ours, with a text; on success there is none. */
static void check(bool ok, GError **err)
{
	g_assert_true(ok == !*err);
	if (*err)
		g_assert_true(g_error_matches(*err, ERR, ERR_HV) && *(*err)->message);
	g_clear_error(err);
}

static void check_perms(const struct hv_perms *p)
{
	g_assert_true(p->uid >= HV_NOT_KNOWN && p->gid >= HV_NOT_KNOWN && p->mode >= HV_NOT_KNOWN);
}

static void read_host(const char *xml)
{
	struct hv_facts *f = hv_facts_new();
	GError *err = NULL;

	check(facts_xml_capabilities(xml, f, &err), &err);
	facts_xml_interface(xml, "br0", f);
	facts_xml_pool(xml, f);
	g_assert_true(f->qemu_uid >= HV_NOT_KNOWN && f->qemu_uid <= UINT32_MAX && f->qemu_gid >= HV_NOT_KNOWN && f->qemu_gid <= UINT32_MAX);
	g_assert_true(!f->security || strlen(f->security) <= DOMXML_NAME_MAX);
	for (guint i = 0; f->mtus && i < f->mtus->len; i++)
		g_assert_cmpint(((const struct hv_mtu *)g_ptr_array_index(f->mtus, i))->mtu, >, 0);
	for (guint i = 0; i < f->folders->len; i++)
		g_assert_true(*(const char *)g_ptr_array_index(f->folders, i) == '/' && strlen(g_ptr_array_index(f->folders, i)) <= DOMXML_TEXT_MAX);
	hv_facts_free(f);
}

static void read_folder(const char *xml)
{
	struct hv_folder *f = hv_folder_new();
	GError *err = NULL;

	check(facts_xml_folder(xml, f, &err), &err);
	facts_xml_file(xml, "drover-check-1", f);
	check_perms(&f->perms);
	g_assert_true(f->size_bytes >= 0 && f->free_bytes >= 0);
	for (guint i = 0; i < f->markers->len; i++) {
		const struct hv_marker *m = g_ptr_array_index(f->markers, i);

		check_perms(&m->perms);
		g_assert_cmpint(m->modified_us, >=, 0);
	}
	hv_folder_free(f);
}

/* What was written is read again, and is the same. */
static void read_cpus(const char *xml)
{
	struct facts_cpus c, again;
	GError *err = NULL;
	bool ok = facts_xml_cpus(xml, &c, &err);

	check(ok, &err);
	g_assert_true(c.best->len <= FACTS_XML_CPUS_MAX && c.hosts->len <= FACTS_XML_CPUS_MAX);
	g_clear_pointer(&c.type, g_free); /* of ours alone */
	g_clear_pointer(&c.arch, g_free);
	if (ok) {
		g_autofree char *text = facts_xml_cpus_write(&c);

		if (facts_xml_cpus(text, &again, &err))
			g_assert_true(again.best->len == c.best->len && again.hosts->len == c.hosts->len);
		else
			g_assert_cmpuint(strlen(text), >, DOMXML_MAX / 2);
		g_clear_error(&err);
		facts_cpus_clear(&again);
	}
	facts_cpus_clear(&c);
}

/* The best CPU can be put among those to choose of. */
static void read_cpu(const char *xml)
{
	g_autofree char *cpu = facts_xml_cpu(xml), *text = NULL;
	g_autoptr(GPtrArray) best = g_ptr_array_new();
	struct facts_cpus c;

	if (!cpu)
		return;
	g_assert_cmpuint(strlen(cpu), <=, FACTS_XML_CPU_MAX);
	g_ptr_array_add(best, cpu);
	text = facts_xml_cpus_write(&(struct facts_cpus){ .type = (char *)"kvm", .best = best });
	g_assert_true(facts_xml_cpus(text, &c, NULL));
	g_assert_true(c.best->len == 1 && c.hosts->len == 0 && g_str_equal(c.type, "kvm") && !c.arch);
	facts_cpus_clear(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *xml = g_strndup((const char *)data, size);

	read_host(xml);
	read_folder(xml);
	read_cpus(xml);
	read_cpu(xml);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/facts.h"

struct hv_perms hv_perms_none(void)
{
	return (struct hv_perms){ HV_NOT_KNOWN, HV_NOT_KNOWN, HV_NOT_KNOWN };
}

/* ---- folders ---- */

static void marker_free(void *data)
{
	struct hv_marker *m = data;

	g_free(m->name);
	g_free(m);
}

struct hv_folder *hv_folder_new(void)
{
	struct hv_folder *f = g_new0(struct hv_folder, 1);

	f->perms = hv_perms_none();
	f->markers = g_ptr_array_new_with_free_func(marker_free);
	return f;
}

struct hv_marker *hv_folder_add(struct hv_folder *f, const char *name)
{
	struct hv_marker *m = g_new0(struct hv_marker, 1);

	m->name = g_strdup(name);
	m->perms = hv_perms_none();
	g_ptr_array_add(f->markers, m);
	return m;
}

void hv_folder_free(struct hv_folder *f)
{
	if (!f)
		return;
	g_ptr_array_unref(f->markers);
	g_free(f);
}

/* ---- hosts ---- */

static void mtu_free(void *data)
{
	struct hv_mtu *m = data;

	g_free(m->name);
	g_free(m);
}

struct hv_facts *hv_facts_new(void)
{
	struct hv_facts *f = g_new0(struct hv_facts, 1);

	f->qemu_uid = f->qemu_gid = HV_NOT_KNOWN;
	f->folders = g_ptr_array_new_with_free_func(g_free);
	f->autostarted = g_ptr_array_new_with_free_func(g_free);
	return f;
}

void hv_facts_mtu(struct hv_facts *f, const char *name, int64_t mtu)
{
	struct hv_mtu *m = g_new(struct hv_mtu, 1);

	*m = (struct hv_mtu){ g_strdup(name), mtu };
	if (!f->mtus)
		f->mtus = g_ptr_array_new_with_free_func(mtu_free);
	g_ptr_array_add(f->mtus, m);
}

void hv_cert_free(struct hv_cert *c)
{
	if (!c)
		return;
	g_free(c->why);
	g_free(c->subject);
	g_free(c->names);
	g_free(c->missing);
	g_free(c);
}

void hv_facts_free(struct hv_facts *f)
{
	if (!f)
		return;
	g_free(f->security);
	g_free(f->cpu);
	g_free(f->virt_type);
	if (f->mtus)
		g_ptr_array_unref(f->mtus);
	g_ptr_array_unref(f->folders);
	g_ptr_array_unref(f->autostarted);
	hv_cert_free(f->cert);
	g_free(f);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/needs.h"

#include <assert.h>

static const char *const kind_names[] = {
	[HV_NEED_NAME] = "name", [HV_NEED_NO_SNAPSHOT] = "snapshots", [HV_NEED_NO_CHECKPOINT] = "checkpoints", [HV_NEED_DISK_IDLE] = "disk",
	[HV_NEED_INTERFACE] = "network interface", [HV_NEED_NO_INTERFACE] = "unused name of an interface", [HV_NEED_NETWORK] = "network",
	[HV_NEED_NWFILTER] = "network filter", [HV_NEED_PCI] = "PCI device", [HV_NEED_USB] = "USB device",
	[HV_NEED_MDEV] = "mediated device", [HV_NEED_SECRET] = "secret", [HV_NEED_MACHINE] = "machine type",
	[HV_NEED_DEVICE] = "QEMU with", [HV_NEED_SECURITY] = "security driver",
};
static_assert(G_N_ELEMENTS(kind_names) == HV_NEED_KIND_N, "kind_names is missing one");

const char *hv_need_kind_name(enum hv_need_kind kind)
{
	return kind_names[kind];
}

static void need_free(void *data)
{
	struct hv_need *n = data;

	g_free(n->name);
	g_free(n->usage);
	g_free(n->emulator);
	g_free(n->arch);
	g_free(n->virt_type);
	g_free(n->why);
	g_free(n);
}

GPtrArray *hv_needs_new(void)
{
	return g_ptr_array_new_with_free_func(need_free);
}

struct hv_need *hv_need_add(GPtrArray *needs, enum hv_need_kind kind, const char *name)
{
	struct hv_need *n;

	for (guint i = 0; i < needs->len; i++) {
		n = g_ptr_array_index(needs, i);
		if (n->kind == kind && g_str_equal(n->name, name))
			return n;
	}
	n = g_new0(struct hv_need, 1);
	n->kind = kind;
	n->name = g_strdup(name);
	g_ptr_array_add(needs, n);
	return n;
}

static struct hv_need *copy_one(const struct hv_need *n)
{
	struct hv_need *c = g_new0(struct hv_need, 1);

	c->kind = n->kind;
	c->name = g_strdup(n->name);
	c->usage = g_strdup(n->usage);
	c->emulator = g_strdup(n->emulator);
	c->arch = g_strdup(n->arch);
	c->virt_type = g_strdup(n->virt_type);
	return c;
}

GPtrArray *hv_needs_copy(GPtrArray *needs)
{
	GPtrArray *c = needs ? hv_needs_new() : NULL;

	for (guint i = 0; c && i < needs->len; i++)
		g_ptr_array_add(c, copy_one(g_ptr_array_index(needs, i)));
	return c;
}

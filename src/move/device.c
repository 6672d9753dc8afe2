/* SPDX-License-Identifier: Apache-2.0 */
#include "move/device.h"

#include <string.h>

/* ---- names ---- */

bool device_promised(const char *const *patterns, const char *path)
{
	for (; patterns && *patterns; patterns++)
		if (g_pattern_match_simple(*patterns, path))
			return true;
	return false;
}

/* Serials of disks that have none of their own. */
static const char *const placeholders[] = {
	"*QEMU_HARDDISK_QM0*", "*QEMU_DVD-ROM_QM0*", /* QEMU's IDE and SATA disks, by their slot */
	"*QEMU_HARDDISK*drive-*", "*QEMU*QEMU*lun*",  /* its SCSI disks, by the name of their drive */
	"*VMware_Virtual_S*", "*VMware_Virtual_I*", "*Virtual_HD*", "*Msft_Virtual*",
	"*0123456789*", "*123456789ABC*", "*ABCDEF*", "*unknown*", "*none*", "*N/A*", "*invalid*",
};

static bool is_of_one_character(const char *s)
{
	return strspn(s, (char[]){ *s, '0', 'x', '-', '_', '.', ' ', '\0' }) == strlen(s);
}

static bool is_name(const char *s)
{
	g_autofree char *lower = s ? g_ascii_strdown(s, -1) : NULL;

	if (!s || strlen(s) < 6 || is_of_one_character(s))
		return false;
	for (size_t i = 0; i < G_N_ELEMENTS(placeholders); i++) {
		g_autofree char *pattern = g_ascii_strdown(placeholders[i], -1);

		if (g_pattern_match_simple(pattern, lower))
			return false;
	}
	return true;
}

/* Links that udev makes of what belongs to one device alone; not those of names that an administrator gives. */
static const char *const own_links[] = { "wwn-", "scsi-", "ata-", "nvme-", "usb-", "virtio-", "dm-uuid-", "md-uuid-", "lvm-pv-uuid-" };

static bool is_own_link(const char *path)
{
	static const char folder[] = "/dev/disk/by-id/";

	if (!g_str_has_prefix(path, folder))
		return false;
	path += strlen(folder);
	for (size_t i = 0; i < G_N_ELEMENTS(own_links); i++)
		if (g_str_has_prefix(path, own_links[i]))
			return is_name(path + strlen(own_links[i]));
	return false;
}

/* Return: it is known at both and differs. */
static bool differs(const struct hv_device *a, const struct hv_device *b, enum hv_device_id id)
{
	return a->id[id] && b->id[id] && strcmp(a->id[id], b->id[id]) != 0;
}

bool device_names_agree(const char *path, const struct hv_device *source, const struct hv_device *dest, bool promised, char **ret_why)
{
	bool same = promised || is_own_link(path);

	for (int id = 0; id < HV_DEVICE_ID_N; id++) {
		if (differs(source, dest, id)) {
			*ret_why = g_strdup_printf("its %s is %s at the source and %s at the destination", hv_device_id_name(id), source->id[id],
						   dest->id[id]);
			return false;
		}
		same |= source->id[id] && dest->id[id] && is_name(source->id[id]);
	}
	if (!same)
		*ret_why = g_strdup("the hosts do not both say a serial, a WWN or a volume key of it that belongs to it alone; if it is the same "
				    "device on all hosts, [libvirt] shared_block_devices can say so");
	return same;
}

/* ---- contents ---- */

static bool add_one(struct device_match *m, int i, const char *source, const char *dest)
{
	if (!m->source[i]) {
		m->source[i] = g_strdup(source);
		m->dest[i] = g_strdup(dest);
	}
	m->equal[i] |= g_strcmp0(source, dest) == 0;
	m->changed_source[i] |= g_strcmp0(source, m->source[i]) != 0;
	m->changed_dest[i] |= g_strcmp0(dest, m->dest[i]) != 0;
	return m->equal[i] || (m->changed_source[i] && m->changed_dest[i]);
}

bool device_match_add(struct device_match *m, const struct hv_device *source, const struct hv_device *dest)
{
	bool all = true;

	for (int i = 0; i < HV_SAMPLES; i++)
		all &= add_one(m, i, source->samples[i], dest->samples[i]);
	return all;
}

void device_match_clear(struct device_match *m)
{
	for (int i = 0; i < HV_SAMPLES; i++) {
		g_free(m->source[i]);
		g_free(m->dest[i]);
	}
	memset(m, 0, sizeof(*m));
}

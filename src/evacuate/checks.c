/* SPDX-License-Identifier: Apache-2.0
 *
 * The first two rows say that the guest may be started elsewhere at all, and what it is; those that are shared with other kinds then ask the
 * destination alone.
 */
#include "evacuate/checks.h"

#include "base/err.h"
#include "evacuate/kept.h"
#include "evacuate/source.h"
#include "move/check_guest.h"
#include "move/check_remains.h"
#include "move/check_rows.h"

static enum check_result source_dead(struct check *p, GError **err)
{
	if (source_check_server(p->fleet, p->server, p->source, err))
		return CHECK_PASSED;
	p->report.hopeless = true;
	return CHECK_FAILED;
}

/* The rows below read it, and ask no host for it. */
static enum check_result kept(struct check *p, GError **err)
{
	g_clear_pointer(&p->dom, hv_dom_free);
	g_clear_pointer(&p->report.xml, g_free);
	p->dom = kept_guest(p->fleet, p->server, &p->report.xml, err);
	if (!p->dom) {
		p->report.hopeless = true;
		return CHECK_FAILED;
	}
	util_replace(&p->report.xml_inactive, p->report.xml);
	return CHECK_PASSED;
}

/* What is not in a definition has died with its host. */
static enum check_result tpm(struct check *p, GError **err)
{
	const struct hv_ties *t = p->dom->ties;

	if (!t || t->tpm == HV_TPM_NONE)
		return CHECK_PASSED;
	p->report.hopeless = true;
	return check_fail(err, "Operation 'evacuate' not supported for vTPM-enabled instance (%s).", p->server_uuid);
}

static enum check_result devices(struct check *p, GError **err)
{
	const struct hv_ties *t = p->dom->ties;

	if (!t || t->devices->len == 0)
		return CHECK_PASSED;
	p->report.hopeless = true;
	return check_fail(err, "Server %s cannot be evacuated: it has a device of its host (%s).", p->server_uuid, (const char *)g_ptr_array_index(t->devices, 0));
}

/* Its firmware's variables are in a file of its host; where that is not there, libvirt makes one of the template, and the guest boots with it. */
static enum check_result numa(struct check *p, GError **err)
{
	struct hv_numa_fit *found;

	if (!p->dom->ties)
		return CHECK_PASSED;
	if (!p->dest->info)
		return check_skip(p, "a host has not reported its capabilities yet");
	found = room_find_numa_fit(p->source, p->dest, p->server_uuid, p->dom->ties, err);
	hv_numa_fit_free(found);
	return found ? CHECK_PASSED : CHECK_FAILED;
}

static bool in_files(const GPtrArray *disks)
{
	for (guint i = 0; i < disks->len; i++) {
		const struct hv_disk *k = g_ptr_array_index(disks, i);

		if (k->kind == HV_SOURCE_FILE && k->source && !k->cdrom && !k->readonly)
			return true;
	}
	return false;
}

/* Up to 2.13 the client says which it is, and is refused where it is not so. */
static enum check_result disks(struct check *p, GError **err)
{
	enum check_result v = check_remains(p, p->dom->disks, err);
	bool shared = v == CHECK_PASSED && p->report.copies->len == 0;

	if (v != CHECK_PASSED)
		return v;
	if ((p->req.block == MIG_BLOCK_NO && !shared) || (p->req.block == MIG_BLOCK_YES && shared && in_files(p->dom->disks)))
		return check_fail(err, "Invalid state of instance files on shared storage");
	return CHECK_PASSED;
}

static const struct check_row *const rows[] = {
	CHECK_ROW("source_dead", source_dead),
	&check_row_description,
	CHECK_ROW("kept", kept),
	&check_row_not_self,
	&check_row_destination_up,
	&check_row_memory,
	&check_row_cell,
	&check_row_scheduler,
	&check_row_hypervisor_type,
	CHECK_ROW("vtpm", tpm),
	CHECK_ROW("host_devices", devices),
	&check_row_name,
	&check_row_machine,
	&check_row_device_kinds,
	&check_row_networks,
	&check_row_secrets,
	&check_row_boot_files,
	&check_row_consoles,
	&check_row_folders,
	&check_row_host_paths,
	CHECK_ROW("nvram", check_nvram, .of_dest = true, .asks = true),
	CHECK_ROW("disks", disks, .of_dest = true, .asks = true),
	CHECK_ROW("numa", numa, .of_dest = true),
};

const struct check_table evac_checks = { { "cold", "evacuate", "evacuate" }, rows, G_N_ELEMENTS(rows) };

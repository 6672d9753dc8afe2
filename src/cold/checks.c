/* SPDX-License-Identifier: Apache-2.0
 *
 * The guest is off while it moves, so that no CPU has to fit and no device stands in the way; but what its host alone has of it does not go
 * along by itself, as it does when QEMU sends it.
 */
#include "cold/checks.h"

#include "cold/check_nvram.h"
#include "cold/check_snapshots.h"
#include "move/check_rows.h"

static char *vpmem(const struct check_tied *t)
{
	if (!t->ties->vpmem)
		return NULL;
	return g_strdup_printf("Migration pre-check error: Cannot migrate with virtual persistent memory: what is in it stays at %s.", t->source);
}

static char *vtpm(const struct check_tied *t)
{
	if (t->ties->tpm == HV_TPM_NONE)
		return NULL;
	return g_strdup_printf("Operation '%s' not supported for vTPM-enabled instance (%s). What its TPM keeps is in a folder of %s that libvirt neither reads "
			       "nor moves while the guest is off.", t->words->operation, t->uuid, t->source);
}

/* It is nowhere once it is off. */
static enum check_result persistent(struct check *p, GError **err)
{
	const struct hv_dom *dom = check_dom(p);

	if (!dom)
		return check_skip(p, "the host has not reported the guest yet");
	if (dom->persistent)
		return CHECK_PASSED;
	p->report.hopeless = true;
	return check_fail(err, "Migration pre-check error: Unable to migrate %s: it has no definition at %s (it is transient), and would be nowhere once it is "
			  "shut off: define it first (virsh define)", p->server_uuid, p->source->name);
}

static const struct check_row *const rows[] = {
	&check_row_description,
	&check_row_state,
	&check_row_source_up,
	&check_row_not_self,
	&check_row_destination_up,
	&check_row_memory,
	&check_row_cell,
	&check_row_scheduler,
	&check_row_hypervisor_type,
	CHECK_ROW("vpmem", .rule = vpmem),
	CHECK_ROW("vtpm", .rule = vtpm),
	CHECK_ROW("persistent", persistent),
	&check_row_managed_save,
	&check_row_definition,
	&check_row_pools,
	&check_row_block_devices,
	CHECK_ROW("snapshots", cold_check_snapshots, .of_dest = true, .asks = true),
	&check_row_checkpoints,
	&check_row_name,
	&check_row_machine,
	&check_row_device_kinds,
	&check_row_pci_devices,
	&check_row_host_devices,
	&check_row_networks,
	&check_row_secrets,
	&check_row_boot_files,
	&check_row_consoles,
	&check_row_folders,
	&check_row_host_paths,
	&check_row_storage,
	&check_row_read_files,
	&check_row_drives,
	&check_row_files,
	&check_row_disk,
	CHECK_ROW("nvram", cold_check_nvram, .of_dest = true, .asks = true),
	&check_row_numa,
};

const struct check_table cold_checks = { { "cold", "migrate", "migrate" }, rows, G_N_ELEMENTS(rows) };

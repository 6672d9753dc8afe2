/* SPDX-License-Identifier: Apache-2.0
 *
 * The guest is off while it moves, so that no CPU has to fit and no device stands in the way; but what its host alone has of it does not go
 * along by itself, as it does when QEMU sends it.
 */
#include "cold/checks.h"

#include "cold/check_nvram.h"
#include "move/check_common.h"
#include "move/check_console.h"
#include "move/check_definition.h"
#include "move/check_device.h"
#include "move/check_guest.h"
#include "move/check_pool.h"
#include "move/check_storage.h"

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
	return g_strdup_printf("Operation '%s' not supported for vTPM-enabled instance (%s).", t->words->operation, t->uuid);
}

static const struct check_row rows[] = {
	{ "description",         check_description },
	{ "source_up",           check_source_up },
	{ "not_self",            check_not_self,                 .of_dest = true },
	{ "destination_up",      check_dest_up,                  .of_dest = true },
	{ "memory",              check_memory,                   .of_dest = true },
	{ "scheduler",           check_scheduler,                .of_dest = true },
	{ "hypervisor_type",     check_hypervisor_type,          .of_dest = true },
	{ "vpmem",               .rule = vpmem },
	{ "vtpm",                .rule = vtpm },
	{ "managed_save",        check_kept,                     .asks = true },
	{ "definition",          check_definition,               .of_dest = true, .asks = true },
	{ "pools",               check_pools,                    .of_dest = true, .asks = true },
	{ "block_devices",       check_block_devices,            .of_dest = true, .asks = true },
	{ "snapshots",           check_snapshots,                .of_dest = true, .asks = true },
	{ "checkpoints",         check_checkpoints,              .of_dest = true, .asks = true },
	{ "name",                check_name,                     .of_dest = true, .asks = true },
	{ "machine",             check_machine,                  .of_dest = true, .asks = true },
	{ "device_kinds",        check_devices_built,            .of_dest = true, .asks = true },
	{ "networks",            check_networks,                 .of_dest = true, .asks = true },
	{ "secrets",             check_secrets,                  .of_dest = true, .asks = true },
	{ "boot_files",          check_boot_files,               .of_dest = true, .asks = true },
	{ "consoles",            check_consoles,                 .of_dest = true, .asks = true },
	{ "folders",             check_folders,                  .of_dest = true, .asks = true },
	{ "host_paths",          check_host_paths,               .of_dest = true, .asks = true },
	{ "storage",             check_storage,                  .of_dest = true, .asks = true },
	{ "read_files",          check_read_files,               .of_dest = true, .asks = true },
	{ "drives",              check_drives,                   .of_dest = true, .asks = true },
	{ "nvram",               cold_check_nvram,               .of_dest = true, .asks = true },
	{ "numa",                check_numa,                     .of_dest = true },
};

const struct check_table cold_checks = { { "migrate", "migrate" }, rows, G_N_ELEMENTS(rows) };

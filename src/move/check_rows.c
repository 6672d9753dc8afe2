/* SPDX-License-Identifier: Apache-2.0 */
#include "move/check_rows.h"

#include "move/check_common.h"
#include "move/check_console.h"
#include "move/check_definition.h"
#include "move/check_device.h"
#include "move/check_guest.h"
#include "move/check_pool.h"
#include "move/check_storage.h"

/* Of one destination, whose answer it waits for. */
#define ASKS .of_dest = true, .asks = true

const struct check_row
	check_row_description     = { "description",     check_description },
	check_row_state           = { "state",           check_state },
	check_row_source_up       = { "source_up",       check_source_up },
	check_row_not_self        = { "not_self",        check_not_self,        .of_dest = true },
	check_row_destination_up  = { "destination_up",  check_dest_up,         .of_dest = true },
	check_row_memory          = { "memory",          check_memory,          .of_dest = true },
	check_row_cell            = { "cell",            check_cell,            .of_dest = true },
	check_row_scheduler       = { "scheduler",       check_scheduler,       .of_dest = true },
	check_row_hypervisor_type = { "hypervisor_type", check_hypervisor_type, .of_dest = true },
	check_row_managed_save    = { "managed_save",    check_kept,            .asks = true },
	check_row_definition      = { "definition",      check_definition,      ASKS },
	check_row_snapshots       = { "snapshots",       check_snapshots,       ASKS },
	check_row_checkpoints     = { "checkpoints",     check_checkpoints,     ASKS },
	check_row_name            = { "name",            check_name,            ASKS },
	check_row_machine         = { "machine",         check_machine,         ASKS },
	check_row_device_kinds    = { "device_kinds",    check_devices_built,   ASKS },
	check_row_pci_devices     = { "pci_devices",     check_pci_devices,     ASKS },
	check_row_host_devices    = { "host_devices",    check_host_devices,    ASKS },
	check_row_networks        = { "networks",        check_networks,        ASKS },
	check_row_secrets         = { "secrets",         check_secrets,         ASKS },
	check_row_boot_files      = { "boot_files",      check_boot_files,      ASKS },
	check_row_consoles        = { "consoles",        check_consoles,        ASKS },
	check_row_folders         = { "folders",         check_folders,         ASKS },
	check_row_host_paths      = { "host_paths",      check_host_paths,      ASKS },
	check_row_numa            = { "numa",            check_numa,            .of_dest = true },
	check_row_pools           = { "pools",           check_pools,           ASKS },
	check_row_block_devices   = { "block_devices",   check_block_devices,   ASKS },
	check_row_storage         = { "storage",         check_storage,         ASKS },
	check_row_read_files      = { "read_files",      check_read_files,      ASKS },
	check_row_drives          = { "drives",          check_drives,          ASKS },
	check_row_files           = { "files",           check_files,           ASKS },
	check_row_disk            = { "disk",            check_disk,            ASKS };

/* SPDX-License-Identifier: Apache-2.0
 *
 * check_rows: rows that the tables of several kinds name. A row of one kind alone stands in that kind's table (CHECK_ROW()).
 */
#ifndef CHECK_ROWS_H
#define CHECK_ROWS_H

#include "move/check.h"

extern const struct check_row
	/* of the server and of hosts */
	check_row_description, check_row_state, check_row_source_up, check_row_not_self, check_row_destination_up, check_row_memory, check_row_cell,
	check_row_scheduler, check_row_hypervisor_type,
	/* of what libvirt keeps */
	check_row_managed_save, check_row_definition, check_row_snapshots, check_row_checkpoints,
	/* of what the guest needs at the destination */
	check_row_name, check_row_machine, check_row_device_kinds, check_row_pci_devices, check_row_host_devices, check_row_networks, check_row_secrets, check_row_boot_files, check_row_consoles,
	check_row_folders, check_row_host_paths, check_row_numa,
	/* of disks */
	check_row_pools, check_row_block_devices, check_row_storage, check_row_read_files, check_row_drives, check_row_files, check_row_disk;

#endif

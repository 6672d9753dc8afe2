/* SPDX-License-Identifier: Apache-2.0
 *
 * check_common: rows that every move needs, of hosts and of the room at the destination. None of them asks a host.
 */
#ifndef CHECK_COMMON_H
#define CHECK_COMMON_H

#include "move/check.h"

check_row_f check_state, check_source_up, check_not_self, check_dest_up, check_cell, check_memory, check_scheduler, check_hypervisor_type, check_hypervisor_version,
	check_numa;

#endif

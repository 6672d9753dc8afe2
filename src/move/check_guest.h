/* SPDX-License-Identifier: Apache-2.0
 *
 * check_guest: what libvirt and QEMU refuse, of the guest itself and of what it needs by name at the destination.
 */
#ifndef CHECK_GUEST_H
#define CHECK_GUEST_H

#include "hv/xml/domxml_needs.h"
#include "move/check.h"

check_row_f check_snapshots, check_checkpoints, check_block_jobs, check_unmigratable, check_name, check_machine, check_networks, check_secrets, check_pci_devices,
	check_host_devices, check_boot_files, check_nvram, check_tsc, check_devices_built, check_security, check_folders, check_host_paths;

/** check_needs() - what the guest needs, by its XML. Return: PASSED with @ret, lent; ASKED, and the row is called again; FAILED. */
enum check_result check_needs(struct check *p, const struct domxml_needs **ret, GError **err);

/** check_has_snapshots() - @ret: its source has written some down; written with PASSED. Return: PASSED, ASKED or FAILED; SKIPPED: the source does not say. */
enum check_result check_has_snapshots(struct check *p, bool *ret, GError **err);

/** check_lacks_nvram() - behind check_nvram(): the destination has no file of the variables of the guest's firmware. */
bool check_lacks_nvram(struct check *p);

#endif

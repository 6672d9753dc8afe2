/* SPDX-License-Identifier: Apache-2.0
 *
 * check_device: block devices of a guest, and files that it only reads: is what the destination has at that path the same?
 */
#ifndef CHECK_DEVICE_H
#define CHECK_DEVICE_H

#include "move/check.h"

check_row_f check_block_devices, check_read_files;

#endif

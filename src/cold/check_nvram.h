/* SPDX-License-Identifier: Apache-2.0
 *
 * check_nvram: the variables of a guest's firmware, a file that QEMU does not bring as it does when a guest goes live.
 */
#ifndef COLD_CHECK_NVRAM_H
#define COLD_CHECK_NVRAM_H

#include "move/check.h"

/* Where the hosts do not share it, it is one more file to be copied. */
check_row_f cold_check_nvram;

#endif

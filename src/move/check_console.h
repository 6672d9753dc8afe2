/* SPDX-License-Identifier: Apache-2.0
 *
 * check_console: what the guest takes at its host that is there only once: addresses and ports of its consoles, its vsock's CID.
 */
#ifndef CHECK_CONSOLE_H
#define CHECK_CONSOLE_H

#include "move/check.h"

check_row_f check_consoles, check_vsock;

#endif

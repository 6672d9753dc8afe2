/* SPDX-License-Identifier: Apache-2.0
 *
 * checks: what a cold migration has to pass (move/check.h).
 */
#ifndef COLD_CHECKS_H
#define COLD_CHECKS_H

#include "move/check.h"

extern const struct check_table cold_checks;

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * checks: what a live migration has to pass, in Nova's order.
 */
#ifndef CHECKS_H
#define CHECKS_H

#include "move/check.h"

extern const struct check_table live_checks;

#endif

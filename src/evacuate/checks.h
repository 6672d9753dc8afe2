/* SPDX-License-Identifier: Apache-2.0
 *
 * checks: what an evacuation has to pass (move/check.h). Its source is dead and asked for nothing: the guest is known by what is kept of it.
 */
#ifndef EVAC_CHECKS_H
#define EVAC_CHECKS_H

#include "move/check.h"

extern const struct check_table evac_checks;

#endif

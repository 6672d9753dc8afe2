/* SPDX-License-Identifier: Apache-2.0
 *
 * checks: what a live migration has to pass, in Nova's order.
 */
#ifndef CHECKS_H
#define CHECKS_H

#include "move/check_all.h"

extern const struct check_table live_checks;

/** live_precheck() - check_all() with this table. */
void live_precheck(struct check_set *set, const struct check_request *r, check_all_f *done, void *user);

#endif

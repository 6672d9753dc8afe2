/* SPDX-License-Identifier: Apache-2.0
 *
 * rules_storage: judging folders, and what depends on files in them.
 */
#ifndef RULES_STORAGE_H
#define RULES_STORAGE_H

#include "check/rule.h"

void rules_user(const struct judge *j);
void rules_storage(const struct judge *j);
void rules_search(const struct judge *j);
void rules_squash(const struct judge *j);
void rules_space(const struct judge *j);
void rules_clock(const struct judge *j);

#endif

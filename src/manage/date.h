/* SPDX-License-Identifier: Apache-2.0
 *
 * date: a moment as an operator writes it.
 */
#ifndef MANAGE_DATE_H
#define MANAGE_DATE_H

#include <stdbool.h>
#include <stdint.h>

/**
 * date_parse() - "2026-10-21", "2026-10-21 14:30", ISO 8601, "Oct 21 2026", "21 October 2026" and the like; from 1970 on.
 * @ret_us: microseconds since 1970 UTC; what names no zone is UTC, as Nova's records are
 */
bool date_parse(const char *text, int64_t *ret_us);

#endif

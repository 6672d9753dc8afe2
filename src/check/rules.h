/* SPDX-License-Identifier: Apache-2.0
 *
 * rules: what is judged of a survey, one row of a table for each check.
 *
 * It is pure: no clock, no host, no log. What libvirt does not tell is listed as not checked.
 */
#ifndef RULES_H
#define RULES_H

#include "check/finding.h"
#include "check/survey.h"

/* A row, for docs. */
struct rules_row {
	const char *name, *looks_at, *breaks;
};

/** rules_row() - the check with that number, from 0, in the order of reports. Return: false past the last. */
bool rules_row(size_t i, struct rules_row *ret);

/** rules_judge() - go through the table. Return: owned. */
struct report *rules_judge(const struct survey *s);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * rule: what the rows of rules.c and their functions have in common.
 */
#ifndef RULE_H
#define RULE_H

#include "check/finding.h"
#include "check/survey.h"

struct judge;

struct rule {
	const char *name;
	enum finding_severity severity;
	void (*judge)(const struct judge *j);
	const char *looks_at, *breaks; /* for people */
};

/* One row at work. */
struct judge {
	const struct rule *rule;
	const struct survey *s;
	guint *const *shared; /* by folder: survey_shared() */
	struct report *out;
};

/**
 * rule_find() - the row has found something.
 * @where: a file and an option; the host's name and ':' are put before one that begins with '/'
 * @what: a format
 */
void rule_find(const struct judge *j, const struct survey_host *h, const struct survey_host *other, const char *change, const char *where,
	       const char *what, ...) G_GNUC_PRINTF(6, 7);
/** rule_unchecked() - it could not look. @h, @other: NULL: at the fleet */
void rule_unchecked(const struct judge *j, const struct survey_host *h, const struct survey_host *other, const char *why);

/** rule_from(), rule_to() - the hosts of a pair. */
const struct survey_host *rule_from(const struct judge *j, const struct survey_pair *p);
const struct survey_host *rule_to(const struct judge *j, const struct survey_pair *p);

/* What a host says of something that all should agree on; NULL: nothing. Owned. */
typedef char *rule_value_f(const struct judge *j, const struct survey_host *h, const void *about);

/**
 * rule_usual() - the host that says what most say; the first one of those. NULL: none says anything.
 * @ret_value: what it says; owned by the caller. May be NULL
 */
const struct survey_host *rule_usual(const struct judge *j, rule_value_f *value, const void *about, char **ret_value);

#endif

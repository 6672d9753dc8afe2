/* SPDX-License-Identifier: Apache-2.0
 *
 * finding: what a check of the set-up has found, and what it could not look at.
 */
#ifndef FINDING_H
#define FINDING_H

#include <glib.h>

#define FINDINGS_MAX 10000 /* of a report, and as many that are not checked; the others are counted */

enum finding_severity {
	FINDING_ERROR,   /* something does not work */
	FINDING_WARNING, /* something may not, or soon */
	FINDING_SEVERITY_N
};

/** finding_severity_name() - "error", "warning". */
const char *finding_severity_name(enum finding_severity s);

struct finding {
	const char *check;    /* the row of the table, of static lifetime like .breaks */
	enum finding_severity severity;
	char *host, *other;   /* a pair, from .host to .other; .other NULL: of one host. Both NULL: of the fleet */
	char *what;           /* what is so */
	const char *breaks;   /* what does not work because of it */
	char *change;         /* what to do */
	char *where;          /* "h2:/etc/libvirt/qemu.conf: user" */
};

/* What libvirt does not tell is not good, and not bad. */
struct finding_unchecked {
	const char *check;
	char *host, *other;   /* likewise */
	char *why;
};

struct report {
	GPtrArray *findings;  /* struct finding * */
	GPtrArray *unchecked; /* struct finding_unchecked * */
	guint left_out;       /* of both, beyond FINDINGS_MAX */
	guint counts[FINDING_SEVERITY_N];
};

struct report *report_new(void);
void report_free(struct report *r);

/* A finding as it is added: texts are copied. */
struct finding_text {
	const char *host, *other, *what, *change, *where;
};

/** report_find() - one more. @check, @breaks: of static lifetime */
void report_find(struct report *r, const char *check, enum finding_severity s, const char *breaks, const struct finding_text *t);
/** report_unchecked() - one more. @check: of static lifetime */
void report_unchecked(struct report *r, const char *check, const char *host, const char *other, const char *why);

#endif

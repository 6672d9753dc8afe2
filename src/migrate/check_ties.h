/* SPDX-License-Identifier: Apache-2.0
 *
 * precheck_ties: may a guest with these ties go live at all, and to that host?
 *
 * Rules of the table of prechecks (check.h) that look at the guest and at what
 * both hosts have said, and at nothing else: pure functions.
 */
#ifndef CHECK_TIES_H
#define CHECK_TIES_H

#include "hv/hv.h"

/* What a rule looks at. */
struct precheck_tied {
	const char *uuid;              /* the guest's */
	const struct hv_ties *ties;
	GPtrArray *nics;               /* struct hv_nic *; NULL: not known */
	const char *source, *dest;     /* hosts' names; dest may be NULL where the rule needs none */
	const struct hv_host_info *src, *dst;
};

/* Return: NULL if nothing speaks against it, or why not in Nova's words, owned by the caller (g_free). */
typedef char *precheck_rule_f(const struct precheck_tied *t);

precheck_rule_f precheck_shares, precheck_sealed, precheck_resource_requests, precheck_vpmem, precheck_devices, precheck_sriov;
/* These need both hosts. */
precheck_rule_f precheck_mdev, precheck_vtpm;

#endif

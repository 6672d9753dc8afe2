/* SPDX-License-Identifier: Apache-2.0
 *
 * check_ties: may a guest with these ties move at all, and to that host?
 *
 * Rules of the table of prechecks (check.h) that look at the guest and at what
 * both hosts have said, and at nothing else: pure functions.
 */
#ifndef CHECK_TIES_H
#define CHECK_TIES_H

#include "hv/hv.h"

/* What a kind of move is called. */
struct check_words {
	const char *way;       /* how the guest goes: "live" */
	const char *action;    /* "os-migrateLive" */
	const char *operation; /* "live-migration" */
};

/* What a rule looks at. */
struct check_tied {
	const struct check_words *words;
	const char *uuid;              /* the guest's */
	const struct hv_ties *ties;
	GPtrArray *nics;               /* struct hv_nic *; NULL: not known */
	const char *source, *dest;     /* hosts' names; dest may be NULL where the rule needs none */
	const struct hv_host_info *src, *dst;
};

/* Return: NULL if nothing speaks against it, or why not in Nova's words, owned by the caller (g_free). */
typedef char *check_rule_f(const struct check_tied *t);

check_rule_f check_shares, check_sealed, check_resource_requests, check_vpmem, check_devices, check_sriov;
/* These need both hosts. */
check_rule_f check_mdev, check_vtpm;

#endif

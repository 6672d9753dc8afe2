/* SPDX-License-Identifier: Apache-2.0
 *
 * carry: how a file of a shut-off guest comes to another host.
 */
#ifndef CARRY_H
#define CARRY_H

#include <stdbool.h>

#include "hv/hv.h"
#include "hv/qcow2.h"

enum carry_mode {
	CARRY_STAYS,   /* the destination sees it where it is */
	CARRY_DISK,    /* by a carrier, which opens it in its format: what it has of a guest's disk, without what else is in the file */
	CARRY_FILE,    /* by a carrier, as the bytes that it is: raw */
	CARRY_STREAM,  /* by HV_VOL_COPY, through this program */
	CARRY_NEVER,   /* it cannot go */
	CARRY_MODE_N
};

/** carry_mode_name() - "disk". */
const char *carry_mode_name(enum carry_mode m);

/* What is known of a file. */
struct carry_facts {
	enum hv_source kind;
	bool shared;               /* both hosts see the same file */
	bool in_use;               /* a guest that runs has it, or a file over it, open */
	const char *format;        /* as the guest's description has it; NULL: not known */
	struct qcow2_head head;
	bool base_goes;            /* a file that it is laid over goes as well: two that write may not have it open */
};

/**
 * carry_mode() - how it goes. Pure.
 * @ret_why: why not otherwise, for the record and the operator: "it has internal snapshots"; static. May be NULL
 *
 * A file goes as the bytes that it is wherever opening it as a disk would lose or change something (by experiment with QEMU 7.2: internal
 * snapshots are lost, bitmaps make the source's file change, LUKS needs its secret on both hosts), and wherever that is not known to be
 * harmless.
 */
enum carry_mode carry_mode(const struct carry_facts *f, const char **ret_why);

#endif

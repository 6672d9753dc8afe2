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

/**
 * carry_room() - what HV_VOL_CREATE makes at the destination, for a carrier to fill.
 * @m: DISK or FILE
 * @at_source: HV_VOL_GET's answer there
 *
 * Texts are borrowed.
 */
struct hv_vol_params carry_room(const char *path, enum carry_mode m, const struct hv_vol *at_source);

/**
 * carry_differs() - is the destination's file what was carried? As far as HV_VOL_GET tells: libvirt says nothing of a file that was deleted
 * while it was filled, or of what it is laid over.
 * @at_source, @at_dest: HV_VOL_GET's answers
 *
 * Return: what differs, for the record, owned by the caller: "it is not there"; NULL: nothing.
 */
char *carry_differs(enum carry_mode m, const struct hv_vol *at_source, const struct hv_vol *at_dest);

/** carry_limit() - HV_MIGRATE's bandwidth_mibs so that @files together take at most @mibs (0: no limit), or 1 each: all are copied at the same time. */
int64_t carry_limit(int64_t mibs, guint files);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * half: what one of two hosts says of a guest that is being moved, in the classes that matter to a move. Pure.
 */
#ifndef HALF_H
#define HALF_H

#include "hv/hv.h"

enum hv_half {
	HV_HALF_UNKNOWN,  /* the host did not answer */
	HV_HALF_ABSENT,
	HV_HALF_NO_TRACE, /* destination: the same, of a guest without a definition: had it run and ended here, nothing would be left; no answer says it */
	HV_HALF_OFF,      /* defined and shut off, for other reasons than the migration */
	HV_HALF_MIGRATED, /* shut off because it went to another host, still defined */
	HV_HALF_FAILED,   /* destination: shut off because the start failed: it never ran here */
	HV_HALF_CRASHED,
	HV_HALF_ENDING,   /* its process is about to end, also that of a half that waited and was destroyed: the next answer tells what is left */
	HV_HALF_RUN,
	HV_HALF_PAUSED,   /* by an operator, an I/O error, ...: it lives here */
	HV_HALF_SWITCH,   /* source: stopped for the switch-over */
	HV_HALF_INCOMING, /* destination: waits for its memory */
	HV_HALF_POSTCOPY,
	HV_HALF_BROKEN,   /* post-copy failed */
	HV_HALF_N
};

/** hv_source_half(), hv_dest_half() - class of an answer to HV_DOM_GET; NULL is HV_HALF_UNKNOWN. */
enum hv_half hv_source_half(const struct hv_dom *d);
enum hv_half hv_dest_half(const struct hv_dom *d);

/** hv_half_is_over() - nothing of the guest lives there: it may be defined. */
bool hv_half_is_over(enum hv_half h);

/** hv_half_name() - for people. */
const char *hv_half_name(enum hv_half h);

#endif

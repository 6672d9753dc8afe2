/* SPDX-License-Identifier: Apache-2.0
 *
 * placing: where a migration's guest goes on its destination.
 *
 * What it takes there hangs on its claim, so that two migrations into one host
 * never get the same CPUs, and stands in its row, so that this holds after a
 * restart too, when libvirt may already have been told.
 */
#ifndef PLACING_H
#define PLACING_H

#include "move/part.h"

/**
 * placing_take() - what @m takes at @dest, its destination or the one that it is about to get, is what @p takes; NULL: nothing certain.
 *
 * In memory, and on its claim there.
 */
void placing_take(struct mig *m, const struct host *dest, const struct hv_numa_fit *p);
/** placing_prepare() - find and take @m's place by what its source has just said. @done: no host is asked */
struct part placing_prepare(struct mig *m, part_done_f *done);

#endif

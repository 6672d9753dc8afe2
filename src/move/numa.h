/* SPDX-License-Identifier: Apache-2.0
 *
 * numa: the CPUs and nodes that a guest with such ties gets at its destination.
 *
 * What it takes there hangs on its claim, so that two migrations into one host
 * never get the same CPUs, and stands in its row, so that this holds after a
 * restart too, when libvirt may already have been told.
 */
#ifndef NUMA_H
#define NUMA_H

#include "move/part.h"

/**
 * numa_claim() - what @m takes at @dest, its destination or the one that it is about to get, is what @p takes; NULL: nothing certain.
 *
 * In memory, and on its claim there.
 */
void numa_claim(struct mig *m, const struct host *dest, const struct hv_numa_fit *p);
/** numa_prepare() - find and claim them by what its source has just said. @done: no host is asked */
struct part numa_prepare(struct mig *m, part_done_f *done);

#endif

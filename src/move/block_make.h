/* SPDX-License-Identifier: Apache-2.0
 *
 * block_make: make what is missing of a guest's disks at its destination.
 */
#ifndef BLOCK_MAKE_H
#define BLOCK_MAKE_H

#include "move/part.h"

/**
 * block_prepare() - one step of it: what is to be copied (block.h) has a file at @m's destination, of our own or one that is good as it is.
 * @done: acts on the answer of a host that was asked
 *
 * Return: READY when all is there.
 */
struct part block_prepare(struct mig *m, part_done_f *done);
/** block_prepare_read() - the same of what the guest only reads (base images, drives), which can be brought while it runs. */
struct part block_prepare_read(struct mig *m, part_done_f *done);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * prepare: before anything is done with the guest, and before it lands: what both hosts have of it must allow it.
 */
#ifndef COLD_PREPARE_H
#define COLD_PREPARE_H

#include "cold/next.h"
#include "cold/state.h"

/**
 * cold_prepare() - make all ready.
 * @ret_next: what is next, where not all is ready
 *
 * Return: all is ready.
 */
bool cold_prepare(struct mig *m, enum cold_next *ret_next);
/** cold_prepared() - what a part has come to, of these and of the carrier's. Takes @p's text. */
enum cold_next cold_prepared(struct mig *m, struct part p);

#endif

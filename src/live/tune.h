/* SPDX-License-Identifier: Apache-2.0
 *
 * tune: convergence at work, see converge.h.
 */
#ifndef TUNE_H
#define TUNE_H

#include "live/state.h"

/** tune_begin() - a new copy begins. */
void tune_begin(struct tune *t);
/** tune_sample() - take a sample of the running copy: estimate, decide, record, do. */
void tune_sample(struct mig *m, const struct hv_job *j);

#endif

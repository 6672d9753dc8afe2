/* SPDX-License-Identifier: Apache-2.0
 *
 * news: what subscribers are told of migrations, and what is counted of them. A phase that follows itself is a decision:
 * of the convergence (tune.c), or a user's request.
 */
#ifndef NEWS_H
#define NEWS_H

#include "task/record.h"
#include "task/stats.h"

/** news_init() - nothing was counted yet. */
void news_init(struct mig_counts *s);
/** news_clear() - at the end. */
void news_clear(struct mig_counts *s);
/** news_phase() - @m was requested (@old NULL), has moved on from @old, or something was decided about it. After the commit. */
void news_phase(const struct mig *m, const struct task_stage *old, const char *why);
/** news_progress() - a sample of its copy was taken. */
void news_progress(const struct mig *m);

#endif

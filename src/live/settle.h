/* SPDX-License-Identifier: Apache-2.0
 *
 * settle: after a doubt, ask both hosts, decide, act.
 */
#ifndef SETTLE_H
#define SETTLE_H

#include "live/next.h"
#include "live/state.h"

/** settle_ask() - ask both hosts for the domain, unless answers are awaited. A host that is not connected is one that says nothing. */
enum live_next settle_ask(struct mig *m, live_answer_f *got_source, live_answer_f *got_dest);
/** settle_source(), settle_dest() - their answers. */
enum live_next settle_source(struct mig *m, struct hv_reply *r);
enum live_next settle_dest(struct mig *m, struct hv_reply *r);
/** settle_judge() - decide by the last answers and the phase. */
enum live_next settle_judge(struct mig *m);
/**
 * settle_rule() - what a verdict asks for.
 * @phase: COPY, UNDO or FINISH
 * @ret_seen: how often in a row the verdict must be had before
 */
typedef enum live_next settle_f(struct mig *m);
settle_f *settle_rule(enum probe_verdict v, enum mig_phase phase, int *ret_seen);
/** settle_act() - do what was decided. */
enum live_next settle_act(struct mig *m, live_answer_f *got_act);
/** settle_acted() - its answer. */
enum live_next settle_acted(struct mig *m, const struct hv_reply *r);
/** settle_again_ms() - how long to wait before both hosts are asked again. */
int64_t settle_again_ms(const struct mig *m);

/** settle_moved() - FINISH in memory, after the commit: the guest is at its destination. */
void settle_moved(struct mig *m);
/** settle_begin() - a new copy begins. */
void settle_begin(struct settle *s);
/** settle_left() - the phase has changed: answers under way will be dropped. */
void settle_left(struct settle *s);

#endif

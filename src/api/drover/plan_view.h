/* SPDX-License-Identifier: Apache-2.0
 *
 * plan_view: a plan as clients see it. Private to api/drover.
 */
#ifndef API_PLAN_VIEW_H
#define API_PLAN_VIEW_H

#include "api/http/handler.h"
#include "plan/plan_record.h"

/** plan_view_put() - write one without its steps. */
void plan_view_put(struct jout *o, const struct plan_record *p);
/** plan_view_head() - answer with one without its steps. */
void plan_view_head(struct api_req *r, int status, const struct plan_record *p);
/** plan_view_whole() - answer with one and its steps, in pieces (slice.h): @p is needed for the first one alone. */
void plan_view_whole(struct api_req *r, int status, const struct plan_record *p);

#endif

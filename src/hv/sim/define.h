/* SPDX-License-Identifier: Apache-2.0
 *
 * define: definitions of domains.
 */
#ifndef SIM_DEFINE_H
#define SIM_DEFINE_H

#include "hv/sim/types.h"

/* From now on it has this definition, taken; NULL: none. */
void sim_dom_define(struct sim_dom *d, char *definition);
/* Borrowed; NULL: it has none. A thousand domains are made sooner than described: each is described when it is asked for. */
const char *sim_definition_of(struct sim_dom *d);
/* Likewise, owned, for one that only asks: the domain need not have it then. */
char *sim_definition_copy(const struct sim_dom *d);
/* Into struct hv_dom.kept. */
void sim_kept_describe(const struct sim_dom *d, struct hv_kept *ret);
/** sim_dom_definition() - as HV_DOM_DEFINITION gives it; NULL if there is none. Borrowed. */
const char *sim_dom_definition(struct sim *w, const char *host, const char *uuid);
/* The UUID of another domain of that name on the host; NULL. Borrowed. */
const char *sim_name_taken(const struct sim_host *h, const char *name, const char *uuid);


#endif

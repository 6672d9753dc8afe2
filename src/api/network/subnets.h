/* SPDX-License-Identifier: Apache-2.0
 *
 * subnets: the subnets of Network v2: what addresses of one network with a prefix lie in.
 */
#ifndef SUBNETS_H
#define SUBNETS_H

#include "api/network/network_list.h"

/** subnets_put_all() - write those of the list's servers that are asked for. */
void subnets_put_all(struct network_list *l, struct api_req *r);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * networks: the networks of Network v2: what interfaces are connected to under one name.
 */
#ifndef NETWORKS_H
#define NETWORKS_H

#include "api/network/network_list.h"

/** networks_put_all() - write those of the list's servers that are asked for. */
void networks_put_all(struct network_list *l, struct api_req *r);

#endif

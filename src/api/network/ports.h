/* SPDX-License-Identifier: Apache-2.0
 *
 * ports: the ports of Network v2: the interfaces of servers.
 */
#ifndef PORTS_H
#define PORTS_H

#include "api/network/network_list.h"

/** ports_put_of() - write a server's that are asked for. */
void ports_put_of(struct network_list *l, struct api_req *r, const struct server *s);

#endif

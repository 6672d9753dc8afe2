/* SPDX-License-Identifier: Apache-2.0
 *
 * port: a server's interface under the names that Network and Compute give it.
 *
 * There are no records of ports, networks or subnets: they are what servers have: a
 * port is an interface of a server, a network what interfaces are connected to
 * under one name, a subnet what addresses of one network with a prefix lie in.
 * Their ids are derived from that, the same after each restart.
 */
#ifndef PORT_H
#define PORT_H

#include "api/http/handler.h"
#include "api/http/view.h"
#include "fleet/addr.h"

/** port_id(), port_network_id() - UUIDs. */
void port_id(char out[static UTIL_UUID_LEN + 1], const struct server *s, const struct server_nic *n);
void port_network_id(char out[static UTIL_UUID_LEN + 1], const char *network);

/**
 * port_cidr() - the network that an address lies in, "10.0.0.0/24".
 *
 * Return: owned by the caller; NULL where the address was told without a prefix.
 */
char *port_cidr(const struct hv_addr *a);
/** port_subnet_id() - UUID of a subnet. */
void port_subnet_id(char out[static UTIL_UUID_LEN + 1], const char *network, const char *cidr);

/** port_status() - "ACTIVE" while the server runs, else "DOWN". */
const char *port_status(const struct server *s);
/** port_put_fixed_ips() - write [{"subnet_id": ..., "ip_address": ...}]; the subnet is null where it is not known. */
void port_put_fixed_ips(struct jout *o, const struct server *s, const struct server_nic *n);
/** port_first_of_network() - true if no interface of the server before its @i-th is in that one's network. */
bool port_first_of_network(const struct server *s, guint i);

/** port_put_addresses() - write {"NETWORK": [...]}. @full: with MAC and type, as in servers */
void port_put_addresses(struct jout *o, const struct server *s, bool full);
/** port_put_network() - write the member "NETWORK": [...] of it. */
void port_put_network(struct jout *o, const struct server *s, const char *network, bool full);

#endif

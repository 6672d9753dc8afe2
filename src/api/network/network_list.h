/* SPDX-License-Identifier: Apache-2.0
 *
 * network_list: a list of Network v2 that is being made, server by server, and the networks of the servers so far.
 */
#ifndef NETWORK_LIST_H
#define NETWORK_LIST_H

#include "api/network/network_filter.h"
#include "api/network/port.h"

struct network_list {
	const char *id;          /* the only one that is wanted; NULL: all that fit */
	struct jout o;
	bool found;              /* it was written */
	GHashTable *networks;    /* name -> struct network *, of the servers so far */
};

struct network {
	char *name;
	char id[UTIL_UUID_LEN + 1];
	GPtrArray *cidrs;          /* char *, of its subnets */
	GHashTable *seen;          /* the same as a set */
};

/** network_list_init() - @l: zeroed. network_list_clear() frees the networks; what was written is the answer's. */
void network_list_init(struct network_list *l, const char *id);
void network_list_clear(struct network_list *l);

/** network_list_takes() - false if an object is not to be written: it is not the wanted one, or does not fit the query. */
bool network_list_takes(struct network_list *l, const struct api_req *r, const struct network_filter *f, size_t n, const char *id, const void *obj);

/** network_list_add() - remember the networks and subnets of a server. */
void network_list_add(struct network_list *l, struct api_req *r, const struct server *s);
/** network_list_names() - of those so far, in order; the subnets of each are brought into order. Return: owned by the caller, the names borrowed. */
GPtrArray *network_list_names(struct network_list *l);

#endif

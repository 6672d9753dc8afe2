/* SPDX-License-Identifier: Apache-2.0
 *
 * network: the lists of Network v2, one file a kind; private to networks.c, network_filter.c, ports.c, subnets.c.
 */
#ifndef NETWORK_H
#define NETWORK_H

#include "api/http/slice.h"
#include "api/network/port.h"

extern const struct route_table networks_routes;

/* ---- filters: the values of one name are alternatives, all names must fit ---- */

typedef bool network_fits_f(const struct api_req *r, const void *obj, const char *want);

struct network_filter {
	const char *name;
	network_fits_f *fits;
	bool admin;      /* an attribute that only administrators see; for others it is no filter */
};

/** network_fits() - an object fits what the query asks for. */
bool network_fits(const struct api_req *r, const struct network_filter *f, size_t n, const void *obj);

/* The value of an attribute that all objects share. */
network_fits_f network_is_true, network_is_false, network_is_empty, network_is_active;

/* ---- a list that is being made ---- */

struct network_list {
	const struct network_kind *kind;
	const char *id;          /* the only one that is wanted; NULL: all that fit */
	struct jout o;
	bool found;              /* it was written */
	int64_t seen_id;         /* the last server that was looked at */
	GHashTable *networks;    /* name -> struct network *, of the servers so far */
};

/*
 * What makes a list: @of_server for each server that the caller may see, then @end. A kind without functions has none.
 */
struct network_kind {
	const char *path;                   /* the collection's */
	const char *member, *single, *one;  /* its names in answers; what the absence of one is told by */
	void (*of_server)(struct network_list *l, struct api_req *r, const struct server *s);
	void (*end)(struct network_list *l, struct api_req *r);
	const char *server_param;           /* a parameter of the query that names the servers; NULL: none */
};

struct network {
	char *name;
	char id[UTIL_UUID_LEN + 1];
	GPtrArray *cidrs;          /* char *, of its subnets */
	GHashTable *seen;          /* the same as a set */
};

/** network_add() - remember the networks and subnets of a server; of_server of both kinds. */
void network_add(struct network_list *l, struct api_req *r, const struct server *s);
/** network_names() - of those so far, in order; the subnets of each are brought into order. Return: owned by the caller, the names borrowed. */
GPtrArray *network_names(struct network_list *l);
/** network_put_all() - write the networks that fit; end. */
void network_put_all(struct network_list *l, struct api_req *r);
/** subnet_put_all() - write the subnets that fit; end. */
void subnet_put_all(struct network_list *l, struct api_req *r);
/** port_put_of() - write a server's ports that fit; of_server. */
void port_put_of(struct network_list *l, struct api_req *r, const struct server *s);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * network_filter: what of a list of Network v2 a query asks for: the values of one name are alternatives, all names must fit.
 */
#ifndef NETWORK_FILTER_H
#define NETWORK_FILTER_H

#include "api/http/handler.h"

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

#endif

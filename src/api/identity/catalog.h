/* SPDX-License-Identifier: Apache-2.0
 *
 * catalog: the services of this daemon, all at one URL, as Identity tells of them.
 */
#ifndef CATALOG_H
#define CATALOG_H

#include "api/http/handler.h"

/** catalog_write() - the catalogue: an array of services with their endpoints. */
void catalog_write(struct jout *o, const struct api_req *r);

#endif

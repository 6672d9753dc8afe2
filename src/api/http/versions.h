/* SPDX-License-Identifier: Apache-2.0
 *
 * versions: version documents: what clients read first to find out where they are.
 * Each service's form is its own.
 */
#ifndef VERSIONS_H
#define VERSIONS_H

#include "api/http/types.h"

extern const struct route_table versions_routes;

#endif

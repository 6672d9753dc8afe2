/* SPDX-License-Identifier: Apache-2.0
 *
 * images: the routes of Image v2.
 */
#ifndef IMAGES_H
#define IMAGES_H

#include "api/http/handler.h"

extern const struct route_table images_routes;

#endif

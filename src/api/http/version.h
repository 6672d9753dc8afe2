/* SPDX-License-Identifier: Apache-2.0
 *
 * version: microversions of compute, negotiated as Nova does it: the header
 * "OpenStack-API-Version: compute 2.x" wins over "X-OpenStack-Nova-API-Version: 2.x",
 * without either it is 2.1, "latest" is the newest.
 */
#ifndef VERSION_H
#define VERSION_H

#include <stdbool.h>

#include <glib.h>

/**
 * version_negotiate() - the minor version of compute a request asks for.
 * @standard, @legacy: values of OpenStack-API-Version and X-OpenStack-Nova-API-Version, or NULL
 *
 * Return: false with ERR_BAD_REQUEST or ERR_NOT_ACCEPTABLE in Nova's words.
 */
bool version_negotiate(const char *standard, const char *legacy, int *ret_mv, GError **err);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * consoles: the actions of older microversions that give a console's address.
 */
#ifndef CONSOLES_H
#define CONSOLES_H

#include "api/http/handler.h"

extern const struct api_body console_type_body;

/** console_get_serial() - os-getSerialConsole. */
void console_get_serial(struct api_req *r, const json_t *value);
/** console_get_vnc() - os-getVNCConsole. */
void console_get_vnc(struct api_req *r, const json_t *value);

#endif

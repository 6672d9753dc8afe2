/* SPDX-License-Identifier: Apache-2.0
 *
 * console_log: the action that shows what a guest wrote to its console.
 */
#ifndef CONSOLE_LOG_H
#define CONSOLE_LOG_H

#include "api/http/handler.h"

extern const struct api_body console_log_body;

/** console_log_get() - os-getConsoleOutput. */
void console_log_get(struct api_req *r, const json_t *value);

#endif

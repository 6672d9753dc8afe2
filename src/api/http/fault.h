/* SPDX-License-Identifier: Apache-2.0
 *
 * fault: the body of an error, in the words of the service that was asked.
 */
#ifndef FAULT_H
#define FAULT_H

#include "api/http/inner.h"

/** api_status_text() - "Not Found". */
const char *api_status_text(int status);

/** api_refusal() - the body of an answer that was given before it was known which service was asked. Return: owned. */
GString *api_refusal(int status, const char *message);

/** api_write_fault() - the body of an error in the words of that service. */
void api_write_fault(GString *s, enum api_service service, const GError *err);

#endif

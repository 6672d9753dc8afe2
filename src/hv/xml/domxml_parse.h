/* SPDX-License-Identifier: Apache-2.0
 *
 * domxml_parse: a domain's description as struct hv_dom.
 */
#ifndef DOMXML_PARSE_H
#define DOMXML_PARSE_H

#include <stdbool.h>

#include <glib.h>

#include "hv/hv.h"

/**
 * domxml_parse() - a domain's description as struct hv_dom; state and job are left at 0.
 *
 * Return: owned by the caller, or NULL with ERR_HV.
 */
struct hv_dom *domxml_parse(const char *xml, GError **err);

#endif

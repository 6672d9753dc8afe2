/* SPDX-License-Identifier: Apache-2.0
 *
 * kept: what libvirt keeps beside a domain's description.
 */
#ifndef LV_KEPT_H
#define LV_KEPT_H

#include <stdbool.h>

#include <glib.h>
#include <libvirt/libvirt.h>

#include "hv/hv.h"
#include "hv/libvirt/call.h"

/** lv_dom_kept() - what libvirt keeps beside the description; it asks no monitor. A driver that has no such thing has none of it. */
bool lv_dom_kept(const struct lv_ctx *x, virDomainPtr dom, struct hv_kept *ret, GError **err);

#endif

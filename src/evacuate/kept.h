/* SPDX-License-Identifier: Apache-2.0
 *
 * kept: the guest as its dead host last told of it (fleet/keep.h).
 */
#ifndef EVAC_KEPT_H
#define EVAC_KEPT_H

#include "fleet/fleet.h"

/**
 * kept_guest() - read its definition, and what that says of it.
 * @ret_xml: the definition; owned by the caller
 *
 * Return: as HV_DOM_GET would say of a guest that is off: with its name, its ties, its disks and what they are laid over, and whether its host started it by itself. Owned by the
 * caller; NULL with ERR_PRECHECK, or the store's error.
 */
struct hv_dom *kept_guest(struct fleet *f, const struct server *s, char **ret_xml, GError **err);

#endif

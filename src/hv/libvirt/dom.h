/* SPDX-License-Identifier: Apache-2.0
 *
 * dom: one domain: look it up, describe it, pause, run on, stop.
 */
#ifndef LV_DOM_H
#define LV_DOM_H

#include <stdbool.h>

#include <glib.h>
#include <libvirt/libvirt.h>

#include "hv/hv.h"
#include "hv/libvirt/call.h"

static inline void lv_domain_free(virDomainPtr d)
{
	if (d)
		(void)virDomainFree(d);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(virDomain, lv_domain_free)

/** lv_dom_lookup() - the request's domain on this connection; ERR_HV_ABSENT if there is none. */
virDomainPtr lv_dom_lookup(const struct lv_ctx *x, const char *uuid, GError **err);
/** lv_dom_lookup_or_absent() - the same where its absence is an answer: true with *@ret NULL. */
bool lv_dom_lookup_or_absent(const struct lv_ctx *x, const char *uuid, virDomainPtr *ret, GError **err);
/**
 * lv_dom_describe() - parse a domain's live description; state and job are left out.
 *
 * What cannot be read, or is not told, is no error: hv_dom.unreadable says why.
 * @ret_lasts: the same would come of asking again, as long as the domain does not change; false: the host may merely not have told it now. NULL
 *
 * Return: owned by the caller; NULL with ERR_HV_ABSENT or ERR_HV_LOST.
 */
struct hv_dom *lv_dom_describe(const struct lv_ctx *x, virDomainPtr dom, bool *ret_lasts, GError **err);

#define LV_IS(state) (1u << HV_##state)

/**
 * lv_dom_is_already() - after an act that libvirt refused: is the domain as wanted all the same? libvirt refuses to resume what runs and to stop what is off.
 * @wanted: one state or more, by LV_IS()
 * @what: the act, for the error: "pause the domain"
 *
 * Return: true; false with the refusal.
 */
bool lv_dom_is_already(const struct lv_ctx *x, virDomainPtr dom, unsigned wanted, const char *what, GError **err);

lv_work_f lv_dom_get, lv_dom_xml, lv_dom_suspend, lv_dom_resume, lv_dom_destroy;
/** lv_dom_get_silent() - HV_DOM_GET of a domain that does not answer: what libvirtd knows by itself. See conn.h. */
lv_work_f lv_dom_get_silent;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "evacuate/kept.h"

#include "base/err.h"
#include "fleet/keep.h"
#include "hv/xml/domxml_parse.h"

static void none(const struct server *s, const GError *why, GError **err)
{
	if (err_code(why) == ERR_NOT_FOUND)
		g_set_error(err, ERR, ERR_PRECHECK, "Server %s cannot be evacuated: its definition is not kept, as %s has not told it before it died.", s->uuid,
			    s->host);
	else if (err_code(why) == ERR_STORE)
		g_propagate_error(err, g_error_copy(why));
	else
		g_set_error(err, ERR, ERR_PRECHECK, "Server %s cannot be evacuated: the definition that is kept of it cannot be read: %s", s->uuid, why->message);
}

struct hv_dom *kept_guest(struct fleet *f, const struct server *s, char **ret_xml, GError **err)
{
	struct kept_definition kept = { .xml = NULL };
	g_autoptr(GError) why = NULL;
	struct hv_dom *d = keep_read(f, s->uuid, &kept, &why) ? domxml_parse(kept.xml, &why) : NULL;

	if (d) {
		d->state = HV_SHUTOFF;
		d->persistent = true; /* one that ran without a definition gets what it ran by */
		d->kept.told = true;
		d->kept.autostart = s->autostart;
		if (kept.disks) {
			g_ptr_array_unref(d->disks);
			d->disks = g_ptr_array_ref(kept.disks);
		}
		*ret_xml = g_steal_pointer(&kept.xml);
	} else {
		none(s, why, err);
	}
	kept_definition_clear(&kept);
	return d;
}

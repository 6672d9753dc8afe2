/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/libvirt/reach.h"

#include <glib.h>

#include "hv/reach.h"

char *lv_reach(const char *uri)
{
	struct reach_addrs addrs;
	struct reach_at at;
	char *why = NULL;
	int err;

	/* what libvirt makes of other transports is its affair */
	if (reach_parse(uri, &at) && at.libvirtd)
		why = reach_find(&at, false, &addrs);
	if (at.host && at.libvirtd && !why && reach_try(&addrs, &err) != REACH_ACCEPTS)
		why = g_strdup_printf("unable to connect to server at '%s:%s': %s", at.host, at.port, g_strerror(err));
	reach_at_clear(&at);
	return why;
}

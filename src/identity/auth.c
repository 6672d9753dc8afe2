/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/auth.h"

#include <glib.h>

void auth_free(struct auth *a)
{
	if (!a || --a->refs > 0)
		return;
	g_free(a->user_id);
	g_free(a->user_name);
	g_free(a->project_id);
	g_free(a->project_name);
	g_free(a->audit_id);
	g_strfreev(a->roles);
	g_free(a->app_id);
	g_free(a->app_name);
	g_free(a);
}

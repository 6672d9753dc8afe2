/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/access.h"

#include "identity/app_credential.h"
#include "identity/identity_priv.h"
#include "identity/not_before.h"
#include "identity/records.h"
#include "identity/token.h"

int64_t identity_stamp(struct identity *id)
{
	return not_before_stamp(id);
}

enum role identity_role_since(const struct identity *id, const char *user_id, const char *project_id, const char *app_id, int64_t since_us)
{
	const struct user *u = identity_user(id, user_id);
	const struct project *p = identity_project(id, project_id);
	const struct app_credential *app = app_id ? app_credential_get(id, app_id) : NULL;
	struct token_claims c = { .issued_us = since_us };
	g_auto(GStrv) roles = NULL;

	g_strlcpy(c.user_id, user_id, sizeof c.user_id);
	g_strlcpy(c.project_id, project_id, sizeof c.project_id);
	if (!u || !u->enabled || !p || !p->enabled || (app_id && !app) || !not_before_ok(id, &c))
		return ROLE_N;
	roles = app ? app_credential_roles(id, app) : identity_roles(id, u->id, p->id);
	return records_highest_role(roles);
}

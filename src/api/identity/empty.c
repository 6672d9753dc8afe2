/* SPDX-License-Identifier: Apache-2.0
 *
 * empty: the collections of Identity v3 that clients look into, and in which nothing is: groups, credentials, policies, limits.
 */
#include <string.h>

#include "api/identity/view.h"
#include "identity/accounts.h"

#define V3 "/identity/v3/"

/* @path: up to the id; @before, @after: what the absence of one is told by */
static const struct collection {
	const char *path, *member, *before, *after;
} collections[] = {
	{ V3 "groups",            "groups",            "Could not find group: ", "." },
	{ V3 "credentials",       "credentials",       "Could not find credential: ", "." },
	{ V3 "policies",          "policies",          "Could not find policy: ", "." },
	{ V3 "limits",            "limits",            "Could not find limit for ", "." },
	{ V3 "registered_limits", "registered_limits", "Could not find registered limit for ", "." },
};

static const struct collection *collection_of(const struct api_req *r)
{
	for (size_t i = 0; i < G_N_ELEMENTS(collections); i++) {
		size_t len = strlen(collections[i].path);

		if (strncmp(r->path, collections[i].path, len) == 0 && (!r->path[len] || r->path[len] == '/'))
			return &collections[i];
	}
	g_assert_not_reached();
}

static void list_none(struct api_req *r, const char *member)
{
	struct jout o;
	GString *s = identity_list(&o, r, member);

	identity_list_reply(&o, r, s);
}

static void list(struct api_req *r)
{
	list_none(r, collection_of(r)->member);
}

static void show(struct api_req *r)
{
	const struct collection *c = collection_of(r);

	api_fail_new(r, ERR_NOT_FOUND, "%s%s%s", c->before, r->param[0], c->after);
}

static void groups_of_user(struct api_req *r)
{
	if (!identity_own(r, r->param[0], "identity:list_groups_for_user"))
		return;
	if (identity_user(api_identity(r), r->param[0]))
		list_none(r, "groups");
	else
		api_fail_new(r, ERR_NOT_FOUND, "Could not find user: %s.", r->param[0]);
}

static const struct route routes[] = {
	{ "GET", V3 "groups",                 "identity:list_groups",            list },
	{ "GET", V3 "groups/{id}",            "identity:get_group",              show },
	{ "GET", V3 "users/{id}/groups",      "identity:list_groups_for_user",   groups_of_user },
	{ "GET", V3 "credentials",            "identity:list_credentials",       list },
	{ "GET", V3 "credentials/{id}",       "identity:get_credential",         show },
	{ "GET", V3 "policies",               "identity:list_policies",          list },
	{ "GET", V3 "policies/{id}",          "identity:get_policy",             show },
	{ "GET", V3 "limits",                 "identity:list_limits",            list },
	{ "GET", V3 "limits/{id}",            "identity:get_limit",              show },
	{ "GET", V3 "registered_limits",      "identity:list_registered_limits", list },
	{ "GET", V3 "registered_limits/{id}", "identity:get_registered_limit",   show },
};
const struct route_table empty_routes = { routes, G_N_ELEMENTS(routes) };

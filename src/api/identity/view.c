/* SPDX-License-Identifier: Apache-2.0 */
#include "api/identity/view.h"

#include <string.h>

GString *identity_one(struct jout *o, const struct api_req *r, const char *name)
{
	GString *s = g_string_new(NULL);

	jout_init(o, s, r->mv);
	jout_open(o, '{');
	jout_key(o, name);
	return s;
}

void identity_one_reply(struct jout *o, struct api_req *r, int status, GString *s)
{
	jout_close(o, '}');
	api_reply_json(r, status, s);
}

GString *identity_list(struct jout *o, const struct api_req *r, const char *name)
{
	GString *s = identity_one(o, r, name);

	jout_open(o, '[');
	return s;
}

void identity_list_reply(struct jout *o, struct api_req *r, GString *s)
{
	g_autofree char *self = g_strconcat(r->base_url, r->path, NULL);

	jout_close(o, ']');
	jout_key(o, "links");
	jout_open(o, '{');
	jout_kv(o, "self", str, self);
	jout_kv(o, "previous", str, NULL);
	jout_kv(o, "next", str, NULL);
	jout_close(o, '}');
	jout_close(o, '}');
	api_reply_json(r, 200, s);
}

void identity_links(struct jout *o, const struct api_req *r, const char *collection, const char *id)
{
	g_autofree char *self = g_strdup_printf("%s/identity/v3/%s/%s", r->base_url, collection, id);

	jout_key(o, "links");
	jout_open(o, '{');
	jout_kv(o, "self", str, self);
	jout_close(o, '}');
}

void identity_write_roles(struct jout *o, char *const *names)
{
	jout_open(o, '[');
	for (; *names; names++) {
		enum role role;

		if (!identity_role(*names, &role))
			continue;
		jout_open(o, '{');
		jout_kv(o, "id", str, role_table[role].id);
		jout_kv(o, "name", str, role_table[role].name);
		jout_close(o, '}');
	}
	jout_close(o, ']');
}

bool identity_own(struct api_req *r, const char *user_id, const char *rule)
{
	if (r->auth->admin || strcmp(r->auth->user_id, user_id) == 0)
		return true;
	api_forbid(r, rule);
	return false;
}

bool identity_asked(const struct api_req *r, const char *name, const char *value)
{
	const char *v = api_query(r, name);

	return !v || g_strcmp0(v, value) == 0;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * view: the answers and the routes of Identity v3.
 */
#ifndef IDENTITY_VIEW_H
#define IDENTITY_VIEW_H

#include "api/http/handler.h"
#include "identity/records.h"

/** identity_one() - begin {"NAME": <one value to write>}. */
GString *identity_one(struct jout *o, const struct api_req *r, const char *name);
void identity_one_reply(struct jout *o, struct api_req *r, int status, GString *s);
/** identity_list() - begin {"NAME": [<values to write>], "links": ...}. */
GString *identity_list(struct jout *o, const struct api_req *r, const char *name);
void identity_list_reply(struct jout *o, struct api_req *r, GString *s);
/** identity_links() - "links": {"self": BASE/identity/v3/COLLECTION/ID}. */
void identity_links(struct jout *o, const struct api_req *r, const char *collection, const char *id);
/** identity_write_roles() - write [{"id": ..., "name": ...}]. @names: NULL-terminated */
void identity_write_roles(struct jout *o, char *const *names);
/** identity_own() - what is a user's own: true if that is the requester, or it is an administrator. Else it was answered with 403. @rule: named there */
bool identity_own(struct api_req *r, const char *user_id, const char *rule);
/** identity_asked() - true unless the query asks for another value of @name. */
bool identity_asked(const struct api_req *r, const char *name, const char *value);

extern const struct route_table session_routes, catalog_routes, token_routes, identity_routes, grant_routes, app_routes, empty_routes;

#endif

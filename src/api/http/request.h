/* SPDX-License-Identifier: Apache-2.0
 *
 * request: what handlers ask of a request.
 */
#ifndef REQUEST_H
#define REQUEST_H

#include "api/http/types.h"
#include "base/conf.h"
#include "base/err.h"
#include "fleet/fleet.h"
#include "identity/identity.h"
#include "task/engine.h"

struct checks; /* check/checks.h */
struct consoles; /* console/console.h */
struct fences; /* fence/fence.h */
struct plans;  /* plan/plans.h */

/** api_wanted() - false once the client has gone: nothing that is done for it matters. */
bool api_wanted(const struct api_req *r);

/** api_task_status() - of the answer when a request for a kind's action was accepted, as its row says. */
int api_task_status(const struct api_req *r);

/** api_about() - for the audit log: what the path does not say, such as an action's name or the id of what was made. Copied, 128 bytes of it. */
void api_about(struct api_req *r, const char *what);
/** api_login() - for the audit log: it is a login, of this user. Copied. */
void api_login(struct api_req *r, const char *user_id, const char *user_name, const char *project_id);

/* ---- a body ---- */

/** api_parse_body() - the body as JSON. Return: owned; NULL with ERR_BAD_REQUEST. */
json_t *api_parse_body(struct api_req *r, GError **err);

/**
 * api_decode() - parse the body, and read it by the row's table.
 * @obj: zeroed, or with what holds for fields that are not given
 *
 * Strings are copied (json_free()). ERR_BAD_REQUEST for what is no JSON, or not as the table has it.
 */
bool api_decode(struct api_req *r, void *obj, GError **err);
/* @err: NULL: it was read into @obj; else taken */
typedef void api_decoded_f(struct api_req *r, void *obj, GError *err);
/**
 * api_decode_then() - the same of a body that may be long, then @then: of a short one before this returns, else later, as it is read on a worker.
 * @obj: on the heap; until then it is the worker's
 */
void api_decode_then(struct api_req *r, void *obj, api_decoded_f *then);
/** api_decode_action() - the same of an action's value. */
bool api_decode_action(struct api_req *r, const json_t *value, void *obj, GError **err);

/* ---- the query ---- */

/** api_query() - the first value of a name; NULL if it is not there. */
const char *api_query(const struct api_req *r, const char *name);
/** api_query_bool() - 1, true, yes, on / 0, false, no, off as oslo.utils reads them. ERR_BAD_REQUEST for other words. */
bool api_query_bool(const struct api_req *r, const char *name, bool absent, bool *ret, GError **err);

struct api_page {
	int limit;           /* never over [api] max_limit */
	const char *marker;  /* NULL: from the beginning */
};
/** api_page() - limit and marker. ERR_BAD_REQUEST for what is no such number. */
bool api_page(const struct api_req *r, struct api_page *ret, GError **err);

/** api_next_link() - write "NAME_links": [{"rel": "next", "href": ...}] of a full page, the query kept but its marker. */
void api_next_link(struct jout *o, const struct api_req *r, const char *name, const char *marker);

/* ---- what handlers reach ---- */

struct engine *api_engine(const struct api_req *r);
struct checks *api_checks(const struct api_req *r);
struct consoles *api_consoles(const struct api_req *r);
struct fences *api_fences(const struct api_req *r);
struct fleet *api_fleet(const struct api_req *r);
struct plans *api_plans(const struct api_req *r);
struct store *api_store(const struct api_req *r);
const struct conf *api_conf(const struct api_req *r);
struct identity *api_identity(const struct api_req *r);

/** api_requester() - the requester, as the engine wants it; borrows from the request. */
struct requester api_requester(const struct api_req *r);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * view: pieces of answers that several resources share.
 *
 * A handler's answer reads: view_open(), what it writes with jout_, view_close().
 * Links, host ids, zones, numbers of services: whatever Nova derives from a
 * record in more than one resource is derived here, once.
 */
#ifndef VIEW_H
#define VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "api/http/handler.h"

#define VIEW_HOST_ID_LEN 56

/* The services of the controller itself have the first numbers; a host's compute service follows. */
enum view_service { VIEW_CONDUCTOR = 1, VIEW_SCHEDULER = 2, VIEW_SERVICE_N };
#define VIEW_SERVICE_ID(host) ((host)->id + VIEW_SERVICE_N - 1)

/**
 * view_open() - begin an answer: a buffer and its outer '{'.
 * @estimate: bytes that the body will have, about
 */
void view_open(struct jout *o, const struct api_req *r, size_t estimate);
/** view_close() - end it with '}' and give it. */
void view_close(struct jout *o, struct api_req *r, int status);

/**
 * view_prefix() - the beginning of an address inside a JSON string, up to the id.
 * @version: "/v2.1" for the address itself, "" for the bookmark
 *
 * Escaped: the base of the address comes from the client's Host header.
 * Return: owned by the caller; without quotes.
 */
char *view_prefix(const struct api_req *r, const char *version, const char *collection);

/** view_links() - write the member "links" with the resource's own address and its bookmark. */
void view_links(struct jout *o, const struct api_req *r, const char *collection, const char *id);

/** view_next() - as api_next_link(), but under the name @member itself. */
void view_next(struct jout *o, const struct api_req *r, const char *member, const char *marker);

/**
 * view_host_id() - what users see instead of a host's name.
 *
 * Nova: the SHA-224 of project and host, in hex; empty without a host.
 */
void view_host_id(char out[static VIEW_HOST_ID_LEN + 1], const char *project_id, const char *host);

/** view_uuid() - a UUID that depends on @kind and @name alone (version 5's layout). */
void view_uuid(char out[static UTIL_UUID_LEN + 1], const char *kind, const char *name);

/** view_zone() - the availability zone of every compute host. Borrowed. */
const char *view_zone(const struct api_req *r);

/** view_host_ip() - a host's address: where migrations come in, or its URI's host. Return: owned by the caller. */
char *view_host_ip(const struct host *h);

/** view_used() - what servers, claims and reserves take of a host; Nova's "used". */
struct usage view_used(const struct api_req *r, const struct host *h);

/** view_project_usage() - what the servers of a project take; @user: NULL, or only those of this user. */
struct usage view_project_usage(const struct api_req *r, const char *project, const char *user);

/** view_keys() - the keys of a table in order. Return: owned by the caller, the keys borrowed. */
GPtrArray *view_keys(GHashTable *t, GCompareFunc order);

/**
 * view_only_query() - refuse what is no parameter of this call.
 * @known: names, NULL-terminated
 *
 * Nova ignores unknown ones in its older microversions and refuses them later;
 * the caller knows since when.
 */
bool view_only_query(const struct api_req *r, const char *const *known, GError **err);

/** view_query_time() - a date of the query; @ret is 0 without one. ERR_BAD_REQUEST if it is none. */
bool view_query_time(const struct api_req *r, const char *name, int64_t *ret, GError **err);

/** view_sees() - the requester may see this server: it is its project's, or any for an administrator. */
bool view_sees(const struct api_req *r, const struct server *s);
/**
 * view_server() - the server of a route's {id}, if the requester may see it.
 *
 * Return: borrowed; NULL after the request was answered with 404 in Nova's words.
 */
struct server *view_server(struct api_req *r, const char *uuid);
/** view_action_server() - an action's value into @obj, then the server of the route's {id}. Return: as view_server(), or NULL after the request was answered with what is wrong. */
struct server *view_action_server(struct api_req *r, const json_t *value, void *obj);

#endif

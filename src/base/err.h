/* SPDX-License-Identifier: Apache-2.0
 *
 * err: the error codes of the whole program and what the API makes of them.
 *
 * Every failure is a GError of the domain ERR, set once, at the place that
 * knows. One table says which Nova fault and HTTP status a code becomes and
 * whether trying again can help; nothing else decides that.
 */
#ifndef ERR_H
#define ERR_H

#include <stdbool.h>

#include <glib.h>

#define ERR (err_quark())

enum err_code {
	ERR_INTERNAL,     /* our own failure: 500 */
	ERR_BAD_REQUEST,  /* the request is malformed or cannot be: 400 */
	ERR_UNAUTHORIZED, /* no token, or one that is not valid: 401 */
	ERR_FORBIDDEN,    /* valid token, not allowed: 403 */
	ERR_NOT_FOUND,    /* 404 */
	ERR_METHOD,       /* the resource exists, the method does not: 405 */
	ERR_NOT_ACCEPTABLE, /* unsupported microversion: 406 */
	ERR_CONFLICT,     /* the resource is in a state that forbids it: 409 */
	ERR_TOO_LARGE,    /* a body or a list over its limit: 413 */
	ERR_UNAVAILABLE,  /* 503: the database or the controller cannot answer now */
	ERR_NO_VALID_HOST, /* the scheduler found no host; the message says why: 400 */
	ERR_PRECHECK,     /* a migration's precheck said no: 400 */
	ERR_HV,           /* the hypervisor refused: its own words: 500 */
	ERR_HV_LOST,      /* the reply was lost or never came: the act may have happened: 503 */
	ERR_HV_ABSENT,    /* no such domain on that host: 404 */
	ERR_HV_BUSY,      /* the domain's job lock is held, or something is made in the pool: try again: 503 */
	ERR_HV_LOCKED,    /* another process has a disk of the guest open, and its lock: 409 */
	ERR_HV_GUEST,     /* the hypervisor refused, because of what the guest is; any other host would be refused as well: 500 */
	ERR_HV_UNSUPPORTED, /* the hypervisor cannot do this: 501 */
	ERR_STORE,        /* the database refused: 500 */
	ERR_STORE_RACE,   /* the row was not in the expected state: 409 */
	ERR_CONF,         /* a mistake in the configuration: at start only */
	ERR_N
};

/** err_quark() - the GError domain of this program. */
GQuark err_quark(void);

/**
 * err_http() - HTTP status of an error.
 * @err: an error of any domain; a foreign domain counts as ERR_INTERNAL
 */
int err_http(const GError *err);

/** err_fault() - Nova's fault name ("badRequest", "itemNotFound", ...) of an error. */
const char *err_fault(const GError *err);

/** err_retry() - true if the same act can succeed when it is tried again. */
bool err_retry(const GError *err);

/** err_code() - the code of an error, ERR_INTERNAL for a foreign domain. */
enum err_code err_code(const GError *err);

/** err_name() - a code's name for logs ("no_valid_host"). */
const char *err_name(enum err_code code);

#endif

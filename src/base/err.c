/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <assert.h>

/* Fault names as Nova's wsgi.Fault has them; a status without one is computeFault. */
static const struct {
	const char *name;
	const char *fault;
	int http;
	bool retry;
} err_table[] = {
	[ERR_INTERNAL]       = { "internal",       "computeFault",       500, false },
	[ERR_BAD_REQUEST]    = { "bad_request",    "badRequest",         400, false },
	[ERR_UNAUTHORIZED]   = { "unauthorized",   "unauthorized",       401, false },
	[ERR_FORBIDDEN]      = { "forbidden",      "forbidden",          403, false },
	[ERR_NOT_FOUND]      = { "not_found",      "itemNotFound",       404, false },
	[ERR_METHOD]         = { "method",         "badMethod",          405, false },
	[ERR_NOT_ACCEPTABLE] = { "not_acceptable", "computeFault",       406, false },
	[ERR_CONFLICT]       = { "conflict",       "conflictingRequest", 409, false },
	[ERR_TOO_LARGE]      = { "too_large",      "overLimit",          413, false },
	[ERR_UNAVAILABLE]    = { "unavailable",    "serviceUnavailable", 503, true },
	[ERR_NO_VALID_HOST]  = { "no_valid_host",  "badRequest",         400, true },
	[ERR_PRECHECK]       = { "precheck",       "badRequest",         400, false },
	[ERR_HV]             = { "hv",             "computeFault",       500, false },
	[ERR_HV_LOST]        = { "hv_lost",        "serviceUnavailable", 503, true },
	[ERR_HV_ABSENT]      = { "hv_absent",      "itemNotFound",       404, false },
	[ERR_HV_BUSY]        = { "hv_busy",        "serviceUnavailable", 503, true },
	[ERR_HV_LOCKED]      = { "hv_locked",      "conflictingRequest", 409, false },
	[ERR_HV_GUEST]       = { "hv_guest",       "computeFault",       500, false },
	[ERR_HV_UNSUPPORTED] = { "hv_unsupported", "notImplemented",     501, false },
	[ERR_STORE]          = { "store",          "computeFault",       500, true },
	[ERR_STORE_RACE]     = { "store_race",     "conflictingRequest", 409, true },
	[ERR_CONF]           = { "conf",           "computeFault",       500, false },
};
static_assert(G_N_ELEMENTS(err_table) == ERR_N, "err_table is missing a code");

G_DEFINE_QUARK(drover-error, err)

enum err_code err_code(const GError *err)
{
	if (err && err->domain == ERR && err->code >= 0 && err->code < ERR_N)
		return (enum err_code)err->code;
	return ERR_INTERNAL;
}

int err_http(const GError *err)
{
	return err_table[err_code(err)].http;
}

const char *err_fault(const GError *err)
{
	return err_table[err_code(err)].fault;
}

bool err_retry(const GError *err)
{
	return err_table[err_code(err)].retry;
}

const char *err_name(enum err_code code)
{
	return err_table[code].name;
}

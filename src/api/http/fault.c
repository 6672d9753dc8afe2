/* SPDX-License-Identifier: Apache-2.0 */
#include "api/http/fault.h"

#include "base/err.h"
#include "base/json.h"
#include "net/http1.h"

const char *api_status_text(int status)
{
	static const struct {
		int status;
		const char *text;
	} table[] = {
		{ 200, "OK" }, { 201, "Created" }, { 202, "Accepted" }, { 204, "No Content" }, { 207, "Multi-Status" },
		{ 300, "Multiple Choices" }, { 302, "Found" }, { 400, "Bad Request" }, { 401, "Unauthorized" }, { 403, "Forbidden" },
		{ 404, "Not Found" }, { 405, "Method Not Allowed" }, { 406, "Not Acceptable" }, { 408, "Request Timeout" },
		{ 409, "Conflict" }, { 410, "Gone" }, { 411, "Length Required" }, { 413, "Request Entity Too Large" },
		{ 415, "Unsupported Media Type" }, { 429, "Too Many Requests" }, { 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" }, { 501, "Not Implemented" }, { 503, "Service Unavailable" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(table); i++)
		if (table[i].status == status)
			return table[i].text;
	return http1_reason(status);
}

/* Keystone's form, {"error": {"code": 401, "title": "Unauthorized", "message": "..."}}; Image and ours have it too. */
static void write_error(struct jout *o, int code, const char *message)
{
	jout_key(o, "error");
	jout_open(o, '{');
	jout_kv(o, "code", int, code);
	jout_kv(o, "title", str, api_status_text(code));
	jout_kv(o, "message", str, message);
	jout_close(o, '}');
}

GString *api_refusal(int status, const char *message)
{
	GString *s = g_string_new(NULL);
	struct jout o;

	jout_init(&o, s, API_MV_MIN);
	jout_open(&o, '{');
	write_error(&o, status, message);
	jout_close(&o, '}');
	return s;
}

/* Neutron's, {"NeutronError": {"type": ..., "message": ..., "detail": ""}}. */
static void write_neutron(struct jout *o, const char *fault, const char *message)
{
	jout_key(o, "NeutronError");
	jout_open(o, '{');
	jout_kv(o, "type", str, fault);
	jout_kv(o, "message", str, message);
	jout_kv(o, "detail", str, "");
	jout_close(o, '}');
}

/* Ironic's, {"error_message": "{\"faultstring\": ...}"}: JSON in a string. */
static void write_ironic(struct jout *o, int code, const char *message)
{
	g_autoptr(GString) s = g_string_new(NULL);
	struct jout inner;

	jout_init(&inner, s, API_MV_MIN);
	jout_open(&inner, '{');
	jout_kv(&inner, "faultstring", str, message);
	jout_kv(&inner, "faultcode", str, code >= 500 ? "Server" : "Client");
	jout_kv(&inner, "debuginfo", str, NULL);
	jout_close(&inner, '}');
	jout_kv(o, "error_message", str, s->str);
}

static void write_nova(struct jout *o, const char *fault, int code, const char *message)
{
	jout_key(o, fault);
	jout_open(o, '{');
	jout_kv(o, "code", int, code);
	jout_kv(o, "message", str, message);
	jout_close(o, '}');
}

void api_write_fault(GString *s, enum api_service service, const GError *err)
{
	enum err_code code = err_code(err);
	struct jout o;

	jout_init(&o, s, API_MV_MIN);
	jout_open(&o, '{');
	/* No service says 401 itself: with OpenStack, a filter of Keystone's before it does. */
	if (code == ERR_UNAUTHORIZED || service == SERVICE_IDENTITY || service == SERVICE_IMAGE || service == SERVICE_DROVER)
		write_error(&o, err_http(err), err->message);
	else if (service == SERVICE_NETWORK)
		write_neutron(&o, err_fault(err), err->message);
	else if (service == SERVICE_BAREMETAL)
		write_ironic(&o, err_http(err), err->message);
	else
		write_nova(&o, err_fault(err), err_http(err), err->message);
	jout_close(&o, '}');
}

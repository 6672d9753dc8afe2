/* SPDX-License-Identifier: Apache-2.0
 *
 * POST /servers/{id}/action {"os-getConsoleOutput": {"length": 50}}: the last lines that a guest wrote to its serial console.
 *
 * Only a guest whose description has a file for it has any: <log file='...'/> of its serial console, or a console of type file. The file is its
 * host's, and stays there when the guest goes to another.
 */
#include "api/compute/console_log.h"

#include <string.h>

#include "api/compute/compute.h"
#include "api/http/view.h"
#include "base/util.h"
#include "fleet/host_link.h"

#define ALL (-1)

struct wanted {
	int64_t lines; /* ALL, or how many at the end */
};

struct question {
	struct api_req *r;
	int64_t lines;
};

/* Nova takes a number, a number in a string, and null. */
static bool take_length(const json_t *v, void *obj, const char *where, GError **err)
{
	struct wanted *w = obj;

	w->lines = ALL;
	if (json_is_null(v))
		return true;
	if (json_is_integer(v) && json_integer_value(v) >= ALL) {
		w->lines = json_integer_value(v);
		return true;
	}
	if (json_is_string(v) && util_parse_int(json_string_value(v), ALL, INT64_MAX, &w->lines))
		return true;
	g_set_error(err, ERR, ERR_BAD_REQUEST, "Invalid input for field/attribute %s. It is a number of lines, -1 for all, or null", where);
	return false;
}

static const struct json_field log_fields[] = {
	{ "length", JSON_EMIT, .take = take_length, .form = "-1.., or such a number in a string, or null" },
};
const struct api_body console_log_body = { .fields = log_fields, .n = G_N_ELEMENTS(log_fields) };

/* Return: where the last @lines begin. What stands behind the last line's end is a line. */
static const char *last_lines(const char *text, int64_t lines)
{
	const char *at = text + strlen(text);

	if (lines == ALL)
		return text;
	if (lines == 0)
		return at;
	if (at > text && at[-1] == '\n')
		at--;
	for (; at > text; at--)
		if (at[-1] == '\n' && --lines == 0)
			break;
	return at;
}

/* As Nova does: XML could not have had them, and clients have never seen them. */
static char *without_controls(const char *text)
{
	GString *s = g_string_sized_new(strlen(text));

	for (; *text; text++)
		if ((guchar)*text >= ' ' || *text == '\n' || *text == '\t')
			g_string_append_c(s, *text);
	return g_string_free(s, FALSE);
}

static void answered(struct hv_reply *reply, void *user)
{
	struct question *q = user;
	g_autofree char *text = reply->err ? NULL : without_controls(last_lines(reply->log ? reply->log : "", q->lines));
	struct jout o;

	if (!reply->err) {
		view_open(&o, q->r, 64 + strlen(text));
		jout_kv(&o, "output", str, text);
		view_close(&o, q->r, 200);
	} else if (err_code(reply->err) == ERR_NOT_FOUND) {
		api_fail_new(q->r, ERR_NOT_FOUND, "Guest does not have a console available.");
	} else {
		api_fail_new(q->r, ERR_UNAVAILABLE, "The console's log cannot be read: %s", reply->err->message);
	}
	g_free(q);
}

static void ask(struct api_req *r, const struct server *s, const struct wanted *w)
{
	struct hv_req req = { .op = HV_LOG_GET, .uuid = s->uuid };
	struct question *q;

	if (!s->host) {
		api_fail_new(r, ERR_CONFLICT, "Instance %s is not ready", s->uuid);
		return;
	}
	q = g_new(struct question, 1);
	*q = (struct question){ r, w->lines };
	if (host_call(fleet_host(api_fleet(r), s->host), &req, answered, q))
		return;
	g_free(q);
	api_fail_new(r, ERR_UNAVAILABLE, "The console's log cannot be read: host %s is down", s->host);
}

void console_log_get(struct api_req *r, const json_t *value)
{
	struct wanted w = { ALL };
	const struct server *s = view_action_server(r, value, &w);

	if (s)
		ask(r, s, &w);
}

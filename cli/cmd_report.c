/* SPDX-License-Identifier: Apache-2.0
 *
 * drover report: what a report of a bug needs, in one file, without secrets.
 */
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/util.h"
#include "cli.h"
#include "client.h"
#include "find.h"

#define DEPTH_MAX 32

static const struct opt opts[] = {
	{ "output", 'o', "FILE", "where to write it; \"-\" is the standard output (drover-report-TIME.json)" },
};

/* What is asked for; what is refused is in the report as that. */
static const struct {
	const char *name, *path;
	int mv_max;           /* 0: Drover's own */
} parts[] = {
	{ "services",        "/os-services", 69 },
	{ "hypervisors",     "/os-hypervisors/detail", 96 },
	{ "os_migrations",   "/os-migrations?limit=200", 80 },
	{ "hosts",           "/drover/v1/hosts" },
	{ "migrations",      "/drover/v1/migrations?limit=200" },
	{ "plans",           "/drover/v1/plans?limit=50" },
	{ "checks",          "/drover/v1/checks" },
};

/* Members whose values stay out, whatever they are called around these words. */
static const char *const secret_words[] = { "password", "passwd", "adminpass", "secret", "token", "user_data", "private", "credential", "metadata", "key_name" };

static bool is_secret(const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(secret_words); i++)
		if (strcasestr(name, secret_words[i]))
			return true;
	return false;
}

/* "qemu+ssh://USER:PASSWORD@host/?x=secret" without what stands before the '@' and behind the '?'. Return: owned; NULL: as it is. */
static char *without_userinfo(const char *text)
{
	const char *scheme = strstr(text, "://"), *at = scheme ? strchr(scheme + 3, '@') : NULL, *query = scheme ? strchr(scheme, '?') : NULL;
	const char *slash = scheme ? strchr(scheme + 3, '/') : NULL;
	GString *s;

	if (at && ((slash && at > slash) || (query && at > query)))
		at = NULL;
	if (!at && !query)
		return NULL;
	s = g_string_new_len(text, scheme + 3 - text);
	g_string_append(s, at ? "(removed)@" : "");
	g_string_append_len(s, at ? at + 1 : scheme + 3, (query ? query : text + strlen(text)) - (at ? at + 1 : scheme + 3));
	g_string_append(s, query ? "?(removed)" : "");
	return g_string_free(s, FALSE);
}

/* A copy without secrets. Return: owned by the caller. */
static json_t *clean(const json_t *v, int depth)
{
	json_t *out, *one;
	const char *name;
	size_t i;

	if (json_is_object(v) && depth < DEPTH_MAX) {
		out = json_object();
		json_object_foreach((json_t *)v, name, one)
			json_object_set_new(out, name, is_secret(name) && !json_is_null(one) ? json_string("(removed)") : clean(one, depth + 1));
		return out;
	}
	if (json_is_array(v) && depth < DEPTH_MAX) {
		out = json_array();
		json_array_foreach(v, i, one)
			json_array_append_new(out, clean(one, depth + 1));
		return out;
	}
	if (json_is_string(v)) {
		g_autofree char *text = without_userinfo(json_string_value(v));

		if (text)
			return json_string(text);
	}
	return json_deep_copy(v);
}

static json_t *ask(struct cli *c, size_t part)
{
	struct client_call call = { .method = "GET", .path = parts[part].path, .mv_min = 1, .mv_max = parts[part].mv_max, .drovers = parts[part].mv_max ? NULL : "it" };
	g_autoptr(json_t) body = NULL;
	g_autoptr(GError) why = NULL;

	if (client_call(c->client, &call, &body, &why) && body)
		return clean(body, 0);
	return json_pack("{s:s}", "error", why ? why->message : "no body");
}

static json_t *about(struct cli *c)
{
	char now[UTIL_TIME_MAX];
	int mv = client_version(c->client, 1, FIND_SERVER_MV, NULL);

	util_time_z(now, clock_wall_us());
	return json_pack("{s:s, s:s, s:s, s:i}", "made_at", now, "drover", DROVER_VERSION, "curl", curl_version(), "microversion", mv);
}

static bool write_file(const char *file, const char *text, GError **err)
{
	/* what there is stays: it may be another report, or anything */
	int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	size_t len = strlen(text);
	bool ok = fd >= 0 && write(fd, text, len) == (ssize_t)len;
	int error = errno;

	if (fd >= 0)
		ok &= close(fd) == 0;
	if (!ok)
		g_set_error(err, CLI_ERR, CLI_FAILED, "cannot write %s: %s", file, g_strerror(error));
	return ok;
}

static char *default_file(void)
{
	char now[UTIL_TIME_MAX];

	util_time_z(now, clock_wall_us());
	return g_strdup_printf("drover-report-%s.json", now);
}

static bool run_report(struct cli *c, GError **err)
{
	g_autofree char *file = cli_opt(c, "output") ? g_strdup(cli_opt(c, "output")) : default_file(), *text = NULL, *line = NULL, *safe = NULL;
	g_autoptr(json_t) report = json_object();

	if (!cli_client(c, err))
		return false;
	json_object_set_new(report, "about", about(c));
	for (size_t i = 0; i < G_N_ELEMENTS(parts); i++)
		json_object_set_new(report, parts[i].name, ask(c, i));
	text = json_dumps(report, JSON_INDENT(1) | JSON_ENSURE_ASCII);
	line = g_strconcat(text, "\n", NULL);
	if (strcmp(file, "-") == 0) {
		cli_put(c, line);
		return true;
	}
	if (!write_file(file, line, err))
		return false;
	safe = render_safe(file, false);
	printf("%s is written; read it before you send it: it has names of servers, hosts and users\n", safe);
	return true;
}

static const char more[] = "Asks for services, hosts, migrations, plans and the last check of hosts. Passwords, tokens, metadata and what stands\n"
	"before the @ of an address are left out.\n";

static const struct command rows[] = {
	{ "report", "", "", 0, 0, run_report, CLI_OPTS(opts), .help = "write a file for the report of a bug", .more = more },
};

const struct command_table report_commands = { "report", "write a file for the report of a bug", rows, G_N_ELEMENTS(rows), .otherwise = "", .alone = true };

/* SPDX-License-Identifier: Apache-2.0 */
#include "fence/agent_options.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"

static const char *const act_names[] = { [AGENT_OFF] = "off", [AGENT_ON] = "on", [AGENT_STATUS] = "status" };
G_STATIC_ASSERT(G_N_ELEMENTS(act_names) == AGENT_ACT_N);

const char *agent_act_name(enum agent_act act)
{
	return act_names[act];
}

/* The action is the controller's; the others run a program or write a file, or make the agent say what is secret. */
static const char *const reserved[] = { "action", "option", "verbose", "verbose_level", "debug", "debug_file", NULL };
static const char *const reserved_ends[] = { "_path", "_script", NULL };

/* Without them these go on, and end with an error that does not name it (fence-agents 4.12). Each with its older name. */
static const char *const need_login[] = {
	"fence_ipmilan", "fence_ipmilanplus", "fence_idrac", "fence_ilo3", "fence_ilo4", "fence_ilo5", "fence_imm", "fence_redfish", NULL
};
static const char *const logins[][2] = { { "username", "login" }, { "password", "passwd" } };

static bool is_reserved(const char *name)
{
	if (g_strv_contains(reserved, name))
		return true;
	for (size_t i = 0; reserved_ends[i]; i++)
		if (g_str_has_suffix(name, reserved_ends[i]))
			return true;
	return false;
}

static bool name_is_plain(const char *name)
{
	return *name && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == strlen(name);
}

/* @line: stripped. Adds its name to @seen. */
static bool check_line(char *line, int number, GHashTable *seen, GError **err)
{
	char *equals = strchr(line, '=');
	g_autofree char *name = equals ? g_strndup(line, (gsize)(equals - line)) : NULL;

	if (!name || !name_is_plain(g_strchomp(name)))
		g_set_error(err, ERR, ERR_CONF, "line %d: expected NAME=VALUE, with a name of small letters, digits, '_' and '-'", number);
	else if (is_reserved(name))
		g_set_error(err, ERR, ERR_CONF, "line %d: %s is not for this file: the controller sets the action, and no option may run a program or "
			    "write a file", number, name);
	else if (!g_hash_table_add(seen, g_strdup(name)))
		g_set_error(err, ERR, ERR_CONF, "line %d: %s is there twice; keep one", number, name);
	else
		return true;
	return false;
}

static bool check_logins(const char *program, GHashTable *seen, GError **err)
{
	g_autofree char *name = g_path_get_basename(program);

	if (!g_strv_contains(need_login, name))
		return true;
	for (size_t i = 0; i < G_N_ELEMENTS(logins); i++) {
		if (g_hash_table_contains(seen, logins[i][0]) || g_hash_table_contains(seen, logins[i][1]))
			continue;
		g_set_error(err, ERR, ERR_CONF, "%s needs %s=; without it the agent asks without a login", name, logins[i][0]);
		return false;
	}
	return true;
}

char *agent_options_stdin(const char *program, const char *text, size_t len, enum agent_act act, GError **err)
{
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autoptr(GString) out = g_string_new(NULL);
	g_autofree char *copy = NULL;
	g_auto(GStrv) lines = NULL;

	if (len > AGENT_OPTIONS_MAX || !g_utf8_validate(text, (gssize)len, NULL)) {
		g_set_error(err, ERR, ERR_CONF, "it must be UTF-8 text of at most %d bytes", AGENT_OPTIONS_MAX);
		return NULL;
	}
	copy = g_strndup(text, len); /* @text has no end of its own */
	lines = g_strsplit(copy, "\n", -1);
	explicit_bzero(copy, len);
	for (int i = 0; lines[i]; i++) {
		char *line = g_strstrip(lines[i]);

		if (*line == '\0' || *line == '#')
			continue;
		if (strchr(line, '\r') || !check_line(line, i + 1, seen, err)) {
			if (err && !*err)
				g_set_error(err, ERR, ERR_CONF, "line %d: a carriage return is not allowed in it", i + 1);
			return NULL;
		}
		g_string_append_printf(out, "%s\n", line);
	}
	if (!check_logins(program, seen, err))
		return NULL;
	g_string_append_printf(out, "action=%s\n", act_names[act]);
	return g_string_free(g_steal_pointer(&out), FALSE);
}

static bool check_file(const struct stat *st, GError **err)
{
	if (!S_ISREG(st->st_mode))
		g_set_error(err, ERR, ERR_CONF, "it is no plain file");
	else if (st->st_uid != 0 && st->st_uid != geteuid())
		g_set_error(err, ERR, ERR_CONF, "it belongs to user %u; it must be root's or the daemon's", (unsigned)st->st_uid);
	else if (st->st_mode & (S_IRWXG | S_IRWXO))
		g_set_error(err, ERR, ERR_CONF, "its mode is %04o: others may use the passwords in it; chmod 0600", (unsigned)st->st_mode & 07777);
	else
		return true;
	return false;
}

/* Return: the bytes read, or -1. */
static ssize_t read_all(int fd, char *buf, size_t room)
{
	size_t n = 0;
	ssize_t got = 1;

	while (n < room && got > 0) {
		got = TEMP_FAILURE_RETRY(read(fd, buf + n, room - n));
		n += got > 0 ? (size_t)got : 0;
	}
	return got < 0 ? -1 : (ssize_t)n;
}

/* @buf: of AGENT_OPTIONS_MAX + 1 */
static bool read_file(const char *path, char *buf, size_t *ret_len, GError **err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = -1;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		g_set_error(err, ERR, ERR_CONF, "%s", g_strerror(errno));
	else if (check_file(&st, err) && (n = read_all(fd, buf, AGENT_OPTIONS_MAX + 1)) < 0)
		g_set_error(err, ERR, ERR_CONF, "%s", g_strerror(errno));
	if (fd >= 0)
		close(fd);
	*ret_len = n < 0 ? 0 : (size_t)n;
	return n >= 0;
}

char *agent_options_read(const char *program, const char *path, enum agent_act act, GError **err)
{
	g_autofree char *buf = g_malloc0(AGENT_OPTIONS_MAX + 2);
	char *out = NULL;
	size_t len = 0;

	if (!path || read_file(path, buf, &len, err))
		out = agent_options_stdin(program, buf, len, act, err);
	explicit_bzero(buf, AGENT_OPTIONS_MAX + 2);
	if (!out && path)
		g_prefix_error(err, "%s: ", path);
	return out;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/token_keys.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/util.h"

#define TAKEN_US (INT64_C(3600) * G_USEC_PER_SEC) /* within which the daemon is told to take a new key */

static void wipe(char **text)
{
	if (*text)
		OPENSSL_cleanse(*text, strlen(*text));
	g_free(*text);
}

#define WIPED __attribute__((cleanup(wipe))) char *

/* ---- the file's text ---- */

static bool read_line(const char *line, struct token_key *ret)
{
	const char *blank = strchr(line, ' ');
	WIPED name = blank ? g_strndup(line, (gsize)(blank - line)) : g_strdup(line);
	size_t len = 0;
	uint8_t *key = token_from_base64(name, &len);
	int64_t until_s = G_MAXINT64 / G_USEC_PER_SEC;
	bool ok = key && len == TOKEN_KEY_LEN &&
		  (!blank || g_ascii_string_to_signed(blank + 1, 10, 0, until_s, &until_s, NULL));

	if (ok) {
		memcpy(ret->key, key, TOKEN_KEY_LEN);
		ret->until_us = blank ? until_s * G_USEC_PER_SEC : INT64_MAX;
	}
	if (key)
		OPENSSL_cleanse(key, len);
	g_free(key);
	return ok;
}

/* Those whose time is over are left out. The first one has none. */
static bool read_lines(char *text, struct token_keys *ret)
{
	char *line, *rest = text;

	ret->n = 0;
	while ((line = strsep(&rest, "\n"))) {
		struct token_key k;
		bool first = line == text;

		if (!*line && !first)
			continue;
		if (!read_line(line, &k) || (first && k.until_us != INT64_MAX) || ret->n == TOKEN_KEYS_MAX)
			return false;
		if (k.until_us > clock_wall_us())
			ret->all[ret->n++] = k;
	}
	return true;
}

static bool write_lines(const char *path, const struct token_keys *keys, GError **err)
{
	GString *s = g_string_sized_new(TOKEN_KEYS_MAX * 80); /* it does not move, so it can be wiped */
	WIPED text = NULL;

	for (unsigned i = 0; i < keys->n; i++) {
		WIPED name = token_base64(keys->all[i].key, TOKEN_KEY_LEN);

		g_string_append(s, name);
		if (keys->all[i].until_us != INT64_MAX)
			g_string_append_printf(s, " %" G_GINT64_FORMAT, keys->all[i].until_us / G_USEC_PER_SEC);
		g_string_append_c(s, '\n');
	}
	text = g_string_free(s, FALSE);
	return util_write_secret(path, text, err);
}

/* ---- the file ---- */

static bool narrow(const char *path, GError **err)
{
	struct stat st;

	if (stat(path, &st) != 0 || !(st.st_mode & 077) || chmod(path, 0600) == 0)
		return true;
	g_set_error(err, ERR, ERR_CONF, "cannot set mode 0600 on %s: %s", path, g_strerror(errno));
	return false;
}

bool token_keys_reload(const char *path, struct token_keys *ret, GError **err)
{
	g_autoptr(GError) why = NULL;
	struct token_keys keys;
	WIPED text = NULL;
	bool ok;

	if (!g_file_get_contents(path, &text, NULL, &why)) {
		g_set_error(err, ERR, ERR_CONF, "cannot read the token key: %s", why->message);
		return false;
	}
	ok = read_lines(text, &keys);
	if (!ok)
		g_set_error(err, ERR, ERR_CONF, "%s is not a token key; delete it to get a new one, which invalidates all tokens", path);
	ok = ok && narrow(path, err);
	if (ok)
		*ret = keys;
	OPENSSL_cleanse(&keys, sizeof keys);
	return ok;
}

static void new_key(struct token_key *k)
{
	token_random(k->key, TOKEN_KEY_LEN);
	k->until_us = INT64_MAX;
}

bool token_keys_load(const char *path, struct token_keys *ret, GError **err)
{
	if (access(path, F_OK) == 0 || errno != ENOENT)
		return token_keys_reload(path, ret, err);
	ret->n = 1;
	new_key(&ret->all[0]);
	return write_lines(path, ret, err);
}

/* ---- rotating ---- */

static bool put_in_front(struct token_keys *keys, int64_t lifetime_us, GError **err)
{
	struct token_key *old = keys->all;

	if (keys->n == TOKEN_KEYS_MAX) {
		g_set_error(err, ERR, ERR_CONF, "%d keys are still needed for tokens that are good: rotate when some of these have ended", TOKEN_KEYS_MAX);
		return false;
	}
	memmove(old + 1, old, keys->n++ * sizeof *old);
	old[1].until_us = clock_wall_us() + lifetime_us + TAKEN_US;
	new_key(&old[0]);
	return true;
}

/* Two at once: each sees what the other one wrote. The folder is locked, as the file is replaced. */
static int lock_folder(const char *path, GError **err)
{
	g_autofree char *folder = g_path_get_dirname(path);
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 && flock(fd, LOCK_EX) == 0)
		return fd;
	g_set_error(err, ERR, ERR_CONF, "cannot lock %s: %s", folder, g_strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

bool token_keys_rotate(const char *path, int64_t lifetime_us, GError **err)
{
	struct token_keys keys;
	int lock = lock_folder(path, err);
	bool ok;

	if (lock < 0)
		return false;
	ok = token_keys_reload(path, &keys, err) && put_in_front(&keys, lifetime_us, err) && write_lines(path, &keys, err);
	OPENSSL_cleanse(&keys, sizeof keys);
	close(lock);
	return ok;
}

/* ---- tokens ---- */

char *token_keys_seal(const struct token_keys *keys, const struct token_claims *c)
{
	return token_seal(keys->all[0].key, c);
}

bool token_keys_open(const struct token_keys *keys, const char *text, struct token_claims *ret)
{
	int64_t now_us = clock_wall_us();

	for (unsigned i = 0; i < keys->n; i++) {
		const struct token_key *k = &keys->all[i];

		if (k->until_us <= now_us || !token_open(k->key, text, ret))
			continue;
		ret->expires_us = MIN(ret->expires_us, k->until_us);
		return true;
	}
	return false;
}

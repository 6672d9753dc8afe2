/* SPDX-License-Identifier: Apache-2.0 */
#include "cache.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "base/clock.h"

#define BYTES_MAX (1024 * 1024)

/* Return: owned by the caller. */
static char *path_of(const char *kind, const char *key)
{
	g_autofree char *sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, key, -1), *name = g_strdup_printf("%s-%s", kind, sum);

	return g_build_filename(g_get_user_cache_dir(), "drover", name, NULL);
}

static bool may_be_read(int fd, int64_t max_age_s)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() && (st.st_mode & 077) == 0 && st.st_size <= BYTES_MAX &&
	       clock_wall_us() / G_USEC_PER_SEC - st.st_mtime <= max_age_s;
}

static char *read_all(int fd)
{
	GString *s = g_string_new(NULL);
	char piece[4096];
	ssize_t n;

	while ((n = read(fd, piece, sizeof piece)) > 0 && s->len <= BYTES_MAX)
		g_string_append_len(s, piece, n);
	return g_string_free(s, n < 0);
}

static char *read_file(const char *path, int64_t max_age_s)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char *text;

	if (fd < 0)
		return NULL;
	text = may_be_read(fd, max_age_s) ? read_all(fd) : NULL;
	close(fd);
	return text;
}

char *cache_read(const char *kind, const char *key, int64_t max_age_s)
{
	g_autofree char *path = path_of(kind, key);

	return read_file(path, max_age_s);
}

void cache_write(const char *kind, const char *key, const char *text)
{
	g_autofree char *path = path_of(kind, key), *folder = g_path_get_dirname(path);

	/* a new file takes the old one's place at once: another drover reads one or the other */
	if (g_mkdir_with_parents(folder, 0700) == 0)
		(void)g_file_set_contents_full(path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, NULL);
}

void cache_remove(const char *kind, const char *key)
{
	g_autofree char *path = path_of(kind, key);

	(void)g_unlink(path);
}

void cache_prune(const char *kind, int64_t max_age_s, bool (*of_use)(const char *text))
{
	g_autofree char *folder = g_build_filename(g_get_user_cache_dir(), "drover", NULL), *prefix = g_strdup_printf("%s-", kind);
	g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
	const char *name;

	while (dir && (name = g_dir_read_name(dir))) {
		g_autofree char *path = g_build_filename(folder, name, NULL);
		g_autofree char *text = NULL;

		if (!g_str_has_prefix(name, prefix))
			continue;
		text = read_file(path, max_age_s);
		if (!of_use(text))
			(void)g_unlink(path);
	}
}

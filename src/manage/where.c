/* SPDX-License-Identifier: Apache-2.0 */
#include "manage/where.h"

#include <errno.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"

char *where_url(const struct conf *c)
{
	g_autofree char *path = g_canonicalize_filename(c->state_path, NULL);

	return c->connection ? g_strdup(c->connection) : g_strdup_printf("sqlite://%s/drover.sqlite", path);
}

bool where_become_owner(const struct conf *c, GError **err)
{
	struct stat st;

	if (stat(c->state_path, &st) == 0 && (geteuid() != 0 || st.st_uid == 0 ||
					      (setgroups(0, NULL) == 0 && setgid(st.st_gid) == 0 && setuid(st.st_uid) == 0)))
		return true;
	g_set_error(err, ERR, ERR_CONF, "state_path %s: %s", c->state_path, g_strerror(errno));
	return false;
}

/* The default file need not be there: hosts can be added at run time. One that was asked for must. */
struct conf *where_read_conf(const char *path, GPtrArray *mistakes)
{
	return conf_load(path ? path : g_file_test(WHERE_CONF_PATH, G_FILE_TEST_EXISTS) ? WHERE_CONF_PATH : NULL, mistakes);
}

struct conf *where_load_conf(const char *path)
{
	g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
	struct conf *c = where_read_conf(path, mistakes);

	for (guint i = 0; i < mistakes->len; i++)
		fprintf(stderr, "%s\n", (char *)g_ptr_array_index(mistakes, i));
	if (!mistakes->len)
		return c;
	conf_free(c);
	return NULL;
}

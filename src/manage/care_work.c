/* SPDX-License-Identifier: Apache-2.0 */
#include "manage/care_work.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/err.h"
#include "manage/purge.h"
#include "store/store.h"

static bool archive(struct store *s, struct care_work *w, GError **err)
{
	bool more = true;

	while (more) {
		int64_t before = archive_total(&w->archived);

		if (!archive_rows(s, w->before_us, w->max_rows, &w->stop, &w->archived, err))
			return false;
		more = w->until_complete && archive_total(&w->archived) > before && !g_atomic_int_get(&w->stop);
	}
	if (!w->purge || archive_total(&w->archived) == 0 || g_atomic_int_get(&w->stop))
		return true;
	return purge_rows(s, ARCHIVE_ANY, &w->stop, &w->purged, err);
}

/* ---- the file ---- */

static void put_counts(GString *out, const char *time, const char *verb, const struct archive_counts *c, bool tables, bool all_cells)
{
	for (enum archive_table t = 0; tables && t < ARCHIVE_N; t++)
		if (c->rows[t])
			g_string_append_printf(out, "%s %s %s%s: %" G_GINT64_FORMAT " rows\n", time, verb, all_cells ? CONF_CELL "." : "",
					       archive_table_name(t), c->rows[t]);
	g_string_append_printf(out, "%s %s %" G_GINT64_FORMAT " rows\n", time, verb, archive_total(c));
}

static bool give_to(int fd, const char *user, GError **err)
{
	char buffer[4096];
	struct passwd pw, *found = NULL;
	int code = getpwnam_r(user, &pw, buffer, sizeof buffer, &found);

	if (found && (found->pw_uid == geteuid() || fchown(fd, found->pw_uid, found->pw_gid) == 0))
		return true;
	g_set_error(err, ERR, ERR_CONF, "it is not given to user %s: %s", user, found ? g_strerror(errno) : code ? g_strerror(code) : "there is no such user");
	return false;
}

static bool append(const struct care_work *w, const char *text, GError **err)
{
	int fd = open(w->destination, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0640);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (!ok)
		g_set_error(err, ERR, ERR_CONF, "%s", g_strerror(errno));
	ok = ok && (!w->user || give_to(fd, w->user, err));
	if (fd >= 0)
		close(fd);
	return ok;
}

static void write_file(struct care_work *w)
{
	g_autoptr(GDateTime) now = g_date_time_new_from_unix_utc(clock_wall_us() / G_USEC_PER_SEC);
	g_autofree char *time = g_date_time_format(now, "%Y-%m-%dT%H:%M:%SZ");
	g_autoptr(GString) out = g_string_new(NULL);

	if (w->kind == CARE_ARCHIVE)
		put_counts(out, time, "archived", &w->archived, true, w->all_cells);
	if (w->kind == CARE_PURGE || w->purge)
		put_counts(out, time, "purged", &w->purged, w->verbose, w->all_cells);
	if (w->failed)
		g_string_append_printf(out, "%s failed: %s\n", time, w->failed->message);
	append(w, out->str, &w->file_failed);
}

void care_work_do(struct care_work *w)
{
	struct store *s = store_open_beside(w->url, &w->failed);

	if (s && w->kind == CARE_ARCHIVE)
		archive(s, w, &w->failed);
	else if (s)
		purge_rows(s, w->before_us, &w->stop, &w->purged, &w->failed);
	store_close(s);
	if (w->destination)
		write_file(w);
}

void care_work_free(struct care_work *w)
{
	if (!w)
		return;
	g_clear_error(&w->failed);
	g_clear_error(&w->file_failed);
	g_free(w->url);
	g_free(w->destination);
	g_free(w->user);
	g_free(w);
}

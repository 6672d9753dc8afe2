/* SPDX-License-Identifier: Apache-2.0 */
#include "check/rules_storage.h"

#include <stdlib.h>

#define ROOT 0
#define SPACE_MIN_BYTES (INT64_C(1) << 30)
#define SPACE_MIN_PERCENT 5
#define CLOCK_MAX_US G_USEC_PER_SEC

static const char *path_of(const struct judge *j, guint folder)
{
	return g_ptr_array_index(j->s->folders, folder);
}

/* Each folder at each host that is up, in that order. */
typedef void at_f(const struct judge *j, guint folder, guint host, const struct survey_folder *f);

static void for_each(const struct judge *j, at_f *fn)
{
	for (guint k = j->s->images_used ? 0 : 1; k < j->s->folders->len; k++)
		for (guint i = 0; i < j->s->hosts->len; i++)
			if (survey_host(j->s, i)->up)
				fn(j, k, i, &survey_host(j->s, i)->folders[k]);
}

/* ---- user ---- */

static char *user_of(const struct judge *j, const struct survey_host *h, const void *unused)
{
	(void)j;
	(void)unused;
	if (!h->facts || h->facts->qemu_uid == HV_NOT_KNOWN)
		return NULL;
	return g_strdup_printf("%" G_GINT64_FORMAT ":%" G_GINT64_FORMAT, h->facts->qemu_uid, h->facts->qemu_gid);
}

void rules_user(const struct judge *j)
{
	g_autofree char *usual = NULL;
	const struct survey_host *like = rule_usual(j, user_of, NULL, &usual);

	for (guint i = 0; i < j->s->hosts->len; i++) {
		const struct survey_host *h = survey_host(j->s, i);
		g_autofree char *user = user_of(j, h, NULL);
		g_autofree char *change = g_strdup_printf("give QEMU's user the numbers %s (usermod -u, groupmod -g, then chown what was its), or name another user",
							  usual ? usual : "");

		if (user && g_strcmp0(user, usual) != 0)
			rule_find(j, h, like, change, "/etc/libvirt/qemu.conf: user, group (/etc/passwd: libvirt-qemu)",
				  "QEMU runs as %s on %s, and as %s on %s", user, h->name, usual, like->name);
		if (h->facts && !user)
			rule_unchecked(j, h, NULL, "its libvirt does not tell which user QEMU runs as");
	}
}

/* ---- storage ---- */

/* How many hosts have each storage, by its first host. */
static guint *sizes_of(const struct judge *j, const guint *first)
{
	guint *n = g_new0(guint, j->s->hosts->len);

	for (guint i = 0; i < j->s->hosts->len; i++)
		if (first[i] != G_MAXUINT)
			n[first[i]]++;
	return n;
}

/* The first host of what most of them share; G_MAXUINT: no two share anything. */
static guint biggest(const struct judge *j, const guint *size)
{
	guint best = G_MAXUINT;

	for (guint i = 0; i < j->s->hosts->len; i++)
		if (size[i] > 1 && (best == G_MAXUINT || size[i] > size[best]))
			best = i;
	return best;
}

static void judge_share(const struct judge *j, guint folder, guint host, guint like)
{
	const struct survey_host *h = survey_host(j->s, host), *other = survey_host(j->s, like);
	const struct survey_folder *f = &h->folders[folder];
	const char *path = path_of(j, folder);
	g_autofree char *change = g_strdup_printf("mount %s as %s has it", path, other->name);
	g_autofree char *where = g_strdup_printf("/etc/fstab: %s", path);

	if (f->seen->exists && !f->marked)
		rule_unchecked(j, h, other, f->why ? f->why : "no file could be made there");
	else
		rule_find(j, h, other, change, where, f->seen->exists ? "%s is not the storage on %s that it is on %s: nothing is mounted there, or something else"
								      : "%s does not exist on %s, and is shared storage on %s", path, h->name, other->name);
}

static void judge_folder(const struct judge *j, guint folder)
{
	const guint *first = j->shared[folder];
	g_autofree guint *size = sizes_of(j, first);
	guint like = biggest(j, size);

	for (guint i = 0; i < j->s->hosts->len; i++) {
		const struct survey_host *h = survey_host(j->s, i);
		const struct survey_folder *f = &h->folders[folder];

		if (h->up && !f->seen)
			rule_unchecked(j, h, NULL, f->why ? f->why : "it was not asked");
		else if (h->up && like != G_MAXUINT && first[i] != like)
			judge_share(j, folder, i, like);
	}
}

void rules_storage(const struct judge *j)
{
	for (guint k = 0; k < j->s->folders->len; k++)
		judge_folder(j, k);
	if (j->s->folders_left_out)
		rule_unchecked(j, NULL, NULL, "guests have disks in too many folders: not all were looked at");
}

/* ---- search ---- */

static bool may_search(const struct hv_perms *p, const struct hv_facts *user)
{
	if (user->qemu_uid == ROOT)
		return true;
	if (user->qemu_uid == p->uid)
		return p->mode & 0100;
	if (user->qemu_gid == p->gid)
		return p->mode & 0010;
	return p->mode & 0001;
}

static void judge_search(const struct judge *j, guint folder, guint host, const struct survey_folder *f)
{
	const struct survey_host *h = survey_host(j->s, host);
	const struct hv_perms *p = f->seen ? &f->seen->perms : NULL;
	const char *path = path_of(j, folder);
	g_autofree char *change = g_strdup_printf("chmod o+x %s", path);

	if (!p || !f->seen->exists || !h->facts)
		return;
	if (p->mode == HV_NOT_KNOWN || h->facts->qemu_uid == HV_NOT_KNOWN)
		rule_unchecked(j, h, NULL, "its libvirt does not tell the folder's mode, or QEMU's user");
	else if (!may_search(p, h->facts))
		rule_find(j, h, NULL, change, path, "%s on %s is of %" G_GINT64_FORMAT ":%" G_GINT64_FORMAT ", mode %04" G_GINT64_MODIFIER "o: QEMU's user, %"
			  G_GINT64_FORMAT ":%" G_GINT64_FORMAT ", may not search it", path, h->name, p->uid, p->gid, p->mode & 07777, h->facts->qemu_uid,
			  h->facts->qemu_gid);
}

void rules_search(const struct judge *j)
{
	for_each(j, judge_search);
	if (!j->s->deep)
		rule_unchecked(j, NULL, NULL, "the folders above are not looked at: --deep starts a guest with a disk there");
}

/* ---- squash ---- */

static const struct hv_marker *own_marker(const struct judge *j, guint host, const struct survey_folder *f)
{
	g_autofree char *name = survey_marker(j->s, host);

	for (guint i = 0; f->seen && i < f->seen->markers->len; i++) {
		const struct hv_marker *m = g_ptr_array_index(f->seen->markers, i);

		if (g_str_equal(m->name, name))
			return m;
	}
	return NULL;
}

static void judge_squash(const struct judge *j, guint folder, guint host, const struct survey_folder *f)
{
	const struct survey_host *h = survey_host(j->s, host);
	const struct hv_marker *m = own_marker(j, host, f);

	if (f->refused && folder < j->s->of_guests)
		rule_find(j, h, NULL, "export it without root squash, and not read-only", "the file server's /etc/exports: no_root_squash, rw",
			  "libvirtd could not make a file in %s on %s: %s", path_of(j, folder), h->name, f->why);
	if (m && m->perms.uid != HV_NOT_KNOWN && m->perms.uid != ROOT)
		rule_find(j, h, NULL, "export it without root squash", "the file server's /etc/exports: no_root_squash",
			  "a file that libvirtd made in %s on %s belongs to user %" G_GINT64_FORMAT ", not to root", path_of(j, folder), h->name, m->perms.uid);
}

void rules_squash(const struct judge *j)
{
	for_each(j, judge_squash);
}

/* ---- space ---- */

static void judge_space(const struct judge *j, guint folder, guint host, const struct survey_folder *f)
{
	const struct survey_host *h = survey_host(j->s, host);
	const struct hv_folder *s = f->seen;

	if (!s || !s->exists || s->size_bytes <= 0)
		return;
	if (s->free_bytes < SPACE_MIN_BYTES || s->free_bytes / (s->size_bytes / 100 + 1) < SPACE_MIN_PERCENT)
		rule_find(j, h, NULL, "make room there", path_of(j, folder), "%s on %s has %" G_GINT64_FORMAT " MiB left of %" G_GINT64_FORMAT, path_of(j, folder),
			  h->name, s->free_bytes >> 20, s->size_bytes >> 20);
}

void rules_space(const struct judge *j)
{
	for_each(j, judge_space);
}

/* ---- clock ---- */

/* No other host has that storage: the time of a file there is the host's own. */
static bool is_own(const struct judge *j, guint folder, guint host)
{
	const guint *first = j->shared[folder];

	for (guint i = 0; i < j->s->hosts->len; i++)
		if (i != host && first[i] != G_MAXUINT && first[i] == first[host])
			return false;
	return first[host] != G_MAXUINT;
}

/* How far its clock is ahead of the controller's, as near to nothing as what was seen allows. Return: false: it is not known. */
static bool ahead_of(const struct judge *j, guint host, int64_t *ret_us)
{
	for (guint k = 0; k < j->s->folders->len; k++) {
		const struct survey_folder *f = &survey_host(j->s, host)->folders[k];
		const struct hv_marker *m = own_marker(j, host, f);

		if (!m || !m->modified_us || !f->marked || !is_own(j, k, host))
			continue;
		*ret_us = m->modified_us < f->before_us ? m->modified_us - f->before_us : MAX(m->modified_us - f->after_us, 0);
		return true;
	}
	return false;
}

static int compare(const void *a, const void *b)
{
	int64_t one = *(const int64_t *)a, other = *(const int64_t *)b;

	return (one > other) - (one < other);
}

/* Of three and more, what is in the middle: then it is not the controller that is wrong. */
static int64_t middle(GArray *all)
{
	if (all->len < 3)
		return 0;
	g_array_sort(all, compare);
	return g_array_index(all, int64_t, all->len / 2);
}

void rules_clock(const struct judge *j)
{
	g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(int64_t));
	g_autofree int64_t *ahead = g_new0(int64_t, j->s->hosts->len + 1);
	g_autofree bool *known = g_new0(bool, j->s->hosts->len + 1);
	int64_t usual;

	for (guint i = 0; i < j->s->hosts->len; i++) {
		known[i] = survey_host(j->s, i)->up && ahead_of(j, i, &ahead[i]);
		if (known[i])
			g_array_append_val(all, ahead[i]);
	}
	usual = middle(all);
	for (guint i = 0; i < j->s->hosts->len; i++) {
		const struct survey_host *h = survey_host(j->s, i);

		if (known[i] && llabs(ahead[i] - usual) > CLOCK_MAX_US)
			rule_find(j, h, NULL, "let a time service set it", "/etc/systemd/timesyncd.conf: NTP (or /etc/chrony/chrony.conf: server)",
				  "the clock of %s is %.1f s %s of %s", h->name, (double)llabs(ahead[i] - usual) / G_USEC_PER_SEC, ahead[i] > usual ? "ahead" : "behind",
				  usual ? "the others" : "the controller's");
		else if (h->up && !known[i])
			rule_unchecked(j, h, NULL, "libvirt tells a host's time by a file that it makes: no folder of its own was found, not even " SURVEY_IMAGES);
	}
}

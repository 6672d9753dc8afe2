/* SPDX-License-Identifier: Apache-2.0
 *
 * remains SERVER at HOST: what HOST has of the server's disks, if the host of its record is dead; waits for the answer.
 * expect remains TARGET used|rebuilt|lost [TEXT]: of the last one; of what is to be rebuilt TEXT is its base, of what is lost the reason
 * expect remains all unknown [TEXT]
 */
#include <string.h>

#include "fleet/keep.h"
#include "move/remains.h"
#include "scn.h"

static const char *const kinds[] = { [REMAINS_USED] = "used", [REMAINS_REBUILT] = "rebuilt", [REMAINS_LOST] = "lost" };

static void done(const struct remains *r, void *user)
{
	struct run *run = user;

	run->remains_told = true;
	g_string_truncate(run->remains, 0);
	for (guint i = 0; i < r->disks->len && !r->unknown; i++) {
		const struct remains_disk *d = g_ptr_array_index(r->disks, i);

		g_string_append_printf(run->remains, "%s %s %s\n", d->target, kinds[d->kind], d->kind == REMAINS_REBUILT ? d->base : d->why ? d->why : "");
	}
	if (r->unknown)
		g_string_append_printf(run->remains, "all unknown %s\n", r->unknown);
}

static bool is_told(struct run *r, void *unused)
{
	(void)unused;
	return r->remains_told || !r->fleet;
}

void check_what_remains(struct run *r, const struct scn_line *l)
{
	const struct guest *g = run_guest(r, l->w[1]);
	const struct server *s = run_server(r, g);
	struct kept_definition k = { .xml = NULL };
	g_autoptr(GError) err = NULL;

	r->remains_told = false;
	g_string_truncate(r->remains, 0);
	if (!s || !keep_read(r->fleet, g->uuid, &k, &err) || !k.disks) {
		g_string_append_printf(r->remains, "all unknown %s\n", err ? err->message : "nothing is kept of its disks");
	} else {
		const struct remains_question q = { g->uuid, s->host, l->w[3], k.disks };

		(void)remains_look(r->fleet, &q, done, r);
		if (!run_until(r, WAIT_MS, is_told, NULL) && !r->opt->sweep)
			run_fail(r, "%s does not say what remains", l->w[3]);
	}
	kept_definition_clear(&k);
}

void check_remains_says(struct run *r, const struct scn_line *l)
{
	g_auto(GStrv) lines = g_strsplit(r->remains->str, "\n", -1);
	g_autofree char *begins = g_strdup_printf("%s %s ", l->w[2], l->w[3]);

	for (char **line = lines; *line; line++)
		if (g_str_has_prefix(*line, begins) && (l->n < 5 || strstr(*line + strlen(begins), l->w[4])))
			return;
	run_fail(r, "of %s remains: %s", l->w[2], r->remains->str);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "move/check_remains.h"

#include "base/clock.h"
#include "move/remains.h"

#define AGAIN_MS 3000
#define AGAIN_MAX 5 /* a destination that could not tell, perhaps as something is made in its pool */

struct told {
	struct remains_run *run; /* under way; NULL */
	bool asks;               /* remains_look() has not returned */
	bool known;
	char *lost, *unknown;
	GPtrArray *items;        /* struct block_item * */
	int unknowns;
};

static void told_clear(void *part)
{
	struct told *t = part;

	remains_cancel(&t->run);
	g_free(t->lost);
	g_free(t->unknown);
	g_clear_pointer(&t->items, g_ptr_array_unref);
}

static const struct check_part part = { sizeof(struct told), told_clear };

static void take(const struct remains *r, void *user)
{
	struct check *p = user;
	struct told *t = check_part(p, &part);

	t->run = NULL;
	t->known = true;
	util_replace(&t->lost, r->lost);
	util_replace(&t->unknown, r->unknown);
	g_clear_pointer(&t->items, g_ptr_array_unref);
	t->items = remains_items(r);
	if (t->asks)
		return;
	check_look(p);
	check_run(p); /* the same row again */
}

static void ask(struct check *p, GPtrArray *disks)
{
	struct told *t = check_part(p, &part);
	const struct remains_question q = { p->server_uuid, p->source->name, p->dest_name, disks };
	struct remains_run *run;

	t->asks = true;
	run = remains_look(p->fleet, &q, take, p);
	t->asks = false;
	t->run = t->known ? NULL : run;
}

enum check_result check_remains(struct check *p, GPtrArray *disks, GError **err)
{
	struct told *t = check_part(p, &part);

	if (!t->known)
		ask(p, disks);
	if (!t->known)
		return CHECK_ASKED;
	if (t->unknown && t->unknowns++ < AGAIN_MAX) {
		t->known = false;
		p->turn = clock_after(AGAIN_MS, check_turn, p);
		return CHECK_ASKED;
	}
	if (t->unknown || t->lost) {
		util_replace(&p->brief, t->unknown ? t->unknown : t->lost);
		return check_fail(err, "Server %s cannot be evacuated to %s: %s.", p->server_uuid, p->dest_name, p->brief);
	}
	g_clear_pointer(&p->report.copies, g_ptr_array_unref);
	p->report.copies = g_steal_pointer(&t->items);
	return CHECK_PASSED;
}

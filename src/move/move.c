/* SPDX-License-Identifier: Apache-2.0 */
#include "move/move.h"

#include "move/check.h"

void move_cancel(struct move *v)
{
	check_cancel(g_steal_pointer(&v->precheck));
}

void move_describe(struct move *v, char *xml, char *xml_inactive, GPtrArray *listeners)
{
	g_free(v->xml);
	g_free(v->xml_inactive);
	g_clear_pointer(&v->listeners, g_ptr_array_unref);
	v->xml = xml;
	v->xml_inactive = xml_inactive;
	v->listeners = listeners;
}

void move_copies(struct move *v, GPtrArray *items)
{
	g_clear_pointer(&v->copies, g_ptr_array_unref);
	v->copies = items;
	v->pool_waits = 0;
	v->planned = items != NULL;
}

void move_heard_source(struct move *v, struct hv_dom *d)
{
	hv_dom_free(v->at_source);
	v->at_source = d;
}

void move_heard_dest(struct move *v, struct hv_dom *d)
{
	hv_dom_free(v->at_dest);
	v->at_dest = d;
}

void move_clear_vol(struct hv_vol *v)
{
	g_clear_pointer(&v->format, g_free);
	g_clear_pointer(&v->path, g_free);
	g_clear_pointer(&v->origin, g_free);
	g_clear_pointer(&v->backing, g_free);
	g_clear_pointer(&v->backing_format, g_free);
}

static void clear_carry(struct move_carry *c)
{
	g_clear_pointer(&c->files, g_ptr_array_unref);
	g_clear_pointer(&c->error, g_free);
	move_clear_vol(&c->source_vol);
}

void move_clear(struct move *v)
{
	clear_carry(&v->carry);
	move_cancel(v);
	move_describe(v, NULL, NULL, NULL);
	move_copies(v, NULL);
	move_heard_source(v, NULL);
	move_heard_dest(v, NULL);
	hv_numa_fit_free(v->numa_fit);
	g_free(v->candidate);
	g_free(v->definition);
	g_free(v->dest_xml);
	g_free(v->persistent_xml);
	g_free(v->left);
}

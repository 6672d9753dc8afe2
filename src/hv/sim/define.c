/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/sim/define.h"

#include "hv/sim/world.h"
#include "hv/sim/xml.h"

void sim_dom_define(struct sim_dom *d, char *definition)
{
	g_free(d->definition);
	d->definition = definition;
	d->unwritten = false;
	d->persistent = definition != NULL;
}

const char *sim_definition_of(struct sim_dom *d)
{
	if (d->unwritten)
		sim_dom_define(d, sim_xml_write(d));
	return d->definition;
}

char *sim_definition_copy(const struct sim_dom *d)
{
	return d->unwritten ? sim_xml_write(d) : g_strdup(d->definition);
}

void sim_kept_describe(const struct sim_dom *d, struct hv_kept *ret)
{
	*ret = d->kept;
	ret->told = true;
	ret->autostart &= d->persistent;
}

const char *sim_dom_definition(struct sim *w, const char *host, const char *uuid)
{
	struct sim_host *h = sim_host_find(w, host);
	struct sim_dom *d = h ? sim_dom_get(h, uuid) : NULL;

	return d ? sim_definition_of(d) : NULL;
}

const char *sim_name_taken(const struct sim_host *h, const char *name, const char *uuid)
{
	for (const struct sim_dom *o = g_hash_table_lookup(h->named, name); o; o = o->namesake)
		if (!g_str_equal(o->uuid, uuid))
			return o->uuid;
	return NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/sim/act_carrier.h"

#include "hv/sim/call.h"
#include "hv/sim/carrier.h"
#include "hv/sim/world.h"
#include "hv/xml/carrier_xml.h"

/* One is there: as good as begun now? */
static void accept(struct sim_call *sc, const struct sim_dom *d)
{
	struct carrier *c = d->carrier ? sim_carrier_describe(d) : NULL;
	const char *no = !c ? "a domain that is none has its UUID"
			 : !carrier_files_same(c->files, sc->call->req.carrier.files) ? "it is there with other files"
			 : c->state != CARRIER_IDLE ? "it is there, and does not wait to be sent" : NULL;

	carrier_free(c);
	if (no)
		sim_call_refuse(sc, ERR_CONFLICT, "begin the carrier: %s", no);
	else
		sim_call_finish(sc);
}

static void start(struct sim_call *sc, struct sim_dom *d)
{
	const struct hv_req *r = &sc->call->req;
	g_autoptr(GError) bad = NULL;
	g_autofree char *xml = carrier_xml_write(r->uuid, sc->host->name, &r->carrier, &bad), *no = NULL;

	if (!xml) {
		sim_call_refuse(sc, ERR_BAD_REQUEST, "%s", bad->message);
		return;
	}
	if (d) {
		accept(sc, d);
		return;
	}
	no = sim_carrier_says(sc->host, r->uuid, &r->carrier);
	if (no) {
		sim_call_refuse(sc, ERR_HV, "begin the carrier: %s", no);
		return;
	}
	sim_emit_dom(sim_carrier_new(sc->host, r->uuid, &r->carrier));
	sim_call_finish(sc);
}

static void get(struct sim_call *sc, struct sim_dom *d)
{
	struct carrier *c = d && d->carrier ? sim_carrier_describe(d) : carrier_new(sc->call->req.uuid);

	if (c->state == CARRIER_NOT_TOLD)
		c->state = CARRIER_ABSENT;
	sc->call->reply.carrier = c;
	sim_call_finish(sc);
}

static void list(struct sim_call *sc)
{
	GPtrArray *all = sc->call->reply.carriers = g_ptr_array_new_with_free_func((GDestroyNotify)carrier_free);
	GHashTableIter it;
	void *value;

	g_hash_table_iter_init(&it, sc->host->doms);
	while (g_hash_table_iter_next(&it, NULL, &value)) {
		const struct sim_dom *d = value;

		if (d->carrier)
			g_ptr_array_add(all, carrier_copy(d->carrier));
	}
	sim_call_finish(sc);
}

void sim_act_carrier(struct sim_call *sc)
{
	struct sim_dom *d = sc->call->req.uuid ? sim_dom_get(sc->host, sc->call->req.uuid) : NULL;

	if (sc->call->req.op == HV_CARRIER_LIST)
		list(sc);
	else if (sc->call->req.op == HV_CARRIER_GET)
		get(sc, d);
	else
		start(sc, d);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Theory of operation
 * -------------------
 * A call passes these points, each of them on a turn of its own:
 *
 *	submit -> [gate] -> latency -> arrive -> [request faults] -> act -> finish -> [reply faults] -> end
 *
 * and can wait on the way: in the host's list of the stalled while the cable is
 * out, at a hold rule, for a domain's job lock, for the end of its migration.
 * Where it waits it is in one list, or has a timer; for a job lock it has both.
 */
#include "hv/sim/sim.h"

#include <assert.h>

#include "hv/sim/act_carrier.h"
#include "hv/sim/act_define.h"
#include "hv/sim/act_dom.h"
#include "hv/sim/act_host.h"
#include "hv/sim/act_job.h"
#include "hv/sim/act_power.h"
#include "hv/sim/act_vol.h"
#include "hv/sim/console.h"
#include "hv/sim/conn.h"
#include "hv/sim/facts.h"
#include "hv/sim/uri.h"

static struct sim *current;

/* ---- worlds ---- */

/* What happens in the world reaches connections and calls. */
static void notify(const struct sim_notice *n)
{
	switch (n->kind) {
	case SIM_TELL:
		sim_console_event(n->host, n->event);
		sim_conn_tell(n->host, n->event);
		break;
	case SIM_UNLOCKED:
		sim_call_unlock(n->dom);
		break;
	case SIM_OVER:
		sim_call_over(n->call, n->code, n->why);
		break;
	case SIM_REACH:
		sim_conn_reach(n->host);
		break;
	case SIM_BACK:
		sim_conn_back(n->host);
		break;
	case SIM_RESET:
		sim_conn_reset(n->host, n->why);
		break;
	}
}

struct sim *sim_new(uint64_t seed)
{
	struct sim *w = g_new0(struct sim, 1);

	w->hosts = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)sim_host_free);
	w->storages = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)sim_storage_free);
	w->disks = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
	w->reports = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	w->copies = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
	w->died = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	w->addrs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_array_unref);
	w->apart = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	w->standbys = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	w->aliases = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	w->jobs = g_ptr_array_new();
	w->calls = g_ptr_array_new();
	w->held = g_ptr_array_new();
	w->consoles = g_ptr_array_new();
	w->hung = g_ptr_array_new();
	w->rand = g_rand_new_with_seed((guint32)(seed ^ seed >> 32));
	w->notify = notify;
	current = w;
	return w;
}

static struct sim *current_world(void)
{
	return current ? current : sim_new(1);
}

void sim_free(struct sim *w)
{
	if (!w)
		return;
	if (current == w)
		current = NULL;
	while (w->calls->len > 0)
		sim_call_end(g_ptr_array_index(w->calls, w->calls->len - 1));
	while (w->jobs->len > 0)
		sim_job_free(g_ptr_array_index(w->jobs, w->jobs->len - 1));
	g_hash_table_unref(w->reports);
	g_hash_table_unref(w->died);
	g_hash_table_unref(w->addrs);
	g_hash_table_unref(w->apart);
	g_hash_table_unref(w->standbys);
	g_hash_table_unref(w->aliases);
	g_hash_table_unref(w->hosts);
	g_hash_table_unref(w->copies);
	g_hash_table_unref(w->storages);
	g_hash_table_unref(w->disks);
	g_ptr_array_unref(w->jobs);
	g_ptr_array_unref(w->calls);
	g_ptr_array_unref(w->held);
	g_ptr_array_unref(w->consoles);
	g_ptr_array_unref(w->hung);
	g_rand_free(w->rand);
	sim_gate_free(w);
	g_free(w->violation);
	g_free(w);
}

void sim_on_kill(struct sim *w, void (*fn)(void *user), void *user)
{
	w->on_kill = fn;
	w->kill_user = user;
}

void sim_revive(struct sim *w)
{
	w->dead = false;
}

/* ---- the implementation ---- */

/* What carries out a call at its host. */
static void (*const acts[])(struct sim_call *sc) = {
	[HV_HOST_GET]       = sim_act_host_get,
	[HV_DOM_LIST]       = sim_act_dom,
	[HV_DOM_LOADS]      = sim_act_dom,
	[HV_DOM_GET]        = sim_act_dom,
	[HV_DOM_ADDRS]      = sim_act_dom,
	[HV_DOM_XML]        = sim_act_dom,
	[HV_CPU_COMPARE]    = sim_act_dom,
	[HV_LOOKUP]         = sim_act_lookup,
	[HV_MIGRATE]        = sim_act_migrate,
	[HV_JOB_GET]        = sim_act_job,
	[HV_JOB_DONE]       = sim_act_job,
	[HV_JOB_ABORT]      = sim_act_job,
	[HV_JOB_TUNE]       = sim_act_job,
	[HV_POSTCOPY]       = sim_act_job,
	[HV_POSTCOPY_PAUSE] = sim_act_job,
	[HV_DOM_SUSPEND]    = sim_act_dom,
	[HV_DOM_RESUME]     = sim_act_dom,
	[HV_DOM_DESTROY]    = sim_act_dom,
	[HV_DOM_START]      = sim_act_power,
	[HV_DOM_SHUTDOWN]   = sim_act_power,
	[HV_DOM_REBOOT]     = sim_act_power,
	[HV_DOM_RESET]      = sim_act_power,
	[HV_DOM_SAVE]       = sim_act_power,
	[HV_DOM_UNDEFINE]   = sim_act_define,
	[HV_DOM_DEFINITION] = sim_act_define,
	[HV_DOM_DEFINE]     = sim_act_define,
	[HV_SNAPSHOTS_GET]  = sim_act_define,
	[HV_SNAPSHOTS_SET]  = sim_act_define,
	[HV_DOM_AUTOSTART]  = sim_act_define,
	[HV_ANNOUNCE]       = sim_act_dom,
	[HV_VOL_GET]        = sim_act_vol,
	[HV_VOL_CREATE]     = sim_act_vol,
	[HV_VOL_COPY]       = sim_act_copy,
	[HV_VOL_DELETE]     = sim_act_vol,
	[HV_VOL_FIND]       = sim_act_find,
	[HV_DEVICE_GET]     = sim_act_device,
	[HV_CARRIER_START]  = sim_act_carrier,
	[HV_CARRIER_GET]    = sim_act_carrier,
	[HV_CARRIER_LIST]   = sim_act_carrier,
	[HV_FACTS_GET]      = sim_act_facts,
	[HV_FOLDER_GET]     = sim_act_folder,
	[HV_PEER_TRY]       = sim_act_peer,
	[HV_CPU_BASELINE]   = sim_act_baseline,
	[HV_CONSOLE]        = sim_act_console,
	[HV_LOG_GET]        = sim_act_dom,
};
static_assert(G_N_ELEMENTS(acts) == HV_OP_N, "an op has no act");

static void open_conn(struct hv_host *h)
{
	sim_conn_open(h, current_world());
}

static void submit(struct hv_host *h, struct hv_call *call)
{
	struct sim_conn *c = h->impl;
	struct sim_host *to = c ? c->host : sim_host_of_uri(current_world(), h->uri);

	sim_host_fill(to);
	sim_call_submit(call, to, c, acts[call->req.op]);
}

const struct hv_ops sim_ops = {
	.name = "sim",
	.scheme = "sim:",
	.open = open_conn,
	.close = sim_conn_close,
	.submit = submit,
};

/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/libvirt/libvirt.h"

#include <assert.h>

#include <libvirt/virterror.h>

#include "base/err.h"
#include "hv/libvirt/addr.h"
#include "hv/libvirt/announce.h"
#include "hv/libvirt/call.h"
#include "hv/libvirt/carrier.h"
#include "hv/libvirt/console.h"
#include "hv/libvirt/copy.h"
#include "hv/libvirt/cpu.h"
#include "hv/libvirt/define.h"
#include "hv/libvirt/device.h"
#include "hv/libvirt/dom.h"
#include "hv/libvirt/facts.h"
#include "hv/libvirt/folder.h"
#include "hv/libvirt/host.h"
#include "hv/libvirt/job.h"
#include "hv/libvirt/list.h"
#include "hv/libvirt/load.h"
#include "hv/libvirt/log.h"
#include "hv/libvirt/lookup.h"
#include "hv/libvirt/loop.h"
#include "hv/libvirt/migrate.h"
#include "hv/libvirt/peer.h"
#include "hv/libvirt/power.h"
#include "hv/libvirt/snapshot.h"
#include "hv/libvirt/vol.h"
#include "hv/libvirt/watch.h"

/* Work on a worker's connection, and what is done if a read gets no answer; or a function of the loop thread that sees to its own. */
static const struct {
	enum lv_lane lane;
	lv_work_f *work, *silent;
	void (*submit)(struct lv_conn *c, struct hv_call *call);
} table[] = {
	[HV_HOST_GET]     = { LV_HOST,  lv_host_get },
	[HV_DOM_LIST]     = { LV_HOST,  lv_dom_list },
	[HV_DOM_LOADS]    = { LV_HOST,  lv_dom_loads },
	[HV_CPU_COMPARE]  = { LV_STATE, lv_cpu_compare },
	[HV_DOM_GET]      = { LV_READ,  lv_dom_get, lv_dom_get_silent },
	[HV_DOM_ADDRS]    = { LV_GUEST, lv_dom_addrs },
	[HV_DOM_XML]      = { LV_STATE, lv_dom_xml },
	[HV_JOB_GET]      = { LV_READ,  lv_job_get },
	[HV_JOB_DONE]     = { LV_READ,  lv_job_done },
	[HV_LOOKUP]       = { LV_READ,  lv_lookup },
	[HV_MIGRATE]      = { LV_OWN,   .submit = lv_migrate },
	[HV_JOB_ABORT]    = { LV_ACT,   lv_job_abort },
	[HV_JOB_TUNE]     = { LV_ACT,   lv_job_tune },
	[HV_POSTCOPY]     = { LV_ACT,   lv_postcopy },
	[HV_DOM_SUSPEND]  = { LV_ACT,   lv_dom_suspend },
	[HV_DOM_RESUME]   = { LV_ACT,   lv_dom_resume },
	[HV_DOM_DESTROY]  = { LV_ACT,   lv_dom_destroy },
	[HV_DOM_START]    = { LV_LONG,  lv_dom_start },
	[HV_DOM_SHUTDOWN] = { LV_PRESS, lv_dom_shutdown },
	[HV_DOM_REBOOT]   = { LV_PRESS, lv_dom_reboot },
	[HV_DOM_RESET]    = { LV_ACT,   lv_dom_reset },
	[HV_DOM_SAVE]     = { LV_LONG,  lv_dom_save },
	[HV_DOM_UNDEFINE] = { LV_ACT,   lv_dom_undefine },
	[HV_SNAPSHOTS_GET] = { LV_STATE, lv_snapshots_get },
	[HV_SNAPSHOTS_SET] = { LV_ACT,  lv_snapshots_set },
	[HV_DOM_DEFINITION] = { LV_STATE, lv_dom_definition },
	[HV_DOM_DEFINE]   = { LV_ACT,   lv_dom_define },
	[HV_DOM_AUTOSTART] = { LV_ACT,  lv_dom_autostart },
	[HV_POSTCOPY_PAUSE] = { LV_ACT, lv_postcopy_pause },
	[HV_ANNOUNCE]     = { LV_ACT,   lv_announce },
	[HV_VOL_GET]      = { LV_VOL,   lv_vol_get },
	[HV_VOL_CREATE]   = { LV_VOL,   lv_vol_create },
	[HV_VOL_COPY]     = { LV_OWN,   .submit = lv_vol_copy },
	[HV_VOL_DELETE]   = { LV_VOL,   lv_vol_delete },
	[HV_VOL_FIND]     = { LV_VOL,   lv_vol_find },
	[HV_DEVICE_GET]   = { LV_VOL,   lv_device_get },
	[HV_CARRIER_START] = { LV_ACT,  lv_carrier_start },
	[HV_CARRIER_GET]  = { LV_READ,  lv_carrier_get, lv_carrier_get_silent },
	[HV_CARRIER_LIST] = { LV_HOST,  lv_carrier_list },
	[HV_FACTS_GET]    = { LV_HOST,  lv_facts_get },
	[HV_FOLDER_GET]   = { LV_VOL,   lv_folder_get },
	[HV_PEER_TRY]     = { LV_OWN,   .submit = lv_peer_try },
	[HV_CPU_BASELINE] = { LV_STATE, lv_cpu_baseline },
	[HV_CONSOLE]      = { LV_OWN,   .submit = lv_console },
	[HV_LOG_GET]      = { LV_GUEST, lv_log_get },
};
static_assert(G_N_ELEMENTS(table) == HV_OP_N, "an op has no work");

static void ops_open(struct hv_host *h)
{
	if (!h->impl)
		lv_conn_open(h);
}

static void ops_close(struct hv_host *h)
{
	if (h->impl)
		lv_conn_detach(h->impl);
}

static void ops_submit(struct hv_host *h, struct hv_call *call)
{
	struct lv_conn *c = h->impl;
	enum hv_op op = call->req.op;

	if (!c || !c->open)
		lv_call_fail_later(call, ERR_HV_LOST, "the host is not connected");
	else if (table[op].submit)
		table[op].submit(c, call);
	else
		lv_call_submit(c, call, table[op].lane, table[op].work, table[op].silent);
}

const struct hv_ops libvirt_ops = {
	.name = "libvirt",
	.scheme = NULL,
	.open = ops_open,
	.close = ops_close,
	.submit = ops_submit,
};

static void keep_quiet(void *user, virErrorPtr e)
{
	(void)user;
	(void)e;
}

bool libvirt_init(GError **err)
{
	/* Errors reach their caller; libvirt prints them to stderr as well unless told not to. */
	virSetErrorFunc(NULL, keep_quiet);
	lv_loop_start();
	if (virInitialize() < 0) {
		g_set_error(err, ERR, ERR_INTERNAL, "libvirt: %s", virGetLastErrorMessage());
		return false;
	}
	return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/sim/fault.h"

#include <assert.h>

static const char *const fault_names[] = {
	[SIM_REFUSE]            = "refuse",
	[SIM_REFUSE_GUEST]      = "refuse-guest",
	[SIM_BUSY]              = "busy",
	[SIM_LOSE_REQUEST]      = "lose-request",
	[SIM_LOSE_REPLY]        = "lose-reply",
	[SIM_HANG]              = "hang",
	[SIM_HANG_REPLY]        = "hang-reply",
	[SIM_DELAY]             = "delay",
	[SIM_HOLD]              = "hold",
	[SIM_HOLD_REPLY]        = "hold-reply",
	[SIM_LIBVIRTD_BEFORE]   = "libvirtd-before",
	[SIM_LIBVIRTD_AFTER]    = "libvirtd-after",
	[SIM_CONTROLLER_BEFORE] = "controller-before",
	[SIM_CONTROLLER_AFTER]  = "controller-after",
	[SIM_CUT_LINK]          = "cut-link",
	[SIM_POWER_OFF]         = "power-off",
};
static_assert(G_N_ELEMENTS(fault_names) == SIM_FAULT_N, "fault_names is missing one");

const char *sim_fault_name(enum sim_fault_kind k)
{
	return k < SIM_FAULT_N ? fault_names[k] : "none";
}

bool sim_fault_parse(const char *name, enum sim_fault_kind *ret)
{
	for (int k = 0; k < SIM_FAULT_N; k++) {
		if (g_str_equal(name, fault_names[k])) {
			*ret = (enum sim_fault_kind)k;
			return true;
		}
	}
	return false;
}

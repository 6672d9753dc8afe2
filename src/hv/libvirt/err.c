/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/libvirt/err.h"

#include "base/err.h"
#include "hv/libvirt/link.h"
#include "hv/libvirt/why.h"

#define ANY (-1)

/* The first row that fits decides; what fits none is ERR_HV. */
static const struct {
	int code, domain;
	enum err_code err;
} table[] = {
	{ VIR_ERR_NO_DOMAIN,             ANY,          ERR_HV_ABSENT },
	{ VIR_ERR_OPERATION_TIMEOUT,     ANY,          ERR_HV_BUSY },
	{ VIR_ERR_RESOURCE_BUSY,         VIR_FROM_LOCKING,   ERR_HV_LOCKED },
	{ VIR_ERR_RESOURCE_BUSY,         VIR_FROM_LOCKSPACE, ERR_HV_LOCKED },
	{ VIR_ERR_RESOURCE_BUSY,         ANY,          ERR_HV_BUSY },
	{ VIR_ERR_NO_SUPPORT,            ANY,          ERR_HV_UNSUPPORTED },
	{ VIR_ERR_CONFIG_UNSUPPORTED,    ANY,          ERR_HV_UNSUPPORTED },
	{ VIR_ERR_ARGUMENT_UNSUPPORTED,  ANY,          ERR_HV_UNSUPPORTED },
	{ VIR_ERR_OPERATION_UNSUPPORTED, ANY,          ERR_HV_UNSUPPORTED },
	{ VIR_ERR_NO_CONNECT,            ANY,          ERR_HV_LOST },
	{ VIR_ERR_INVALID_CONN,          ANY,          ERR_HV_LOST },
	/* A reply that cannot be decoded: the act was done. */
	{ VIR_ERR_RPC,                   VIR_FROM_RPC, ERR_HV_LOST },
	/* Of the source too: a file system or a cache mode of its disks. */
	{ VIR_ERR_MIGRATE_UNSAFE,        ANY,          ERR_HV_GUEST },
};

bool lv_lost(virConnectPtr vir)
{
	if (!vir)
		return true;
	lv_link_assert_mine(vir);
	return virConnectIsAlive(vir) != 1;
}

static enum err_code classify(const virError *e, bool lost)
{
	if (lost)
		return ERR_HV_LOST;
	if (e->message && lv_about_guest(e->message))
		return ERR_HV_GUEST;
	if (e->message && lv_about_lock(e->message))
		return ERR_HV_LOCKED;
	for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
		if (table[i].code == e->code && (table[i].domain == ANY || table[i].domain == e->domain))
			return table[i].err;
	}
	return ERR_HV;
}

bool lv_error(virConnectPtr vir, const char *what, GError **err)
{
	/* Asking the connection overwrites the thread's error. */
	virErrorPtr e = virSaveLastError();
	bool lost = lv_lost(vir);
	bool told = e && e->code != VIR_ERR_OK;
	g_autofree char *why = lv_why(told ? e : NULL);

	g_set_error(err, ERR, told ? classify(e, lost) : lost ? ERR_HV_LOST : ERR_HV, "%s: %s", what, why);
	virFreeError(e);
	return false;
}

bool lv_error_is(int vir_code)
{
	return virGetLastErrorCode() == vir_code;
}

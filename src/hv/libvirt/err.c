/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/libvirt/priv.h"

#include <string.h>

#include "base/err.h"

#define ANY (-1)

/* The first row that fits decides; what fits none is ERR_HV. */
static const struct {
	int code, domain;
	enum err_code err;
} table[] = {
	{ VIR_ERR_NO_DOMAIN,             ANY,          ERR_HV_ABSENT },
	{ VIR_ERR_OPERATION_TIMEOUT,     ANY,          ERR_HV_BUSY },
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

/*
 * What the source says before it looks at any destination: libvirt 9.0's qemuMigrationSrcIsAllowed() and QEMU's own blockers. The code
 * is that of other refusals, so the words must tell. A word that a later libvirt changes makes it an ordinary refusal.
 */
static const char *const of_the_guest[] = {
	"cannot migrate domain", /* N snapshots, an I/O error, QEMU's blockers */
	"cannot migrate a domain with <",
	"cannot migrate this domain",
	"domain is marked for auto destroy",
	"domain has active block job",
	"domain has 'invtsc' CPU feature",
	"domain's dimm info lacks",
	"migration with legacy shmem device is not supported",
	"migration with virtiofs device is not supported",
	"migration with transient disk is not supported",
	"only shmem with role=",
	"vDPA devices cannot be migrated",
	"a slirp-helper cannot be migrated",
	"the running swtpm does not support migration",
};

bool lv_about_guest(const char *message)
{
	for (size_t i = 0; i < G_N_ELEMENTS(of_the_guest); i++)
		if (strstr(message, of_the_guest[i]))
			return true;
	return false;
}

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
	for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
		if (table[i].code == e->code && (table[i].domain == ANY || table[i].domain == e->domain))
			return table[i].err;
	}
	return ERR_HV;
}

char *lv_why(const virError *e)
{
	return util_line(e && e->message ? e->message : "libvirt gave no reason", LV_WHY_MAX);
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

/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/libvirt/why.h"

#include <string.h>

#include "base/util.h"

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

bool lv_about_lock(const char *message)
{
	const char *lock = strstr(message, "Failed to get ");

	return (lock && strstr(lock, "\" lock")) || (strstr(message, "Lockspace resource") && strstr(message, "is locked"));
}

char *lv_why(const virError *e)
{
	return util_line(e && e->message ? e->message : "libvirt gave no reason", LV_WHY_MAX);
}

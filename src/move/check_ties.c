/* SPDX-License-Identifier: Apache-2.0 */
#include "move/check_ties.h"

/* Nova's MIN_MDEV_LIVEMIG_LIBVIRT_VERSION and ..._QEMU_VERSION, as libvirt writes versions. */
#define MDEV_LIBVIRT 8006000
#define MDEV_QEMU    8001000

#define REFUSED "Migration pre-check error: "

char *check_shares(const struct check_tied *t)
{
	return t->ties->shares ? g_strdup("Feature not supported with instances that have shares.") : NULL;
}

char *check_sealed(const struct check_tied *t)
{
	if (!t->ties->sealed)
		return NULL;
	return g_strdup_printf("Operation '%s' not supported for SEV-enabled instance (%s).", t->words->operation, t->uuid);
}

/* Neutron's guaranteed bandwidth is libvirt's floor where libvirt shapes the traffic. */
char *check_resource_requests(const struct check_tied *t)
{
	for (guint i = 0; t->nics && i < t->nics->len; i++)
		if (((const struct hv_nic *)g_ptr_array_index(t->nics, i))->floor_kibs > 0)
			return g_strdup_printf("The %s action on a server with ports having resource requests, like a port with a QoS "
					       "minimum bandwidth policy, is not supported by this cluster right now", t->words->action);
	return NULL;
}

char *check_vpmem(const struct check_tied *t)
{
	if (!t->ties->vpmem)
		return NULL;
	return g_strdup_printf(REFUSED "Cannot %s migrate with virtual persistent memory, the operation is not supported.", t->words->way);
}

char *check_devices(const struct check_tied *t)
{
	if (t->ties->devices->len == 0)
		return NULL;
	return g_strdup_printf(REFUSED "The instance has a device of its host (%s). This request does not explicitly request "
			       "%s-migratable devices.", (const char *)g_ptr_array_index(t->ties->devices, 0), t->words->way);
}

/*
 * Nova takes such a card away for the migration and gives another one back. With failover QEMU does that itself, and the
 * guest goes on over the interface beside it; without, libvirt refuses.
 */
char *check_sriov(const struct check_tied *t)
{
	for (guint i = 0; t->nics && i < t->nics->len; i++) {
		const struct hv_nic *n = g_ptr_array_index(t->nics, i);

		if (n->passthrough && !n->failover)
			return g_strdup_printf(REFUSED "Cannot %s migrate VIF with related PCI, source and destination nodes do not support "
					       "the operation.", t->words->way);
	}
	return NULL;
}

static bool too_old(const struct hv_host_info *i)
{
	return i->libvirt_version < MDEV_LIBVIRT || i->hv_version < MDEV_QEMU;
}

/* Which type a device has, and which ones the destination has, is no part of what hosts tell. */
char *check_mdev(const struct check_tied *t)
{
	const char *old = too_old(t->src) ? t->source : too_old(t->dst) ? t->dest : NULL;

	if (t->ties->mdevs->len == 0)
		return NULL;
	if (old)
		return g_strdup_printf(REFUSED "Unable to migrate %s: Either libvirt or QEMU version for compute service %s are too old than the "
				       "supported ones : (QEMU: 8.1.0, libvirt: 8.6.0)", t->uuid, old);
	return g_strdup_printf(REFUSED "Unable to migrate %s: Source mdevs %s are not fully mapped for this compute : %s", t->uuid,
			       (const char *)g_ptr_array_index(t->ties->mdevs, 0), t->dest);
}

/*
 * QEMU (2.12 and later) sends the state of swtpm with the guest's, so nothing of it need be on shared storage; libvirt 9.0
 * starts the destination's swtpm for it. A secret that encrypts the state would have to be in the destination's libvirt.
 */
char *check_vtpm(const struct check_tied *t)
{
	switch (t->ties->tpm) {
	case HV_TPM_NONE:
		return NULL;
	case HV_TPM_EMULATOR:
		if (t->dst->tpm_emulator)
			return NULL;
		return g_strdup_printf(REFUSED "Unable to migrate %s: %s has no emulated TPM for its vTPM.", t->uuid, t->dest);
	case HV_TPM_SECRET:
	case HV_TPM_HOST:
		return g_strdup_printf("Operation '%s' not supported for vTPM-enabled instance (%s).", t->words->operation, t->uuid);
	case HV_TPM_N:
		break;
	}
	g_assert_not_reached();
}

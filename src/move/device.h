/* SPDX-License-Identifier: Apache-2.0
 *
 * device: are two hosts' devices of one path the same device? Pure.
 *
 * Paths prove nothing: /dev/sdb and /dev/vg0/lv1 are there on every host. Nor does
 * equal content: two disks made of one image are equal. Proof is that both hosts
 * know the device by the same name that belongs to it alone (its serial, its WWN, its
 * LV's UUID), and that its size and its contents are the same at both. Where a host
 * knows no such name the operator can promise it ([libvirt] shared_block_devices).
 */
#ifndef DEVICE_H
#define DEVICE_H

#include "hv/hv.h"

/**
 * device_promised() - the operator says that it is one device on all hosts.
 * @patterns: NULL-terminated; NULL: none
 */
bool device_promised(const char *const *patterns, const char *path);

/**
 * device_names_agree() - do both hosts know it by the same name?
 * @promised: then no name is as good as an equal one; two names that differ are not
 * @ret_why: why not; owned by the caller
 *
 * A name that all disks of a make have, or every disk of that slot in any VM, is none.
 */
bool device_names_agree(const char *path, const struct hv_device *source, const struct hv_device *dest, bool promised, char **ret_why);

/* What pairs of readings have told. It begins with zeros. */
struct device_match {
	bool equal[HV_SAMPLES];
	bool changed_source[HV_SAMPLES], changed_dest[HV_SAMPLES];
	char *source[HV_SAMPLES], *dest[HV_SAMPLES]; /* of the first pair */
};

/**
 * device_match_add() - one more reading of each host, the source's first.
 *
 * The guest goes on writing: a sample that was equal once will do, and one that changes at both hosts.
 * Return: every sample has been found to be the same.
 */
bool device_match_add(struct device_match *m, const struct hv_device *source, const struct hv_device *dest);
void device_match_clear(struct device_match *m);

#endif

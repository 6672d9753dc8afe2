/* SPDX-License-Identifier: Apache-2.0
 *
 * needs: what a guest needs by name of the host that it runs on, and whether a
 * host has it (HV_LOOKUP). What cannot be found out is said so, with the reason:
 * a driver that the host's libvirt lacks says nothing about the thing.
 */
#ifndef NEEDS_H
#define NEEDS_H

#include <glib.h>

#define HV_NEEDS_MAX 1024 /* of one question */

enum hv_need_kind {
	HV_NEED_NAME,      /* that no other domain has its name */
	HV_NEED_NO_SNAPSHOT, /* that it has none; of the host where it runs */
	HV_NEED_NO_CHECKPOINT, /* likewise */
	HV_NEED_DISK_IDLE, /* that no block job works on the disk, by its target; of the host where it runs */
	HV_NEED_INTERFACE, /* a bridge, or the card under a macvtap; .usage: "openvswitch" if the bridge is one */
	HV_NEED_NO_INTERFACE, /* that nothing there has that name yet: a tap device's, which the description fixes */
	HV_NEED_NETWORK,   /* a virtual network, active */
	HV_NEED_NWFILTER,
	HV_NEED_PCI,       /* a PCI device, by its address: "0000:81:00.0" */
	HV_NEED_USB,       /* a USB device, by vendor and product: "046d:c52b"; or by its place: "bus 1 device 4" */
	HV_NEED_MDEV,      /* a mediated device, by its UUID, active */
	HV_NEED_SECRET,    /* by its UUID, or by its usage where .usage is set */
	HV_NEED_MACHINE,   /* the machine type, of that emulator */
	HV_NEED_DEVICE,    /* a kind of device that QEMU can be built without: "video model qxl"; .usage: of which machine type */
	HV_NEED_SECURITY,  /* a security driver, by its model: "apparmor" */
	HV_NEED_KIND_N
};

enum hv_found {
	HV_FOUND_UNKNOWN,  /* it cannot be found out; .why says why */
	HV_FOUND,
	HV_FOUND_NOT,      /* .why has the host's words, or is NULL */
	HV_FOUND_N
};

struct hv_need {
	enum hv_need_kind kind;
	char *name;
	char *usage;                       /* HV_NEED_SECRET: "ceph", "iscsi", "volume", "tls", "vtpm" */
	char *emulator, *arch, *virt_type; /* HV_NEED_MACHINE, HV_NEED_DEVICE; NULL: the host's own choice */
	/* the answer */
	enum hv_found found;
	char *why;
};

/** hv_need_add() - one more need, unless it is there already. Return: borrowed from @needs. */
struct hv_need *hv_need_add(GPtrArray *needs, enum hv_need_kind kind, const char *name);
/** hv_needs_new() - an empty list of struct hv_need. Return: owned (g_ptr_array_unref). */
GPtrArray *hv_needs_new(void);
/** hv_needs_copy() - a deep copy, without answers; NULL of NULL. */
GPtrArray *hv_needs_copy(GPtrArray *needs);
/** hv_need_kind_name() - as an operator calls such a thing: "network filter". */
const char *hv_need_kind_name(enum hv_need_kind kind);

#endif

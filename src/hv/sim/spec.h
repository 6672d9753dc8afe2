/* SPDX-License-Identifier: Apache-2.0
 *
 * spec: a domain as tests describe it.
 */
#ifndef SIM_SPEC_H
#define SIM_SPEC_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "hv/hv.h"

struct sim_dom_spec {
	const char *uuid;         /* NULL: made from host and name */
	const char *name;
	const char *title;
	const char *shutdown_timeout; /* os_shutdown_timeout of its metadata; NULL: none */
	int priority;             /* of its metadata */
	const char *description;  /* stands in its XML, and there alone */
	int64_t mem_mib;          /* 0: 1024 */
	int vcpus;                /* 0: 1 */
	int load_mcpu;            /* how much of its host's CPUs it uses, in thousandths of one */
	int disks;                /* how many; 0: one; below 0: none */
	int64_t disk_gib;         /* of each; 0: 1 */
	int64_t data_mib;         /* what is allocated of each; 0: all of it */
	double disk_dirty_mibs;   /* what it writes to them, MiB/s */
	const char *backing;      /* path of the image that they are laid over; it is there, too */
	bool config_drive;        /* a small read-only CD-ROM beside them */
	bool nvram;               /* UEFI: the variables of its firmware are in a file */
	bool network_disks;
	bool loopback;            /* ... whose server is "localhost" */
	const char *device;       /* path of a block device that its first disk is; NULL: a file too */
	const char *pool;         /* of this storage pool its disks are volumes; NULL: none */
	const char *cpu_model;    /* NULL: "qemu64"; "host-passthrough": what its host has */
	const char *cpu_features;
	enum hv_state state;      /* HV_UNKNOWN: running */
	enum hv_reason reason;
	bool transient;
	struct hv_kept kept;      /* beside its description */
	bool external;            /* its snapshots are external ones */
	const char *unreadable;   /* why the controller cannot read its description; NULL: it can */
	bool deaf;                /* it ignores the power button */
	int64_t stop_ms;          /* how long it takes to stop; 0: 300 */
	int64_t boot_ms;          /* for so long after its start it hears no power button; 0: 2000 */
	bool no_start;            /* no host can start it, no destination can let it run: the lock of its disk is not to be had */
	double dirty_mibs;        /* what it writes, MiB/s */
	int64_t working_mib;      /* the memory it writes to; 0: a quarter of all */
	int64_t hot_mib;          /* the part of it that gets four fifths of the writes; 0: a quarter of it */
	const char *ties;         /* "pci,tpm": devices and the like, see ties.c */
	const char *pins;         /* "2/3/4-5": where each vCPU runs */
	const char *cpuset, *emulator;
	const char *cells;        /* "0/1": the host's node of each NUMA cell of the guest */
	int64_t page_kib;         /* of huge pages */
};

#endif

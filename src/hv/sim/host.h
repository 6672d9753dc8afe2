/* SPDX-License-Identifier: Apache-2.0
 *
 * host: hosts and what they have.
 */
#ifndef SIM_HOST_H
#define SIM_HOST_H

#include "hv/sim/types.h"

struct sim_host_spec {
	int vcpus;                /* 0: 8 */
	int64_t mem_mib;          /* 0: 16384 */
	int64_t disk_gib;         /* 0: 100 */
	const char *cpu_model;    /* NULL: "Haswell" */
	const char *cpu_features; /* "avx2,fma"; NULL: none beyond the model's */
	int64_t tsc_hz;           /* its TSC's, which cannot be scaled; 0: not told */
	int64_t link_mibs;        /* MiB/s each way; 0: copies at once */
	int64_t latency_ms;       /* of a call, with a jitter of half of it each way; to connect takes two to six */
	int64_t hv_version;       /* as libvirt has it; 0: 7002000 */
	int nodes;                /* NUMA nodes; 0: one. CPUs and memory are shared out evenly */
	int threads;              /* of a core; 0: one */
	int64_t huge_pages;       /* of 2 MiB, of each node */
	bool locks;               /* its storage carries locks of QEMU to other hosts that have them: one process has a disk */
	bool no_persist;          /* a guest that comes runs, and its definition cannot be written: libvirt does not report it */
	bool tpm;                 /* guests can have an emulated TPM */
	int64_t cache_ms;         /* for so long it does not list what another host has made: NFS's cache of attributes */
	const char *uuid_of;      /* it says the UUID of that host: its firmware was cloned; NULL: it has its own */
	const char *storage;      /* hosts that name the same one share their files; NULL: "shared"; "local": its own */
};

struct sim_host *sim_host_new(struct sim *w, const char *name, const struct sim_host_spec *spec);
/** sim_host_add() - a running host with a running libvirtd. */
void sim_host_add(struct sim *w, const char *name, const struct sim_host_spec *spec);
void sim_host_free(struct sim_host *h);
int64_t sim_host_mem_free(const struct sim_host *h);
/** sim_host_lacks() - it has no network, secret, machine type or the like of that name. */
void sim_host_lacks(struct sim *w, const char *name, const char *thing);

#endif

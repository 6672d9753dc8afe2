/* SPDX-License-Identifier: Apache-2.0
 *
 * ties: what ties a domain to the host that it runs on: devices of the host, and
 * the CPUs and NUMA nodes that it may use; and the host's own NUMA nodes.
 *
 * They are made once, when XML is read, and never changed after: keeping one
 * takes a reference, on any thread.
 */
#ifndef TIES_H
#define TIES_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "base/cpuset.h"

#define HV_PAGE_SIZES 4     /* of one NUMA node */

/* ---- a domain ---- */

/* Where one vCPU, or one I/O thread, may run. */
struct hv_pin {
	int id;
	struct cpuset cpus;
};

/* A NUMA node that the guest sees. */
struct hv_cell {
	struct cpuset vcpus;
	int64_t mem_mib;
	int64_t page_kib;    /* of huge pages; 0: ordinary ones */
	struct cpuset nodes; /* of the host, <memnode>; empty: any */
};

/* How a domain fits on the CPUs and NUMA nodes of its host: its pins, its memory. An empty set means that it is not said. */
struct hv_numa_fit {
	struct cpuset cpuset;    /* <vcpu cpuset>: where its threads may run unless a pin says else */
	struct cpuset emulator;  /* <emulatorpin> */
	struct cpuset nodes;     /* <numatune><memory nodeset> */
	GArray *pins;            /* struct hv_pin, by vCPU */
	GArray *iothreads;       /* struct hv_pin, by I/O thread */
	GArray *cells;           /* struct hv_cell; the index is the cell's id */
	int64_t mem_mib;         /* of the whole guest */
	int64_t page_kib;        /* of its huge pages where it has no cells; 0: ordinary ones */
	bool strict;             /* memory comes from its nodes or not at all */
	bool threads;            /* the guest sees hardware threads, so they must be some */
};

/** hv_numa_fit_new() - an empty one. */
struct hv_numa_fit *hv_numa_fit_new(void);
/** hv_numa_fit_copy() - NULL of NULL. */
struct hv_numa_fit *hv_numa_fit_copy(const struct hv_numa_fit *p);
void hv_numa_fit_free(struct hv_numa_fit *p);

enum hv_tpm {
	HV_TPM_NONE,
	HV_TPM_EMULATOR, /* swtpm; QEMU carries its state along */
	HV_TPM_SECRET,   /* swtpm whose state is encrypted with a secret of the host */
	HV_TPM_HOST,     /* the host's own, or a foreign process there */
	HV_TPM_N
};

struct hv_ties {
	GPtrArray *devices;  /* char *: assigned devices of the host but mediated ones: "pci 0000:03:00.0", "usb" */
	GPtrArray *mdevs;    /* char *: UUIDs of mediated devices */
	int vpmem;           /* persistent memory devices */
	int shares;          /* shared folders */
	char *sealed;        /* what hides its memory from the host: "sev"; NULL: nothing */
	enum hv_tpm tpm;
	struct hv_numa_fit *numa_fit;
};

struct hv_ties *hv_ties_new(void);
/**
 * hv_ties_plain() - of a guest that nothing ties to its host, as most are.
 * @mem_mib: of the whole guest
 *
 * Return: a reference; guests of one size share it.
 */
struct hv_ties *hv_ties_plain(int64_t mem_mib);
/** hv_ties_share() - the plain ones for ties that say no more than those. Takes @t. */
struct hv_ties *hv_ties_share(struct hv_ties *t);
struct hv_ties *hv_ties_ref(struct hv_ties *t);
/** hv_ties_unref() - NULL is nothing. */
void hv_ties_unref(struct hv_ties *t);

/* ---- a host ---- */

struct hv_node {
	int id;
	int64_t mem_mib;
	struct cpuset cpus;
	struct {
		int64_t size_kib, total;
	} pages[HV_PAGE_SIZES]; /* of huge pages; 0 ends them */
};

/* The NUMA nodes of a host. */
struct hv_numa {
	GArray *nodes;              /* struct hv_node */
	int16_t core[CPUSET_MAX];   /* CPU -> the lowest CPU of the same core */
};

struct hv_numa *hv_numa_new(void);
struct hv_numa *hv_numa_ref(struct hv_numa *n);
void hv_numa_unref(struct hv_numa *n);

/* Huge pages that are free now. */
struct hv_free_pages {
	int node;
	int64_t size_kib, count;
};

#endif

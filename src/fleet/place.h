/* SPDX-License-Identifier: Apache-2.0
 *
 * place: where a guest's vCPUs and memory go on another host.
 *
 * Theory of operation
 * -------------------
 * A vCPU that is pinned to one CPU has it for itself (Nova's dedicated policy);
 * it gets a CPU that no other guest has, of cpu_dedicated_set where that is set. A
 * vCPU pinned to several floats over them: it gets the shared CPUs of its node.
 * A guest without pins gets cpu_shared_set.
 *
 * What was on one NUMA node stays together on one, and what was on several stays
 * on as many: nodes of the source are matched with nodes of the destination that
 * have the CPUs, the memory and the huge pages. CPUs that share a core go on
 * doing so where there are such cores, and must where the guest sees threads.
 * Everything keeps its number if it can.
 *
 * Pure: the same input gives the same place.
 */
#ifndef PLACE_H
#define PLACE_H

#include <stdbool.h>

#include "fleet/place_use.h"
#include "hv/ties.h"

/* A host. */
struct place_host {
	const struct hv_numa *numa;        /* NULL: it did not tell; nothing is known to fit then */
	const GArray *free_pages;          /* struct hv_free_pages; NULL: all are free but for .use */
	double ram_ratio;                  /* memory given out per memory, of ordinary pages */
	struct cpuset shared, dedicated;   /* as configured; empty: not */
	struct place_use *use;             /* what others take there; may be NULL */
	struct place_use *claimed;         /* what is on its way there, and not in .free_pages yet; may be NULL */
};

/** place_is_anywhere() - it asks for no CPU and no node: to a host without shared CPUs it goes as it is. */
bool place_is_anywhere(const struct hv_numa_fit *guest);
/**
 * place_find() - a place for a guest on @dst.
 * @guest: where it is on @src
 *
 * Return: owned by the caller; equal to @guest if nothing need change. NULL if there is none; @ret_why then says why (g_free).
 */
struct hv_numa_fit *place_find(const struct hv_numa_fit *guest, const struct place_host *src, const struct place_host *dst, char **ret_why);

/** place_equal() - both say the same. */
bool place_equal(const struct hv_numa_fit *a, const struct hv_numa_fit *b);

#endif

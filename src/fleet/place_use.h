/* SPDX-License-Identifier: Apache-2.0
 *
 * place_use: the CPUs and the memory of nodes that placed guests take.
 */
#ifndef PLACE_USE_H
#define PLACE_USE_H

#include "hv/ties.h"

/* Memory taken on one node. */
struct place_memory {
	int node;
	int64_t page_kib; /* 0: ordinary pages */
	int64_t mib;
};

/* What a guest takes where it is placed. */
struct place_use {
	struct cpuset cpus; /* its own */
	GArray *memory;     /* struct place_memory; of guests bound to nodes */
};

struct place_use *place_use_new(void);
void place_use_free(struct place_use *u);
/**
 * place_use_add() - add what a placed guest takes.
 * @shared: CPUs that are dedicated to no vCPU
 */
void place_use_add(struct place_use *u, const struct hv_numa_fit *p, const struct cpuset *shared);
/** place_use_join() - add what @more takes. */
void place_use_join(struct place_use *u, const struct place_use *more);
/** place_use_text() - "4-5,7 0/0:1024 1/2048:512", for a record; "" when it takes nothing. Return: owned by the caller. */
char *place_use_text(const struct place_use *u);
/** place_use_parse() - the way back; NULL if it is none. */
struct place_use *place_use_parse(const char *text);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * cpuset: sets of CPUs, or of NUMA nodes, as values: copied by assignment,
 * empty when zeroed. Their text is what libvirt and Nova write: "0-3,^2,8".
 */
#ifndef CPUSET_H
#define CPUSET_H

#include <stdbool.h>
#include <stdint.h>

#define CPUSET_MAX 2048 /* numbers go from 0 to one less */
#define CPUSET_HOST_MAX 16384 /* likewise, of what libvirt takes for a CPU's number (VIR_DOMAIN_CPUMASK_LEN, 9.0) */

struct cpuset {
	uint64_t w[CPUSET_MAX / 64];
};

/**
 * cpuset_parse() - numbers, ranges and, with ^, what is left out of them wherever it stands; as Nova reads its CPU options.
 *
 * Return: false if it is something else, a number is too high, or nothing is left.
 */
bool cpuset_parse(const char *text, struct cpuset *ret);
/** cpuset_parse_host() - the same of libvirt's, which goes up to CPUSET_HOST_MAX: what is not below CPUSET_MAX is left out, for no host has it. */
bool cpuset_parse_host(const char *text, struct cpuset *ret);
/** cpuset_text() - "0-1,3"; "" for the empty one. Return: owned by the caller (g_free). */
char *cpuset_text(const struct cpuset *s);

void cpuset_add(struct cpuset *s, int n);
void cpuset_remove(struct cpuset *s, int n);
bool cpuset_has(const struct cpuset *s, int n);
int cpuset_count(const struct cpuset *s);
bool cpuset_is_empty(const struct cpuset *s);
/** cpuset_next() - the lowest member that is not below @from, or -1. */
int cpuset_next(const struct cpuset *s, int from);
/** cpuset_join(), cpuset_meet(), cpuset_without() - a becomes a or b, a and b, a but not b. */
void cpuset_join(struct cpuset *a, const struct cpuset *b);
void cpuset_meet(struct cpuset *a, const struct cpuset *b);
void cpuset_without(struct cpuset *a, const struct cpuset *b);
bool cpuset_equal(const struct cpuset *a, const struct cpuset *b);
/** cpuset_contains() - every member of @b is in @a. */
bool cpuset_contains(const struct cpuset *a, const struct cpuset *b);

#define CPUSET_EACH(n, s) for (int n = cpuset_next(s, 0); n >= 0; n = cpuset_next(s, n + 1))

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * The heap. droverd has jemalloc's: a fleet's records are many small pieces that
 * live long beside others that do not, and glibc's heap scatters them (bench/fleet:
 * a fifth more CPU time a migration with 10,000 servers). Programs that are not
 * linked with it, those of the tests among them, have glibc's or a sanitizer's.
 */
#pragma once

#include <stddef.h>

/* Gives back to the system what is free. Takes time that grows with the heap: once after a flood, not after a request. */
void memory_trim(void);

/* Return: bytes that are allocated, as the allocator rounds them; 0 under a sanitizer. */
size_t memory_allocated(void);

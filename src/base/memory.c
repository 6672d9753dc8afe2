/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memory.h"

#include <malloc.h>
#include <stdint.h>

/* jemalloc's, where the program is linked with it. */
extern int mallctl(const char *name, void *old, size_t *old_len, void *new, size_t new_len) __attribute__((weak));

/* Read by jemalloc as it starts. droverd has one busy thread: an arena for it, one for the others, on however many processors. */
extern const char *malloc_conf;
const char *malloc_conf = "narenas:2";

#define ALL_ARENAS_PURGE "arena.4096.purge" /* MALLCTL_ARENAS_ALL */

void memory_trim(void)
{
	if (!mallctl) {
		(void)malloc_trim(0); /* whether there was something to give back */
		return;
	}
	(void)mallctl("thread.tcache.flush", NULL, NULL, NULL, 0);
	(void)mallctl(ALL_ARENAS_PURGE, NULL, NULL, NULL, 0);
}

size_t memory_allocated(void)
{
	uint64_t epoch = 1;
	size_t bytes = 0, len = sizeof bytes;

	if (!mallctl)
		return mallinfo2().uordblks;
	(void)mallctl("thread.tcache.flush", NULL, NULL, NULL, 0); /* what lies there counts as allocated */
	(void)mallctl("epoch", NULL, NULL, &epoch, sizeof epoch); /* the numbers are those of this moment */
	(void)mallctl("stats.allocated", &bytes, &len, NULL, 0);
	return bytes;
}

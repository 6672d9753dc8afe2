/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/sim/carried.h"

#include "base/util.h"
#include "hv/sim/file.h"

char *sim_carried_says(const struct sim_disk *k, const struct sim_host *from, const struct sim_host *to)
{
	const struct sim_file *f = sim_file_find(from->storage, k->path), *t = sim_file_find(to->storage, k->path);
	int64_t bytes;

	if (!t)
		return g_strdup("Operation not supported: pre-creation of storage targets for incremental storage migration is not supported");
	if (g_str_equal(k->format, "qcow2") && g_strcmp0(t->format, "qcow2") != 0)
		return g_strdup("internal error: process exited while connecting to monitor: Image is not in qcow2 format");
	bytes = g_str_equal(k->format, "raw") ? sim_file_sectors(t) : t->capacity;
	if (!f || bytes != k->capacity)
		return g_strdup_printf("operation failed: migration of disk %s failed: Source and target image have different sizes", k->target);
	return NULL;
}

/*
 * As a disk: what a guest sees of it. As a file: all of it. Of what it is laid over nothing: that is as right as what the destination has in
 * that place, and whether it is there is found out when a guest starts on it.
 */
void sim_carried_arrives(const struct sim_disk *k, const struct sim_file *from, struct sim_file *to)
{
	bool file = g_str_equal(k->format, "raw");

	if (file) {
		util_replace(&to->format, from->format);
		util_replace(&to->backing, from->backing);
		to->capacity = from->capacity;
		to->head = from->head;
	}
	to->content = file || g_strcmp0(from->backing, to->backing) == 0 ? from->content : SIM_TORN;
	to->allocation = from->allocation;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/task_class.h"

#define OPTION(member) { #member, offsetof(struct conf, member) }

const struct task_class task_class_live = {
	.index = 0, .name = "live", .limits = {
		[TASK_OUTBOUND] = OPTION(max_concurrent_live_migrations),
		[TASK_INBOUND] = OPTION(max_concurrent_inbound_live_migrations),
		[TASK_IN_FLEET] = OPTION(max_concurrent_fleet_live_migrations),
	},
};

const struct task_class task_class_cold = {
	.index = 1, .name = "cold", .limits = {
		[TASK_OUTBOUND] = OPTION(max_concurrent_cold_migrations),
		[TASK_INBOUND] = OPTION(max_concurrent_inbound_cold_migrations),
		[TASK_IN_FLEET] = OPTION(max_concurrent_fleet_cold_migrations),
	},
};

const struct task_class task_class_evacuate = {
	.index = 2, .name = "evacuate", .leaves_dead = true, .limits = {
		[TASK_OUTBOUND] = OPTION(max_concurrent_evacuations),
		[TASK_INBOUND] = OPTION(max_concurrent_inbound_evacuations),
		[TASK_IN_FLEET] = OPTION(max_concurrent_fleet_evacuations),
	},
};

int64_t task_class_limit(const struct conf *c, const struct task_class *class, enum task_limit limit)
{
	int64_t max = class ? *(const int64_t *)((const char *)c + class->limits[limit].at) : 0;

	return max ? max : INT64_MAX;
}

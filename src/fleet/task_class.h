/* SPDX-License-Identifier: Apache-2.0
 *
 * task_class: how many tasks of a class may run at once.
 *
 * A class is what shares limits: live migrations are one. Each class has a queue and
 * slots of its own, so that one that is full does not hold up another.
 */
#ifndef TASK_CLASS_H
#define TASK_CLASS_H

#include <stddef.h>
#include <stdint.h>

#include "base/conf.h"

enum task_class_id { TASK_CLASS_LIVE, TASK_CLASS_N };

/* Out of a host, into a host, in the whole fleet. */
enum task_limit { TASK_OUTBOUND, TASK_INBOUND, TASK_IN_FLEET, TASK_LIMIT_N };

struct task_class {
	const char *name;
	struct {
		const char *option; /* of [DEFAULT] */
		size_t at;          /* in struct conf: an int64_t; 0 is no limit */
	} limits[TASK_LIMIT_N];
};

extern const struct task_class task_classes[TASK_CLASS_N];

/** task_class_limit() - how many tasks there may be at once. Return: INT64_MAX: any number. */
int64_t task_class_limit(const struct conf *c, enum task_class_id class, enum task_limit limit);

#endif

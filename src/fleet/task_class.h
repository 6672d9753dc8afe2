/* SPDX-License-Identifier: Apache-2.0
 *
 * task_class: how many tasks of a class may run at once.
 *
 * A class is what shares limits: live migrations are one, cold ones another. Each class has a queue and
 * slots of its own, so that one that is full does not hold up another. A kind of task
 * names its class; one that waits for nothing has none.
 */
#ifndef TASK_CLASS_H
#define TASK_CLASS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/conf.h"

#define TASK_CLASSES_MAX 4

/* Out of a host, into a host, in the whole fleet. */
enum task_limit { TASK_OUTBOUND, TASK_INBOUND, TASK_IN_FLEET, TASK_LIMIT_N };

struct task_class {
	unsigned index;             /* its place in what is counted by class: less than TASK_CLASSES_MAX, and no other class has it */
	const char *name;
	bool leaves_dead;           /* its tasks leave hosts that are down: none waits for its source to come up */
	struct {
		const char *option; /* of [DEFAULT] */
		size_t at;          /* in struct conf: an int64_t; 0 is no limit */
	} limits[TASK_LIMIT_N];
};

extern const struct task_class task_class_live, task_class_cold, task_class_evacuate;

/** task_class_limit() - how many tasks there may be at once. @class: NULL: none. Return: INT64_MAX: any number. */
int64_t task_class_limit(const struct conf *c, const struct task_class *class, enum task_limit limit);

#endif

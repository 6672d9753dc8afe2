/* SPDX-License-Identifier: Apache-2.0
 *
 * request_now: tasks that Drover asks for by itself, and that nothing is checked of first.
 */
#ifndef TASK_REQUEST_NOW_H
#define TASK_REQUEST_NOW_H

#include "task/request.h"

/**
 * request_now() - request_begin() of one without wait_checks, which is answered before that returns.
 * @err: why it was refused
 *
 * Return: the task's number, of which the row is durable; 0 with @err.
 */
int64_t request_now(struct engine *e, const struct task_request *r, GError **err);

#endif

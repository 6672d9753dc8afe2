/* SPDX-License-Identifier: Apache-2.0
 *
 * plan_api: the calls to /drover/v1/plans.
 */
#ifndef PLAN_API_H
#define PLAN_API_H

#include <stdbool.h>
#include <stdint.h>

#include "cli.h"

/**
 * plan_offered() - whether the server has plans.
 * @ret: false: it is not Drover, or an old one
 *
 * Return: false with @err if that cannot be told, or not to this user.
 */
bool plan_offered(struct cli *c, bool *ret, GError **err);

/**
 * plan_make() - make a draft; nothing moves by it.
 * @request: the body's "plan"; borrowed
 * @ret_mistakes: [{"where", "what"}], owned by the caller; untouched if it was refused for another reason; may be NULL
 *
 * Return: the plan, owned by the caller; NULL with @err.
 */
json_t *plan_make(struct cli *c, json_t *request, json_t **ret_mistakes, GError **err);

/** plan_get() - a plan with its steps. Return: owned by the caller; NULL with @err. */
json_t *plan_get(struct cli *c, int64_t id, GError **err);

/**
 * plan_act() - "start", "pause", "resume" or "cancel".
 * @args: borrowed; NULL: none
 *
 * Return: the plan without its steps, owned by the caller; NULL with @err.
 */
json_t *plan_act(struct cli *c, int64_t id, const char *action, json_t *args, GError **err);

/** plan_change() - change a draft, or delete a plan. @changes: borrowed; NULL: delete. */
bool plan_change(struct cli *c, int64_t id, json_t *changes, GError **err);

#endif

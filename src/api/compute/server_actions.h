/* SPDX-License-Identifier: Apache-2.0
 *
 * server_actions: POST /servers/{id}/action, a row an action.
 */
#ifndef SERVER_ACTIONS_H
#define SERVER_ACTIONS_H

#include <stdbool.h>

/**
 * server_action_known() - POST /servers/{id}/action has an action of that name.
 * @ret_admin_rule: the policy's name where the role admin is needed; NULL: the owner may
 */
bool server_action_known(const char *name, const char **ret_admin_rule);

#endif

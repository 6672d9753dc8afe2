/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/action.h"

#include "base/clock.h"
#include "base/err.h"

bool action_start(struct store *s, const char *server_uuid, const char *action, const struct requester *who, int64_t *ret_id, GError **err)
{
	return store_insert(s, Q_ACTION_INSERT,
			    STORE_ARGS(SV_S(server_uuid), SV_S(action), SV_S(who->request_id), SV_S(who->user_id), SV_S(who->project_id),
				       SV_I(clock_wall_us())),
			    ret_id, err);
}

bool action_finish(struct store *s, int64_t id, const char *message, GError **err)
{
	return store_run(s, Q_ACTION_FINISH, STORE_ARGS(SV_I(id), SV_S(message), SV_I(clock_wall_us())), NULL, err);
}

bool action_done(struct store *s, const char *server_uuid, const char *action, const struct requester *who, GError **err)
{
	int64_t id;

	return action_start(s, server_uuid, action, who, &id, err) && action_finish(s, id, NULL, err);
}

bool action_event_start(struct store *s, int64_t action_id, const char *event, const char *host, GError **err)
{
	return store_run(s, Q_AEVENT_START, STORE_ARGS(SV_I(action_id), SV_S(event), SV_S(host), SV_I(clock_wall_us())), NULL, err);
}

bool action_event_finish(struct store *s, int64_t action_id, const char *event, const char *details, GError **err)
{
	return store_run(s, Q_AEVENT_FINISH,
			 STORE_ARGS(SV_I(action_id), SV_S(event), SV_S(details ? "Error" : "Success"), SV_S(details), SV_I(clock_wall_us())),
			 NULL, err);
}

static bool take_action(const struct store_row *row, void *user)
{
	struct action *a = g_new0(struct action, 1);

	a->id = store_int(row, 0);
	a->server_uuid = g_strdup(store_text(row, 1));
	a->action = g_strdup(store_text(row, 2));
	a->request_id = g_strdup(store_text(row, 3));
	a->user_id = g_strdup(store_text(row, 4));
	a->project_id = g_strdup(store_text(row, 5));
	a->start_us = store_int(row, 6);
	a->updated_us = store_int(row, 7);
	a->message = g_strdup(store_text(row, 8));
	g_ptr_array_add(user, a);
	return true;
}

GPtrArray *action_list(struct store *s, const char *server_uuid, int64_t since_us, int64_t before_us, int64_t below_id, int limit, GError **err)
{
	g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func((GDestroyNotify)action_free);

	if (!store_each(s, Q_ACTION_LIST,
			STORE_ARGS(SV_S(server_uuid), SV_OPT(since_us), SV_OPT(before_us), SV_I(below_id ? below_id : G_MAXINT64), SV_I(limit)),
			take_action, list, err))
		return NULL;
	return g_steal_pointer(&list);
}

struct action *action_get(struct store *s, const char *server_uuid, const char *request_id, GError **err)
{
	g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func((GDestroyNotify)action_free);

	if (!store_each(s, Q_ACTION_GET, STORE_ARGS(SV_S(server_uuid), SV_S(request_id)), take_action, list, err))
		return NULL;
	if (list->len == 0) {
		g_set_error(err, ERR, ERR_NOT_FOUND, "Action for request_id %s on instance %s not found", request_id, server_uuid);
		return NULL;
	}
	return g_ptr_array_steal_index(list, 0);
}

static bool take_event(const struct store_row *row, void *user)
{
	struct action_event *e = g_new0(struct action_event, 1);

	e->event = g_strdup(store_text(row, 0));
	e->host = g_strdup(store_text(row, 1));
	e->start_us = store_int(row, 2);
	e->finish_us = store_int(row, 3);
	e->result = g_strdup(store_text(row, 4));
	e->details = g_strdup(store_text(row, 5));
	g_ptr_array_add(user, e);
	return true;
}

GPtrArray *action_events(struct store *s, int64_t action_id, GError **err)
{
	g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func((GDestroyNotify)action_event_free);

	if (!store_each(s, Q_AEVENT_LIST, STORE_ARGS(SV_I(action_id)), take_event, list, err))
		return NULL;
	return g_steal_pointer(&list);
}

void action_free(struct action *a)
{
	if (!a)
		return;
	g_free(a->server_uuid);
	g_free(a->action);
	g_free(a->request_id);
	g_free(a->user_id);
	g_free(a->project_id);
	g_free(a->message);
	g_free(a);
}

void action_event_free(struct action_event *e)
{
	if (!e)
		return;
	g_free(e->event);
	g_free(e->host);
	g_free(e->result);
	g_free(e->details);
	g_free(e);
}

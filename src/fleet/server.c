/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/server.h"

#include <assert.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"

/* @status: the API's word when no task changes it (Nova, api/openstack/common.py _STATE_MAP). */
static const struct {
	const char *name, *status;
} vm_table[] = {
	[SERVER_ACTIVE]            = { "active",            "ACTIVE" },
	[SERVER_BUILDING]          = { "building",          "BUILD" },
	[SERVER_PAUSED]            = { "paused",            "PAUSED" },
	[SERVER_SUSPENDED]         = { "suspended",         "SUSPENDED" },
	[SERVER_STOPPED]           = { "stopped",           "SHUTOFF" },
	[SERVER_RESCUED]           = { "rescued",           "RESCUE" },
	[SERVER_RESIZED]           = { "resized",           "VERIFY_RESIZE" },
	[SERVER_SOFT_DELETED]      = { "soft-delete",       "SOFT_DELETED" },
	[SERVER_DELETED]           = { "deleted",           "DELETED" },
	[SERVER_ERROR]             = { "error",             "ERROR" },
	[SERVER_SHELVED]           = { "shelved",           "SHELVED" },
	[SERVER_SHELVED_OFFLOADED] = { "shelved_offloaded", "SHELVED_OFFLOADED" },
};
static_assert(G_N_ELEMENTS(vm_table) == SERVER_VM_N, "vm_table is missing one");

/* @status: NULL when the task does not show. @active: it shows of an active server alone. */
static const struct {
	const char *name, *status;
	bool active;
} task_table[] = {
	[SERVER_TASK_NONE]             = { NULL,               NULL },
	[SERVER_TASK_MIGRATING]        = { "migrating",        "MIGRATING" },
	[SERVER_TASK_RESIZE_PREP]      = { "resize_prep",      "RESIZE" },
	[SERVER_TASK_RESIZE_MIGRATING] = { "resize_migrating", "RESIZE" },
	[SERVER_TASK_RESIZE_MIGRATED]  = { "resize_migrated",  "RESIZE" },
	[SERVER_TASK_RESIZE_FINISH]    = { "resize_finish",    "RESIZE" },
	[SERVER_TASK_RESIZE_REVERTING] = { "resize_reverting", "REVERT_RESIZE" },
	[SERVER_TASK_REBUILDING]       = { "rebuilding",       "REBUILD" },
	[SERVER_TASK_REBUILD_BLOCK_DEVICE_MAPPING] = { "rebuild_block_device_mapping", "REBUILD" },
	[SERVER_TASK_REBUILD_SPAWNING] = { "rebuild_spawning", "REBUILD" },
	[SERVER_TASK_POWERING_ON]      = { "powering-on",      NULL },
	[SERVER_TASK_POWERING_OFF]     = { "powering-off",     NULL },
	[SERVER_TASK_REBOOTING]        = { "rebooting",        "REBOOT", true },
	[SERVER_TASK_REBOOT_STARTED]   = { "reboot_started",   "REBOOT", true },
	[SERVER_TASK_REBOOTING_HARD]   = { "rebooting_hard",   "HARD_REBOOT", true },
	[SERVER_TASK_REBOOT_STARTED_HARD] = { "reboot_started_hard", "HARD_REBOOT", true },
	[SERVER_TASK_PAUSING]          = { "pausing",          NULL },
	[SERVER_TASK_UNPAUSING]        = { "unpausing",        NULL },
	[SERVER_TASK_SUSPENDING]       = { "suspending",       NULL },
	[SERVER_TASK_RESUMING]         = { "resuming",         NULL },
};
static_assert(G_N_ELEMENTS(task_table) == SERVER_TASK_N, "task_table is missing one");

static const int power_table[] = {
	[HV_UNKNOWN] = SERVER_POWER_NONE,     [HV_ABSENT] = SERVER_POWER_NONE,  [HV_SHUTOFF] = SERVER_POWER_SHUTDOWN,
	[HV_SHUTDOWN] = SERVER_POWER_SHUTDOWN, /* as Nova has it: nova/virt/libvirt/host.py LIBVIRT_POWER_STATE */
	[HV_RUNNING] = SERVER_POWER_RUNNING,  [HV_PAUSED] = SERVER_POWER_PAUSED, [HV_CRASHED] = SERVER_POWER_CRASHED,
	[HV_SUSPENDED] = SERVER_POWER_SUSPENDED,
};
static_assert(G_N_ELEMENTS(power_table) == HV_STATE_N, "power_table is missing one");

const char *server_vm_name(enum server_vm vm)
{
	return vm_table[vm].name;
}

const char *server_task_name(enum server_task task)
{
	return task_table[task].name;
}

const char *server_status(const struct server *s)
{
	if (s->vm == SERVER_ERROR || !task_table[s->task].status || (task_table[s->task].active && s->vm != SERVER_ACTIVE))
		return vm_table[s->vm].status;
	return task_table[s->task].status;
}

static bool refuse(const struct server *s, const char *action, const char *what, const char *state, GError **err)
{
	g_set_error(err, ERR, ERR_CONFLICT, "Cannot '%s' instance %s while it is in %s %s", action, s->uuid, what, state ? state : "None");
	return false;
}

bool server_refuse_task(const struct server *s, const char *action, GError **err)
{
	return refuse(s, action, "task_state", server_task_name(s->task), err);
}

bool server_refuse_vm(const struct server *s, const char *action, GError **err)
{
	return refuse(s, action, "vm_state", server_vm_name(s->vm), err);
}

bool server_refuse_unknown(const struct server *s, const char *action, GError **err)
{
	g_set_error(err, ERR, ERR_CONFLICT, "Cannot '%s' instance %s while its record has what this version does not know: %s", action, s->uuid, s->unknown);
	return false;
}

bool server_is_taken(const struct server *s)
{
	return s->task != SERVER_TASK_NONE || s->unknown;
}

/* os-resetState to error carries no reason. */
bool server_is_lost(const struct server *s)
{
	return s->vm == SERVER_ERROR && s->fault;
}

bool server_ends_fault(const struct server *s)
{
	return server_is_lost(s) && !s->fault_stays;
}

const char *server_unreadable(const struct server *s)
{
	return s->dom ? s->dom->unreadable : NULL;
}

char *server_unreadable_text(const struct server *s)
{
	const char *why = server_unreadable(s);

	if (s->unknown)
		return g_strdup_printf("its record has what this version does not know: %s", s->unknown);
	return why ? g_strdup_printf("the description of the domain on %s cannot be read: %s", s->host, why) : NULL;
}

int64_t server_shutdown_timeout_s(const struct server *s, const struct hv_dom *d, int64_t usual)
{
	int64_t own;

	if (!d->shutdown_timeout)
		return usual;
	if (util_parse_int(d->shutdown_timeout, 0, SERVER_SHUTDOWN_MAX_S, &own))
		return own;
	log_warning("shutdown_timeout_ignored", LOG_S("server", s->uuid), LOG_S("host", s->host), LOG_S("os_shutdown_timeout", d->shutdown_timeout),
		    LOG_S("wanted", "0 to 86400 seconds"), LOG_D("used", usual));
	return usual;
}

struct usage server_usage(const struct server *s)
{
	return (struct usage){ .vcpus = s->vcpus, .memory_mb = s->memory_mb, .disk_gb = s->disk_gb, .servers = 1 };
}

int server_power_of(enum hv_state state)
{
	return power_table[state];
}

struct server_draft server_draft(const struct server *s)
{
	return (struct server_draft){
		.host = s->host, .fault = s->fault, .fault_stays = s->fault_stays, .vm = s->vm, .task = s->task,
		.locked = s->locked, .locked_by = s->locked_by, .locked_reason = s->locked_reason,
	};
}

bool server_draft_differs(const struct server *s, const struct server_draft *d)
{
	return s->vm != d->vm || s->task != d->task || g_strcmp0(s->host, d->host) != 0 || g_strcmp0(s->fault, d->fault) != 0 ||
	       s->fault_stays != d->fault_stays || s->locked != d->locked || g_strcmp0(s->locked_by, d->locked_by) != 0 ||
	       g_strcmp0(s->locked_reason, d->locked_reason) != 0;
}

struct server *server_new(const char *uuid)
{
	struct server *s = g_new0(struct server, 1);

	g_strlcpy(s->uuid, uuid, sizeof s->uuid);
	return s;
}

void server_set_ties(struct server *s, struct hv_ties *t)
{
	struct hv_ties *old = s->ties;

	s->ties = hv_ties_ref(t);
	hv_ties_unref(old);
}

static void published_free(struct server_published *p)
{
	if (!p)
		return;
	g_free(p->name);
	g_free(p->host);
	g_free(p);
}

void server_free(struct server *s)
{
	if (!s)
		return;
	g_free(s->name);
	g_free(s->host);
	g_free(s->libvirt_name);
	g_free(s->user_id);
	g_free(s->project_id);
	g_free(s->fault);
	g_free(s->unknown);
	g_free(s->locked_by);
	g_free(s->locked_reason);
	g_free(s->duplicate_at);
	hv_dom_free(s->dom);
	published_free(s->published);
	hv_ties_unref(s->ties);
	if (s->addrs_queue)
		due_remove(s->addrs_queue, s);
	g_clear_pointer(&s->nics, g_ptr_array_unref);
	g_clear_pointer(&s->addrs, g_array_unref);
	g_free(s->addrs_stored);
	g_free(s);
}

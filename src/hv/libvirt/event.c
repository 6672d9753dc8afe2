/* SPDX-License-Identifier: Apache-2.0
 *
 * libvirt's callbacks. One runs on the event thread, or in the worker whose call
 * found the end of a connection: it copies what it is given, posts it, and never
 * calls the host.
 */
#include "hv/libvirt/event.h"

#include <assert.h>
#include <string.h>

#include "base/err.h"
#include "base/loop.h"
#include "hv/libvirt/err.h"
#include "hv/libvirt/link.h"
#include "hv/libvirt/state.h"

#define NO_ID ((unsigned)-1) /* libvirt's, of a domain without a process */

struct posted {
	struct lv_conn *conn;
	struct hv_event ev;
};

static void deliver(void *user)
{
	struct posted *p = user;
	struct lv_conn *c = p->conn;

	/* Before HV_EV_OPEN the host's domains are unknown, and after it they are listed. */
	if (c->open)
		hv_emit(c->host, &p->ev);
	lv_conn_unref(c);
	g_free(p);
}

static void post(struct lv_conn *c, const struct hv_event *ev)
{
	struct posted *p = g_new0(struct posted, 1);

	p->conn = lv_conn_ref(c);
	p->ev = *ev;
	loop_post(deliver, p);
}

/* Begin an event about a domain; false if its identity cannot be read. */
static bool domain_event(struct lv_conn *c, virDomainPtr dom, enum hv_event_type type, struct hv_event *ev)
{
	memset(ev, 0, sizeof(*ev));
	ev->type = type;
	static_assert(VIR_UUID_STRING_BUFLEN == UTIL_UUID_LEN + 1, "libvirt's UUIDs are ours");
	if (virDomainGetUUIDString(dom, ev->uuid) < 0)
		return false;
	lv_cache_forget(c->cache, ev->uuid);
	return true;
}

static int on_lifecycle(virConnectPtr vir, virDomainPtr dom, int event, int detail, void *user)
{
	struct lv_conn *c = user;
	struct hv_event ev;

	(void)vir;
	if (domain_event(c, dom, HV_EV_DOM, &ev)) {
		lv_event_state(event, detail, virDomainGetID(dom) != NO_ID, &ev.state, &ev.reason);
		post(c, &ev);
	}
	return 0;
}

static void on_iteration(virConnectPtr vir, virDomainPtr dom, int iteration, void *user)
{
	struct lv_conn *c = user;
	struct hv_event ev;

	(void)vir;
	if (domain_event(c, dom, HV_EV_ITERATION, &ev)) {
		ev.iteration = iteration;
		post(c, &ev);
	}
}

static void on_job_done(virConnectPtr vir, virDomainPtr dom, virTypedParameterPtr params, int n, void *user)
{
	struct lv_conn *c = user;
	struct hv_event ev;

	(void)vir;
	if (domain_event(c, dom, HV_EV_JOB_DONE, &ev)) {
		lv_job(VIR_DOMAIN_JOB_COMPLETED, params, n, &ev.job);
		post(c, &ev);
	}
}

static void on_reboot(virConnectPtr vir, virDomainPtr dom, void *user)
{
	struct lv_conn *c = user;
	struct hv_event ev;

	(void)vir;
	if (domain_event(c, dom, HV_EV_REBOOT, &ev))
		post(c, &ev);
}

/* The domain's description changed, its state did not. */
static void on_device(virConnectPtr vir, virDomainPtr dom, const char *alias, void *user)
{
	struct lv_conn *c = user;
	struct hv_event ev;

	(void)vir;
	(void)alias;
	(void)domain_event(c, dom, HV_EV_DOM, &ev);
}

static void on_metadata(virConnectPtr vir, virDomainPtr dom, int type, const char *nsuri, void *user)
{
	struct lv_conn *c = user;
	struct hv_event ev;

	(void)vir;
	(void)type;
	(void)nsuri;
	(void)domain_event(c, dom, HV_EV_DOM, &ev);
}

/* Its pins, among others. */
static void on_tunable(virConnectPtr vir, virDomainPtr dom, virTypedParameterPtr params, int n, void *user)
{
	struct lv_conn *c = user;
	struct hv_event ev;

	(void)vir;
	(void)params;
	(void)n;
	(void)domain_event(c, dom, HV_EV_DOM, &ev);
}

static const char *const close_text[] = {
	[VIR_CONNECT_CLOSE_REASON_ERROR]     = "the connection failed",
	[VIR_CONNECT_CLOSE_REASON_EOF]       = "the host closed the connection",
	[VIR_CONNECT_CLOSE_REASON_KEEPALIVE] = "the host stopped answering",
	[VIR_CONNECT_CLOSE_REASON_CLIENT]    = "the connection was closed here",
};

struct closed {
	size_t conn_id;
	const char *why;
};

static void deliver_closed(void *user)
{
	struct closed *k = user;
	struct lv_conn *c = lv_conn_by_id(k->conn_id);

	if (c)
		c->lost(c, k->why);
	g_free(k);
}

/*
 * It gets the connection's number, not a reference: libvirt cannot take the callback back once the connection is dead, and a
 * driver without a daemon (test:///) never frees what it was given.
 */
static void on_close(virConnectPtr vir, int reason, void *user)
{
	struct closed *k = g_new0(struct closed, 1);

	(void)vir;
	k->conn_id = GPOINTER_TO_SIZE(user);
	if (reason >= 0 && (size_t)reason < G_N_ELEMENTS(close_text))
		k->why = close_text[reason];
	if (!k->why)
		k->why = "the connection was lost";
	loop_post(deliver_closed, k);
}

static const struct {
	int id;
	virConnectDomainEventGenericCallback fn;
} callbacks[] = {
	{ VIR_DOMAIN_EVENT_ID_LIFECYCLE,           VIR_DOMAIN_EVENT_CALLBACK(on_lifecycle) },
	{ VIR_DOMAIN_EVENT_ID_MIGRATION_ITERATION, VIR_DOMAIN_EVENT_CALLBACK(on_iteration) },
	{ VIR_DOMAIN_EVENT_ID_JOB_COMPLETED,       VIR_DOMAIN_EVENT_CALLBACK(on_job_done) },
	{ VIR_DOMAIN_EVENT_ID_REBOOT,              VIR_DOMAIN_EVENT_CALLBACK(on_reboot) },
	{ VIR_DOMAIN_EVENT_ID_DEVICE_ADDED,        VIR_DOMAIN_EVENT_CALLBACK(on_device) },
	{ VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED,      VIR_DOMAIN_EVENT_CALLBACK(on_device) },
	{ VIR_DOMAIN_EVENT_ID_METADATA_CHANGE,     VIR_DOMAIN_EVENT_CALLBACK(on_metadata) },
	{ VIR_DOMAIN_EVENT_ID_TUNABLE,             VIR_DOMAIN_EVENT_CALLBACK(on_tunable) },
};
static_assert(G_N_ELEMENTS(callbacks) <= LV_CALLBACKS_MAX, "LV_CALLBACKS_MAX is too small");

static void drop_ref(void *user)
{
	lv_conn_unref(user);
}

bool lv_events_register(struct lv_conn *c, GError **err)
{
	virConnectPtr vir = c->watch->vir;

	for (size_t i = 0; i < G_N_ELEMENTS(callbacks); i++) {
		int id = virConnectDomainEventRegisterAny(vir, NULL, callbacks[i].id, callbacks[i].fn, lv_conn_ref(c), drop_ref);

		if (id < 0) {
			lv_conn_unref(c);
			return lv_error(vir, "register for events", err);
		}
		c->callbacks[c->n_callbacks++] = id;
	}
	/* Last: from here on a loss is reported by the callback, before by an error above. */
	if (virConnectRegisterCloseCallback(vir, on_close, GSIZE_TO_POINTER(c->id), NULL) < 0)
		return lv_error(vir, "register for the connection's end", err);
	c->close_callback = true;
	if (lv_lost(vir)) {
		g_set_error(err, ERR, ERR_HV_LOST, "the connection was lost while it was opened");
		return false;
	}
	return true;
}

void lv_events_deregister(struct lv_conn *c)
{
	virConnectPtr vir = c->watch->vir;

	/* Over a dead connection each of these fails at the far end and still drops our side. */
	if (c->close_callback)
		(void)virConnectUnregisterCloseCallback(vir, on_close);
	c->close_callback = false;
	while (c->n_callbacks)
		(void)virConnectDomainEventDeregisterAny(vir, c->callbacks[--c->n_callbacks]);
}

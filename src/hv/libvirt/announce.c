/* SPDX-License-Identifier: Apache-2.0
 *
 * HV_ANNOUNCE: libvirt has no call for it, so QEMU is asked directly, through
 * libvirt. That marks the domain as tampered with in libvirt's log, once.
 */
#include "hv/libvirt/announce.h"

#include <jansson.h>
#include <libvirt/libvirt-qemu.h>

#include "base/err.h"
#include "hv/libvirt/dom.h"
#include "hv/libvirt/err.h"

/* QEMU 7.2, net/announce.c: what it does by itself after a migration, and the most that it takes. */
#define ROUNDS 5
#define ROUNDS_MAX 1000
#define INITIAL_MS 50
#define STEP_MS 100
#define MAX_MS 550
#define PAUSE_MAX_MS 100000

static char *command(int rounds, int pause_ms)
{
	int initial = pause_ms > 0 ? MIN(pause_ms, PAUSE_MAX_MS) : INITIAL_MS;

	return g_strdup_printf("{\"execute\": \"announce-self\", \"arguments\": "
	                       "{\"initial\": %d, \"max\": %d, \"rounds\": %d, \"step\": %d}}",
	                       initial, MAX(initial, MAX_MS), rounds > 0 ? MIN(rounds, ROUNDS_MAX) : ROUNDS, STEP_MS);
}

/* A refusal of QEMU is a reply too, {"error": {"desc": ...}}. */
static bool check_reply(const char *text, GError **err)
{
	json_t *reply = json_loads(text, 0, NULL);
	const char *why = "its reply is no JSON object";
	bool ok = json_is_object(reply) && !json_object_get(reply, "error");

	if (json_is_object(reply))
		why = json_string_value(json_object_get(json_object_get(reply, "error"), "desc"));
	if (!ok)
		g_set_error(err, ERR, ERR_HV, "announce the guest: QEMU: %.400s", why ? why : "no reason given");
	json_decref(reply);
	return ok;
}

bool lv_announce(const struct lv_ctx *x, const struct hv_req *req, struct hv_reply *r, GError **err)
{
	g_autoptr(virDomain) dom = lv_dom_lookup(x, req->uuid, err);
	g_autofree char *cmd = command(req->announce_rounds, req->announce_ms), *reply = NULL;

	(void)r;
	if (!dom)
		return false;
	if (virDomainQemuMonitorCommand(dom, cmd, &reply, VIR_DOMAIN_QEMU_MONITOR_COMMAND_DEFAULT) < 0)
		return lv_error(x->vir, "announce the guest", err);
	return check_reply(reply ? reply : "", err);
}

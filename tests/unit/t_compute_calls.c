/* SPDX-License-Identifier: Apache-2.0
 *
 * What requests make the engine do, and what they are refused for.
 */
#include <glib.h>
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "api/http/handler.h"
#include "base/clock.h"
#include "compute_world.h"

#define BY " by=admin-user"
#define WEB "/v2.1/servers/" WORLD_WEB "/action"
#define LOST "/v2.1/servers/" WORLD_LOST "/action"
#define MOVED "/v2.1/servers/" WORLD_MOVED "/migrations/3"

/* @said: what the engine was asked, NULL for nothing; @why: a part of the fault's text, or of the answer's, NULL for none */
static const struct call {
	const char *name, *method, *target;
	int mv;
	const char *body;
	int status;
	const char *said, *why;
	const char *who; /* NULL: admin */
} calls[] = {
	/* os-migrateLive, 2.1 to 2.24 */
	{ "to a host", "POST", WEB, 1, "{\"os-migrateLive\": {\"host\": \"h2\", \"block_migration\": false, \"disk_over_commit\": false}}", 202,
	  "live Web 1 host=h2 block=no force=1 wait=1" BY },
	{ "to any host", "POST", WEB, 1, "{\"os-migrateLive\": {\"host\": null, \"block_migration\": true, \"disk_over_commit\": false}}", 202,
	  "live Web 1 host=- block=yes force=0 wait=1" BY },
	{ "words for truth", "POST", WEB, 24, "{\"os-migrateLive\": {\"host\": null, \"block_migration\": \"True\", \"disk_over_commit\": \"0\"}}",
	  202, "live Web 1 host=- block=yes force=0 wait=1" BY },
	{ "no word for truth", "POST", WEB, 1, "{\"os-migrateLive\": {\"host\": null, \"block_migration\": \"maybe\", \"disk_over_commit\": false}}",
	  400, NULL, "field/attribute block_migration. Value: \"maybe\"" },
	{ "a number for truth", "POST", WEB, 1, "{\"os-migrateLive\": {\"host\": null, \"block_migration\": 1, \"disk_over_commit\": false}}",
	  400, NULL, "field/attribute block_migration" },
	{ "auto too early", "POST", WEB, 24, "{\"os-migrateLive\": {\"host\": null, \"block_migration\": \"auto\", \"disk_over_commit\": false}}",
	  400, NULL, "field/attribute block_migration" },
	{ "no host", "POST", WEB, 1, "{\"os-migrateLive\": {\"block_migration\": false, \"disk_over_commit\": false}}", 400, NULL,
	  "'host' is a required property" },
	{ "no over-commit", "POST", WEB, 24, "{\"os-migrateLive\": {\"host\": null, \"block_migration\": false}}", 400, NULL,
	  "'disk_over_commit' is a required property" },
	{ "no block_migration", "POST", WEB, 1, "{\"os-migrateLive\": {\"host\": null, \"disk_over_commit\": false}}", 400, NULL,
	  "'block_migration' is a required property" },
	{ "force too early", "POST", WEB, 29, "{\"os-migrateLive\": {\"host\": \"h2\", \"block_migration\": false, \"force\": true}}", 400, NULL,
	  "Additional properties are not allowed ('force' was unexpected)" },
	/* 2.25 to 2.29 */
	{ "auto", "POST", WEB, 25, "{\"os-migrateLive\": {\"host\": \"h2\", \"block_migration\": \"auto\"}}", 202,
	  "live Web 1 host=h2 block=auto force=1 wait=1" BY },
	{ "over-commit too late", "POST", WEB, 25,
	  "{\"os-migrateLive\": {\"host\": null, \"block_migration\": false, \"disk_over_commit\": false}}", 400, NULL,
	  "Additional properties are not allowed ('disk_over_commit' was unexpected)" },
	/* 2.30 to 2.67 */
	{ "by the scheduler", "POST", WEB, 30, "{\"os-migrateLive\": {\"host\": \"h2\", \"block_migration\": \"auto\"}}", 202,
	  "live Web 1 host=h2 block=auto force=0 wait=1" BY },
	{ "by force", "POST", WEB, 67, "{\"os-migrateLive\": {\"host\": \"h2\", \"block_migration\": \"auto\", \"force\": \"yes\"}}", 202,
	  "live Web 1 host=h2 block=auto force=1 wait=0" BY },
	{ "by force to nowhere", "POST", WEB, 30, "{\"os-migrateLive\": {\"host\": null, \"block_migration\": \"auto\", \"force\": true}}", 400, NULL,
	  "Can't force to a non-provided destination" },
	{ "last synchronous one", "POST", WEB, 33, "{\"os-migrateLive\": {\"host\": null, \"block_migration\": false}}", 202,
	  "live Web 1 host=- block=no force=0 wait=1" BY },
	{ "first asynchronous one", "POST", WEB, 34, "{\"os-migrateLive\": {\"host\": null, \"block_migration\": false}}", 202,
	  "live Web 1 host=- block=no force=0 wait=0" BY },
	/* from 2.68 */
	{ "latest", "POST", WEB, 96, "{\"os-migrateLive\": {\"host\": \"h2\", \"block_migration\": \"auto\"}}", 202,
	  "live Web 1 host=h2 block=auto force=0 wait=0" BY },
	{ "force too late", "POST", WEB, 68, "{\"os-migrateLive\": {\"host\": \"h2\", \"block_migration\": \"auto\", \"force\": false}}", 400, NULL,
	  "Additional properties are not allowed ('force' was unexpected)" },
	/* any */
	{ "bad host name", "POST", WEB, 96, "{\"os-migrateLive\": {\"host\": \"h 2\", \"block_migration\": \"auto\"}}", 400, NULL,
	  "field/attribute host. Value: \"h 2\". \"h 2\" does not match" },
	{ "empty host name", "POST", WEB, 96, "{\"os-migrateLive\": {\"host\": \"\", \"block_migration\": \"auto\"}}", 400, NULL, "does not match" },
	{ "host is a number", "POST", WEB, 96, "{\"os-migrateLive\": {\"host\": 2, \"block_migration\": \"auto\"}}", 400, NULL,
	  "2 is not of type 'string', 'null'" },
	{ "no object", "POST", WEB, 96, "{\"os-migrateLive\": null}", 400, NULL, "must be an object" },
	{ "no server", "POST", "/v2.1/servers/77777777-7777-4777-8777-777777777777/action", 96,
	  "{\"os-migrateLive\": {\"host\": null, \"block_migration\": \"auto\"}}", 404, NULL,
	  "Instance 77777777-7777-4777-8777-777777777777 could not be found." },
	{ "body before server", "POST", "/v2.1/servers/77777777-7777-4777-8777-777777777777/action", 96, "{\"os-migrateLive\": {}}", 400, NULL,
	  "is a required property" },
	{ "not by a member", "POST", "/v2.1/servers/" WORLD_DB "/action", 96, "{\"os-migrateLive\": {\"host\": null, \"block_migration\": \"auto\"}}",
	  403, NULL, "os_compute_api:os-migrate-server:migrate_live", "member" },
	{ "unknown action", "POST", WEB, 96, "{\"explode\": null}", 400, NULL, "There is no such action: explode" },
	{ "absent action", "POST", WEB, 96, "{\"shelve\": null}", 400, NULL, "There is no such action: shelve" },
	/* power */
	{ "start", "POST", WEB, 1, "{\"os-start\": null}", 202, "os-start Web 1" BY },
	{ "stop, with a value", "POST", WEB, 96, "{\"os-stop\": {}}", 202, "os-stop Web 1" BY },
	{ "soft reboot", "POST", WEB, 1, "{\"reboot\": {\"type\": \"SOFT\"}}", 202, "reboot Web 1" BY },
	{ "hard reboot", "POST", WEB, 96, "{\"reboot\": {\"type\": \"Hard\"}}", 202, "reboot-hard Web 1" BY },
	{ "reboot of no kind", "POST", WEB, 96, "{\"reboot\": {\"type\": \"warm\"}}", 400, NULL,
	  "Invalid input for field/attribute type. Value: \"warm\". \"warm\" is not one of ['HARD', 'Hard', 'hard', 'SOFT', 'Soft', 'soft']" },
	{ "reboot without a type", "POST", WEB, 96, "{\"reboot\": {}}", 400, NULL, "'type' is a required property" },
	{ "reboot of null", "POST", WEB, 96, "{\"reboot\": null}", 400, NULL, "must be an object" },
	{ "pause", "POST", WEB, 1, "{\"pause\": null}", 202, "pause Web 1" BY },
	{ "unpause", "POST", WEB, 1, "{\"unpause\": null}", 202, "unpause Web 1" BY },
	{ "suspend", "POST", WEB, 1, "{\"suspend\": null}", 202, "suspend Web 1" BY },
	{ "resume", "POST", WEB, 1, "{\"resume\": null}", 202, "resume Web 1" BY },
	{ "stop of no server", "POST", "/v2.1/servers/77777777-7777-4777-8777-777777777777/action", 96, "{\"os-stop\": null}", 404, NULL,
	  "Instance 77777777-7777-4777-8777-777777777777 could not be found." },
	{ "stop by a reader", "POST", "/v2.1/servers/" WORLD_DB "/action", 96, "{\"os-stop\": null}", 403, NULL, "os_compute_api:servers:stop", "reader" },
	{ "lock without a reason", "POST", WEB, 72, "{\"lock\": {\"locked_reason\": 5}}", 202, "" },
	{ "lock with a reason", "POST", WEB, 73, "{\"lock\": {\"locked_reason\": \"because\"}}", 202, "" },
	{ "lock with none", "POST", WEB, 73, "{\"lock\": null}", 202, "" },
	{ "lock with a number", "POST", WEB, 73, "{\"lock\": {\"locked_reason\": 5}}", 400, NULL, "is not of type 'string'" },
	{ "lock with nothing to say", "POST", WEB, 73, "{\"lock\": {\"locked_reason\": \"\"}}", 400, NULL, NULL },
	{ "unlock", "POST", WEB, 96, "{\"unlock\": null}", 202, "" },
	{ "two actions", "POST", WEB, 96, "{\"pause\": null, \"resume\": null}", 400, NULL, "too many body keys" },
	{ "no action", "POST", WEB, 96, "{}", 400, NULL, "no body keys" },
	{ "no JSON", "POST", WEB, 96, "{", 400, NULL, "Malformed request body" },
	{ "no body", "POST", WEB, 96, NULL, 400, NULL, "Malformed request body" },
	/* migrate, confirmResize, revertResize */
	{ "cold to any host", "POST", WEB, 1, "{\"migrate\": null}", 202, "migrate Web 1 host=-" BY },
	{ "cold, a value of old", "POST", WEB, 55, "{\"migrate\": {\"host\": \"h2\"}}", 202, "migrate Web 1 host=-" BY },
	{ "cold to a host", "POST", WEB, 56, "{\"migrate\": {\"host\": \"h2\"}}", 202, "migrate Web 1 host=h2" BY },
	{ "cold, no host named", "POST", WEB, 56, "{\"migrate\": {}}", 202, "migrate Web 1 host=-" BY },
	{ "cold, latest", "POST", WEB, 96, "{\"migrate\": null}", 202, "migrate Web 1 host=-" BY },
	{ "cold, host is null", "POST", WEB, 56, "{\"migrate\": {\"host\": null}}", 400, NULL, "is not of type" },
	{ "cold, bad host name", "POST", WEB, 56, "{\"migrate\": {\"host\": \"h 2\"}}", 400, NULL, "does not match" },
	{ "cold, more than a host", "POST", WEB, 56, "{\"migrate\": {\"host\": \"h2\", \"force\": true}}", 400, NULL, "force" },
	{ "cold to where it is", "POST", WEB, 56, "{\"migrate\": {\"host\": \"h1\"}}", 400, NULL, "Cannot migrate to the host where the server exists." },
	{ "cold by a member", "POST", WEB, 56, "{\"migrate\": null}", 403, NULL, "os_compute_api:os-migrate-server:migrate", "member" },
	{ "confirm", "POST", WEB, 1, "{\"confirmResize\": null}", 204, "confirmResize Web 1 host=-" BY },
	{ "confirm with a value", "POST", WEB, 1, "{\"confirmResize\": {}}", 400, NULL, "is not of type 'null'" },
	{ "revert", "POST", WEB, 96, "{\"revertResize\": null}", 202, "revertResize Web 1 host=-" BY },
	{ "revert with a value", "POST", WEB, 96, "{\"revertResize\": 1}", 400, NULL, "is not of type 'null'" },
	{ "revert of no server", "POST", "/v2.1/servers/77777777-7777-4777-8777-777777777777/action", 96, "{\"revertResize\": null}", 404, NULL,
	  "Instance 77777777-7777-4777-8777-777777777777 could not be found." },
	/* evacuate */
	{ "evacuate from a host that is up", "POST", WEB, 95, "{\"evacuate\": {}}", 400, NULL, "Compute service of h1 is still in use." },
	{ "evacuate to where it is", "POST", WEB, 96, "{\"evacuate\": {\"host\": \"h1\"}}", 400, NULL, "The target host can't be the same one." },
	{ "evacuate to no host", "POST", WEB, 96, "{\"evacuate\": {\"host\": \"h9\"}}", 404, NULL, "Compute host h9 not found." },
	{ "evacuate to a bad host name", "POST", WEB, 96, "{\"evacuate\": {\"host\": \"h 2\"}}", 400, NULL, "does not match" },
	{ "evacuate, is it shared", "POST", WEB, 13, "{\"evacuate\": {}}", 400, NULL, "'onSharedStorage' is a required property" },
	{ "evacuate, shared is a number", "POST", WEB, 13, "{\"evacuate\": {\"onSharedStorage\": 7}}", 400, NULL, "onSharedStorage" },
	{ "evacuate, shared too late", "POST", WEB, 14, "{\"evacuate\": {\"onSharedStorage\": true}}", 400, NULL,
	  "Additional properties are not allowed ('onSharedStorage' was unexpected)" },
	{ "evacuate, shared and a password", "POST", WEB, 13, "{\"evacuate\": {\"onSharedStorage\": true, \"adminPass\": \"x\"}}", 400, NULL,
	  "admin password can't be changed on existing disk" },
	{ "evacuate, a password", "POST", WEB, 14, "{\"evacuate\": {\"adminPass\": \"x\"}}", 400, NULL, "Compute service of h1 is still in use." },
	{ "evacuate, no password", "POST", WEB, 14, "{\"evacuate\": {\"adminPass\": 7}}", 400, NULL, "is not of type 'string'" },
	{ "evacuate, a password too late", "POST", WEB, 95, "{\"evacuate\": {\"adminPass\": \"x\"}}", 400, NULL,
	  "Additional properties are not allowed ('adminPass' was unexpected)" },
	{ "evacuate, force too early", "POST", WEB, 28, "{\"evacuate\": {\"host\": \"h2\", \"force\": true}}", 400, NULL,
	  "Additional properties are not allowed ('force' was unexpected)" },
	{ "evacuate, force to nowhere", "POST", WEB, 29, "{\"evacuate\": {\"force\": true}}", 400, NULL, "Can't force to a non-provided destination" },
	{ "evacuate, force too late", "POST", WEB, 68, "{\"evacuate\": {\"host\": \"h2\", \"force\": true}}", 400, NULL, "was unexpected" },
	{ "evacuate, the password is told", "POST", LOST, 13, "{\"evacuate\": {\"onSharedStorage\": false, \"adminPass\": \"its-own\"}}", 200,
	  "evacuate lost host=-" BY, "its-own" },
	{ "evacuate, a password is made", "POST", LOST, 13, "{\"evacuate\": {\"onSharedStorage\": \"False\"}}", 200, "evacuate lost host=-" BY, "adminPass" },
	{ "evacuate, none for disks that stay", "POST", LOST, 13, "{\"evacuate\": {\"onSharedStorage\": true}}", 200, "evacuate lost host=-" BY, "null" },
	{ "evacuate, a password that is not told", "POST", LOST, 14, "{\"evacuate\": {\"adminPass\": \"x\"}}", 200, "evacuate lost host=-" BY },
	{ "evacuate to a host", "POST", LOST, 29, "{\"evacuate\": {\"host\": \"h1\", \"force\": true}}", 200, "evacuate lost host=h1" BY },
	{ "evacuate, to be off", "POST", LOST, 95, "{\"evacuate\": {\"host\": \"h1\"}}", 200, "evacuate lost host=h1" BY },
	{ "evacuate by a member", "POST", WEB, 96, "{\"evacuate\": {}}", 403, NULL, "os_compute_api:os-evacuate", "member" },
	/* abort */
	{ "abort", "DELETE", MOVED, 24, NULL, 202, "abort moved 3 queued=0" BY },
	{ "abort, queued too", "DELETE", MOVED, 65, NULL, 202, "abort moved 3 queued=1" BY },
	{ "abort too early", "DELETE", MOVED, 23, NULL, 404, NULL, NULL },
	{ "abort nothing", "DELETE", "/v2.1/servers/" WORLD_MOVED "/migrations/x", 24, NULL, 404, NULL,
	  "Migration x not found for instance " WORLD_MOVED },
	{ "abort of no server", "DELETE", "/v2.1/servers/77777777-7777-4777-8777-777777777777/migrations/3", 24, NULL, 404, NULL,
	  "Instance 77777777-7777-4777-8777-777777777777 could not be found." },
	{ "abort by a member", "DELETE", MOVED, 24, NULL, 403, NULL, "os_compute_api:servers:migrations:delete", "member" },
	/* force_complete */
	{ "force", "POST", MOVED "/action", 22, "{\"force_complete\": null}", 202, "force moved 3" BY },
	{ "force too early", "POST", MOVED "/action", 21, "{\"force_complete\": null}", 404, NULL, NULL },
	{ "force with a value", "POST", MOVED "/action", 22, "{\"force_complete\": {}}", 400, NULL, "is not of type 'null'" },
	{ "force nothing", "POST", "/v2.1/servers/" WORLD_MOVED "/migrations/x/action", 22, "{\"force_complete\": null}", 400, NULL,
	  "Migration x not found" },
	{ "force of no server", "POST", "/v2.1/servers/77777777-7777-4777-8777-777777777777/migrations/3/action", 22,
	  "{\"force_complete\": null}", 404, NULL, "Instance 77777777-7777-4777-8777-777777777777 could not be found." },
	/* a task that is no migration */
	{ "configuration", "GET", "/drover/v1/config", 1, NULL, 200, NULL, "max_limit" },
	{ "configuration, of what", "GET", "/drover/v1/config?of=api", 1, NULL, 400, NULL, "of" },
	{ "configuration, not by a member", "GET", "/drover/v1/config", 1, NULL, 403, NULL, "it needs the role admin", "member" },
	{ "power, by number", "GET", "/drover/v1/migrations/5", 1, NULL, 404, NULL, "Migration 5 could not be found." },
	{ "power, by uuid", "GET", "/drover/v1/migrations/" WORLD_POWER, 1, NULL, 404, NULL, "Migration " WORLD_POWER " could not be found." },
	{ "priority of power", "POST", "/drover/v1/migrations/5", 1, "{\"priority\": 7}", 404, NULL, "Migration 5 could not be found." },
	{ "page after power", "GET", "/drover/v1/migrations?marker=" WORLD_POWER, 1, NULL, 404, NULL, "Migration " WORLD_POWER " could not be found." },
	{ "other action", "POST", MOVED "/action", 22, "{\"abort\": null}", 400, NULL, "There is no such action: abort" },
};

static void check(const struct call *c, const struct engine *e, const struct answer *a)
{
	g_test_message("%s", c->name);
	if (a->status != c->status || strcmp(fake_engine_said(e), c->said ? c->said : "") != 0 || (c->why && !strstr(a->body, c->why)))
		g_error("%s: %d, engine was asked \"%s\", body %s", c->name, a->status, fake_engine_said(e), a->body);
	if (a->status < 300 && !c->why)
		g_assert_cmpstr(a->body, ==, "");
}

static char *escaped(const char *why)
{
	g_autoptr(GString) s = g_string_new(NULL);

	jout_put_string(s, why);
	return g_strndup(s->str + 1, s->len - 2);
}

static void table(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(calls); i++) {
		struct world *w = world_new();
		g_autofree char *why = calls[i].why ? escaped(calls[i].why) : NULL;
		struct call c = calls[i];
		struct answer a;

		c.why = why;
		world_ask(w, c.method, c.target, c.mv, c.who ? c.who : "admin", c.body, &a);
		check(&c, w->engine, &a);
		answer_clear(&a);
		world_free(w);
	}
}

/* The engine's refusals come out as faults in its own words. */
static void refusals(void)
{
	static const struct {
		enum err_code code;
		const char *text;
		int live, abort, force;
	} cases[] = {
		{ ERR_CONFLICT, "Cannot 'os-migrateLive' instance x while it is in vm_state stopped", 409, 409, 409 },
		{ ERR_NO_VALID_HOST, "No valid host was found. h2: ComputeFilter: disabled: maintenance; h3: ComputeFilter: forced down", 400, 400, 400 },
		{ ERR_PRECHECK, "Migration pre-check error: CPU is too old", 400, 400, 400 },
		{ ERR_NOT_FOUND, "Migration 3 not found for instance x", 404, 404, 400 },
		{ ERR_UNAVAILABLE, "The database does not answer", 503, 503, 503 },
	};
	static const char live[] = "{\"os-migrateLive\": {\"host\": null, \"block_migration\": \"auto\"}}";

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct world *w = world_new();
		struct answer a;

#define REFUSED(want, ...) \
		fake_engine_refuse(w->engine, g_error_new(ERR, (int)cases[i].code, "%s", cases[i].text)); \
		world_ask(w, __VA_ARGS__, &a); \
		g_assert_cmpint(a.status, ==, want); \
		g_assert_nonnull(strstr(a.body, cases[i].text)); \
		answer_clear(&a)
		REFUSED(cases[i].live, "POST", WEB, 96, "admin", live);
		REFUSED(cases[i].abort, "DELETE", MOVED, 65, "admin", NULL);
		REFUSED(cases[i].force, "POST", MOVED "/action", 22, "admin", "{\"force_complete\": null}");
#undef REFUSED
		world_free(w);
	}
}

/* The answer waits for the engine, however long that takes. */
static void later(void)
{
	struct world *w = world_new();
	struct answer a;

	fake_engine_hold(w->engine);
	world_ask(w, "POST", WEB, 30, "admin", "{\"os-migrateLive\": {\"host\": null, \"block_migration\": \"auto\"}}", &a);
	g_assert_cmpint(a.status, ==, 0);
	fake_engine_release(w->engine);
	g_assert_cmpint(a.status, ==, 202);
	answer_clear(&a);
	world_free(w);
}

/* ---- hosts come and go ---- */

static void add_and_remove(void)
{
	struct world *w = world_new();
	struct answer a;
	struct host *h;

	world_ask(w, "POST", "/drover/v1/hosts", 1, "admin", "{\"host\": {\"name\": \"h4\", \"uri\": \"qemu+tls://h4/system\", "
		  "\"live_migration_inbound_addr\": \"10.0.0.4\", \"live_migration_uri\": null, \"server_listen\": \"127.0.0.1\", \"cell\": \"west\"}}", &a);
	g_assert_cmpint(a.status, ==, 201);
	answer_clear(&a);
	h = fleet_host(w->fleet, "h4");
	g_assert_nonnull(h);
	g_assert_cmpstr(h->inbound_addr, ==, "10.0.0.4");
	g_assert_cmpstr(h->vnc_listen, ==, "127.0.0.1");
	g_assert_cmpstr(host_cell(h), ==, "west");
	g_assert_null(h->migration_uri);
	world_ask(w, "DELETE", "/drover/v1/hosts/h4", 1, "admin", NULL, &a);
	g_assert_cmpint(a.status, ==, 204);
	answer_clear(&a);
	g_assert_null(fleet_host(w->fleet, "h4"));
	world_free(w);
}

/* What is refused before an agent is asked. */
static void fence(void)
{
	static const struct {
		const char *method, *path, *body;
		int status;
		const char *why;
	} rows[] = {
		{ "POST", "/drover/v1/hosts/h9/fence", "{\"fence\": null}", 404, "Host h9 could not be found." },
		{ "POST", "/drover/v1/hosts/h1/fence", "{\"fence\": {\"force\": 1}}", 400, "force" },
		{ "POST", "/drover/v1/hosts/h1/fence", "{}", 400, "fence" },
		{ "POST", "/drover/v1/hosts/h1/fence", "{\"fence\": {\"force\": true}}", 400, "Host h1 has no fence agent." },
		{ "POST", "/drover/v1/hosts/h1/unfence", NULL, 400, "Host h1 has no fence agent." },
		{ "GET", "/drover/v1/hosts/h1/power", NULL, 400, "Host h1 has no fence agent." },
	};
	struct world *w = world_new();
	struct answer a;

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		world_ask(w, rows[i].method, rows[i].path, 1, "admin", rows[i].body, &a);
		g_test_message("%s %s: %s", rows[i].path, rows[i].body, a.body);
		g_assert_cmpint(a.status, ==, rows[i].status);
		g_assert_nonnull(strstr(a.body, rows[i].why));
		answer_clear(&a);
	}
	fleet_host(w->fleet, "h1")->conn = HOST_UP;
	world_ask(w, "POST", "/drover/v1/hosts/h1/fence", 1, "admin", "{\"fence\": {\"reason\": \"x\"}}", &a);
	g_assert_cmpint(a.status, ==, 409);
	g_assert_nonnull(strstr(a.body, "Host h1 is up and has"));
	answer_clear(&a);
	world_free(w);
}

/* D1: neither of the two may make libvirt's client run a program. */
static void add_and_run(void)
{
	static const char *const bodies[] = {
		"{\"host\": {\"name\": \"h4\", \"uri\": \"sim://x?servers=100000\"}}",
		"{\"host\": {\"name\": \"h4\", \"uri\": \"qemu+tls://h4/system\", \"live_migration_inbound_addr\": \"x/system?command=/bin/false\"}}",
		"{\"host\": {\"name\": \"h4\", \"uri\": \"qemu+tls://h4/system\", \"server_listen\": \"127.0.0.1' x='\"}}",
		"{\"host\": {\"name\": \"h4\", \"uri\": \"qemu+tls://h4/system\", \"cell\": \"a b\"}}",
		"{\"host\": {\"name\": \"h4\", \"uri\": \"qemu+ext:///system?command=/bin/false\"}}",
		"{\"host\": {\"name\": \"h4\", \"uri\": \"qemu+tls://h4/system\", \"live_migration_uri\": \"qemu+ssh://h4/system?command=/bin/false\"}}",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(bodies); i++) {
		struct world *w = world_new();
		struct answer a;

		world_ask(w, "POST", "/drover/v1/hosts", 1, "admin", bodies[i], &a);
		g_assert_cmpint(a.status, ==, 400);
		g_assert_true(strstr(a.body, "stands in the configuration file") || strstr(a.body, "is no address") || strstr(a.body, "cell: it must be"));
		answer_clear(&a);
		g_assert_null(fleet_host(w->fleet, "h4"));
		world_free(w);
	}
}

/* D1: nor a row that is older than the check, or was written by another program: the host is there, and never connected. */
static void bad_rows(void)
{
	static const struct {
		const char *name, *uri, *addr, *migration_uri, *why;
	} rows[] = {
		{ "program", "qemu+ext:///system?command=/bin/false", NULL, NULL, "cannot be used for a host that is added at run time" },
		{ "toy", "sim://toy?servers=100000", NULL, NULL, "cannot be used for a host that is added at run time" },
		{ "relay", "qemu+tls://relay/system", NULL, "qemu+ssh://relay/system?command=/bin/false", "without parameters" },
		{ "address", "qemu+tls://address/system", "x/system?command=/bin/false", NULL, "is no address" },
	};
	static const struct hv_ops no_ops = { .name = "none" };
	static const struct hv_ops *const ops[] = { &no_ops, NULL };
	g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
	struct conf *conf = conf_parse("", 0, "test", mistakes);
	struct store *store = store_open("sqlite://:memory:", NULL);
	struct fleet *f;

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		int64_t id;

		g_assert_true(store_insert(store, Q_HOST_PUT, STORE_ARGS(SV_S(rows[i].name), SV_S(rows[i].uri), SV_S("u"), SV_S(rows[i].addr), SV_I(0), SV_NULL,
									 SV_I(0), SV_I(0), SV_I(1), SV_S(rows[i].migration_uri), SV_NULL, SV_NULL), &id, NULL));
	}
	f = fleet_new(conf, store, ops, NULL);
	g_assert_nonnull(f);
	fleet_start(f);
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct host *h = fleet_host(f, rows[i].name);
		g_autofree char *state = host_state_text(f, h);

		g_test_message("%s: %s", rows[i].name, state);
		g_assert_null(h->hv);
		g_assert_cmpint(h->conn, ==, HOST_CLOSED);
		g_assert_true(g_str_has_prefix(state, "down: "));
		g_assert_nonnull(strstr(state, rows[i].why));
	}
	g_assert_true(fleet_settled(f)); /* they are not waited for */
	fleet_free(f);
	store_close(store);
	conf_free(conf);
}

/* D28: as a marker, a server of another project is as one that does not exist; so the answer does not tell. */
static void foreign_marker(void)
{
	static const struct {
		const char *who, *marker;
		int status;
	} rows[] = {
		{ "member", WORLD_BATCH, 200 }, { "member", WORLD_WEB, 400 }, { "member", "99999999-9999-4999-8999-999999999999", 400 }, { "admin", WORLD_BATCH, 200 },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *target = g_strdup_printf("/v2.1/servers?marker=%s", rows[i].marker);
		struct world *w = world_new();
		struct answer a;

		world_ask(w, "GET", target, 1, rows[i].who, NULL, &a);
		g_test_message("%s %s: %s", rows[i].who, rows[i].marker, a.body);
		g_assert_cmpint(a.status, ==, rows[i].status);
		answer_clear(&a);
		world_free(w);
	}
}

static void delete_service(void)
{
	struct world *w = world_new();
	struct server *s = fleet_server(w->fleet, WORLD_LOST);
	struct answer a;

	fleet_claim(w->fleet, fleet_host(w->fleet, "h3"), &(struct claim){ .task_id = 3, .usage = server_usage(s) });
	fleet_server_move(w->fleet, s, NULL);
	world_ask(w, "DELETE", "/v2.1/os-services/c0000000-0000-4000-8000-000000000003", 53, "admin", NULL, &a);
	g_assert_cmpint(a.status, ==, 409);
	g_assert_nonnull(strstr(a.body, "has in-progress migrations"));
	answer_clear(&a);
	fleet_unclaim(w->fleet, 3, CLAIM_DEST);
	world_ask(w, "DELETE", "/v2.1/os-services/5", 52, "admin", NULL, &a);
	g_assert_cmpint(a.status, ==, 204);
	answer_clear(&a);
	g_assert_null(fleet_host(w->fleet, "h3"));
	world_free(w);
}

/* ---- os-resetState ---- */

#define ACTION(uuid) "/v2.1/servers/" uuid "/action"
#define RESET(state) "{\"os-resetState\": {\"state\": " state "}}"

/* @vm: what the record says then */
static const struct {
	const char *name, *uuid, *target, *body;
	int status;
	enum server_vm vm;
	const char *why, *who;
} resets[] = {
	{ "to active", WORLD_LOST, ACTION(WORLD_LOST), RESET("\"active\""), 202, SERVER_ACTIVE },
	{ "to error", WORLD_WEB, ACTION(WORLD_WEB), RESET("\"error\""), 202, SERVER_ERROR },
	{ "to what it is", WORLD_LOST, ACTION(WORLD_LOST), RESET("\"error\""), 202, SERVER_ERROR },
	{ "to another state", WORLD_WEB, ACTION(WORLD_WEB), RESET("\"paused\""), 400, SERVER_ACTIVE,
	  "Invalid input for field/attribute state. Value: \\\"paused\\\". \\\"paused\\\" is not one of ['active', 'error']" },
	{ "to no word", WORLD_WEB, ACTION(WORLD_WEB), RESET("1"), 400, SERVER_ACTIVE, "1 is not one of" },
	{ "without a state", WORLD_WEB, ACTION(WORLD_WEB), "{\"os-resetState\": {}}", 400, SERVER_ACTIVE, "'state' is a required property" },
	{ "with more", WORLD_WEB, ACTION(WORLD_WEB), "{\"os-resetState\": {\"state\": \"error\", \"x\": 1}}", 400, SERVER_ACTIVE,
	  "Additional properties are not allowed" },
	{ "no object", WORLD_WEB, ACTION(WORLD_WEB), "{\"os-resetState\": \"error\"}", 400, SERVER_ACTIVE, "must be an object" },
	{ "while it migrates", WORLD_MOVED, ACTION(WORLD_MOVED), RESET("\"error\""), 409, SERVER_ACTIVE,
	  "Cannot 'reset_state' instance " WORLD_MOVED " while it is in task_state migrating" },
	{ "no server", WORLD_WEB, ACTION("77777777-7777-4777-8777-777777777777"), RESET("\"error\""), 404, SERVER_ACTIVE, "could not be found" },
	{ "not by a member", WORLD_DB, ACTION(WORLD_DB), RESET("\"error\""), 403, SERVER_PAUSED,
	  "os_compute_api:os-admin-actions:reset_state", "member" },
};

static void reset_state(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(resets); i++) {
		struct world *w = world_new();
		const struct server *s = fleet_server(w->fleet, resets[i].uuid);
		struct answer a;

		world_ask(w, "POST", resets[i].target, 1, resets[i].who ? resets[i].who : "admin", resets[i].body, &a);
		if (a.status != resets[i].status || s->vm != resets[i].vm || (resets[i].why && !strstr(a.body, resets[i].why)))
			g_error("%s: %d, %s, vm_state %s", resets[i].name, a.status, a.body, server_vm_name(s->vm));
		if (s->vm == SERVER_ACTIVE)
			g_assert_null(s->fault);
		answer_clear(&a);
		world_free(w);
	}
}

/* The requester, and that the database has it. */
static void reset_state_kept(void)
{
	static const struct hv_ops *const ops[] = { NULL };
	struct world *w = world_new();
	struct fleet *next;
	struct answer a;

	world_ask(w, "POST", ACTION(WORLD_LOST), 96, "admin", RESET("\"active\""), &a);
	g_assert_cmpint(a.status, ==, 202);
	answer_clear(&a);
	world_ask(w, "GET", "/v2.1/servers/" WORLD_LOST "/os-instance-actions", 96, "admin", NULL, &a);
	g_assert_nonnull(strstr(a.body, "\"action\":\"resetState\""));
	g_assert_nonnull(strstr(a.body, "\"user_id\":\"admin-user\""));
	answer_clear(&a);
	next = fleet_new(w->conf, w->store, ops, NULL);
	g_assert_cmpint(fleet_server(next, WORLD_LOST)->vm, ==, SERVER_ACTIVE);
	g_assert_null(fleet_server(next, WORLD_LOST)->fault);
	fleet_free(next);
	world_free(w);
}

/* ---- lock, unlock ---- */

#define LOCK "{\"lock\": null}"
#define UNLOCK "{\"unlock\": null}"
#define LOCK_WHY(why) "{\"lock\": {\"locked_reason\": " why "}}"

/* One after the other, of one server: @by and @reason are what the record says then. */
static const struct {
	const char *who, *body;
	int status;
	const char *by, *reason, *why;
} locks[] = {
	{ "reader", LOCK, 403, NULL, NULL, "os_compute_api:os-lock-server:lock" },
	{ "member", LOCK_WHY("\"mine\""), 202, "owner", "mine" },
	{ "member", LOCK_WHY("\"again\""), 202, "owner", "mine" },
	{ "member", UNLOCK, 202, NULL, NULL },
	{ "member", UNLOCK, 202, NULL, NULL },
	{ "member", LOCK, 202, "owner", NULL },
	{ "admin", LOCK_WHY("\"repair\""), 202, "admin", "repair" },
	{ "member", UNLOCK, 403, "admin", "repair", "os_compute_api:os-lock-server:unlock:unlock_override" },
	{ "member", LOCK_WHY("\"mine\""), 202, "admin", "repair" },
	{ "admin", LOCK, 202, "admin", "repair" },
	{ "admin", UNLOCK, 202, NULL, NULL },
};

static void test_lock(void)
{
	static const struct hv_ops *const ops[] = { NULL };
	struct world *w = world_new();
	const struct server *s = fleet_server(w->fleet, WORLD_DB);
	struct fleet *next;
	struct answer a;

	for (size_t i = 0; i < G_N_ELEMENTS(locks); i++) {
		world_ask(w, "POST", ACTION(WORLD_DB), 96, locks[i].who, locks[i].body, &a);
		g_test_message("%zu: %s %s: %d %s", i, locks[i].who, locks[i].body, a.status, a.body);
		g_assert_cmpint(a.status, ==, locks[i].status);
		g_assert_true(!locks[i].why || strstr(a.body, locks[i].why));
		g_assert_cmpint(s->locked, ==, locks[i].by != NULL);
		g_assert_cmpstr(s->locked_by, ==, locks[i].by);
		g_assert_cmpstr(s->locked_reason, ==, locks[i].reason);
		answer_clear(&a);
		next = fleet_new(w->conf, w->store, ops, NULL);
		g_assert_cmpstr(fleet_server(next, WORLD_DB)->locked_reason, ==, locks[i].reason);
		fleet_free(next);
	}
	world_ask(w, "POST", ACTION(WORLD_DB), 96, "member", LOCK_WHY("\"mine\""), &a);
	answer_clear(&a);
	world_ask(w, "GET", "/v2.1/servers/" WORLD_DB, 96, "member", NULL, &a);
	g_assert_nonnull(strstr(a.body, "\"locked\":true"));
	g_assert_nonnull(strstr(a.body, "\"locked_reason\":\"mine\""));
	answer_clear(&a);
	world_ask(w, "GET", "/v2.1/servers/" WORLD_DB "/os-instance-actions", 96, "admin", NULL, &a);
	g_assert_nonnull(strstr(a.body, "\"action\":\"unlock\""));
	answer_clear(&a);
	world_free(w);
}

/* ---- pages ---- */

static int count(const struct answer *a, const char *member)
{
	g_autoptr(json_t) root = json_loads(a->body, 0, NULL);

	return (int)json_array_size(json_object_get(root, member));
}

/* The link of a full page, as a client follows it. */
static char *next_of(const struct answer *a, const char *member)
{
	g_autoptr(json_t) root = json_loads(a->body, 0, NULL);
	const char *href = json_string_value(json_object_get(json_array_get(json_object_get(root, member), 0), "href"));

	return href ? g_strdup(href + strlen("http://controller:8774")) : NULL;
}

/* Pages, followed by their links, have every server once, whatever the order. */
static void follow(const char *query)
{
	struct world *w = world_new();
	g_autofree char *target = g_strconcat("/v2.1/servers?all_tenants=1&limit=7", query, NULL);
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	int n = 0;

	world_add_servers(w, 100);
	while (target) {
		struct answer a;
		g_autoptr(json_t) root = NULL;

		world_ask(w, "GET", target, 96, "admin", NULL, &a);
		g_assert_cmpint(a.status, ==, 200);
		root = json_loads(a.body, 0, NULL);
		for (int i = 0; i < count(&a, "servers"); i++, n++)
			g_hash_table_add(seen, g_strdup(json_string_value(json_object_get(json_array_get(json_object_get(root, "servers"), (size_t)i), "id"))));
		g_free(target);
		target = next_of(&a, "servers_links");
		answer_clear(&a);
	}
	g_assert_cmpint(n, ==, 105);
	g_assert_cmpuint(g_hash_table_size(seen), ==, 105);
	world_free(w);
}

static void pages(void)
{
	follow("");
	follow("&sort_key=display_name&sort_dir=asc");
	follow("&sort_key=host&sort_key=power_state&sort_dir=desc&sort_dir=asc");
	follow("&sort_key=locked");
}

/* The same pages, found in one pass, are those of a whole sort: the names come in order. */
static void order(void)
{
	struct world *w = world_new();
	g_autofree char *last = g_strdup("");
	g_autoptr(json_t) root = NULL;
	struct answer a;
	json_t *servers, *one;
	size_t i;

	world_add_servers(w, 500);
	world_ask(w, "GET", "/v2.1/servers?limit=300&sort_key=display_name&sort_dir=asc", 96, "admin", NULL, &a);
	root = json_loads(a.body, 0, NULL);
	servers = json_object_get(root, "servers");
	g_assert_cmpuint(json_array_size(servers), ==, 300);
	json_array_foreach(servers, i, one) {
		const char *name = json_string_value(json_object_get(one, "name"));

		g_assert_cmpstr(last, <, name);
		g_free(last);
		last = g_strdup(name);
	}
	answer_clear(&a);
	world_free(w);
}

/* A pattern that would not end is refused, not tried to the end. */
static void slow_pattern(void)
{
	struct world *w = world_new();
	struct answer a;

	g_free(fleet_server(w->fleet, WORLD_WEB)->name);
	fleet_server(w->fleet, WORLD_WEB)->name = g_strnfill(200, 'a');
	world_ask(w, "GET", "/v2.1/servers?name=^(a|a|aa)*[xy]$", 96, "admin", NULL, &a);
	g_assert_cmpint(a.status, ==, 400);
	g_assert_nonnull(strstr(a.body, "too long"));
	answer_clear(&a);
	world_free(w);
}

/* What is asked for without a token is made once a second, however often it is asked for; an administrator's is new. */
static void test_metrics(void)
{
	struct world *w = world_new_measured();
	struct answer first, kept, admin, later;

	world_ask(w, "GET", "/metrics", 1, "", NULL, &first);
	g_assert_cmpint(first.status, ==, 200);
	g_assert_nonnull(strstr(first.body, "drover_servers{status=\"ACTIVE\"} "));
	world_add_servers(w, 7);
	clock_advance_ms(900);
	world_ask(w, "GET", "/metrics", 1, "", NULL, &kept);
	g_assert_cmpstr(kept.body, ==, first.body);
	world_ask(w, "GET", "/metrics", 1, "admin", NULL, &admin);
	g_assert_cmpstr(admin.body, !=, first.body);
	clock_advance_ms(1100);
	world_ask(w, "GET", "/metrics", 1, "", NULL, &later);
	g_assert_cmpstr(later.body, !=, first.body);
	answer_clear(&first);
	answer_clear(&kept);
	answer_clear(&admin);
	answer_clear(&later);
	world_free(w);
}

/* Descriptors are counted exactly, however many there are. */
static void test_open_fds(void)
{
	static const int more = 500;
	struct world *w = world_new_measured();
	int fds[500];
	double before, after;
	struct answer a;

	world_ask(w, "GET", "/metrics", 1, "admin", NULL, &a);
	before = g_ascii_strtod(strstr(a.body, "\nprocess_open_fds ") + strlen("\nprocess_open_fds "), NULL);
	answer_clear(&a);
	for (int i = 0; i < more; i++)
		g_assert_cmpint(fds[i] = dup(0), >=, 0);
	world_ask(w, "GET", "/metrics", 1, "admin", NULL, &a);
	after = g_ascii_strtod(strstr(a.body, "\nprocess_open_fds ") + strlen("\nprocess_open_fds "), NULL);
	answer_clear(&a);
	for (int i = 0; i < more; i++)
		close(fds[i]);
	g_assert_cmpfloat(after - before, ==, more);
	world_free(w);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/compute/calls/table", table);
	g_test_add_func("/compute/calls/refusals", refusals);
	g_test_add_func("/compute/calls/later", later);
	g_test_add_func("/compute/hosts/add_and_remove", add_and_remove);
	g_test_add_func("/compute/servers/D28/foreign_marker", foreign_marker);
	g_test_add_func("/compute/hosts/fence", fence);
	g_test_add_func("/compute/hosts/D1/no_program", add_and_run);
	g_test_add_func("/compute/hosts/D1/bad_rows", bad_rows);
	g_test_add_func("/compute/hosts/delete_service", delete_service);
	g_test_add_func("/compute/servers/reset_state", reset_state);
	g_test_add_func("/compute/servers/reset_state_kept", reset_state_kept);
	g_test_add_func("/compute/servers/lock", test_lock);
	g_test_add_func("/compute/servers/pages", pages);
	g_test_add_func("/compute/servers/order", order);
	g_test_add_func("/compute/servers/slow_pattern", slow_pattern);
	g_test_add_func("/D2/metrics_kept", test_metrics);
	g_test_add_func("/D2/open_fds", test_open_fds);
	return g_test_run();
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * A word that this version does not know, in each column of each table that has words of an enum: as another version writes it, or a person.
 * The row stays as it is, what it is about is refused, and everything beside it goes on.
 */
#include <string.h>

#include "base/err.h"
#include "fleet/fleet.h"
#include "identity/identity.h"
#include "identity/records.h"
#include "kinds.h"
#include "live/live.h"
#include "scn.h"
#include "store/columns.h"
#include "task/request.h"

#define GUEST "11111111-0000-4000-8000-000000000001"
#define OTHER "11111111-0000-4000-8000-000000000002"
#define WAIT_TEST_MS 600000

#define OF_GUEST " WHERE server_uuid = '" GUEST "'"
#define SERVER " WHERE uuid = '" GUEST "'"
#define PEOPLE \
	"INSERT INTO users VALUES ('u1', 'ann', '$y$', NULL, 1, 1), ('u2', 'bob', '$y$', NULL, 1, 2);" \
	"INSERT INTO projects VALUES ('p1', 'ops', '', 1, 1);" \
	"INSERT INTO grants VALUES ('u1', 'p1', 'member'), ('u2', 'p1', 'reader')"

/*
 * @moving: the guest's migration copies meanwhile
 * @first: SQL before; @spoil: what puts the word there; @row: whose rows stay; @mend: the way back; @told: with the event, which the log has
 * @busy: the guest is refused for every request
 */
static const struct word_case {
	const char *name;
	bool moving, busy;
	const char *first, *spoil, *mend, *row, *event, *told;
} cases[] = {
	{ "servers.vm_state", false, true, NULL, "UPDATE servers SET vm_state = 'dozing'" SERVER, "UPDATE servers SET vm_state = 'active'" SERVER,
	  "SELECT * FROM servers" SERVER, "server_row_unreadable", "vm_state is dozing" },
	{ "servers.task_state", false, true, NULL, "UPDATE servers SET task_state = 'knitting'" SERVER, "UPDATE servers SET task_state = NULL" SERVER,
	  "SELECT * FROM servers" SERVER, "server_row_unreadable", "task_state is knitting" },
	{ "servers.vm_state, migrating", true, true, NULL, "UPDATE servers SET vm_state = 'dozing'" SERVER, "UPDATE servers SET vm_state = 'active'" SERVER,
	  "SELECT * FROM servers" SERVER, "migration_unreadable", "vm_state is dozing" },
	{ "migrations.phase", true, true, NULL, "UPDATE migrations SET phase = 'gliding'" OF_GUEST, "UPDATE migrations SET phase = 'copy'" OF_GUEST,
	  "SELECT * FROM migrations" OF_GUEST, "migration_unreadable", "gliding" },
	{ "migrations.type", true, true, NULL, "UPDATE migrations SET type = 'teleport'" OF_GUEST, "UPDATE migrations SET type = 'live-migration'" OF_GUEST,
	  "SELECT * FROM migrations" OF_GUEST, "migration_unreadable", "teleport" },
	{ "migrations.type, its server at rest", true, true, NULL,
	  "UPDATE migrations SET type = 'teleport'" OF_GUEST "; UPDATE servers SET task_state = NULL" SERVER,
	  "UPDATE migrations SET type = 'live-migration'" OF_GUEST "; UPDATE servers SET task_state = 'migrating'" SERVER,
	  "SELECT * FROM migrations" OF_GUEST, "migration_unreadable", "teleport" },
	{ "migrations.type, with files and definitions", true, true,
	  "INSERT INTO migration_volumes (migration_id, server_uuid, host, path, kind, due, created_at) "
	  "SELECT id, server_uuid, 'h2', '/v/disk', 'disk', 0, 1 FROM migrations" OF_GUEST ";"
	  "INSERT INTO migration_definitions (migration_id, server_uuid, host, kind, xml, autostart, due, created_at) "
	  "SELECT migration_id, server_uuid, 'h1', kind, xml, autostart, 0, 1 FROM migration_definitions" OF_GUEST,
	  "UPDATE migrations SET type = 'teleport'" OF_GUEST, "UPDATE migrations SET type = 'live-migration'" OF_GUEST,
	  "SELECT * FROM migration_volumes" OF_GUEST "; SELECT * FROM migration_definitions" OF_GUEST, "migration_unreadable", "teleport" },
	{ "migration_volumes.kind", false, false,
	  "INSERT INTO migration_volumes (migration_id, server_uuid, host, path, kind, due, created_at) "
	  "VALUES (0, '" GUEST "', 'h1', '/v/disk', 'disk', 1, 1)",
	  "UPDATE migration_volumes SET kind = 'tape'", "DELETE FROM migration_volumes", "SELECT * FROM migration_volumes", "volume_unreadable",
	  "kind is tape" },
	{ "migration_definitions.kind", false, false,
	  "INSERT INTO migration_definitions (migration_id, server_uuid, host, kind, xml, autostart, due, created_at) "
	  "VALUES (7, '" GUEST "', 'h1', 'guest', '<domain/>', 0, 1, 1)",
	  "UPDATE migration_definitions SET kind = 'sketch'", "DELETE FROM migration_definitions", "SELECT * FROM migration_definitions",
	  "definition_unreadable", "kind is sketch" },
	{ "grants.role", false, false, PEOPLE, "UPDATE grants SET role = 'wizard' WHERE user_id = 'u1'", "UPDATE grants SET role = 'member' WHERE user_id = 'u1'",
	  "SELECT * FROM grants", "role_unreadable", "role is wizard" },
};

/* ---- the world: two hosts, two guests at the first; the link takes a minute for the larger one ---- */

static const struct requester who = { .user_id = "admin", .project_id = "admin", .request_id = "req-1", .admin = true };

static struct scn scn = {
	.name = (char *)"words",
	.conf = (char *)"[DEFAULT]\nlog_format = text\n[workarounds]\nallow_any_uri = true\n[host h1]\nuri = sim://h1\n[host h2]\nuri = sim://h2\n",
};

static bool known(struct run *r, void *unused)
{
	return all_up(r, unused) && fleet_server(r->fleet, GUEST) && fleet_server(r->fleet, OTHER);
}

static void start(struct run *r)
{
	controller_start(r);
	g_assert_true(run_until(r, WAIT_TEST_MS, known, NULL));
}

static void set_up(struct run *r)
{
	static const struct scn_options opt = { .seed = 1 };

	*r = (struct run){ .scn = &scn, .opt = &opt };
	run_begin(r, NULL);
	sim_host_add(r->world, "h1", &(struct sim_host_spec){ .mem_mib = 65536, .link_mibs = 100, .latency_ms = 4 });
	sim_host_add(r->world, "h2", &(struct sim_host_spec){ .mem_mib = 65536, .link_mibs = 100, .latency_ms = 4 });
	sim_dom_add(r->world, "h1", &(struct sim_dom_spec){ .uuid = GUEST, .name = "guest", .mem_mib = 4096 });
	sim_dom_add(r->world, "h1", &(struct sim_dom_spec){ .uuid = OTHER, .name = "other", .mem_mib = 1024 });
	start(r);
}

static void answered(int64_t id, const GError *err, void *user)
{
	(void)id;
	if (err)
		*(GError **)user = g_error_copy(err);
}

/* Return: NULL: it was accepted; owned */
static GError *migrate(struct run *r, const char *uuid)
{
	struct task_request q = { .kind = &live_kind, .server = fleet_server(r->fleet, uuid), .block = MIG_BLOCK_AUTO, .who = who };
	GError *err = NULL;

	request_begin(r->engine, &q, answered, &err);
	return err;
}

static bool at_rest(struct run *r, void *uuid)
{
	return !engine_active_of(r->engine, uuid) && fleet_server(r->fleet, uuid)->task == SERVER_TASK_NONE;
}

static bool copies(struct run *r, void *uuid)
{
	const struct mig *m = engine_active_of(r->engine, uuid);

	return m && g_str_equal(mig_phase_name(m), "copy");
}

static void expect_moves(struct run *r, const char *uuid)
{
	const char *to = g_str_equal(fleet_server(r->fleet, uuid)->host, "h1") ? "h2" : "h1";
	g_autoptr(GError) err = migrate(r, uuid);

	g_assert_no_error(err);
	g_assert_true(run_until(r, WAIT_TEST_MS, at_rest, (void *)uuid));
	g_assert_cmpstr(fleet_server(r->fleet, uuid)->host, ==, to);
}

static void expect_refused(struct run *r)
{
	g_autoptr(GError) live = migrate(r, GUEST);

	g_assert_error(live, ERR, ERR_CONFLICT);
	if (fleet_server(r->fleet, GUEST)->unknown) {
		g_autoptr(GError) reset = NULL, lock = NULL;

		g_assert_false(fleet_server_reset(r->fleet, fleet_server(r->fleet, GUEST), SERVER_ACTIVE, &who, &reset));
		g_assert_error(reset, ERR, ERR_CONFLICT);
		g_assert_false(fleet_server_lock(r->fleet, fleet_server(r->fleet, GUEST), NULL, &who, &lock));
		g_assert_error(lock, ERR, ERR_CONFLICT);
		g_assert_cmpstr(server_status(fleet_server(r->fleet, GUEST)), ==, "ERROR");
	}
}

/* Users are read by the part of the daemon that the engine does not know. */
static void expect_identity(struct run *r, const char *of_u1)
{
	g_autoptr(GError) err = NULL;
	g_autofree char *dir = g_dir_make_tmp("drover-words-XXXXXX", NULL), *key = g_build_filename(dir, "token.key", NULL);
	struct conf conf = { .state_path = dir, .token_expiration = 3600, .listen = (char *)"127.0.0.1", .port = 8774 };
	struct identity *id = identity_new(&conf, r->store, &err);
	g_auto(GStrv) ann = NULL, bob = NULL;

	g_assert_no_error(err);
	ann = identity_roles(id, "u1", "p1");
	bob = identity_roles(id, "u2", "p1");
	g_assert_cmpstr(ann ? ann[0] : NULL, ==, of_u1);
	g_assert_cmpstr(bob ? bob[0] : NULL, ==, "reader");
	identity_free(id);
	(void)remove(key);
	(void)remove(dir);
}

static void run_sql(const char *sql)
{
	if (sql)
		g_free(scn_sql(sql));
}

static void test_word(const void *data)
{
	const struct word_case *c = data;
	g_autofree char *before = NULL, *after = NULL;
	bool people = c->first && g_str_equal(c->first, PEOPLE);
	struct run r;

	set_up(&r);
	if (c->moving) {
		g_assert_null(migrate(&r, GUEST));
		g_assert_true(run_until(&r, WAIT_TEST_MS, copies, (void *)GUEST));
	}
	controller_stop(&r);
	run_sql(c->first);
	run_sql(c->spoil);
	before = scn_sql(c->row);
	g_assert_cmpstr(before, !=, "");
	start(&r);
	if (people)
		expect_identity(&r, NULL);
	g_assert_cmpuint(check_log(&r, 0, c->event, c->told), >, 0);
	expect_moves(&r, OTHER);
	if (c->busy)
		expect_refused(&r);
	else
		expect_moves(&r, GUEST);
	after = scn_sql(c->row);
	g_assert_cmpstr(after, ==, before);

	controller_stop(&r);
	run_sql(c->mend);
	start(&r);
	if (people)
		expect_identity(&r, "member");
	g_assert_true(run_until(&r, WAIT_TEST_MS, at_rest, (void *)GUEST));
	expect_moves(&r, GUEST);
	run_end(&r);
}

/* ---- no column is left out ---- */

struct column {
	const char *name, *type;
};

#define COLUMN(n, column, type, field) { #column, #type },
#define TABLE(name, list) { name, { list(COLUMN, COLUMN) } }

static bool has_case(const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
		if (g_str_equal(cases[i].name, name))
			return true;
	return false;
}

static void test_all(void)
{
	static const char *const plain[] = { "TEXT", "LENT", "CHARS", "INT", "INT64", "TIME", "NOW", "BOOL", NULL };
	static const struct {
		const char *name;
		struct column columns[48];
	} tables[] = {
		TABLE("hosts", HOST_ROW), TABLE("servers", SERVER_ROW), TABLE("migrations", MIG_ROW), TABLE("migration_events", MIG_EVENT_ROW),
		TABLE("migration_volumes", VOLUME_ROW), TABLE("migration_definitions", DEFINITION_ROW), TABLE("instance_actions", ACTION_ROW),
		TABLE("instance_action_events", ACTION_EVENT_ROW), TABLE("users", USER_ROW), TABLE("projects", PROJECT_ROW), TABLE("grants", GRANT_ROW),
		TABLE("application_credentials", APP_ROW), TABLE("revoked_tokens", REVOKED_ROW), TABLE("tokens_not_before", NOT_BEFORE_ROW),
	};
	size_t n = 0;

	for (size_t i = 0; i < G_N_ELEMENTS(tables); i++) {
		for (const struct column *c = tables[i].columns; c->name; c++) {
			g_autofree char *name = g_strdup_printf("%s.%s", tables[i].name, c->name);

			if (g_strv_contains(plain, c->type))
				continue;
			n++;
			if (!has_case(name))
				g_error("no case has an unknown word in %s", name);
		}
	}
	g_assert_cmpuint(n, >=, 5);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/words/every column", test_all);
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *path = g_strdup_printf("/words/unknown/%s", cases[i].name);

		g_test_add_data_func(path, &cases[i], test_word);
	}
	return g_test_run();
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The definitions that are kept: two simulated hosts, and what the store has when one of them is dead.
 */
#include "fleet/keep.h"

#include "base/clock.h"
#include "base/err.h"
#include "fleet/fleet.h"
#include "fleet/keep_disks.h"
#include "fleet/keep_pack.h"
#include "hv/sim/sim.h"

#define WEB "5e000000-0000-4000-8000-000000000001"
#define OVER "5e000000-0000-4000-8000-000000000003"
#define TMP "5e000000-0000-4000-8000-000000000002"

struct world {
	struct conf *conf;
	struct sim *sim;
	struct store *store;
	struct fleet *fleet;
};

static void begin_fleet(struct world *w)
{
	static const struct hv_ops *const ops[] = { &sim_ops, NULL };
	g_autoptr(GError) err = NULL;

	w->fleet = fleet_new(w->conf, w->store, ops, &err);
	g_assert_no_error(err);
	fleet_start(w->fleet);
}

static void open_fleet(struct world *w)
{
	begin_fleet(w);
	clock_advance_ms(20000);
}

static struct world *world_new(void)
{
	static const char text[] = "[DEFAULT]\n[workarounds]\nallow_any_uri = true\n[host h1]\nuri = sim://h1\n[host h2]\nuri = sim://h2\n";
	g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
	struct world *w = g_new0(struct world, 1);
	g_autoptr(GError) err = NULL;

	clock_manual(INT64_C(1700000000000000));
	w->conf = conf_parse(text, sizeof text - 1, "test", mistakes);
	w->sim = sim_new(1);
	sim_host_add(w->sim, "h1", &(struct sim_host_spec){ .vcpus = 8, .mem_mib = 8192 });
	sim_host_add(w->sim, "h2", &(struct sim_host_spec){ .vcpus = 8, .mem_mib = 8192 });
	sim_dom_add(w->sim, "h1", &(struct sim_dom_spec){ .uuid = WEB, .name = "i-1", .title = "web", .mem_mib = 1024 });
	sim_dom_add(w->sim, "h1", &(struct sim_dom_spec){ .uuid = TMP, .name = "i-2", .title = "tmp", .mem_mib = 1024, .transient = true });
	w->store = store_open("sqlite://:memory:", &err);
	g_assert_no_error(err);
	open_fleet(w);
	return w;
}

static void world_free(struct world *w)
{
	fleet_free(w->fleet);
	store_close(w->store);
	sim_free(w->sim);
	conf_free(w->conf);
	g_free(w);
}

static struct kept_definition kept(struct world *w, const char *uuid)
{
	struct kept_definition k = { .xml = NULL };
	g_autoptr(GError) err = NULL;

	g_assert_true(keep_read(w->fleet, uuid, &k, &err));
	g_assert_no_error(err);
	return k;
}

/* A host that is dead has told all that is needed, also after the controller's own restart. */
static void test_kept(void)
{
	struct world *w = world_new();
	g_autofree char *xml = g_strdup(sim_dom_definition(w->sim, "h1", WEB));
	struct kept_definition k = kept(w, WEB);

	g_assert_cmpstr(k.xml, ==, xml);
	g_assert_false(k.transient);
	kept_definition_clear(&k);
	k = kept(w, TMP);
	g_assert_true(k.transient);
	g_assert_nonnull(strstr(k.xml, TMP));
	kept_definition_clear(&k);
	fleet_free(w->fleet);
	sim_host_power(w->sim, "h1", false);
	open_fleet(w);
	k = kept(w, WEB);
	g_assert_cmpstr(k.xml, ==, xml);
	kept_definition_clear(&k);
	world_free(w);
}

/* Return: how long after its start the fleet has the first definitions of @n more guests in the store. @ret: how many of them it has then. */
static int64_t first_kept_ms(int n, int *ret)
{
	struct world *w = world_new();
	int64_t ms = 0;

	fleet_free(w->fleet);
	for (int i = 0; i < n; i++) {
		g_autofree char *uuid = g_strdup_printf("5e000000-0000-4000-8000-%012d", 100 + i), *name = g_strdup_printf("more-%d", i);

		sim_dom_add(w->sim, "h1", &(struct sim_dom_spec){ .uuid = uuid, .name = name, .mem_mib = 16 });
	}
	begin_fleet(w);
	for (*ret = 0; *ret == 0 && ms < 20000; ms += 10) {
		clock_advance_ms(10);
		for (int i = 0; i < n; i++) {
			g_autofree char *uuid = g_strdup_printf("5e000000-0000-4000-8000-%012d", 100 + i);
			struct kept_definition k = { .xml = NULL };

			if (keep_read(w->fleet, uuid, &k, NULL))
				(*ret)++;
			kept_definition_clear(&k);
		}
	}
	world_free(w);
	return ms;
}

/* Many are not gathered as texts until the time of a few has come. */
static void test_many(void)
{
	int some, all;
	int64_t few_ms = first_kept_ms(20, &all), many_ms = first_kept_ms(100, &some);

	g_assert_cmpint(all, ==, 20);
	g_assert_cmpint(some, >=, 30); /* a transaction has 32, two others among them */
	g_assert_cmpint(few_ms - many_ms, >=, 1000);
}

/* What has changed is read again, while it is connected and while it was not; what has not is not written again. */
static void test_changed(void)
{
	struct world *w = world_new();
	struct kept_definition k = kept(w, WEB);
	int64_t first_us = k.updated_us;

	kept_definition_clear(&k);
	fleet_server_refresh(w->fleet, fleet_server(w->fleet, WEB));
	clock_advance_ms(20000);
	k = kept(w, WEB);
	g_assert_cmpint(k.updated_us, ==, first_us);
	kept_definition_clear(&k);
	sim_dom_redefine(w->sim, "h1", WEB, "edited");
	clock_advance_ms(20000);
	k = kept(w, WEB);
	g_assert_nonnull(strstr(k.xml, "edited"));
	g_assert_cmpint(k.updated_us, >, first_us);
	kept_definition_clear(&k);
	fleet_free(w->fleet);
	sim_dom_redefine(w->sim, "h1", WEB, "edited meanwhile");
	open_fleet(w);
	k = kept(w, WEB);
	g_assert_nonnull(strstr(k.xml, "edited meanwhile"));
	kept_definition_clear(&k);
	world_free(w);
}

/* A host that was away tells nothing of what was edited there meanwhile, and an answer that is lost is asked for again. */
static void test_missed(void)
{
	struct world *w = world_new();
	struct kept_definition k;

	sim_host_link(w->sim, "h1", false);
	clock_advance_ms(60000);
	g_assert_false(host_is_up(w->fleet, fleet_host(w->fleet, "h1")));
	sim_dom_redefine(w->sim, "h1", WEB, "edited while it was away");
	sim_host_link(w->sim, "h1", true);
	clock_advance_ms(60000);
	k = kept(w, WEB);
	g_assert_nonnull(strstr(k.xml, "edited while it was away"));
	kept_definition_clear(&k);
	sim_fault_add(w->sim, &(struct sim_fault){ .kind = SIM_LOSE_REPLY, .op = HV_DOM_DEFINITION, .host = "h1", .nth = 1 });
	sim_dom_redefine(w->sim, "h1", WEB, "edited again");
	clock_advance_ms(60000);
	k = kept(w, WEB);
	g_assert_nonnull(strstr(k.xml, "edited again"));
	kept_definition_clear(&k);
	world_free(w);
}

/* Not while the engine moves it; then from where it is. */
static void test_taken(void)
{
	struct world *w = world_new();
	struct kept_definition k;
	struct server *s = fleet_server(w->fleet, WEB);

	s->task = SERVER_TASK_MIGRATING;
	sim_dom_redefine(w->sim, "h1", WEB, "edited");
	clock_advance_ms(20000);
	k = kept(w, WEB);
	g_assert_null(strstr(k.xml, "edited"));
	kept_definition_clear(&k);
	s->task = SERVER_TASK_NONE;
	fleet_server_freed(w->fleet, s);
	clock_advance_ms(20000);
	k = kept(w, WEB);
	g_assert_nonnull(strstr(k.xml, "edited"));
	kept_definition_clear(&k);
	world_free(w);
}

/* A record that ends takes it along. */
static void test_gone(void)
{
	struct world *w = world_new();
	struct kept_definition k;
	g_autoptr(GError) err = NULL;

	sim_dom_remove(w->sim, "h1", WEB);
	clock_advance_ms(60000);
	g_assert_null(fleet_server(w->fleet, WEB));
	g_assert_false(keep_read(w->fleet, WEB, &k, &err));
	g_assert_error(err, ERR, ERR_NOT_FOUND);
	world_free(w);
}

/* What its disks are laid over, which only the description of one that runs says. */
static void test_disks(void)
{
	struct world *w = world_new();
	struct kept_definition k;
	const struct hv_disk *d;
	const struct hv_backing *b;

	sim_dom_add(w->sim, "h1", &(struct sim_dom_spec){ .uuid = OVER, .name = "i-3", .backing = "/srv/base.qcow2", .priority = 7, .config_drive = true, .disk_gib = 3 });
	clock_advance_ms(20000);
	for (int i = 0; i < 2; i++) {
		k = kept(w, OVER);
		g_assert_cmpint(fleet_server(w->fleet, OVER)->priority, ==, 7);
		g_assert_cmpuint(k.disks->len, ==, 2);
		d = g_ptr_array_index(k.disks, 0);
		g_assert_cmpstr(d->target, ==, "vda");
		g_assert_cmpstr(d->source, ==, "/var/lib/drover/instances/" OVER "/disk0.qcow2");
		g_assert_cmpstr(d->format, ==, "qcow2");
		g_assert_cmpint(d->capacity_bytes, ==, INT64_C(3) << 30);
		g_assert_cmpuint(d->backing->len, ==, 1);
		b = g_ptr_array_index(d->backing, 0);
		g_assert_cmpstr(b->path, ==, "/srv/base.qcow2");
		d = g_ptr_array_index(k.disks, 1);
		g_assert_true(d->cdrom);
		kept_definition_clear(&k);
		/* off, it does not say so any more; and again after a restart of the controller */
		sim_dom_set(w->sim, "h1", OVER, HV_SHUTOFF, HV_R_OTHER);
		clock_advance_ms(20000);
		fleet_free(w->fleet);
		open_fleet(w);
	}
	world_free(w);
}

static void test_disks_text(void)
{
	static const char *const bad[] = {
		"", "{}", "[1]", "[{}]", "[{\"kind\":\"tape\"}]", "[{\"kind\":\"file\",\"backing\":[3]}]", "[{\"kind\":\"file\",\"more\":1}]", "[{\"kind\":7}]",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(GError) err = NULL;

		g_test_message("%s", bad[i]);
		g_assert_null(keep_disks_read(bad[i], &err));
		g_assert_error(err, ERR, ERR_INTERNAL);
	}
}

/* One that is too long takes the place of the older one: that would be another guest. */
static void test_too_long(void)
{
	struct world *w = world_new();
	g_autofree char *text = g_strnfill(KEEP_XML_MAX, 'x');
	struct kept_definition k = kept(w, WEB);
	g_autoptr(GError) err = NULL;

	kept_definition_clear(&k);
	sim_dom_redefine(w->sim, "h1", WEB, text);
	clock_advance_ms(20000);
	g_assert_false(keep_read(w->fleet, WEB, &k, &err));
	g_assert_error(err, ERR, ERR_NOT_FOUND);
	g_clear_error(&err);
	sim_dom_redefine(w->sim, "h1", WEB, "short again");
	clock_advance_ms(20000);
	k = kept(w, WEB);
	g_assert_nonnull(strstr(k.xml, "short again"));
	kept_definition_clear(&k);
	world_free(w);
}

static void test_pack(void)
{
	g_autofree char *packed = keep_pack("<domain>\xc3\xa4</domain>"), *again = keep_unpack(packed, NULL), *bad = NULL;
	g_autofree char *nothing = keep_pack(""), *empty = keep_unpack(nothing, NULL);
	g_autoptr(GError) err = NULL;

	g_assert_cmpstr(again, ==, "<domain>\xc3\xa4</domain>");
	g_assert_cmpstr(empty, ==, "");
	bad = keep_unpack("bm90IHppcHBlZA==", &err);
	g_assert_null(bad);
	g_assert_error(err, ERR, ERR_INTERNAL);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/keep/kept", test_kept);
	g_test_add_func("/keep/many", test_many);
	g_test_add_func("/keep/too-long", test_too_long);
	g_test_add_func("/keep/changed", test_changed);
	g_test_add_func("/keep/missed", test_missed);
	g_test_add_func("/keep/taken", test_taken);
	g_test_add_func("/keep/gone", test_gone);
	g_test_add_func("/keep/disks", test_disks);
	g_test_add_func("/keep/disks-text", test_disks_text);
	g_test_add_func("/keep/pack", test_pack);
	return g_test_run();
}

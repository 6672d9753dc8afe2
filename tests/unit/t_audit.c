/* SPDX-License-Identifier: Apache-2.0
 *
 * What audit finds: one record, three hosts, and what each of them says; each rule, and what keeps it silent.
 */
#include "manage/audit_rules.h"

#include "hv/carrier.h"
#include "manage/told.h"

#define WEB "5e000000-0000-4000-8000-000000000001"
#define NEW "5e000000-0000-4000-8000-000000000002"
#define WHO "server web (" WEB "): "

static const struct audit_case {
	const char *name;
	const char *host;   /* of the record, which says that it runs; NULL: there is no record */
	const char *seen;   /* HOST:WORD of it; "h3:-": that host has not answered */
	const char *task;   /* SOURCE:DEST of one that has not ended; NULL: none */
	enum server_task state;
	const char *want;   /* lines */
} cases[] = {
	{ "as it should be", "h1", "h1:running", NULL, SERVER_TASK_NONE, "" },
	{ "a definition elsewhere", "h1", "h1:running h2:off", NULL, SERVER_TASK_NONE, "" },
	{ "what waits for a migration", "h1", "h1:running h2:incoming", NULL, SERVER_TASK_NONE, "" },
	{ "shut off", "h1", "h1:off", NULL, SERVER_TASK_NONE, "droverd " WHO "its state has changed at h1\n" },
	{ "another size", "h1", "h1:big", NULL, SERVER_TASK_NONE, "droverd " WHO "it counts as 1 vCPUs and 1024 MiB, and at h1 it has 2 and 2048\n" },
	{ "unreadable", "h1", "h1:unreadable", NULL, SERVER_TASK_NONE, "" },
	{ "moved", "h1", "h2:running", NULL, SERVER_TASK_NONE, "droverd " WHO "the record says h1, and it is at h2\n" },
	{ "moved, and left a definition", "h1", "h1:off h2:running", NULL, SERVER_TASK_NONE, "droverd " WHO "the record says h1, and it runs at h2\n" },
	{ "moved from a silent host", "h3", "h2:running h3:-", NULL, SERVER_TASK_NONE,
	  "by hand host h3 has not answered: no route to host\ndroverd " WHO "the record says h3, and it is at h2\n" },
	{ "at a silent host", "h3", "h3:-", NULL, SERVER_TASK_NONE, "by hand host h3 has not answered: no route to host\n" },
	{ "a definition, and its host is silent", "h3", "h1:off h3:-", NULL, SERVER_TASK_NONE, "by hand host h3 has not answered: no route to host\n" },
	{ "twice", "h1", "h1:running h2:paused", NULL, SERVER_TASK_NONE, "by hand " WHO "it runs at h1 and at h2\n" },
	{ "nowhere", "h1", "", NULL, SERVER_TASK_NONE, "droverd " WHO "no host has it: its record becomes that of a deleted one\n" },
	{ "nowhere, as far as is known", "h1", "h3:-", NULL, SERVER_TASK_NONE,
	  "by hand host h3 has not answered: no route to host\ndroverd " WHO "h1 does not have it, and not all hosts have answered\n" },
	{ "at a host that is gone", "h9", "", NULL, SERVER_TASK_NONE, "by hand " WHO "the record says h9, and there is no such host\n" },
	{ "migrates", "h1", "h1:running h2:running", "h1:h2", SERVER_TASK_MIGRATING, "" },
	{ "rests", "h2", "h1:off h2:off", "h1:h2", SERVER_TASK_NONE, "" },
	{ "a task_state without a task", "h1", "h1:running", NULL, SERVER_TASK_MIGRATING,
	  "by hand " WHO "task_state is migrating, and no task of it goes on: reset its state\n" },
	{ "a task at a host that is gone", "h1", "h1:running", "h1:h9", SERVER_TASK_MIGRATING, "by hand task 7 goes on, and there is no host h9\n" },
	{ "no record", NULL, "h2:running", NULL, SERVER_TASK_NONE, "droverd guest web (" WEB ") at h2 has no record: it is adopted\n" },
	{ "no record, and a task", NULL, "", "h1:", SERVER_TASK_NONE, "by hand task 7 goes on, and its server " WEB " has no record\n" },
	{ "a carrier of a task", "h1", "h1:running h2:carrier", "h1:h2", SERVER_TASK_RESIZE_MIGRATING, "" },
	{ "a carrier of nothing", "h1", "h1:running h2:carrier", NULL, SERVER_TASK_NONE,
	  "droverd carrier " NEW " at h2, of guest " WEB ", is of no task that goes on\n" },
};

static struct hv_dom *dom_of(const char *word)
{
	struct hv_dom *d = hv_dom_new();
	bool big = g_str_equal(word, "big"), incoming = g_str_equal(word, "incoming");

	g_strlcpy(d->uuid, WEB, sizeof d->uuid);
	d->name = g_strdup("web");
	d->vcpus = big ? 2 : 1;
	d->mem_mib = big ? 2048 : 1024;
	d->state = g_str_equal(word, "off") ? HV_SHUTOFF : incoming || g_str_equal(word, "paused") ? HV_PAUSED : HV_RUNNING;
	d->reason = incoming ? HV_R_MIGRATION : d->reason;
	if (g_str_equal(word, "unreadable")) {
		d->unreadable = g_strdup("a tag is not closed");
		d->vcpus = 0;
	}
	return d;
}

static void say(struct told *t, const char *word)
{
	struct carrier *c;

	if (g_str_equal(word, "-")) {
		t->why = g_strdup("no route to host");
	} else if (g_str_equal(word, "carrier")) {
		c = carrier_new(NEW);
		c->guest = g_strdup(WEB);
		g_ptr_array_add(t->carriers, c);
	} else {
		g_ptr_array_add(t->doms, dom_of(word));
	}
}

static GPtrArray *hosts_of(const char *seen)
{
	GPtrArray *hosts = g_ptr_array_new_with_free_func((GDestroyNotify)told_free);
	g_auto(GStrv) all = g_strsplit(seen, " ", -1);

	for (int i = 1; i <= 3; i++) {
		g_autofree char *name = g_strdup_printf("h%d", i);
		struct told *t = told_new(name, "sim://h");

		t->doms = g_ptr_array_new_with_free_func((GDestroyNotify)hv_dom_free);
		t->carriers = g_ptr_array_new_with_free_func((GDestroyNotify)carrier_free);
		for (char **s = all; *s; s++)
			if (g_str_has_prefix(*s, name))
				say(t, *s + 3);
		g_ptr_array_add(hosts, t);
	}
	return hosts;
}

static struct server *record(const struct audit_case *c)
{
	struct server *s = server_new(WEB);

	s->name = g_strdup("web");
	s->host = g_strdup(c->host);
	s->vm = SERVER_ACTIVE;
	s->task = c->state;
	s->power = SERVER_POWER_RUNNING;
	s->vcpus = 1;
	s->memory_mb = 1024;
	return s;
}

static char *text_of(const GPtrArray *found)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < found->len; i++) {
		const struct audit_finding *f = g_ptr_array_index(found, i);

		g_string_append_printf(text, "%s %s\n", audit_cure_name(f->cure), f->text);
	}
	return g_string_free(text, FALSE);
}

static void run_case(const struct audit_case *c, const GPtrArray *left)
{
	g_autoptr(GPtrArray) servers = g_ptr_array_new_with_free_func((GDestroyNotify)server_free), hosts = hosts_of(c->seen), tasks = g_ptr_array_new();
	g_auto(GStrv) ends = g_strsplit(c->task ? c->task : ":", ":", 2);
	struct audit_task task = { .id = 7, .server = (char *)WEB, .source = ends[0], .dest = ends[1] };
	struct audit_world w = { .servers = servers, .hosts = hosts, .tasks = tasks, .left = left };
	g_autoptr(GPtrArray) found = NULL;
	g_autofree char *text = NULL;

	if (c->host)
		g_ptr_array_add(servers, record(c));
	if (c->task)
		g_ptr_array_add(tasks, &task);
	found = audit_judge(&w);
	text = text_of(found);
	if (g_strcmp0(text, c->want) != 0)
		g_error("%s:\n%swant:\n%s", c->name, text, c->want);
}

static void test_rules(void)
{
	g_autoptr(GPtrArray) none = g_ptr_array_new();

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
		run_case(&cases[i], none);
}

static void test_left(void)
{
	struct audit_left all[] = { { (char *)WEB, (char *)"h2", (char *)"/srv/web.img" }, { (char *)WEB, (char *)"h3", (char *)"a definition" },
				    { (char *)WEB, (char *)"h9", (char *)"/srv/web.img" } };
	const struct audit_case c = { "leftovers", "h1", "h1:running h3:-", NULL, SERVER_TASK_NONE,
				      "by hand host h3 has not answered: no route to host\n"
				      "droverd /srv/web.img of server " WEB " is to be removed at h2\n"
				      "droverd a definition of server " WEB " is to be removed at h3, which has not answered\n"
				      "by hand /srv/web.img of server " WEB " is to be removed at h9, and there is no such host\n" };
	g_autoptr(GPtrArray) left = g_ptr_array_new();

	for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
		g_ptr_array_add(left, &all[i]);
	run_case(&c, left);
}

/* A row that another version has written, and one that a task has lost. */
static void test_evidence(void)
{
	g_autoptr(GPtrArray) servers = g_ptr_array_new_with_free_func((GDestroyNotify)server_free), hosts = hosts_of(""), none = g_ptr_array_new();
	struct audit_world w = { .servers = servers, .hosts = hosts, .tasks = none, .left = none };
	struct server *s = record(&cases[0]);
	g_autoptr(GPtrArray) found = NULL;
	g_autofree char *text = NULL;

	s->unknown = g_strdup("vm_state is idle");
	g_ptr_array_add(servers, s);
	found = audit_judge(&w);
	text = text_of(found);
	g_assert_cmpstr(text, ==, "by hand " WHO "its row has what this version does not know: vm_state is idle\n");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/audit/rules", test_rules);
	g_test_add_func("/audit/left", test_left);
	g_test_add_func("/audit/evidence", test_evidence);
	return g_test_run();
}

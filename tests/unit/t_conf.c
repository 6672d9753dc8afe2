/* SPDX-License-Identifier: Apache-2.0 */
#include <glib.h>
#include <string.h>

#include "base/conf.h"

static const struct {
	const char *name, *text;
	const char *want; /* the mistakes, a line each; "" for none */
} cases[] = {
	{ "empty", "", "" },
	{ "comments", "# a\n; b\n\n", "" },
	{ "good", "[DEFAULT]\nreport_interval = 3\n[host h1]\nuri = qemu+tls://h1/system\n", "" },
	{ "typo", "[DEFAULT]\nreport_intervall = 3\n", "f:2: unknown option report_intervall in [DEFAULT]; did you mean report_interval?" },
	{ "unknown", "[DEFAULT]\nzzz = 3\n", "f:2: unknown option zzz in [DEFAULT]; droverd --print-config lists the known ones" },
	{ "wrong section", "[api]\nreport_interval = 3\n", "f:2: option report_interval does not belong in [api]; it belongs in [DEFAULT]" },
	{ "range", "[DEFAULT]\nreport_interval = 0\n", "f:2: report_interval = 0: must be a whole number from 1 to 3600" },
	{ "not a number", "[DEFAULT]\ncpu_allocation_ratio = many\n", "f:2: cpu_allocation_ratio = many: must be a number from 0.01 to 1000" },
	{ "bool", "[DEFAULT]\ndebug = perhaps\n", "f:2: debug = perhaps: must be true or false" },
	{ "choice", "[DEFAULT]\nlog_format = xml\n", "f:2: log_format = xml: must be one of auto|text|json|journal" },
	{ "twice", "[DEFAULT]\ndebug = 1\ndebug = 0\n", "f:3: debug is set twice in [DEFAULT], first in line 2; keep one" },
	{ "no section", "debug = 1\n", "f:1: option debug comes before the first [section]; move it into one, such as [DEFAULT]" },
	{ "unknown section", "[nova]\nx = 1\n", "f:1: unknown section [nova]; its options are ignored" },
	{ "bad section", "[DEFAULT\nx = 1\n", "f:1: a section line is [NAME] with nothing after it: [DEFAULT" },
	{ "no value", "[DEFAULT]\ndebug\n", "f:2: expected [SECTION] or NAME = VALUE: debug" },
	{ "D1: a program", "[host h1]\nuri = qemu+ext:///system?command=/bin/nc\n", "f:1: uri: 'qemu+ext:///system?command=/bin/nc' needs "
	  "[workarounds] allow_any_uri = true: ext starts a program, and sim and test are no hosts" },
	{ "D1: allowed", "[workarounds]\nallow_any_uri = true\n[host h1]\nuri = qemu+ext:///system?command=/bin/nc\n[host h2]\nuri = sim://h2\n[api]\nhost_schemes = qemu+tls,sim\n", "" },
	{ "D1: schemes", "[api]\nhost_schemes = qemu+tls,qemu+ext\n", "f:0: host_schemes has qemu+ext; it can have qemu, qemu+unix, qemu+tls, qemu+tcp and qemu+ssh" },
	{ "D1: address", "[host h1]\nuri = qemu+tls://h1/system\nlive_migration_inbound_addr = h1/x\n", "f:1: live_migration_inbound_addr: 'h1/x' is no address: 192.0.2.1, 2001:db8::1 and host1.example.org are" },
	{ "D1: scheme", "[libvirt]\nlive_migration_scheme = tls://evil/x?command=/bin/nc#\n", "f:0: live_migration_scheme: 'qemu+tls://evil/x?command=/bin/nc#://host/system' is no libvirt URI: the path must be /system; qemu+tls://HOST/system is one" },
	{ "D1: scheme ext", "[libvirt]\nlive_migration_scheme = ext\n", "f:0: live_migration_scheme: 'qemu+ext://host/system' needs [workarounds] allow_any_uri = true: ext starts a program, and sim and test are no hosts" },
	{ "D26: audit", "[api]\naudit_log = syslog\n", "f:0: audit_log = syslog: must be log, off, or a path that begins with /" },
	{ "host without uri", "\n[host h1]\n", "f:2: [host h1] has no uri; set one, such as qemu+tls://h1/system" },
	{ "host URI", "[host a]\nuri=qemu+tcp://[2001:db8::1]/system\nlive_migration_uri=qemu+tcp://a/sys\n[host b]\nuri=qemu+tcp:///system\n",
	  "f:1: live_migration_uri: 'qemu+tcp://a/sys' is no libvirt URI: the path must be /system; qemu+tls://HOST/system is one\n"
	  "f:4: uri: 'qemu+tcp:///system' is no libvirt URI: it names no host; qemu+tls://HOST/system is one" },
	{ "host twice", "[host a]\nuri=x:\n[host a]\nuri=x:\n", "f:3: host a is defined twice, first in line 1; keep one\nf:4: uri is set twice in [host a], first in line 2; keep one" },
	{ "host name", "[host a/b]\nuri=x:\n", "f:1: Invalid characters in hostname 'a/b'; letters, digits, '-', '.' and '_' are allowed" },
	{ "host option", "[host a]\nurl=x:\nuri=x:\n", "f:2: unknown option url in [host a]; did you mean uri?" },
	{ "half tls", "[wsgi]\nssl_key_file = /k\n", "f:0: [wsgi] ssl_cert_file and ssl_key_file go together; set both or none" },
	{ "intervals", "[DEFAULT]\nservice_down_time = 5\nreport_interval = 5\n", "f:0: service_down_time (5) must be greater than report_interval (5)" },
	{ "CPUs", "[compute]\ncpu_shared_set = 0-3,^2\n[host a]\nuri=x:\ncpu_shared_set = 0\ncpu_dedicated_set = 2,4-7\n", "" },
	{ "no CPUs", "[compute]\ncpu_shared_set = all\n", "f:2: cpu_shared_set = all: must be a set of CPUs such as 0-3,^2,8" },
	{ "no CPUs of a host", "[host a]\nuri=x:\ncpu_dedicated_set = 3-1\n", "f:3: cpu_dedicated_set = 3-1: must be a set of CPUs such as 0-3,^2,8" },
	{ "CPUs twice", "[compute]\ncpu_shared_set = 0-3\n[host a]\nuri=x:\ncpu_dedicated_set = 3-4\n", "f:3: cpu_shared_set and cpu_dedicated_set both contain CPU 3; keep it in one of them" },
	{ "no cell", "[host a]\nuri=x:\ncell = a b\n", "f:1: cell = a b: must be 1 to 255 characters, without spaces" },
	{ "not text", "[DEFAULT]\n\xff\xfe\n", "f:0: the file is not UTF-8 text" },
};

static void test_mistakes(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
		struct conf *c = conf_parse(cases[i].text, strlen(cases[i].text), "f", mistakes);
		g_autofree char *got = NULL;

		g_ptr_array_add(mistakes, NULL);
		got = g_strjoinv("\n", (char **)mistakes->pdata);
		if (strcmp(got, cases[i].want) != 0)
			g_error("%s: got \"%s\", want \"%s\"", cases[i].name, got, cases[i].want);
		conf_free(c);
	}
}

static void test_values(void)
{
	static const char text[] = "[DEFAULT]\ndebug = yes\nram_allocation_ratio=1.5\n[filter_scheduler]\nenabled_filters = A, B ,\n"
				   "[host h1]\nuri = qemu+tcp://h1/system\nserver_listen = 192.0.2.1\n[database]\nconnection =\n";
	g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
	struct conf *c = conf_parse(text, strlen(text), "f", mistakes);
	struct conf_host *h;

	g_assert_cmpuint(mistakes->len, ==, 0);
	g_assert_true(c->debug);
	g_assert_cmpfloat(c->ram_allocation_ratio, ==, 1.5);
	g_assert_cmpint(c->service_down_time, ==, 15);
	g_assert_cmpuint(g_strv_length(c->enabled_filters), ==, 2);
	g_assert_cmpstr(c->enabled_filters[1], ==, "B");
	g_assert_null(c->connection);
	g_assert_cmpuint(c->hosts->len, ==, 1);
	h = g_ptr_array_index(c->hosts, 0);
	g_assert_cmpstr(h->uri, ==, "qemu+tcp://h1/system");
	g_assert_cmpstr(h->vnc_listen, ==, "192.0.2.1");
	conf_free(c);
}

/* Of the option named @name. Return: owned. */
static char *value_of(const struct conf *c, const char *name)
{
	struct conf_option o;
	size_t i = 0;

	while (conf_option(i, &o) && strcmp(o.name, name) != 0)
		i++;
	return conf_value(c, i);
}

static void test_shown(void)
{
	static const char text[] = "[DEFAULT]\ndebug = yes\nram_allocation_ratio=1.50\n[filter_scheduler]\nenabled_filters = A, B ,\n[libvirt]\n"
				   "shared_block_devices = /dev/a?\n[database]\nconnection = postgresql://drover:s3cr@t@db/drover?password=s3cret\n";
	static const struct {
		const char *name, *want;
	} shown[] = {
		{ "debug", "true" }, { "ram_allocation_ratio", "1.5" }, { "cpu_allocation_ratio", "4" }, { "enabled_filters", "A,B" }, { "state_path", "/var/lib/drover" },
		{ "shared_block_devices", "/dev/a?" }, { "connection", "postgresql://...@db/drover" }, { "cert", NULL }, { "uri", NULL }, { "there is none", NULL },
	};
	g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
	struct conf *c = conf_parse(text, strlen(text), "f", mistakes);

	for (size_t i = 0; i < G_N_ELEMENTS(shown); i++) {
		g_autofree char *got = value_of(c, shown[i].name);

		g_assert_cmpstr(got, ==, shown[i].want);
	}
	conf_free(c);
}

static void test_reload(void)
{
	static const char before[] = "[libvirt]\nlive_migration_completion_timeout = 800\n[host a]\nuri = x:\n[host b]\nuri = x:\n", after[] =
		"[DEFAULT]\nreport_interval = 3\n[libvirt]\nlive_migration_completion_timeout = 5\nlive_migration_timeout_action = force_complete\n"
		"[host b]\nuri = y:\ncell = west\n[host c]\nuri = x:\n";
	g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GString) changed = g_string_new(NULL);
	g_autoptr(GString) fixed = g_string_new(NULL);
	struct conf *c = conf_parse(before, strlen(before), "f", mistakes), *fresh = conf_parse(after, strlen(after), "f", mistakes);

	conf_reload(c, fresh, changed, fixed);
	g_assert_cmpstr(changed->str, ==, "live_migration_completion_timeout,live_migration_timeout_action,[host b] cell");
	g_assert_cmpstr(fixed->str, ==, "report_interval,[host b] uri");
	g_assert_cmpstr(((const struct conf_host *)g_ptr_array_index(c->hosts, 1))->cell, ==, "west");
	g_assert_cmpint(c->live_migration_completion_timeout, ==, 5);
	g_assert_cmpstr(c->live_migration_timeout_action, ==, "force_complete");
	g_assert_cmpint(c->report_interval, ==, 5);
	conf_free(c);
	conf_free(fresh);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/conf/mistakes", test_mistakes);
	g_test_add_func("/conf/values", test_values);
	g_test_add_func("/conf/shown", test_shown);
	g_test_add_func("/conf/reload", test_reload);
	return g_test_run();
}

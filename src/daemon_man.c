/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon_man.h"

#include <string.h>

#include "base/conf.h"
#include "base/page.h"
#include "manage/where.h"

/* ---- droverd(8) ---- */

static const char about[] =
	"# DESCRIPTION\n\n"
	"*droverd* migrates running and stopped guests between hosts of libvirt, evacuates hosts that have failed, and carries out plans of\n"
	"many migrations. Clients talk to it by OpenStack's Compute API, and by an API of its own for what Compute does not have;\n"
	"*drover*(1) is one of them.\n\n"
	"A stop or a crash of the daemon is no event for a migration: it goes on at the hosts, and the next start finds it.\n\n";

static const char signals[] =
	"# SIGNALS\n\n"
	"*SIGTERM*, *SIGINT*\n\tStop. What clients have asked is answered first.\n\n"
	"*SIGHUP*\n\tRead the configuration again. Options that *drover.conf*(5) marks so change at once, the log names those that need a restart, and a\n"
	"\tfile with a mistake changes nothing. Keys of tokens are read again, and the audit log is opened again.\n\n";

static const char statuses[] =
	"# EXIT STATUS\n\n"
	"*0*\n\tIt was stopped, or has done what an option asked for.\n\n"
	"*1*\n\tIt could not start, has lost its database to another daemon, or the configuration has mistakes.\n\n"
	"*2*\n\tThe command line is wrong.\n\n";

static const char environment[] =
	"# ENVIRONMENT\n\n"
	"*NOTIFY_SOCKET*, *WATCHDOG_USEC*, *WATCHDOG_PID*\n\tsystemd's: readiness is reported, and its watchdog fed by the main loop.\n\n";

static void put_options(FILE *out, const GOptionEntry *options)
{
	for (const GOptionEntry *o = options; o->long_name; o++)
		if (!(o->flags & G_OPTION_FLAG_HIDDEN))
			page_option(out, (char)o->short_name, o->long_name, o->arg_description, o->description);
}

static void put_droverd(FILE *out, const GOptionEntry *options)
{
	page_head(out, "droverd", 8, "migrate virtual machines between hosts of libvirt");
	fputs("# SYNOPSIS\n\n*droverd* [_OPTION_...]\n\n", out);
	fputs(about, out);
	fputs("# OPTIONS\n\nWithout any but *--config*, it runs until it is stopped, and stays in the foreground.\n\n", out);
	put_options(out, options);
	fputs(signals, out);
	fputs(statuses, out);
	fputs(environment, out);
	fputs("# FILES\n\n", out);
	fprintf(out, "_%s_\n\tThe configuration.\n\n", WHERE_CONF_PATH);
	fputs("_/var/lib/drover_\n\tThe database, keys and first credentials; the option *state\\_path* names another place.\n\n", out);
	fputs("# SEE ALSO\n\n*drover.conf*(5), *drover-manage*(8), *drover*(1)\n", out);
}

/* ---- drover.conf(5) ---- */

static void put_default(FILE *out, const char *fallback)
{
	if (!fallback || !*fallback) {
		fputs(fallback ? "empty" : "unset", out);
		return;
	}
	fputc('*', out);
	page_put(out, fallback);
	fputc('*', out);
}

static void put_conf_option(FILE *out, const struct conf_option *o)
{
	fputc('*', out);
	page_put(out, o->name);
	fputs("*\n\t", out);
	page_put(out, o->help);
	fputs(g_str_has_suffix(o->help, ".") ? "++\n\tValues: " : ".++\n\tValues: ", out);
	page_put(out, o->values);
	fputs(". Default: ", out);
	put_default(out, o->fallback);
	fputs(o->mutable ? ". SIGHUP changes it.\n\n" : ".\n\n", out);
}

static void put_conf(FILE *out)
{
	const char *section = "";
	struct conf_option o;

	page_head(out, "drover.conf", 5, "configuration of droverd");
	fputs("# DESCRIPTION\n\nSections in brackets, and lines of _option = value_ in them; lines that begin with # are comments. Sections and options have\n"
	      "Nova's names wherever Nova has the option; the help of the others says that they are Drover's.\n\n"
	      "*droverd --print-config* prints a file with every option commented, and *droverd --check-config* names each mistake of a file with its\n"
	      "line. After SIGHUP the options that are marked so change at once, the others with the next start.\n\n", out);
	for (size_t i = 0; conf_option(i, &o); i++) {
		if (strcmp(section, o.section) != 0) {
			fputs("# [", out);
			page_put(out, o.section);
			fputs("]\n\n", out);
		}
		section = o.section;
		put_conf_option(out, &o);
	}
	fprintf(out, "# FILES\n\n_%s_\n\n# SEE ALSO\n\n*droverd*(8)\n", WHERE_CONF_PATH);
}

bool daemon_man_print(FILE *out, const char *page, const GOptionEntry *options)
{
	if (strcmp(page, "droverd") == 0)
		put_droverd(out, options);
	else if (strcmp(page, "drover.conf") == 0)
		put_conf(out);
	else
		return false;
	return true;
}

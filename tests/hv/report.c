/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include <unistd.h>

#include "hv/libvirt/link.h"

static const char *place_of(struct lv_link *l)
{
	if (l->given_up)
		return "given up";
	if (g_atomic_pointer_get(&l->user))
		return l->vir ? "a worker is in it" : "opening";
	return l->vir ? "no worker is in it" : "to be opened";
}

void report_conn(const struct hv_host *h)
{
	const struct lv_conn *c = h->impl;

	if (!c) {
		g_test_message("%s (%s): not connected", h->name, h->uri);
		return;
	}
	g_test_message("%s (%s): %s, %u calls running, %u queued; the watch %s, %d ticks missed", h->name, c->uri, c->open ? "open" : "not open",
	               c->running.length, c->queue.length, !c->watch ? "is not there" : c->watched ? "is in use" : "is idle", c->missed);
	for (const GList *i = c->links.head; i; i = i->next) {
		struct lv_link *l = i->data;

		g_test_message("    a link to %s%s: %s", l->uri, l == c->watch ? ", the watch" : "", place_of(l));
	}
}

static void show(const char *const *argv)
{
	g_autofree char *out = NULL, *errors = NULL;
	g_autoptr(GError) err = NULL;
	g_auto(GStrv) lines = NULL;

	if (!g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &out, &errors, NULL, &err)) {
		g_test_message("%s: %s", argv[0], err->message);
		return;
	}
	lines = g_strsplit(out, "\n", -1);
	for (char **line = lines; *line; line++)
		g_test_message("    %s", *line);
	g_test_message("    %s", g_strchomp(errors));
}

/* $1: a process. Each of its threads: name, state, and the kernel's function in which it waits. */
#define THREADS                                                                                                                    \
	"for t in /proc/$1/task/*; do echo \"$(cat $t/comm) $(awk '/^State/ { print $2 }' $t/status) $(cat $t/wchan)\"; done | sort | uniq -c"

static const char of_host[] =
	"set -- $(cat /run/libvirtd.pid); echo \"pid file: $1\"; ps -eo pid,ppid,stat,etime,args | grep -v ' ps -eo'; " THREADS
	"; ss -tanp; tail -n 25 /var/log/libvirt/libvirtd.log";

void report_hosts(void)
{
	const char *lab = g_getenv("DROVER_TEST_LAB");
	g_autofree char *own = g_strdup_printf("set -- %d; ss -tanp; " THREADS, (int)getpid());

	for (int i = 0; lab && i < 2; i++) {
		g_autofree char *host = g_strdup_printf("h%d", i + 1);

		g_test_message("host %s:", host);
		show((const char *const[]){ lab, "exec", host, "sh", "-c", of_host, NULL });
	}
	g_test_message("this program:");
	show((const char *const[]){ "sh", "-c", own, NULL });
	if (lab)
		show((const char *const[]){ "timeout", "20", lab, "list", NULL });
}

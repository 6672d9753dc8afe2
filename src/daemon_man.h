/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon_man: the manual pages of the daemon, droverd(8) and drover.conf(5), as scdoc's source: from the program's options and from the option table
 * of base/conf.c.
 */
#ifndef DAEMON_MAN_H
#define DAEMON_MAN_H

#include <stdbool.h>
#include <stdio.h>

#include <glib.h>

/**
 * daemon_man_print() - write a page.
 * @page: "droverd" or "drover.conf"
 * @options: the program's; ended by one without a name
 *
 * Return: false if there is no such page.
 */
bool daemon_man_print(FILE *out, const char *page, const GOptionEntry *options);

#endif

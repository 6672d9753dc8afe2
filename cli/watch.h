/* SPDX-License-Identifier: Apache-2.0
 *
 * watch: --watch: a command that shows something, again and again.
 *
 * On a terminal the screen is drawn over; elsewhere what a command shows is
 * written when it is another than before, with an empty line between. An API
 * that does not answer for a while is waited for. Ctrl-C ends it.
 */
#ifndef WATCH_H
#define WATCH_H

#include "cli.h"

/** watch_run() - run the command until Ctrl-C. Return: false: CLI_INTERRUPTED, or what a run of it said. */
bool watch_run(struct cli *c, GError **err);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * agent_options: the file with a fence agent's options, as what the agent reads on its standard input.
 *
 * The format is the agents' own: a line is NAME=VALUE, empty lines and lines that begin with # are skipped. Agents ignore what
 * they do not know, and reboot the host when they are told no action, so the file is checked here, and the action always written.
 */
#ifndef AGENT_OPTIONS_H
#define AGENT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

#define AGENT_OPTIONS_MAX 16384 /* bytes of the file */

/* What an agent is asked for. There is no reboot: a host that boots starts its guests before it can be asked not to. */
enum agent_act { AGENT_OFF, AGENT_ON, AGENT_STATUS, AGENT_ACT_N };

/** agent_act_name() - the agents' word for it. */
const char *agent_act_name(enum agent_act act);

/**
 * agent_options_stdin() - what the agent reads.
 * @program: the agent's name or path; those that are known to need a login must have one
 * @text, @len: the file; not to be trusted: neither terminated nor text
 *
 * Return: owned by the caller; NULL with ERR_CONF, which names the line and never a value.
 */
char *agent_options_stdin(const char *program, const char *text, size_t len, enum agent_act act, GError **err);

/**
 * agent_options_read() - the same from the file. It has secrets: it must be a plain file of this user or of root that no other user can read.
 *
 * Blocks: for a job (base/loop.h).
 * @path: NULL: the agent needs no options
 */
char *agent_options_read(const char *program, const char *path, enum agent_act act, GError **err);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * head: the first lines of an answer.
 */
#ifndef NET_HEAD_H
#define NET_HEAD_H

#include <glib.h>

#include "net/service.h"

/** net_put_begin() - status line, Date, and @fields (lines that end in CR LF; NULL: none). */
void net_put_begin(GString *s, int status, const char *reason, const char *fields);
/** net_put_head() - the whole head of @a: the framing is the connection's to say. */
void net_put_head(struct net_conn *c, const struct net_response *a);
/** net_bound_buffer() - of an answer without an end: the kernel holds little of it for a client that does not read. */
void net_bound_buffer(struct net_conn *c);

#endif

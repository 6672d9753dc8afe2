/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy: stands between the store and PostgreSQL, and loses what it is told to.
 */
#ifndef PROXY_H
#define PROXY_H

#include <glib.h>

enum loss {
	LOSS_NONE,
	LOSS_BEFORE, /* close both ends instead of passing the message on */
	LOSS_AFTER,  /* pass it on, wait for the server's answer, close both ends instead of passing that on */
	LOSS_SILENT, /* keep it and all that follows, close nothing */
	LOSS_NOW,    /* close both ends at once, no message needed */
};

struct proxy;

/** proxy_new() - listen in @dir for what connects to the socket that @url names. */
struct proxy *proxy_new(const char *dir, const char *url);
void proxy_free(struct proxy *p);

/** proxy_url() - @url by way of the proxy. */
const char *proxy_url(const struct proxy *p);

/** proxy_arm() - do @loss, once, with the next message to the server that has @token in it; done when it returns. */
void proxy_arm(struct proxy *p, enum loss loss, const char *token);

#endif

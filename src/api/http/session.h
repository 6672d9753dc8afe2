/* SPDX-License-Identifier: Apache-2.0
 *
 * session: a token in a cookie, for the dashboard's pages alone.
 *
 * Theory of operation
 * -------------------
 * A page cannot keep a token from scripts that get into it, nor send one with an event stream; so browsers keep it in a cookie that no script
 * reads (HttpOnly). A browser adds a cookie to whatever request goes here, also of other sites' pages. That is why the cookie counts only where
 * the browser itself says that a page of this very origin asks: Sec-Fetch-Site, which scripts cannot set, is "same-origin"; or, of browsers
 * that do not send it, Origin is ours. Besides, a body must be of a type that no form can send. All other clients have no use for it: their
 * token is in X-Auth-Token, which goes first.
 *
 * By TLS its name begins with "__Host-": browsers then keep it only if it came by TLS, for this host and all paths. Without TLS there are
 * sessions on loopback alone.
 *
 * The cookie is the token itself: sealed, so nothing is compared with it, and it ends when its token does (identity/tokens.h).
 */
#ifndef SESSION_H
#define SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "api/http/inner.h"

/** session_same_origin() - a browser says that a page of ours asks. */
bool session_same_origin(const struct api_head *h);
/** session_may() - its method and the type of its body are such that a cookie may count. */
bool session_may(const struct api_head *h);
/** session_token() - the token in its cookie. Return: owned; NULL: there is none. */
char *session_token(const struct api_head *h);

/**
 * session_cookie() - the value of Set-Cookie.
 * @base_url: as the client reached us
 * @token: NULL: the browser is to forget it
 *
 * Return: owned.
 */
char *session_cookie(const char *base_url, const char *token, int64_t seconds);
/** session_is_safe() - a token may go to this client in a cookie: by TLS, or it is on this machine. @peer: its address */
bool session_is_safe(const char *base_url, const char *peer);

#endif

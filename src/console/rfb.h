/* SPDX-License-Identifier: Apache-2.0
 *
 * rfb: the opening of RFB 3.8 (RFC 6143, 7.1) on both sides of the proxy, pure: bytes in, bytes out.
 *
 * As Nova's proxy: to the guest's VNC server it is a client without a password, by "none" or VeNCrypt with X509None; to the user's client, whose
 * token counts, a server that wants nothing. What follows both openings, ClientInit first, is passed on as it is.
 */
#ifndef CONSOLE_RFB_H
#define CONSOLE_RFB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#define RFB_REASON_MAX 200

enum rfb_scheme { RFB_NONE, RFB_VENCRYPT, RFB_SCHEME_N };

enum rfb_next {
	RFB_MORE,  /* bytes are missing */
	RFB_TLS,   /* the client's side of TLS begins, behind what is to be sent; then it goes on */
	RFB_DONE,  /* what follows is for the other side */
	RFB_BAD,   /* .why says what is wrong */
};

enum rfb_stage { RFB_VERSION, RFB_TYPES, RFB_REASON, RFB_VERSION_OF_VENCRYPT, RFB_ACK, RFB_SUBTYPES, RFB_ACCEPT, RFB_RESULT, RFB_OPEN };

struct rfb {
	enum rfb_stage stage;
	const enum rfb_scheme *schemes; /* server's side: which may be used, the first that it has */
	unsigned n_schemes;
	char why[3 * RFB_REASON_MAX + 40]; /* UTF-8: each byte of a reason that is none becomes three */
};

/** rfb_scheme_name() - "none", "vencrypt". */
const char *rfb_scheme_name(int scheme);

/** rfb_to_server() - the next message of the guest's VNC server. @data: all that is not used yet; @used: how much of it was; @out: to be sent to it */
enum rfb_next rfb_to_server(struct rfb *r, const uint8_t *data, size_t len, size_t *used, GByteArray *out);
/** rfb_to_client() - the same for the user's client. @len: 0: it has just come. */
enum rfb_next rfb_to_client(struct rfb *r, const uint8_t *data, size_t len, size_t *used, GByteArray *out);

#endif

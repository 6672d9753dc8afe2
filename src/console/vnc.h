/* SPDX-License-Identifier: Apache-2.0
 *
 * vnc: one session at a server's screen, over TCP to the VNC server of its QEMU.
 *
 * Theory of operation
 * -------------------
 * The host that the server's record names is asked where the guest's VNC listens; that is connected to, RFB is opened there (rfb.h, with TLS where
 * that is chosen), then with the client, and from then on bytes are passed on. What can become better is tried again, after 0.1, 0.3, 1 and
 * 3 s, so a client that comes while its guest is on the way is let in when the guest is there.
 *
 *	FINDING -> GREETING -> CLIENT -> OPEN
 *
 * An open session is not carried over to the next host: there encoders of the new QEMU begin from nothing, in the middle of what a decoder of
 * the client has. It ends with WS_MOVED, and the client comes again with its token, at once (page/console.js).
 *
 * Where a guest is reached: at the address that its VNC listens on. If that is every address of the host, at server_proxyclient_address of the host,
 * or else where libvirt is reached. Loopback of another machine cannot be reached, and is refused with what to change.
 */
#ifndef CONSOLE_VNC_H
#define CONSOLE_VNC_H

#include "console/end.h"
#include "console/rfb.h"

struct engine;
struct tls;
struct wires;

/* What all sessions have in common; borrowed. */
struct vnc_shared {
	struct engine *engine;
	struct wires *wires;
	struct tls *tls;                /* of VeNCrypt; NULL: it is not among @schemes */
	enum rfb_scheme schemes[RFB_SCHEME_N];
	unsigned n_schemes;
};

/** vnc_new() - begin. @calls: of static lifetime. Return: for end_free(). */
struct end *vnc_new(const struct vnc_shared *shared, const char *server_uuid, const struct end_calls *calls, void *user);

/**
 * vnc_address() - where to connect to, of what is known.
 * @listen: as the guest's description has it; "": not said; HV_NO_ADDRESS
 * @uri: of the host; @proxyclient: as configured; NULL
 *
 * Return: owned; NULL with ERR_CONFLICT.
 */
char *vnc_address(const char *listen, const char *uri, const char *proxyclient, GError **err);

#endif

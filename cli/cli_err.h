/* SPDX-License-Identifier: Apache-2.0
 *
 * cli_err: the kinds of failure.
 */
#ifndef CLI_ERR_H
#define CLI_ERR_H

#include <glib.h>

#define CLI_ERR (cli_err_quark())

enum cli_err {
	CLI_FAILED,      /* exit status 1 */
	CLI_USAGE,       /* exit status 2: the command line is wrong */
	CLI_NET,         /* exit status 1: no answer came; trying again can help */
	CLI_INTERRUPTED, /* exit status 130: the user stopped the wait */
	CLI_TIMEOUT,     /* exit status 124: what was waited for has not come within its limit */
};

/* The domain of faults: the code is the HTTP status, the message the server's own. */
#define CLI_HTTP (cli_http_quark())

GQuark cli_err_quark(void);
GQuark cli_http_quark(void);

#endif

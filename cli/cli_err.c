/* SPDX-License-Identifier: Apache-2.0 */
#include "cli_err.h"

G_DEFINE_QUARK(drover-cli, cli_err)
G_DEFINE_QUARK(drover-cli-http, cli_http)

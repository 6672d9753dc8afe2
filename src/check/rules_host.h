/* SPDX-License-Identifier: Apache-2.0
 *
 * rules_host: judging hosts, how they reach each other, and what guests find on them.
 */
#ifndef RULES_HOST_H
#define RULES_HOST_H

#include "check/rule.h"

void rules_reach(const struct judge *j);
void rules_identity(const struct judge *j);
void rules_peer(const struct judge *j);
void rules_address(const struct judge *j);
void rules_certificate(const struct judge *j);
void rules_expiry(const struct judge *j);
void rules_console(const struct judge *j);
void rules_cpu(const struct judge *j);
void rules_version(const struct judge *j);
void rules_pages(const struct judge *j);
void rules_mtu(const struct judge *j);
void rules_autostart(const struct judge *j);
void rules_ports(const struct judge *j);

#endif

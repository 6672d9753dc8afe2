/* SPDX-License-Identifier: Apache-2.0
 *
 * report: what is known when a test on real hosts waits too long: of its connections, of its threads, of the hosts' libvirtd.
 */
#ifndef REPORT_H
#define REPORT_H

#include "hv/hv.h"

/** report_conn() - a host's connection, and where each of its links is; a message of the test. */
void report_conn(const struct hv_host *h);

/** report_hosts() - the lab's list, libvirtd of each host with its threads and the end of its log, and this program's threads. */
void report_hosts(void);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * service: a host that is back does not count as up before the guests that were evacuated from it are gone there.
 */
#ifndef EVAC_SERVICE_H
#define EVAC_SERVICE_H

#include "task/kind.h"

extern const struct task_service evac_service;

/** evac_service_ended() - an evacuation from that host is over: it may come up. */
void evac_service_ended(struct mig *m);

#endif

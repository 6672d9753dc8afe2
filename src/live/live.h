/* SPDX-License-Identifier: Apache-2.0
 *
 * live: the kind "live migration": a guest goes to another host while it runs.
 */
#ifndef LIVE_H
#define LIVE_H

#include "live/phase.h"
#include "task/kind.h"

extern const struct task_kind live_kind;

#endif

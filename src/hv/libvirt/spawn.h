/* SPDX-License-Identifier: Apache-2.0
 *
 * spawn: the threads that run what can block.
 */
#ifndef LV_SPAWN_H
#define LV_SPAWN_H

#include "base/loop.h"

/** lv_spawn() - run @fn on a worker thread; there are as many as it takes. Any thread. */
void lv_spawn(loop_f *fn, void *user);

#endif

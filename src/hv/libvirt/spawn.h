/* SPDX-License-Identifier: Apache-2.0
 *
 * spawn: the threads that run what can block.
 */
#ifndef LV_SPAWN_H
#define LV_SPAWN_H

#include "base/loop.h"

/** lv_spawn() - run @fn on a worker thread; there are as many as it takes. Any thread. */
void lv_spawn(loop_f *fn, void *user);
/** lv_spawn_look() - the same for looks at hosts that may be silent, of which so many run at once, and the others wait. */
void lv_spawn_look(loop_f *fn, void *user);

#define LV_LOOKS_MAX 128 /* at a second each, a thousand silent hosts are looked at in 8 s */

#endif

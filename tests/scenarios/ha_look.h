/* SPDX-License-Identifier: Apache-2.0
 *
 * ha_look: looks at the network, on the tests' clock, for [ha].
 *
 * What lives when the look is begun answers, as a machine does within milliseconds, even if it dies right after. What does not is dark, also if it is back before the look is over:
 * a connection is not tried again in its second.
 */
#ifndef HA_LOOK_TEST_H
#define HA_LOOK_TEST_H

#include "ha/ha.h"

/* What is true now of the host of a URI. */
typedef enum ha_sight ha_look_f(const char *uri);

/** ha_looks() - @now: says what is true. One at a time. Return: borrowed, for ha_new(). */
const struct ha_ops *ha_looks(ha_look_f *now);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * kinds: what Drover can do with a server, as a table for engine_new(). A new kind is a folder and a line here.
 */
#ifndef KINDS_H
#define KINDS_H

#include "task/kind.h"

extern const struct task_kind *const kinds[]; /* NULL-terminated */

#endif

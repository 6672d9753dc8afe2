/* SPDX-License-Identifier: Apache-2.0
 *
 * check_definition: definitions: what libvirt keeps of the guest at the source, and under its UUID at the destination.
 *
 * Only a run that goes on to the end asks: PREPARE looks at the same, before
 * anything is made, with answers that it needs anyway (definition_prepare()).
 */
#ifndef CHECK_DEFINITION_H
#define CHECK_DEFINITION_H

#include "move/check.h"

check_row_f check_kept, check_definition;

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * definition_prepare: a migration's part in definitions (definition.h): before the copy, and at its end.
 */
#ifndef DEFINITION_PREPARE_H
#define DEFINITION_PREPARE_H

#include "move/definition_end.h"
#include "move/part.h"

/**
 * definition_prepare() - PREPARE: read the guest's definition, and take away one that lies at the destination.
 * @done: acts on the answer of a host that was asked
 *
 * The last answers of both hosts must be of now. One that may not be replaced is a refusal of that destination.
 */
struct part definition_prepare(struct mig *m, part_done_f *done);
/** definition_write_copy() - the guest's row, in the transaction that goes to COPY. */
bool definition_write_copy(struct mig *m, GError **err);
/** definition_at_dest() - the guest's definition @xml as it fits its destination: addresses of its consoles, CPUs and nodes. Return: owned; NULL with @err. */
char *definition_at_dest(const struct mig *m, const char *xml, GError **err);
/** definition_copying() - the same as definition_write_copy() in memory, after the commit. */
void definition_copying(struct mig *m);

/**
 * definition_end_of() - what @m's rows are judged by, as both hosts are known now.
 * @finishing: it was in FINISH before this change: the guest had arrived, whatever this process has seen itself
 */
struct definition_end definition_end_of(const struct mig *m, enum volume_fate fate, bool finishing);
/** definition_kept() - what lies at that end is not what this move may undefine: it stays, and the log says why. */
void definition_kept(struct mig *m, bool at_source, const char *why);

#endif

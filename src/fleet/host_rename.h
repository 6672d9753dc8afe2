/* SPDX-License-Identifier: Apache-2.0
 *
 * host_rename: a section of the configuration that was renamed.
 *
 * [host h1] is [host kvm-one]
 * now, with the same URI. The row of h1, which came from the configuration and
 * stands in it no more, gets the new name, and with it whatever names the host:
 * its servers, migrations, also those under way, files to remove. It is done
 * before anything is loaded, in one transaction, so nothing in memory has the old
 * name, and a kill leaves all of it or none.
 */
#ifndef HOST_RENAME_H
#define HOST_RENAME_H

#include "store/store.h"

struct conf;

/**
 * host_rename_sections() - such a section renames its host, before any row is loaded.
 *
 * One transaction, if there is one to rename. Return: false with the store's error.
 */
bool host_rename_sections(const struct conf *c, struct store *s, GError **err);

#endif

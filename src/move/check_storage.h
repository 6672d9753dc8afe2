/* SPDX-License-Identifier: Apache-2.0
 *
 * check_storage: which of a server's files do the two hosts share, and can the others be copied?
 */
#ifndef CHECK_STORAGE_H
#define CHECK_STORAGE_H

#include "move/check.h"

check_row_f check_storage, check_drives, check_disk;

/** check_shares_folder() - the experiment has shown that both hosts have the folder of that path; false where it was not made. */
bool check_shares_folder(struct check *p, const char *path);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * check_storage: which of a server's files do the two hosts share, and can the others be copied?
 */
#ifndef CHECK_STORAGE_H
#define CHECK_STORAGE_H

#include "move/check.h"

check_row_f check_storage, check_drives, check_files, check_disk;

/**
 * check_sharing() - find out whether both hosts have the folder of a file that is no disk, for a row behind check_storage()'s.
 * @ret: written with PASSED
 *
 * Return: PASSED: it is known; ASKED: the row is called again when it is; FAILED.
 */
enum check_result check_sharing(struct check *p, const char *path, bool *ret, GError **err);

/** check_sharing_known() - likewise; where it cannot be found out, the folder counts as shared. */
enum check_result check_sharing_known(struct check *p, const char *path, bool *ret, GError **err);

/** check_shares_folder() - the experiment has shown that both hosts have the folder of that path; false where it was not made. */
bool check_shares_folder(struct check *p, const char *path);

#endif

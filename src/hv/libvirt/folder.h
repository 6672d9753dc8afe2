/* SPDX-License-Identifier: Apache-2.0
 *
 * folder: a folder of a host, and files of it.
 */
#ifndef LV_FOLDER_H
#define LV_FOLDER_H

#include "hv/libvirt/call.h"

lv_work_f lv_folder_get;

#endif

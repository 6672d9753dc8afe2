/* SPDX-License-Identifier: Apache-2.0
 *
 * why: the words of a host on an error. They are read here alone, and bounded.
 */
#ifndef LV_WHY_H
#define LV_WHY_H

#include <stdbool.h>

#include <libvirt/virterror.h>

#define LV_WHY_MAX 1024 /* bytes of a host's words on an error */

/**
 * lv_why() - what libvirt says of an error, as one line of LV_WHY_MAX bytes at most: the text is the host's, which can send megabytes.
 * @e: NULL: none
 *
 * Return: owned by the caller.
 */
char *lv_why(const virError *e);

/** lv_about_guest() - libvirt refused to let a guest go because of what it is, whatever the destination. */
bool lv_about_guest(const char *message);
/** lv_about_lock() - QEMU or a lock manager refused, because another process has a disk of the guest. There is no code of its own. */
bool lv_about_lock(const char *message);

#endif

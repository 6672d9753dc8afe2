/* SPDX-License-Identifier: Apache-2.0
 *
 * man: manual pages in scdoc's language, from the commands' tables.
 */
#ifndef MAN_H
#define MAN_H

#include <stdbool.h>
#include <stdio.h>

#define MAN_WORD "__man"

/**
 * man_print() - write a page.
 * @page: "drover", or "drover-GROUP"
 *
 * Return: false: there is no such page.
 */
bool man_print(FILE *out, const char *page);

#endif

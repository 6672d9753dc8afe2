/* SPDX-License-Identifier: Apache-2.0
 *
 * page: manual pages as scdoc's source, from the tables that the programs work by.
 */
#ifndef BASE_PAGE_H
#define BASE_PAGE_H

#include <stdio.h>

/** page_put() - text, so that scdoc takes nothing in it for its own. */
void page_put(FILE *out, const char *text);

/** page_head() - the first lines: the page, its section, and what it is about in one line. */
void page_head(FILE *out, const char *page, int section, const char *about);

/** page_option() - "*--NAME* _ARG_" and what it does; @letter: 0 without a short name, @arg: NULL for a switch. */
void page_option(FILE *out, char letter, const char *name, const char *arg, const char *help);

#endif

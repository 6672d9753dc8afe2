/* SPDX-License-Identifier: Apache-2.0
 *
 * slim: a page of a list without the members of its rows that are not needed.
 *
 * Parsing what a table does not show is two thirds of the cost of a long list.
 * This leaves it out of the text before the text is parsed. What is left is
 * parsed and checked as always; of what is not, only strings and brackets are.
 */
#ifndef SLIM_H
#define SLIM_H

#include <stddef.h>

/**
 * slim_rows() - {"NAME": [{...}, ...], ...} with rows of the wanted members alone; other members of the page stay.
 * @text: @len bytes of JSON
 * @members: ended by NULL
 * @ret_len: of the text that is returned
 *
 * Return: owned by the caller; NULL for a text that is not so: parse it whole.
 */
char *slim_rows(const char *text, size_t len, const char *name, const char *const *members, size_t *ret_len);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * near: the known word that a mistyped one probably means.
 */
#ifndef NEAR_H
#define NEAR_H

#include <stddef.h>

/**
 * near_word() - of those that are known.
 * @known: NULL-terminated
 *
 * Return: borrowed from @known; NULL if none is near.
 */
const char *near_word(const char *word, const char *const *known);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * prompt: questions to the operator.
 *
 * A question stands on stderr, its answer is a line of stdin: of a terminal, or
 * of a pipe, as in "yes | drover ...". An answer may be shortened to what is
 * unambiguous; another one is asked for again.
 */
#ifndef PROMPT_H
#define PROMPT_H

#include <stdbool.h>

/**
 * prompt_ask() - ask a question.
 * @question: without its answers; safe to print
 * @answers: ended by NULL
 *
 * Return: the index of the answer; -1 at the end of the input, or after Ctrl-C.
 */
int prompt_ask(const char *question, const char *const *answers);

enum prompt_break { BREAK_LEAVE, BREAK_ABORT, BREAK_GO_ON };

/**
 * prompt_break() - Ctrl-C has come while something is waited for: what now? Away from a terminal it is left.
 * @what: safe to print: "the migration of web1"
 */
enum prompt_break prompt_break(const char *what);

#endif

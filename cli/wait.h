/* SPDX-License-Identifier: Apache-2.0
 *
 * wait: pauses between two questions to the API, and Ctrl-C.
 *
 * From wait_signals() on, SIGINT and SIGTERM end pauses and give requests up
 * instead of ending the program; the caller says what goes on without it.
 */
#ifndef WAIT_H
#define WAIT_H

#include <stdbool.h>
#include <stdint.h>

#include "client.h"

#define WAIT_POLL_MS 500

/** wait_signals() - from now on Ctrl-C ends pauses and requests of @c. */
void wait_signals(struct client *c);

/** wait_ms() - pause. The tests' DROVER_POLL_MS makes all pauses that long. Return: false if Ctrl-C has ended it. */
bool wait_ms(int64_t ms);

/** wait_interrupted() - Ctrl-C has come, and not been forgotten since. */
bool wait_interrupted(void);

/** wait_forget() - Ctrl-C was dealt with. */
void wait_forget(void);

#endif

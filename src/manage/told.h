/* SPDX-License-Identifier: Apache-2.0
 *
 * told: what each host says is on it, asked once, by a program that is no daemon. Nothing is written or done at a host.
 */
#ifndef MANAGE_TOLD_H
#define MANAGE_TOLD_H

#include <stdbool.h>

#include <glib.h>

/* A host, and what it says. */
struct told {
	char *name, *uri;
	char *why;           /* why it has not answered; NULL: it has */
	GPtrArray *doms;     /* struct hv_dom *; NULL: not told */
	GPtrArray *carriers; /* struct carrier *; likewise */
};

/** told_new() - a host that is to be asked. Return: owned */
struct told *told_new(const char *name, const char *uri);
void told_free(struct told *t);

/**
 * told_ask() - ask all of them at the same time, and wait for the answers; one that has not answered within a minute has not.
 * @hosts: struct told *
 *
 * Once in a program: it runs the loop. Return: false if none can be asked.
 */
bool told_ask(GPtrArray *hosts, GError **err);

#endif

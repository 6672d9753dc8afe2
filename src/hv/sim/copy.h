/* SPDX-License-Identifier: Apache-2.0
 *
 * copy: a file of one host flows through the program to another one. What is made is
 * torn until the last byte; it stays so when the call ends before, for any reason.
 */
#ifndef SIM_COPY_H
#define SIM_COPY_H

#include "hv/sim/link.h"
#include "hv/sim/types.h"

struct sim_copy {
	struct sim_flow flow;  /* first */
	struct sim_call *call; /* it waits for the end */
	char *path;
	int64_t deaths;        /* of the source's libvirtd, at the start */
	double remaining, rate;
	int64_t seen_ms;
	struct clock_timer *step, *lost;
};

/* The host's power, cable or libvirtd changed. */
void sim_copy_host_changed(struct sim_host *h);
/* It begins; @call waits for the end. Return: the call's. */
struct sim_copy *sim_copy_begin(struct sim_host *from, struct sim_host *to, const struct sim_file *f, struct sim_call *call);
/* It ends, wherever it is; NULL is nothing. */
void sim_copy_free(struct sim_copy *c);

#endif

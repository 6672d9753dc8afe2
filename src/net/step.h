/* SPDX-License-Identifier: Apache-2.0
 *
 * step: what a connection does in one state, and what a step says is next.
 */
#ifndef NET_STEP_H
#define NET_STEP_H

#define NET_PIECE (256 * 1024) /* passes in one step, at most */

struct net_conn;

enum next {
	NEXT_STATE, /* the state is another one: its step, at once */
	NEXT_TURN,  /* there is more to do */
	NEXT_EVENT, /* the socket, or the handler, will say when */
	NEXT_CLOSE,
};

typedef enum next net_step_f(struct net_conn *c);

#endif

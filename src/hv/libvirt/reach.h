/* SPDX-License-Identifier: Apache-2.0
 *
 * reach: does anything accept a connection where a libvirt URI leads?
 *
 * virConnectOpen() has no limit of time: one that begins while a cable is out sleeps in the kernel's growing waits, and comes through
 * seconds after the cable is back. A look of a second before it costs a packet, and can be had again at once.
 */
#ifndef LV_REACH_H
#define LV_REACH_H

/**
 * lv_reach() - on a worker; blocks for REACH_MS (hv/reach.h) at most, and as long as its name takes to be looked up.
 *
 * Return: NULL: something does, or the transport is none of tcp and tls, of which nothing can be said; else why not, owned by the caller.
 */
char *lv_reach(const char *uri);

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * addr: addresses of a guest's interfaces, as hosts and guests tell them.
 *
 * What is told may come from the guest itself (its agent), which may lie: only
 * what has the form of an address is taken, up to a bound, and never what
 * belongs to no network (loopback, link-local and the like).
 */
#ifndef HV_ADDR_H
#define HV_ADDR_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#define HV_MAC_LEN 17
#define HV_ADDR_TEXT_MAX 46   /* INET6_ADDRSTRLEN */
#define HV_ADDRS_MAX 64       /* of one domain */
#define HV_ADDRS_OF_NIC_MAX 16

struct hv_addr {
	char mac[HV_MAC_LEN + 1];          /* lower case */
	char text[HV_ADDR_TEXT_MAX];       /* "10.0.0.5", "2001:db8::5": the canonical form */
	int prefix;                        /* bits of its network; 0: not told */
};

/* Where addresses are asked for, in this order. */
enum hv_addr_source {
	HV_ADDR_LEASE = 1 << 0, /* leases of libvirt's own networks */
	HV_ADDR_AGENT = 1 << 1, /* the guest agent */
	HV_ADDR_ARP   = 1 << 2, /* the host's ARP table, for interfaces of which nothing else is known */
};

/** hv_addr_version() - 4 or 6. */
int hv_addr_version(const struct hv_addr *a);

/** hv_addr_parse() - an address of a host or a guest. Return: false for what is none, or belongs to no network that others reach. */
bool hv_addr_parse(const char *mac, const char *text, int64_t prefix, struct hv_addr *ret);

/** hv_addrs_new() - an empty list: GArray of struct hv_addr. */
GArray *hv_addrs_new(void);
/** hv_addrs_add() - add one, unless it is there already or the list is full. */
void hv_addrs_add(GArray *all, const struct hv_addr *a);
/** hv_addrs_know() - true if an address of this interface is in the list. */
bool hv_addrs_know(const GArray *all, const char *mac);

/**
 * hv_addrs_of_agent() - add what a guest agent says.
 * @text: its answer to guest-network-get-interfaces: {"return": [{"hardware-address": ..., "ip-addresses": [...]}]}
 *
 * Return: false with ERR_HV if it is no such answer; single items that are none are left out.
 */
bool hv_addrs_of_agent(GArray *all, const char *text, GError **err);

#endif

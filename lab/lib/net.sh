# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The wires. The bridge that joins the hosts and the controller is in a namespace of its own, so that nothing of a lab is in the
# machine's network.

netns_exists() {
	[ -e "/run/netns/$1" ]
}

net_of() {
	if [ "$1" = ctl ]; then
		echo "$ctl"
	else
		echo "$name-$1"
	fi
}

host_ip() {
	echo "$net.$((10 + ${1#h}))"
}

# No IPv6 on new interfaces: nothing announces itself, and the captures stay readable. The loopback keeps it.
netns_new() {
	ip netns add "$1"
	ip netns exec "$1" sh -c 'echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6' 2> /dev/null || true
	ip -n "$1" link set lo up
}

net_bridge() {
	ip -n "$1" link add br0 type bridge forward_delay 0 stp_state 0 mcast_snooping 0
	ip -n "$1" link set br0 up
}

# A cable from the hub to NAMESPACE's eth0; the hub's end is named PORT.
net_cable() {
	ip -n "$hub" link add "$2" type veth peer name eth0 netns "$1"
	ip -n "$hub" link set "$2" master br0 up
	ip -n "$1" link set eth0 up
}

net_hub_up() {
	netns_new "$hub"
	net_bridge "$hub"
	netns_new "$ctl"
	net_cable "$ctl" ctl
	ip -n "$ctl" link set eth0 address $ctl_mac
	ip -n "$ctl" addr add $ctl_ip/24 dev eth0
}

net_host_up() {
	local ns=$name-$1

	netns_new "$ns"
	net_bridge "$ns"
	net_cable "$ns" "$1"
	ip -n "$ns" link set eth0 master br0
	# a bridge takes the lowest address of its ports unless told, and a guest's may be lower
	ip -n "$ns" link set br0 address "$(printf '02:00:00:00:01:%02x' "${1#h}")"
	ip -n "$ns" addr add "$(host_ip "$1")/24" dev br0
}

# The lab's namespaces, also those that a crash left.
net_list() {
	find /run/netns -maxdepth 1 -name "$name-*" -printf '%f\n' 2> /dev/null | grep -E "^$name-(h[0-9]+|ctl|hub)\$" || true
}

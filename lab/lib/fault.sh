# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What breaks, and how it is mended.

# The loss of power: every process of the host ends at once, and its /run is gone.
cmd_kill() {
	need_host_up "${1:-}"
	lock_lab
	cache_paths
	# the helpers outside its PID namespace (lab exec) go too
	mapfile -t pids < <(ip netns pids "$name-$1")
	"$bin_dir/init" kill "${pids[@]}"
}

cmd_boot() {
	need_host "${1:-}"
	lock_lab
	host_is_up "$1" && die "host $1 is up"
	cache_prepare
	host_boot "$1" || die "host $1 did not boot"
}

cmd_kill_libvirtd() {
	need_host_up "${1:-}"
	# shellcheck disable=SC2016
	in_host "$1" sh -c 'kill -9 "$(cat /run/libvirtd.pid)"' 2> /dev/null || die "host $1 has no libvirtd"
}

cmd_start_libvirtd() {
	need_host_up "${1:-}"
	in_host "$1" libvirtd --daemon --listen --pid-file /run/libvirtd.pid || die "libvirtd of host $1 does not start"
}

cmd_cut() {
	need_host "${1:-}"
	ip -n "$hub" link set "$1" down
}

cmd_mend() {
	need_host "${1:-}"
	ip -n "$hub" link set "$1" up
}

link_state() {
	local state='up'

	if [[ $(ip -n "$hub" -o link show "$1") != *[\<,]UP[,\>]* ]]; then
		state='cut'
	fi
	if [ -e "$dir/$1/shape" ]; then
		state="$state $(cat "$dir/$1/shape")"
	fi
	echo "$state"
}

# Both ends of the cable are shaped on the way out, so each direction has the rate and the delay.
cmd_shape() {
	local host=${1:-} rate=${2:-} delay=${3:-0}

	need_host "$host"
	[ -n "$rate" ] || die "usage: lab shape HOST RATE [DELAY] | lab shape HOST off"
	shape_off "$host"
	[ "$rate" = off ] && return
	if ! shape_end "$hub" "$host" "$rate" "$delay" || ! shape_end "$name-$host" eth0 "$rate" "$delay"; then
		shape_off "$host"
		die "tc does not take '$rate${3:+ $3}' on this kernel; the link of $host is not shaped"
	fi
	echo "$rate${3:+/$3}" > "$dir/$host/shape"
}

shape_off() {
	tc -n "$hub" qdisc del dev "$1" root 2> /dev/null || true
	tc -n "$name-$1" qdisc del dev eth0 root 2> /dev/null || true
	rm -f "$dir/$1/shape"
}

shape_end() {
	local ns=$1 dev=$2 rate=$3 delay=$4

	tc -n "$ns" qdisc add dev "$dev" root handle 1: tbf rate "$rate" burst 256k latency 200ms || return 1
	if ! [[ $delay =~ ^0[a-z]*$ ]]; then
		tc -n "$ns" qdisc add dev "$dev" parent 1:1 handle 10: netem delay "$delay" limit 100000 || return 1
	fi
}

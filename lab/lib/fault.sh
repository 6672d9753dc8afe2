# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What breaks, and how it is mended.

# The loss of power: every process of the host ends at once, and its /run is gone.
cmd_kill() {
	need_host_up "${1:-}"
	lock_lab
	need_programs
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

# Returns when it is gone: until then it holds its port and its files, and another one does not start.
cmd_kill_libvirtd() {
	local pid

	need_host_up "${1:-}"
	need_programs
	# shellcheck disable=SC2016
	pid=$(in_host "$1" sh -c 'pid=$(cat /run/libvirtd.pid) && kill -0 "$pid" && echo "$pid"' 2> /dev/null) || die "host $1 has no libvirtd"
	in_host "$1" "$bin_dir/init" kill "$pid" || die "libvirtd of host $1 does not end"
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
	local host=${1:-} rate=${2:-} delay=0

	need_host "$host"
	[ -n "$rate" ] && [ $# -le 3 ] || die "usage: lab shape HOST RATE [DELAY] | lab shape HOST off"
	delay=$(delay_us "${3:-0}") || die "'$3' is no delay; write 5ms, 500us or 1s"
	lock_lab
	need_programs
	shape_off "$host"
	[ "$rate" != off ] || return 0
	if ! shape_rate "$hub" "$host" "$rate" || ! shape_rate "$name-$host" eth0 "$rate" || ! shape_delay "$host" "$delay"; then
		shape_off "$host"
		die "the link of $host cannot be shaped so; it has no limit now"
	fi
	echo "$rate${3:+/$3}" > "$dir/$host/shape"
}

delay_us() {
	[[ $1 =~ ^([0-9]+)(us|ms|s|)$ ]] || return 1
	case ${BASH_REMATCH[2]} in
	us) echo "${BASH_REMATCH[1]}" ;;
	ms | '') echo "${BASH_REMATCH[1]}000" ;;
	s) echo "${BASH_REMATCH[1]}000000" ;;
	esac
}

shape_rate() {
	tc -n "$1" qdisc add dev "$2" root tbf rate "$3" burst 256k latency 200ms
}

# Not by netem, which many kernels lack.
shape_delay() {
	local host=$1 delay=$2

	[ "$delay" -gt 0 ] || return 0
	# out of the bridge first: a frame that went both ways would look like a second copy of a guest
	ip -n "$hub" link set "$host" nomaster || return 1
	nsenter --net="/run/netns/$hub" "$bin_dir/wire" "$host" "$host-far" "$delay" "$dir/$host/wire.pid" 9>&- || return 1
	ip -n "$hub" link set "$host-far" master br0 up
}

shape_off() {
	local pid

	tc -n "$hub" qdisc del dev "$1" root 2> /dev/null || true
	tc -n "$name-$1" qdisc del dev eth0 root 2> /dev/null || true
	for pid in $(own_pids "$hub"); do
		if [ "$pid" = "$(cat "$dir/$1/wire.pid" 2> /dev/null)" ]; then
			"$bin_dir/init" kill "$pid"
		fi
	done
	ip -n "$hub" link set "$1" master br0
	rm -f "$dir/$1/shape" "$dir/$1/wire.pid"
}

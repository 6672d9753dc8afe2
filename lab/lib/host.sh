# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Hosts: up, down, exec, list.

cmd_up() {
	local n='' tls=no

	while [ $# -gt 0 ]; do
		case $1 in
		--tls) tls=yes ;;
		[0-9]*) n=$1 ;;
		*) die "usage: lab up N [--tls]" ;;
		esac
		shift
	done
	[[ $n =~ ^[0-9]+$ ]] && ((n >= 1 && n <= hosts_max)) || die "usage: lab up N [--tls], N from 1 to $hosts_max"
	lock_lab
	lab_is_up && die "'$name' is already up with $(hosts | wc -l) hosts; 'lab down' ends it"
	cache_prepare
	lab_remove
	# in the background, because a condition would switch "set -e" off inside it
	lab_raise "$n" "$tls" &
	if ! wait $!; then
		lab_remove
		die "'$name' did not come up"
	fi
}

lab_raise() {
	local n=$1 tls=$2 i pids=() pid failed=no

	mkdir -p "$dir"
	# hosts have copies of the machine's /etc
	chmod 700 "$dir"
	mkdir "$dir"/{shared,guests}
	touch "$dir/.drover-lab"
	net_hub_up
	if [ "$tls" = yes ]; then
		tls_authority
	fi
	nsenter --net="/run/netns/$ctl" "$bin_dir/heartbeat" serve $ctl_ip "$dir/heartbeat.sock" "$dir/heartbeat.json" \
		"$dir/heartbeat.pid" 9>&-
	for ((i = 1; i <= n; i++)); do
		host_create "h$i" "$tls"
	done
	for ((i = 1; i <= n; i++)); do
		host_boot "h$i" &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid" || failed=yes
	done
	[ $failed = no ]
	cache_qemu_caps_from "$dir/h1/cache"
	boot_id > "$dir/up"
}

# The host's folders and settings, which a later boot finds again.
host_create() {
	local host=$1 tls=$2 base=$dir/$1 pool

	net_host_up "$host"
	mkdir -p "$base"/{lib,cache,log/qemu,instances}
	cache_qemu_caps_to "$base/cache"
	new_uuid > "$base/uuid"
	host_etc "$base" "$host"
	host_conf "$base" "$tls" "$(cat "$base/uuid")"
	for pool in shared instances; do
		host_pool "$base" $pool
	done
	if [ "$tls" = yes ]; then
		tls_host "$host"
	fi
}

# The machine's /etc, but its own names, libvirt settings and users.
host_etc() {
	local etc=$1/etc host=$2

	cp -a /etc "$etc"
	rm -rf "$etc/libvirt" "$etc/pki" "$etc/resolv.conf"
	mkdir -p "$etc/libvirt/storage/autostart"
	echo "$host" > "$etc/hostname"
	# only itself: that one host cannot resolve another's name is usual, and a client must cope with it
	printf '127.0.0.1 localhost\n%s %s\n' "$(host_ip "$host")" "$host" > "$etc/hosts"
	: > "$etc/resolv.conf"
	# libvirtd wants to know its package's user, though qemu.conf says to run guests as root; the package that makes the user would
	# also start a libvirtd on the machine itself
	grep -q ^libvirt-qemu: "$etc/passwd" || echo 'libvirt-qemu:x:64055:64055::/var/lib/libvirt:/usr/sbin/nologin' >> "$etc/passwd"
	grep -q ^libvirt-qemu: "$etc/group" || echo 'libvirt-qemu:x:64055:' >> "$etc/group"
}

host_conf() {
	local base=$1 tls=$2 uuid=$3

	cat > "$base/etc/libvirt/libvirtd.conf" <<-END
		listen_tls = $([ "$tls" = yes ] && echo 1 || echo 0)
		listen_tcp = 1
		auth_tcp = "none"
		auth_unix_ro = "none"
		auth_unix_rw = "none"
		host_uuid = "$uuid"
		keepalive_interval = 5
		keepalive_count = 5
		log_outputs = "3:file:/var/log/libvirt/libvirtd.log"
	END
	cat > "$base/etc/libvirt/qemu.conf" <<-END
		user = "root"
		group = "root"
		security_driver = "none"
		cgroup_controllers = []
		namespaces = []
		stdio_handler = "file"
		keepalive_interval = 5
		keepalive_count = 5
	END
	if [ "$tls" = yes ]; then
		tls_conf "$base/etc/libvirt"
	fi
}

host_pool() {
	local base=$1 pool=$2

	cat > "$base/etc/libvirt/storage/$pool.xml" <<-END
		<pool type='dir'>
		  <name>$pool</name>
		  <uuid>$(new_uuid)</uuid>
		  <source/>
		  <target><path>$drover_dir/$pool</path></target>
		</pool>
	END
	ln -s "/etc/libvirt/storage/$pool.xml" "$base/etc/libvirt/storage/autostart/$pool.xml"
}

# Returns when the host's libvirtd accepts connections.
host_boot() {
	local host=$1 base=$dir/$1

	: > "$base/host.log"
	# the first call to libvirtd is answered when its drivers have started
	if ! "$bin_dir/init" start --netns "/run/netns/$name-$host" --hostname "$host" --pidfile "$base/pid" --log "$base/host.log" \
		"$lab_dir/host-setup" "$base" "$dir/shared" "$guest_dir" "$accel" 9>&- || ! virsh_on "$host" pool-list > /dev/null; then
		say "host $host did not start; its logs end with:"
		tail -q -n 5 "$base/host.log" "$base/log/libvirtd.log" 2> /dev/null | sed 's/^/lab:   /' >&2
		return 1
	fi
}

# A host's process 1 is told from a later owner of its number by its network namespace.
host_is_up() {
	local pid

	pid=$(host_pid "$1") && [ "/proc/$pid/ns/net" -ef "/run/netns/$name-$1" ]
}

host_pid() {
	cat "$dir/$1/pid" 2> /dev/null
}

in_host() {
	local host=$1 pid

	shift
	pid=$(host_pid "$host")
	nsenter -t "$pid" -n -m -u -p -r --wd=/ -- "$@"
}

cmd_exec() {
	local where=${1:-}

	[ $# -ge 2 ] || die "usage: lab exec HOST|ctl CMD..."
	shift
	if [ "$where" = ctl ]; then
		need_lab
		exec ip netns exec "$ctl" "$@"
	fi
	need_host_up "$where"
	exec nsenter -t "$(host_pid "$where")" -n -m -u -p -r --wd=/ -- "$@"
}

cmd_uri() {
	need_host "${1:-}"
	case ${2:-tcp} in
	tcp) echo "qemu+tcp://$(host_ip "$1")/system" ;;
	tls) echo "qemu+tls://$(host_ip "$1")/system?pkipath=$dir/tls/client" ;;
	*) die "usage: lab uri HOST [tcp|tls]" ;;
	esac
}

cmd_ip() {
	need_lab
	if [ "${1:-}" = ctl ]; then
		echo $ctl_ip
	elif [ -e "$dir/guests/${1:-}" ]; then
		guest_ip "$1"
	else
		need_host "${1:-}"
		host_ip "$1"
	fi
}

cmd_list() {
	local host state libvirtd link guests

	need_lab
	printf '%-5s %-12s %-5s %-9s %-14s %s\n' host address state libvirtd link guests
	for host in $(hosts); do
		state=down libvirtd=- guests=-
		link=$(link_state "$host")
		if host_is_up "$host"; then
			state=up libvirtd=down
			# shellcheck disable=SC2016
			if in_host "$host" sh -c 'kill -0 "$(cat /run/libvirtd.pid)"' 2> /dev/null; then
				libvirtd=up
				guests=$(in_host "$host" virsh -q -c qemu:///system list --name | paste -sd ' ')
			fi
		fi
		printf '%-5s %-12s %-5s %-9s %-14s %s\n' "$host" "$(host_ip "$host")" $state $libvirtd "$link" "${guests:--}"
	done
}

cmd_down() {
	[ $# = 0 ] || die "usage: lab down"
	lock_lab
	need_programs
	lab_remove
}

# Safe at any time: whatever of the lab exists goes, whatever does not is skipped.
lab_remove() {
	local ns pids=() left

	for ns in $(net_list); do
		case $ns in
		"$name"-h[0-9]*) mapfile -t -O ${#pids[@]} pids < <(ip netns pids "$ns") ;;
		"$ctl" | "$hub") mapfile -t -O ${#pids[@]} pids < <(own_pids "$ns") ;;
		esac
	done
	if [ ${#pids[@]} -gt 0 ]; then
		"$bin_dir/init" kill "${pids[@]}"
	fi
	for ns in $(net_list); do
		left=$(ip netns pids "$ns" | paste -sd ' ')
		[ -z "$left" ] || say "not the lab's, left running in $ns: $left"
		ip netns del "$ns"
	done
	if [ -e "$dir/.drover-lab" ]; then
		rm -rf "$dir"
	elif [ -e "$dir" ] && [ -n "$(ls -A "$dir")" ]; then
		die "$dir is not a lab's folder, so it stays"
	fi
}

# The lab's own programs in a namespace that it shares with others' (the controller, tests).
own_pids() {
	local pid

	for pid in $(ip netns pids "$1"); do
		if [[ $(readlink "/proc/$pid/exe") = "$cache_dir"/bin-* ]]; then
			echo "$pid"
		fi
	done
}

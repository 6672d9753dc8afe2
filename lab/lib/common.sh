# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Names, folders, messages, locks.

readonly cache_dir=/var/cache/drover-lab
readonly hosts_max=50
readonly net=192.0.2                    # inside the namespaces only, so each lab has the same
readonly ctl_ip=$net.1
readonly ctl_mac=02:00:00:00:00:01
readonly drover_dir=/var/lib/libvirt/drover   # in a host
readonly hang_s=240                     # what takes longer hangs

die() {
	echo "lab: $*" >&2
	exit 1
}

say() {
	echo "lab: $*" >&2
}

common_init() {
	name=${LAB_NAME:-lab}
	[[ $name =~ ^[a-z][a-z0-9-]{0,23}$ ]] || die "LAB_NAME must be a short lower-case word, not '$name'"
	dir=${LAB_DIR:-/var/tmp/drover-lab/$name}
	[[ $dir = /* && $dir != / ]] || die "LAB_DIR must be an absolute path"
	[ "$(id -u)" = 0 ] || die "must be run by root"
	hub=$name-hub ctl=$name-ctl
	readonly name dir hub ctl
}

# One change of a lab at a time. The lock goes when the shell ends; what outlives it is started with 9>&-.
lock_lab() {
	mkdir -p "$cache_dir"
	exec 9>"$cache_dir/$name.lock"
	flock -w $hang_s 9 || die "another command is changing '$name'"
}

lab_is_up() {
	[ -e "$dir/up" ] && [ "$(cat "$dir/up")" = "$(boot_id)" ] && netns_exists "$hub"
}

need_lab() {
	lab_is_up || die "'$name' is not up"
}

# The machine's, not a guest's.
boot_id() {
	cat /proc/sys/kernel/random/boot_id
}

new_uuid() {
	cat /proc/sys/kernel/random/uuid
}

need_host() {
	need_lab
	[[ ${1:-} =~ ^h[0-9]+$ && -d $dir/$1 ]] || die "no host '${1:-}'; there are: $(hosts | tr '\n' ' ')"
}

need_host_up() {
	need_host "$1"
	host_is_up "$1" || die "host $1 is down"
}

hosts() {
	local i

	for ((i = 1; i <= hosts_max; i++)); do
		if [ -d "$dir/h$i" ]; then
			echo "h$i"
		fi
	done
}

# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What ./check and ./demo share: packages and builds. Sourced; the caller sets "root" to the top of the tree.

die() {
	echo "${0##*/}: $*" >&2
	exit 1
}

say() {
	echo "== $*"
}

need_root() {
	[ "$(id -u)" = 0 ] || die "must be run by root: it makes network namespaces, and installs packages that are missing"
}

# GROUP...: the names in packaging/packages of these groups.
packages_of() {
	awk -v want=" $* " '
		/^\[/ { gsub(/[][]/, "", $1); group = $1; next }
		{ sub(/#.*/, "") }
		NF && index(want, " " group " ") { print $1 }
	' "$root/packaging/packages"
}

packages_missing() {
	local package

	for package in $(packages_of "$@"); do
		if [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2> /dev/null)" != installed ]; then
			echo "$package"
		fi
	done
}

apt() {
	DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 "$@"
}

# Debian's way to say that what is installed now shall not start its services. Where it is said already, it stays as it is.
readonly service_policy=/usr/sbin/policy-rc.d

without_services() {
	local status=0

	if [ -e "$service_policy" ]; then
		"$@"
		return
	fi
	printf '#!/bin/sh\nexit 101\n' > "$service_policy"
	chmod 0755 "$service_policy"
	"$@" || status=$?
	rm -f "$service_policy"
	return "$status"
}

# GROUP...: install what is missing of them, and only that.
setup_packages() {
	local missing

	command -v apt-get > /dev/null || die "needs Debian 12's apt-get"
	mapfile -t missing < <(packages_missing "$@")
	[ ${#missing[@]} -gt 0 ] || return 0
	say "installing ${missing[*]}"
	# the lists may be absent, or too old to fetch from
	if ! without_services apt install --no-install-recommends "${missing[@]}"; then
		apt update
		without_services apt install --no-install-recommends "${missing[@]}" || die "cannot install ${missing[*]}"
	fi
}

# NAME: the build's compiler, its linker, and meson's options, a word a line.
build_words() {
	case $1 in
	gcc) printf '%s\n' gcc bfd -Doptimization=3 ;; # as the README builds it, but with symbols
	clang) printf '%s\n' clang mold ;;
	asan) printf '%s\n' gcc mold -Db_sanitize=address,undefined -Db_lundef=false ;;
	tsan) printf '%s\n' gcc mold -Doptimization=1 -Db_sanitize=thread -Db_lundef=false ;;
	fuzz) printf '%s\n' clang mold -Db_sanitize=address,undefined -Db_lundef=false -Dc_args=-fsanitize=fuzzer-no-link ;;
	*) die "no build '$1'" ;;
	esac
}

# NAME: what of it is wanted, if not all.
build_targets() {
	if [ "$1" = tsan ]; then
		printf '%s\n' tests/hv/t_local tests/store/t_store tests/unit/t_log tests/unit/t_pattern tests/unit/t_post
	elif [ "$1" = fuzz ]; then
		# the list is that of the last configuration
		ninja -C "$root/build/fuzz" build.ninja > /dev/null
		ninja -C "$root/build/fuzz" -t targets all | sed -n 's,^\(tests/fuzz/fuzz_[a-z0-9_]*\): .*,\1,p'
	fi
}

# NAME...: bring build/NAME up to date. Output is shown if it fails.
setup_build() {
	local build words log cache='' started=$SECONDS

	mkdir -p "$root/build/logs"
	if command -v ccache > /dev/null; then
		cache='ccache '
		export CCACHE_DIR=${CCACHE_DIR:-/var/cache/drover-ccache} CCACHE_NOHASHDIR=1 # another clone's objects are as good
	fi
	for build in "$@"; do
		mapfile -t words < <(build_words "$build")
		log=$root/build/logs/build-$build.log
		: > "$log"
		if [ ! -e "$root/build/$build/build.ninja" ]; then
			rm -rf "${root:?}/build/$build"
			if ! CC=$cache${words[0]} CC_LD=${words[1]} meson setup "$root/build/$build" "$root" "${words[@]:2}" >> "$log" 2>&1; then
				build_failed "$build" "$log"
				return 1
			fi
		fi
		mapfile -t words < <(build_targets "$build")
		if ! ninja -C "$root/build/$build" "${words[@]}" >> "$log" 2>&1; then
			build_failed "$build" "$log"
			return 1
		fi
	done
	say "built $* in $((SECONDS - started)) s"
}

build_failed() {
	cat "$2" >&2
	echo "the build '$1' failed" >&2
}

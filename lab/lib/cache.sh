# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What outlives a lab: compiled programs, the guest's kernel and initramfs, the verdict on KVM. Each is keyed by what it is made
# from, is made under a temporary name and renamed, and is never changed afterwards.

cache_prepare() {
	cache_lock
	cache_programs
	cache_kernel
	cache_guest
	cache_accel
	exec 8>&-
}

cache_lock() {
	mkdir -p "$cache_dir"
	exec 8>"$cache_dir/lock"
	flock -w 300 8 || die "another lab is filling $cache_dir"
}

# Sets the paths without making anything.
cache_paths() {
	bin_dir=$cache_dir/bin-$(cd "$lab_dir" && cat init.c agent.c heartbeat.c wire.c | sha256sum | cut -c1-16)
	kernel_dir=$cache_dir/kernel
	if [ -e "$kernel_dir/version" ]; then
		guest_dir=$cache_dir/guest-$(cd "$lab_dir" && cat "$kernel_dir/version" agent.c guest-init lib/cache.sh /bin/busybox |
			sha256sum | cut -c1-16)
	fi
}

# For commands on a lab that is up: the programs, which are missing only if the lab was raised from other sources.
need_programs() {
	cache_paths
	if [ ! -x "$bin_dir/init" ]; then
		cache_lock
		cache_programs
		exec 8>&-
	fi
}

cache_programs() {
	local tmp flags=(-std=gnu11 -O2 -Wall -Wextra)

	cache_paths
	[ -e "$bin_dir/init" ] && return
	say "compiling the lab's programs"
	tmp=$(mktemp -d "$cache_dir/tmp.XXXXXX")
	gcc "${flags[@]}" "$lab_dir/init.c" -o "$tmp/init"
	gcc "${flags[@]}" "$lab_dir/heartbeat.c" -o "$tmp/heartbeat"
	gcc "${flags[@]}" "$lab_dir/wire.c" -o "$tmp/wire"
	gcc "${flags[@]}" -static -pthread "$lab_dir/agent.c" -o "$tmp/agent"
	strip "$tmp/agent"
	cache_install "$tmp" "$bin_dir"
}

cache_install() {
	chmod 755 "$1"
	rm -rf "$2"
	mv -T "$1" "$2"
}

# The kernel image and modules of Debian's cloud kernel, from its package, which is not installed.
cache_kernel() {
	local tmp package

	[ -e "$kernel_dir/version" ] && return
	package=$(kernel_package)
	if [ -z "$package" ]; then
		apt-get -qq update || die "apt-get update failed, and no package list names linux-image-cloud-amd64"
		package=$(kernel_package)
	fi
	[ -n "$package" ] || die "no package linux-image-cloud-amd64 to take the guests' kernel from"
	say "fetching $package"
	tmp=$(mktemp -d "$cache_dir/tmp.XXXXXX")
	(cd "$tmp" && apt-get -qq -o APT::Sandbox::User=root download "$package") || die "cannot fetch $package"
	dpkg-deb -x "$tmp"/*.deb "$tmp/x"
	mkdir "$tmp/k"
	cp "$tmp"/x/boot/vmlinuz-* "$tmp/k/vmlinuz"
	mv "$tmp"/x/lib/modules/*/kernel "$tmp/k/modules"
	basename "$tmp"/*.deb .deb > "$tmp/k/version"
	cache_install "$tmp/k" "$kernel_dir"
	rm -rf "$tmp"
}

kernel_package() {
	apt-cache depends linux-image-cloud-amd64 2>/dev/null | awk '/Depends: linux-image-/ { print $2; exit }'
}

# In the order they must be loaded.
readonly guest_modules=(virtio/virtio_ring virtio/virtio virtio/virtio_pci_legacy_dev virtio/virtio_pci_modern_dev virtio/virtio_pci
	net/core/failover net/net_failover net/virtio_net block/virtio_blk char/virtio_console input/evdev acpi/button)

cache_guest() {
	local tmp m file

	cache_paths
	[ -e "$guest_dir/initrd" ] && return
	say "making the guests' initramfs"
	tmp=$(mktemp -d "$cache_dir/tmp.XXXXXX")
	mkdir -p "$tmp/root"/{bin,dev,proc,sys,lib/modules} "$tmp/g"
	cp /bin/busybox "$tmp/root/bin/busybox"
	cp "$lab_dir/guest-init" "$tmp/root/init"
	cp "$bin_dir/agent" "$tmp/root/agent"
	for m in "${guest_modules[@]}"; do
		file=$(find "$kernel_dir/modules" -path "*/$m.ko" -print -quit)
		[ -n "$file" ] || die "the kernel package has no module $m"
		cp "$file" "$tmp/root/lib/modules/"
		basename "$m" >> "$tmp/root/lib/modules/order"
	done
	(cd "$tmp/root" && find . | cpio --quiet -o -H newc | gzip -1) > "$tmp/g/initrd"
	cp --reflink=auto "$kernel_dir/vmlinuz" "$tmp/g/vmlinuz"
	cache_install "$tmp/g" "$guest_dir"
	rm -rf "$tmp"
}

# A /dev/kvm that opens need not boot anything (nested, emulated): the guests' own kernel is booted to find out, once per boot of
# the machine.
cache_accel() {
	local file=$cache_dir/accel boot verdict

	if [ -e "$file" ] && read -r boot verdict < "$file" && [ "$boot" = "$(boot_id)" ]; then
		accel=$verdict
		return
	fi
	if [ -r /dev/kvm ] && [ -w /dev/kvm ] && accel_boots kvm; then
		accel=kvm
	else
		accel=tcg
	fi
	say "guests run under $accel"
	echo "$(boot_id) $accel" > "$file.new"
	mv "$file.new" "$file"
}

# The agent prints a line and powers off when it finds lab.probe.
accel_boots() {
	timeout -k 1 8 qemu-system-x86_64 -accel "$1" -m 128 -nodefaults -display none -serial stdio -no-reboot \
		-kernel "$guest_dir/vmlinuz" -initrd "$guest_dir/initrd" \
		-append 'console=ttyS0 quiet panic=-1 lab.probe=1' < /dev/null 2> /dev/null | grep -q -m 1 lab-guest-up
}

# libvirtd probes QEMU for a second at its first start; later hosts get the answer of the first. libvirt itself checks that it fits
# the versions found.
cache_qemu_caps_to() {
	if [ -d "$cache_dir/qemu-$accel" ]; then
		cp -r "$cache_dir/qemu-$accel" "$1/qemu"
	fi
}

cache_qemu_caps_from() {
	if [ -d "$1/qemu" ] && ! diff -rq "$1/qemu" "$cache_dir/qemu-$accel" > /dev/null 2>&1; then
		rm -rf "$cache_dir/qemu-$accel"
		cp -r "$1/qemu" "$cache_dir/qemu-$accel"
	fi
}

cmd_accel() {
	cache_prepare
	echo "$accel"
}

cmd_clean_cache() {
	[ -z "$(find /run/netns -maxdepth 1 -name '*-hub' 2> /dev/null)" ] || die "labs are up, and use the cache"
	rm -rf "$cache_dir"/{bin-*,guest-*,qemu-*,kernel,accel,tmp.*}
}

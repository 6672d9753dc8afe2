# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Guests that plain libvirt defines and starts, behind any controller's back, and their heartbeats.

cmd_guest() {
	local host=${1:-} guest=${2:-} mem=128 vcpus=1 dirty=0 disk=shared size='' data='' source='' ip='' interval=10 vnc=no wait=no qga=no uefi=no uuid

	[ $# -ge 2 ] || die "usage: lab guest HOST NAME [options]; see 'lab help'"
	[[ $guest =~ ^[a-zA-Z0-9][a-zA-Z0-9._-]{0,61}$ ]] || die "'$guest' is no name for a guest"
	shift 2
	while [ $# -gt 0 ]; do
		case $1 in
		--vnc) vnc=yes && shift && continue ;;
		--uefi) uefi=yes && shift && continue ;;
		--wait) wait=yes && shift && continue ;;
		esac
		[ $# -ge 2 ] || die "option $1 wants a value"
		case $1 in
		--mem) mem=$2 ;;
		--vcpus) vcpus=$2 ;;
		--dirty) dirty=$2 ;;
		--disk) IFS=: read -r disk size data <<< "$2" ;;
		--ip) ip=$2 ;;
		--qga) qga=$2 ;;
		--interval) interval=$2 ;;
		*) die "unknown option $1" ;;
		esac
		shift 2
	done
	[[ $disk =~ ^(shared|local|overlay|none|device|volume)$ ]] ||
		die "a disk is shared, local, overlay or none, or device:PATH or volume:POOL, not '$disk'"
	[ -z "$data" ] || [ "$disk" = shared ] || [ "$disk" = local ] || die "a disk of the kind $disk has data of its own"
	case $disk in
	device) [[ $size = /dev/* ]] || die "device:PATH wants a path in /dev" ;;
	volume) [[ $size = shared || $size = instances ]] || die "volume:POOL wants shared or instances" ;;
	esac
	if [[ $disk = device || $disk = volume ]]; then
		source=$size size=
	fi
	[[ $qga = no || $qga = yes || $qga = silent ]] || die "--qga is yes or silent; not '$qga'"
	size=${size:-64M}
	need_host_up "$host"
	[ ! -e "$dir/guests/$guest" ] || die "there is a guest '$guest'"
	cache_prepare
	lock_lab
	uuid=$(new_uuid)
	ip=$(guest_address "$ip")
	printf '%s %s %s\n' "$ip" "$uuid" "$disk" > "$dir/guests/$guest"
	exec 9>&-
	if ! guest_start; then
		rm -f "$dir/guests/$guest"
		die "guest $guest did not start"
	fi
	echo "$uuid $ip"
	if [ $wait = yes ]; then
		cmd_heartbeat wait "$guest" $hang_s > /dev/null
	fi
}

# The first address from .101 on that no guest has. Called under the lab's lock.
guest_address() {
	local i

	if [ -n "$1" ]; then
		! grep -qsF "$1 " "$dir"/guests/* || die "another guest has the address $1"
		echo "$1"
		return
	fi
	for ((i = 101; i < 255; i++)); do
		if ! grep -qs "^$net.$i " "$dir"/guests/*; then
			echo $net.$i
			return
		fi
	done
	die "no address is left"
}

guest_ip() {
	cut -d ' ' -f 1 "$dir/guests/$1"
}

# Uses the variables of cmd_guest, which are the guest's description.
guest_start() {
	local pool='' xml=$dir/guests/.$guest.xml

	case $disk in
	shared) pool=shared ;;
	local | overlay) pool=instances ;;
	volume) pool=$source ;;
	esac
	if [ "$disk" = overlay ]; then
		overlay_create || return 1
	elif [ -n "$pool" ]; then
		virsh_on "$host" vol-create-as $pool "$guest.qcow2" "$size" --format qcow2 > /dev/null || return 1
		[ -z "$data" ] || disk_fill "$drover_dir/$pool/$guest.qcow2" || return 1
	fi
	guest_xml "$(guest_disk_xml "$pool")" > "$xml"
	# virsh reads it from its standard input: the folder of the lab is not named in the host
	if ! virsh_on "$host" define /dev/stdin < "$xml" > /dev/null || ! virsh_on "$host" start "$guest" > /dev/null; then
		virsh_on "$host" undefine "$guest" > /dev/null 2>&1 || true
		[ -z "$pool" ] || virsh_on "$host" vol-delete "$guest.qcow2" $pool > /dev/null 2>&1 || true
		rm -f "$xml"
		return 1
	fi
	rm -f "$xml"
}

# So many bytes of noise from the middle of the disk on, where the guest writes nothing.
disk_fill() {
	local image=$1 bytes middle

	bytes=$(numfmt --from=iec "$data") && middle=$(($(numfmt --from=iec "$size") / 2)) || return 1
	in_host "$host" dd if=/dev/urandom of="$image.noise" bs=64k count="$bytes" iflag=count_bytes,fullblock status=none &&
		in_host "$host" qemu-io -f qcow2 -c "write -q -s $image.noise $middle $bytes" "$image" &&
		in_host "$host" rm "$image.noise"
}

# A disk over a base image, both with contents that the guest leaves alone: a quarter of the base from its second quarter on, and a
# sixteenth of the overlay from its middle on.
overlay_create() {
	local bytes base=$drover_dir/instances/_base/$size image=$drover_dir/instances/$guest.qcow2

	bytes=$(numfmt --from=iec "$size") || return 1
	in_host "$host" mkdir -p "${base%/*}" || return 1
	if ! in_host "$host" test -e "$base"; then
		in_host "$host" truncate -s "$bytes" "$base.new" &&
			in_host "$host" dd if=/dev/urandom of="$base.new" bs=64k count=$((bytes / 4)) seek=$((bytes / 4)) \
				iflag=count_bytes,fullblock oflag=seek_bytes conv=notrunc status=none &&
			in_host "$host" mv "$base.new" "$base" || return 1
	fi
	in_host "$host" qemu-img create -q -f qcow2 -b "$base" -F raw "$image" &&
		in_host "$host" qemu-io -f qcow2 -c "write -q -P 0xd5 $((bytes / 2)) $((bytes / 16))" "$image" &&
		virsh_on "$host" pool-refresh instances > /dev/null
}

virsh_on() {
	local host=$1

	shift
	in_host "$host" virsh -q -c qemu:///system "$@"
}

guest_mac() {
	printf '52:54:00:00:02:%02x' "${1##*.}"
}

guest_xml() {
	local disk_xml=$1 type=qemu tcg='<tcg><tb-cache unit="MiB">16</tb-cache></tcg>'
	local cmdline="console=ttyS0 quiet panic=1 ipv6.disable=1 lab.name=$guest lab.ip=$ip lab.ctl=$ctl_ip lab.ctlmac=$ctl_mac"

	# without it the kernel counts ticks of a timer, and panics where a busy machine has not run the guest in time for them
	cmdline+=" no_timer_check"
	# what a boot without KVM spends a fifth of its time on, and no guest of a lab needs
	cmdline+=" mitigations=off nokaslr cryptomgr.notests apparmor=0 audit=0 8250.nr_uarts=1"
	cmdline+=" lab.interval=$interval lab.dirty=$dirty"
	if [ "$qga" != no ]; then
		cmdline+=" lab.qga=$qga"
	fi
	if [ "$accel" = kvm ]; then
		type=kvm tcg=
	fi
	if [ -n "$disk_xml" ]; then
		cmdline+=" lab.disk=1"
	fi
	cat <<-END
		<domain type='$type' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
		  <name>$guest</name>
		  <uuid>$uuid</uuid>
		  <memory unit='MiB'>$mem</memory>
		  <vcpu>$vcpus</vcpu>
		  <os>
		    <type arch='x86_64' machine='pc'>hvm</type>
		    $([ "$uefi" = no ] || guest_firmware_xml)
		    <kernel>$drover_dir/guest/vmlinuz</kernel>
		    <initrd>$drover_dir/guest/initrd</initrd>
		    <cmdline>$cmdline</cmdline>
		  </os>
		  <features><acpi/>$tcg</features>
		  <cpu mode='custom' match='exact'><model fallback='allow'>qemu64</model></cpu>
		  <clock offset='utc'/>
		  <on_poweroff>destroy</on_poweroff>
		  <on_reboot>restart</on_reboot>
		  <on_crash>destroy</on_crash>
		  <devices>
		    $disk_xml
		    <interface type='bridge'>
		      <mac address='$(guest_mac "$ip")'/>
		      <source bridge='br0'/>
		      <model type='virtio'/>
		      <rom enabled='no'/>
		    </interface>
		    <serial type='pty'>
		      <log file='/var/log/libvirt/qemu/$guest.console' append='on'/>
		    </serial>
		    $([ "$qga" = no ] || echo "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>")
		    <controller type='usb' model='none'/>
		    <memballoon model='none'/>
		    $([ "$vnc" = no ] || echo "<graphics type='vnc' port='-1' autoport='yes' listen='0.0.0.0'/><video><model type='vga'/></video>")
		  </devices>
		  $(guest_memory_xml "$type")
		</domain>
	END
}

# Debian's OVMF. What it keeps, such as its boot entries, is in a file of the guest's own.
guest_firmware_xml() {
	cat <<-END
		<loader readonly='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE.fd</loader>
		<nvram template='/usr/share/OVMF/OVMF_VARS.fd'>/var/lib/libvirt/qemu/nvram/${guest}_VARS.fd</nvram>
	END
}

# QEMU up to 8.2 under TCG loses what a guest writes while it is migrated: the fast way of reading the dirty bitmap clears bits but
# lets stores go on unseen. It is taken for RAM whose size is a multiple of 256 KiB, so the guest's is not.
guest_memory_xml() {
	local kib=$((mem * 1024 + 8))

	[ "$1" = kvm ] || cat <<-END
		<qemu:commandline>
		  <qemu:arg value='-object'/><qemu:arg value='memory-backend-ram,id=odd.ram,size=${kib}k'/>
		  <qemu:arg value='-machine'/><qemu:arg value='memory-backend=odd.ram'/>
		  <qemu:arg value='-m'/><qemu:arg value='size=${kib}k'/>
		</qemu:commandline>
	END
}

# Without a cache on the host: what one host wrote, the next must read.
guest_disk_xml() {
	local type=file format=qcow2 where="file='$drover_dir/$1/$guest.qcow2'"

	case $disk in
	none) return ;;
	device) type=block format=raw where="dev='$source'" ;;
	volume) type=volume where="pool='$1' volume='$guest.qcow2'" ;;
	esac
	cat <<-END
		<disk type='$type' device='disk'>
		  <driver name='qemu' type='$format' cache='none' discard='unmap' detect_zeroes='unmap'/>
		  <source $where/>
		  <target dev='vda' bus='virtio'/>
		</disk>
	END
}

# Wherever it is by now.
cmd_guest_rm() {
	local guest=${1:-} host ip uuid disk

	need_lab
	[ -n "$guest" ] && [ -e "$dir/guests/$guest" ] || die "no guest '$guest'"
	read -r ip uuid disk < "$dir/guests/$guest"
	for host in $(hosts); do
		host_is_up "$host" || continue
		virsh_on "$host" destroy "$uuid" > /dev/null 2>&1 || true
		virsh_on "$host" undefine --nvram "$uuid" > /dev/null 2>&1 || true
		case $disk in
		local | overlay) in_host "$host" rm -f "$drover_dir/instances/$guest.qcow2" ;;
		shared) in_host "$host" rm -f "$drover_dir/shared/$guest.qcow2" ;;
		volume) in_host "$host" rm -f "$drover_dir"/{instances,shared}/"$guest.qcow2" ;;
		esac
	done
	rm -f "$dir/guests/$guest"
}

# Talks to the agent in the guest, over the lab's network. A datagram to a guest that has no processor for a while, or is stopped, may be
# lost, so it is sent until it is answered: being told the same again changes nothing.
cmd_dirty() {
	local ip answer

	need_lab
	[ $# = 2 ] && [ -e "$dir/guests/$1" ] || die "usage: lab dirty GUEST MB_PER_S[:SET_MB]"
	ip=$(guest_ip "$1")
	# shellcheck disable=SC2016
	answer=$(ip netns exec "$ctl" bash -c 'exec 3<>"/dev/udp/$1/7007"
		for ((i = 0; i < $3; i++)); do
			printf "dirty %s" "$2" >&3 && IFS= read -r -t 2 -N 2 a <&3 && echo "$a" && exit
		done
		exit 1' - "$ip" "$2" $((hang_s / 2)) 2> /dev/null) || die "guest $1 does not answer"
	[ "$answer" = ok ] || die "guest $1 does not take '$2'"
}

cmd_heartbeat() {
	local verb=show status=0

	need_lab
	need_programs
	case ${1:-} in
	show | reset | wait)
		verb=$1
		shift
		;;
	--ip) shift ;;
	esac
	if [ "$verb" = wait ]; then
		[ $# -ge 1 ] || die "usage: lab heartbeat wait GUEST [SECONDS]"
		"$bin_dir/heartbeat" wait "$dir/heartbeat.sock" "$1" $((${2:-60} * 1000)) || status=$?
		[ $status != 3 ] || die "no heartbeat of $1 in ${2:-60} s"
		return $status
	fi
	"$bin_dir/heartbeat" "$verb" "$dir/heartbeat.sock" "${1:-}"
}

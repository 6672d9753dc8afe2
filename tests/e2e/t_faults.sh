#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What hosts say of a guest whose migration is broken at its worst moments, and hosts that hang, in a lab of its own. Prints TAP.
#
# usage: t_faults.sh [-p PATH]...    of the tests those, "-p /faults" all
set -euo pipefail

root=$(readlink -f "$(dirname "$0")/../..")
# Not among these: /faults/switch/cut waits two minutes for libvirt's keepalive, /faults/frozen/host for two connections that hang, and
# /faults/postcopy is what t_postcopy.py does through droverd.
[ $# -gt 0 ] || set -- -p /faults/copy -p /faults/switch/source-libvirtd -p /faults/switch/dest-libvirtd -p /faults/frozen/qemu -p /faults/frozen/libvirtd
LAB_NAME=e2e-faults-$$ exec "$root/tests/hv/run" "${DROVER_BUILD:-$root/build/gcc}/tests/hv/t_faults" "$@"

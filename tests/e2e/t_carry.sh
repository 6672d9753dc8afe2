#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Carriers of local disks between real hosts, in a lab of its own. Prints TAP.
set -euo pipefail

root=$(readlink -f "$(dirname "$0")/../..")
LAB_NAME=e2e-carry-$$ exec "$root/tests/hv/run" "${DROVER_BUILD:-$root/build/gcc}/tests/hv/t_carry"

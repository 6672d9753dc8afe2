#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# F1: hosts break again and again while calls, events and migrations run, in a lab of its own. Prints TAP.
# environment: DROVER_TEST_ROUNDS, how often
set -euo pipefail

root=$(readlink -f "$(dirname "$0")/../..")
LAB_NAME=e2e-stress-$$ exec "$root/tests/hv/run" "${DROVER_BUILD:-$root/build/gcc}/tests/hv/t_stress"
